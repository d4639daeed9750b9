import ModelFormats
import Testing
import Vocabulary

@testable import Inspectors

@Suite struct `What an inspector says` {
    private let full = Inspection(
        format: .pytorch,
        details: .object([
            .init("a", .number("-1.50e3")), .init("b", .array([.null, .bool(true), .bool(false), .object([])])),
            .init("tab\tquote\"", .string("back\\slash\n\u{01}é")),
        ]), safety: .dangerous,
        findings: [
            Finding(.dangerous, "dangerous_import", "It's bad.", part: "a!b", offset: 7), Finding(.safe, "x", "y"),
        ],
        imports: [
            Import(
                module: "posix", name: "system", uses: [.call, .build], verdict: .dangerous, part: "p", offset: 3,
                count: 9)
        ], damage: .init(code: "truncated", message: "short"))

    @Test func `comes back as it was`() {
        for inspection in [full, Inspection(format: .unknown, safety: .noCode)] {
            #expect(Inspection(jsonText: Array(inspection.json.text.utf8)) == inspection)
        }
    }

    @Test func `holds nothing that a row or a terminal could not`() throws {
        let nasty = Inspection(
            format: .unknown, details: .object([.init("n", .number("1e999999")), .init("m", .string("a\0b"))]),
            safety: .safe, findings: [Finding(.safe, "c", "red \u{1B}[31m\nnext", part: "\u{85}")],
            imports: [Import(module: "a\0", name: "b\0", uses: [], verdict: .safe, offset: 0)])
        let back = try #require(Inspection(jsonText: Array(nasty.json.text.utf8)))
        #expect(back.details["n"] == .string("1e999999"))
        #expect(back.details["m"] == .string("a\u{FFFD}b"))
        #expect(back.findings[0].message == "red \u{FFFD}[31m\u{FFFD}next" && back.findings[0].part == "\u{FFFD}")
        #expect(back.imports[0].module == "a\u{FFFD}" && back.imports[0].name == "b\u{FFFD}")
    }

    @Test func `is refused when it is anything else`() {
        let text = full.json.text
        for index in stride(from: 0, to: text.utf8.count, by: 3) {
            #expect(Inspection(jsonText: Array(text.utf8.prefix(index))) == nil)
        }
        for wrong in [
            "", "null", "[]", "{}", text + "x", text.replacing("\"dangerous\"", with: "\"fine\""),
            text.replacing("\"truncated\"", with: "\"lost\""), text.replacing("\"pytorch\"", with: "\"virus\""),
            text.replacing("-1.50e3", with: "01"), text.replacing("-1.50e3", with: "1."),
            String(repeating: "[", count: 100_000),
        ] {
            #expect(Inspection(jsonText: Array(wrong.utf8)) == nil, "\(wrong.prefix(80))")
        }
        var generator = SeededBytes()
        for _ in 0..<2_000 {
            var bytes = Array(text.utf8)
            for _ in 0..<3 { bytes[generator.next() % bytes.count] = UInt8(truncatingIfNeeded: generator.next()) }
            // Whatever it says, it never traps.
            _ = Inspection(jsonText: bytes)
        }
    }

    @Test func `has a header and a request that come back as they were`() {
        let header = AnswerHeader(AnswerHeader(length: 70_000, word: 63).bytes[...])
        #expect(header.length == 70_000 && header.word == 63)
        for size in [0, 1, 1 << 40, Int64.max] {
            #expect(Request(Request(sizeInBytes: size).bytes).sizeInBytes == size)
        }
    }
}

private struct SeededBytes {
    var state: UInt64 = 42

    mutating func next() -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33)
    }
}
