import ContentStore
import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

@Suite struct `Hashing` {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `the digests are those of FIPS 180-2`(text: String, hex: String) throws {
        try Scratch.with { scratch in
            try scratch.write(text, to: "file")
            let tools = TakeTools()
            for _ in 0..<2 {
                #expect(tools.digest(of: Array(text.utf8)).hex == hex)
                let (digest, size) = try tools.digest(of: scratch.directory.open("file")) { (_) throws(TakeError) in }
                #expect(digest.hex == hex && Int(size) == text.utf8.count)
            }
        }
    }

    @Test func `a file that was given up in the middle leaves nothing in the next digest`() throws {
        try Scratch.with { scratch in
            let tools = TakeTools()
            let small = tools.digest(of: [1, 2, 3])
            try scratch.write(bytes(1, count: 600_000), to: "large")
            for next in 0..<2 {
                #expect(throws: TakeError.self) {
                    try tools.digest(of: scratch.directory.open("large")) { (_) throws(TakeError) in throw .stopped }
                }
                if next == 0 { #expect(tools.digest(of: [1, 2, 3]) == small) }
                try scratch.write([1, 2, 3], to: "small")
                let (digest, _) = try tools.digest(of: scratch.directory.open("small")) { (_) throws(TakeError) in }
                #expect(digest == small)
            }
        }
    }

    @Test func `progress is told after every buffer`() throws {
        try Scratch.with { scratch in
            let count = 2 * ReadBuffer.size + 1
            try scratch.write(bytes(1, count: count), to: "file")
            var told: [Int64] = []
            _ = try TakeTools().digest(of: scratch.directory.open("file")) { (size) throws(TakeError) in
                told.append(size)
            }
            #expect(told == [Int64(ReadBuffer.size), Int64(2 * ReadBuffer.size), Int64(count)])
        }
    }
}
