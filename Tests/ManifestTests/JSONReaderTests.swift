import Manifest
import Testing
import Vocabulary

@Suite struct `JSON manifests` {
    /// The serialisation of a value inside an accepted manifest.
    private func text(_ value: String) -> String? {
        Verdict(manifest(with: "\"x\": \(value)")).manifest?.document["x"]?.text
    }

    @Test(arguments: [
        ("null", "null"), ("true", "true"), ("false", "false"), ("[]", "[]"), ("{}", "{}"), ("[ ]", "[]"),
        ("[1 , [2,{} ] ]", "[1,[2,{}]]"), (#"{"b":1,"a":{"c":[]}}"#, #"{"b":1,"a":{"c":[]}}"#),
        ("0", "0"), ("-0", "-0"), ("-0.0", "-0.0"), ("1.10", "1.10"), ("1E+2", "1E+2"), ("1e-05", "1e-05"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("NaN", #""NaN""#), ("Infinity", #""Infinity""#), ("-Infinity", #""-Infinity""#),
        ("[NaN,-Infinity]", #"["NaN","-Infinity"]"#),
    ])
    func `a value keeps its order and every digit`(source: String, serialised: String) {
        #expect(text(source) == serialised)
    }

    @Test(arguments: [
        (#""""#, #""""#), (#""\"\\\/""#, #""\"\\/""#), (#""\b\f\n\r\t""#, #""\b\f\n\r\t""#),
        (#""\u0001\u001F""#, #""\u0001\u001f""#), (#""\u00e9\u20AC""#, #""é€""#), (#""\ud83d\uDE00""#, #""😀""#),
        (#""é€😀""#, #""é€😀""#), (#""\u2028\ufeff\uffff\u007f""#, "\"\u{2028}\u{FEFF}\u{FFFF}\u{7F}\""),
        ("\"\u{2028}\u{85}\u{7F}\"", "\"\u{2028}\u{85}\u{7F}\""),
    ])
    func `a string keeps its characters, whatever way they are written`(source: String, serialised: String) {
        #expect(text(source).map { Array($0.utf8) } == Array(serialised.utf8))
    }

    @Test func `keys are told apart by bytes, not by canonical equivalence`() {
        let accepted = Verdict(manifest(with: #""\u00e9": 1, "e\u0301": 2"#)).manifest
        #expect(accepted?.document["\u{E9}"] == .number("1"))
        #expect(accepted?.document["e\u{301}"] == .number("2"))
        #expect(JSON.string("\u{E9}") != .string("e\u{301}"))
    }

    @Test(arguments: [
        ("", "manifest_syntax 1:1"), (" \n ", "manifest_syntax 2:2"), ("{", "manifest_syntax 1:2"),
        (#"{"a""#, "manifest_syntax 1:5"), (#"{"a":"#, "manifest_syntax 1:6"), (#"{"a":1"#, "manifest_syntax 1:7"),
        (#"{"a":1,"#, "manifest_syntax 1:8"), (#"{"a" 1}"#, "manifest_syntax 1:6"), ("{,}", "manifest_syntax 1:2"),
        (#"{"a":1,}"#, "manifest_syntax 1:8"), (#"{"a":[1,]}"#, "manifest_syntax 1:9"),
        (#"{"a":[,1]}"#, "manifest_syntax 1:7"), (#"{"a":[1}"#, "manifest_syntax 1:8"),
        (#"{"a":1]"#, "manifest_syntax 1:7"), (#"{"a":1 "b":2}"#, "manifest_syntax 1:8"),
        (#"{"a":1}}"#, "manifest_syntax 1:8"), ("{}\n{}", "manifest_syntax 2:1"), ("{} x", "manifest_syntax 1:4"),
        ("{'a':1}", "manifest_syntax 1:2"), ("{a:1}", "manifest_syntax 1:2"), ("{1:1}", "manifest_syntax 1:2"),
        (#"{"a":True}"#, "manifest_syntax 1:6"), (#"{"a":None}"#, "manifest_syntax 1:6"),
        (#"{"a":nul}"#, "manifest_syntax 1:6"), (#"{"a":truee}"#, "manifest_syntax 1:6"),
        (#"{"a":nan}"#, "manifest_syntax 1:6"), (#"{"a":-NaN}"#, "manifest_syntax 1:7"),
        (#"{"a":+Infinity}"#, "manifest_syntax 1:6"), (#"{"a":-Inf}"#, "manifest_syntax 1:7"),
        (#"{"a":01}"#, "manifest_syntax 1:6"), (#"{"a":-01}"#, "manifest_syntax 1:7"),
        (#"{"a":+1}"#, "manifest_syntax 1:6"),
        (#"{"a":.5}"#, "manifest_syntax 1:6"), (#"{"a":5.}"#, "manifest_syntax 1:8"),
        (#"{"a":1e}"#, "manifest_syntax 1:8"),
        (#"{"a":1e+}"#, "manifest_syntax 1:9"), (#"{"a":-}"#, "manifest_syntax 1:7"),
        (#"{"a":0x1F}"#, "manifest_syntax 1:7"),
        (#"{"a":1_000}"#, "manifest_syntax 1:7"), (#"{"a":"x}"#, "manifest_syntax 1:6"),
        ("{\"a\":\"x\ny\"}", "manifest_syntax 1:8"), ("{\"a\":\"x\ty\"}", "manifest_syntax 1:8"),
        ("{\"a\":\"é\u{1}\"}", "manifest_syntax 1:8"), (#"{"a":"\x"}"#, "manifest_syntax 1:7"),
        (#"{"a":"\u12"}"#, "manifest_syntax 1:7"), (#"{"a":"\u+123"}"#, "manifest_syntax 1:7"),
        (#"{"a":"\u_123"}"#, "manifest_syntax 1:7"), (#"{"a":"\"#, "manifest_syntax 1:7"),
        ("{\"a\":\u{A0}1}", "manifest_syntax 1:6"), ("// c\n{}", "manifest_syntax 1:1"),
        ("{\"a\":1,\n// c\n}", "manifest_syntax 2:1"),
        ("{\u{C}}", "manifest_syntax 1:2"), ("{\"é😀\":\r\n\t\"\\n\", x", "manifest_syntax 2:8"),
        ("{\r\r\n\n x", "manifest_syntax 4:2"),
        ("model_id: x", "manifest_syntax 1:1"),
        (#"{"a":1,"b":2,"a":3}"#, "manifest_duplicate_key 1:14"),
        ("{\"a\":1,\n\"\\u0061\":1}", "manifest_duplicate_key 2:1"),
        (#"{"x":{"a":1,"a":1}}"#, "manifest_duplicate_key 1:13"), (#"{"":1,"":1}"#, "manifest_duplicate_key 1:7"),
        (#"{"a":"\u0000"}"#, "manifest_encoding 1:6"), (#"{"\u0000":1}"#, "manifest_encoding 1:2"),
        ("{\"a\":\"\u{0}\"}", "manifest_syntax 1:7"),
        (#"{"a":"é\ud83d"}"#, "manifest_encoding 1:8"), (#"{"a":"\ude00"}"#, "manifest_encoding 1:7"),
        (#"{"a":"\ud83dx"}"#, "manifest_encoding 1:7"), (#"{"a":"\ud83d\ud83d"}"#, "manifest_encoding 1:7"),
        (#"{"a":"\ud83d\u12"}"#, "manifest_syntax 1:13"), (#"{"a":"\ud83d\n"}"#, "manifest_encoding 1:7"),
    ])
    func `text that is not strict JSON is refused at its place`(text: String, mark: String) {
        #expect(Verdict(text).marks == [mark])
    }

    @Test(
        arguments: [
            ([0x22, 0xFF], "1:2"), ([0x22, 0x80], "1:2"), ([0x22, 0xC0, 0xAF], "1:2"), ([0x22, 0xC1, 0x81], "1:2"),
            ([0x22, 0xE0, 0x80, 0xAF], "1:2"), ([0x22, 0xED, 0xA0, 0x80], "1:2"),
            ([0x22, 0xF0, 0x80, 0x80, 0xAF], "1:2"),
            ([0x22, 0xF4, 0x90, 0x80, 0x80], "1:2"), ([0x22, 0xF5, 0x80, 0x80, 0x80], "1:2"),
            ([0x22, 0xE2, 0x82], "1:2"),
            ([0x22, 0xE2, 0x28, 0xA1], "1:2"), ([0x22, 0xE2, 0x82, 0x28], "1:2"), ([0x0A, 0xC3, 0xA9, 0xC3], "2:2"),
            ([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], "1:1"), ([0xFF, 0xFE, 0x7B, 0x00], "1:1"),
            ([0xFE, 0xFF, 0x00, 0x7B], "1:1"),
            ([0x7B, 0x00, 0x7D, 0x00], "1:1"), ([0x00, 0x7B], "1:1"),
        ] as [([UInt8], String)], ManifestSyntax.allCases)
    func `bytes that are not UTF-8 are refused at their place`(sample: ([UInt8], String), syntax: ManifestSyntax) {
        #expect(Verdict(sample.0, syntax).marks == ["manifest_encoding \(sample.1)"])
    }

    @Test func `the byte order mark is called by its name`() {
        #expect(Verdict("\u{FEFF}{}").reasons.first?.message.contains("byte order mark") == true)
    }

    @Test(arguments: [
        ("{'a':1}", "double quotes"), (#"{"a":True}"#, "Write true"), (#"{"a":None}"#, "Write null"),
        ("{// c\n}", "no comments"), (#"{"a":1"#, "cut off"), (#"{"a":1,}"#, "Remove the comma"),
        (#"{"a":[1,]}"#, "Remove the comma"), (#"{"a":"C:\x"}"#, #"backslash as \\"#),
        (#"{"a":inf}"#, "Write Infinity"),
    ])
    func `the usual mistakes come with what to do`(text: String, hint: String) {
        #expect(Verdict(text).reasons.first?.hint?.contains(hint) == true)
    }
}
