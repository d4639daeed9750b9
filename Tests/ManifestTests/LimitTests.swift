import Manifest
import Testing
import Vocabulary

@Suite struct `Manifest limits` {
    private func marks(_ members: String) -> [String] { Verdict(manifest(with: members)).marks }

    @Test(arguments: ManifestSyntax.allCases)
    func `a mebibyte is accepted, one byte more is not`(syntax: ManifestSyntax) {
        let full = Array(manifest(with: "").utf8)
        let padded = full + Array(repeating: UInt8(ascii: " "), count: Limits.sizeInBytes - full.count)
        #expect(Verdict(padded, syntax).manifest != nil)
        #expect(Verdict(padded + [UInt8(ascii: " ")], syntax).marks == ["manifest_limit 1:1"])
    }

    @Test(arguments: ManifestSyntax.allCases)
    func `thirty-two levels are accepted, one more is not`(syntax: ManifestSyntax) {
        let deepest = String(repeating: "[", count: 31) + String(repeating: "]", count: 31)
        #expect(Verdict(manifest(with: "\"x\": \(deepest)"), syntax).manifest != nil)
        #expect(Verdict(manifest(with: "\"x\": [\(deepest)]"), syntax).marks == ["manifest_limit 1:76"])
    }

    @Test(arguments: ManifestSyntax.allCases)
    func `ten thousand keys are accepted, one more is not`(syntax: ManifestSyntax) {
        let keys = (0..<Limits.keys - 3).map { "\"k\($0)\": 0" }.joined(separator: ",\n")
        #expect(Verdict(manifest(with: "\"x\": {\(keys)}"), syntax).manifest != nil)
        #expect(Verdict(manifest(with: "\"x\": {\(keys),\n \"y\": 1}"), syntax).marks == ["manifest_limit 9998:2"])
    }

    @Test(arguments: ManifestSyntax.allCases)
    func `strings of 64 KiB are accepted, one byte more is not`(syntax: ManifestSyntax) {
        let longest = String(repeating: "é", count: Limits.stringSizeInBytes / 2)
        #expect(Verdict(manifest(with: "\"x\": \"\(longest)\""), syntax).manifest != nil)
        #expect(Verdict(manifest(with: "\"x\": \"\(longest)x\""), syntax).marks == ["manifest_limit 1:45"])
        // libyaml takes no simple key of more than 1,024 characters.
        guard syntax == .json else { return }
        #expect(marks("\"\(longest)\": 1") == [])
        #expect(marks("\"\(longest)x\": 1") == ["manifest_limit 1:40"])
    }

    @Test func `the length of a string counts after its escapes`() {
        let escapes = String(repeating: #"\u0041"#, count: Limits.stringSizeInBytes)
        #expect(marks("\"x\": \"\(escapes)\"") == [])
    }

    @Test(arguments: [
        (String(repeating: "9", count: 308), true), ("1e308", true), ("1.7976931348623157e308", true),
        ("1.7976931348623159e308", false), ("1e309", false), ("-1e400", false), ("1e400", false), ("1e999999", false),
        ("1e99999999999999999999999", false), ("1e-300", true), ("5e-324", true), ("2.4703282292062328e-324", true),
        ("2.4703282292062327e-324", false), ("1e-400", false), ("-1e-99999999999999999999", false),
        ("0e999", true), ("0e1000", false), ("0e-999", true), ("0e-1000", false), ("0.0e-5", true),
        ("0e99999999999999999999999", false),
        ("1." + String(repeating: "0", count: 999), true), ("1." + String(repeating: "0", count: 1_000), false),
        ("0." + String(repeating: "1", count: 999), true), ("0." + String(repeating: "1", count: 1_000), false),
        ("1" + String(repeating: "0", count: 308), true), ("1" + String(repeating: "0", count: 309), false),
        (String(repeating: "1", count: 999) + "e-990", true), (String(repeating: "1", count: 1_001) + "e-1000", false),
        ("0." + String(repeating: "0", count: 322) + "5", true),
        ("0." + String(repeating: "0", count: 324) + "1", false),
    ])
    func `a number fits float8 and a thousand digits`(literal: String, accepted: Bool) {
        #expect(marks("\"x\": [\(literal)]") == (accepted ? [] : ["manifest_number_range 1:46 x[0]"]))
        let marks = Verdict(yaml(with: "x: \(literal)"), .yaml).marks
        #expect(marks == (accepted ? [] : ["manifest_number_range 3:4 x"]))
    }

    @Test func `all numbers together unfold to four mebidigits at most`() {
        let count = Limits.allNumberDigits / 300
        let numbers = Array(repeating: "1e299", count: count).joined(separator: ",\n")
        #expect(marks("\"x\": [\(numbers)]") == [])
        #expect(marks("\"x\": [\(numbers),\n1e299]") == ["manifest_number_range \(count + 1):1 x[\(count)]"])
    }
}
