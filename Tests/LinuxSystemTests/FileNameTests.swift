import LinuxSystem
import Testing

@Suite struct `File names` {
    @Test(arguments: [
        ("model.pkl", true), ("a", true), ("...", true), (".hidden", true), (" ", true), ("a\nb", true), ("é", true),
        ("", false), (".", false), ("..", false), ("/", false), ("a/b", false), ("a/", false), ("a\0b", false),
    ])
    func `a name is one step down and nothing else`(text: String, isName: Bool) {
        #expect((FileName(Array(text.utf8)) != nil) == isName)
    }

    @Test func `every byte but the slash and NUL may be in a name`() {
        for byte in UInt8.min ... .max {
            let isName = byte != 0 && byte != UInt8(ascii: "/") && byte != UInt8(ascii: ".")
            #expect((FileName([byte]) != nil) == isName, "byte \(byte)")
            #expect((FileName([0x61, byte]) != nil) == (byte != 0 && byte != UInt8(ascii: "/")), "byte \(byte)")
        }
    }

    @Test func `a name has at most 255 bytes, however it comes to be`() throws {
        let longest = try #require(FileName([UInt8](repeating: 0x61, count: 255)))
        #expect(FileName([UInt8](repeating: 0x61, count: 256)) == nil)
        #expect(longest.appending("x") == nil)
        #expect(longest.appending("") == longest)
        #expect(("model" as FileName).appending("/../x") == nil)
    }

    @Test func `a name is shown as one harmless line`() throws {
        let name = try #require(FileName([0x61, 0x0A, 0xFF, 0x5C]))
        #expect(name.description == "a\\n\\xff\\\\")
    }
}

@Suite struct `Relative paths` {
    @Test(arguments: [
        ("", [String]()), ("a", ["a"]), ("a/b/c", ["a", "b", "c"]), ("a//b/", ["a", "b"]), ("/a", ["a"]),
    ])
    func `bytes become names`(text: String, names: [String]) throws {
        let path = try #require(RelativePath(bytes: Array(text.utf8)))
        #expect(path.names.map(\.text) == names)
        #expect(RelativePath(bytes: path.bytes) == path)
    }

    @Test(arguments: ["..", "a/../b", "../a", "a/..", ".", "./a", "a/./b", "a\0/b"])
    func `no path leads up or around`(text: String) {
        #expect(RelativePath(bytes: Array(text.utf8)) == nil)
    }

    @Test func `a path grows by one name at a time`() {
        let path = RelativePath().appending("a").appending("b")
        #expect(path.bytes == Array("a/b".utf8))
        #expect(path.description == "a/b")
    }
}
