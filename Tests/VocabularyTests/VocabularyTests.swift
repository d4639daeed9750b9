import Testing
import Vocabulary

@Suite struct `Submission identities` {
    @Test func `an identity survives its text form and carries its time`() throws {
        var generator = SystemRandomNumberGenerator()
        let identity = SubmissionID(unixMilliseconds: 1_700_000_000_123, using: &generator)
        #expect(SubmissionID(identity.description) == identity)
        #expect(identity.unixMilliseconds == 1_700_000_000_123)
        #expect(identity.description.count == 36)
    }

    @Test(arguments: [
        "", "019F0c1e-7a3b-7c55-9d0e-6b1f2a3c4d5e", "019f0c1e-7a3b-4c55-9d0e-6b1f2a3c4d5e",
        "019f0c1e7a3b7c559d0e6b1f2a3c4d5e",
    ])
    func `any other text is no identity`(text: String) {
        #expect(SubmissionID(text) == nil)
    }
}

@Suite struct `Digests` {
    @Test func `hexadecimal digits are read in either case and written in lower case`() {
        let text = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
        #expect(Digest(hex: text)?.hex == text.lowercased())
        #expect(Digest(hex: String(text.dropLast())) == nil)
        #expect(Digest(hex: String(text.dropLast()) + "g") == nil)
    }
}

@Suite struct `Escaped names` {
    @Test(arguments: [
        (Array("model-é.pkl".utf8), "model-é.pkl"),
        (Array("a\nb\\".utf8), "a\\nb\\\\"),
        ([0x61, 0xFF, 0xC3], "a\\xff\\xc3"),
        (Array("\u{202E}x".utf8), "\\xe2\\x80\\xaex"),
        ([0xE2, 0x82], "\\xe2\\x82"),
    ])
    func `any bytes become one harmless line`(bytes: [UInt8], text: String) {
        #expect(escaped(bytes) == text)
    }
}
