import Manifest
import Testing
import Vocabulary

@Suite struct `YAML manifests` {
    /// The serialisation of a value inside an accepted manifest.
    private func text(_ value: String) -> String? {
        Verdict(yaml(with: "x: \(value)"), .yaml).manifest?.document["x"]?.text
    }

    @Test func `a manifest as people write it is read`() throws {
        let text = """
            %YAML 1.2
            ---
            # dropped by the nightly job
            model_id: fraud-detector
            model_version: 2024-05-01
            creation_timestamp: 2024-05-01 12:00:00+02:00
            training_parameters:
              lr: 1.0e-05
              layers: [64, 32]
              shuffle: yes
            evaluation_metrics: {auc: .97, loss: .nan}
            description: |
              Two lines,
              kept.
            tags: {stage: dev}
            parents:
            - base:1
            ...
            """
        let manifest = try #require(Verdict(text, .yaml).manifest)
        #expect(manifest.modelVersion == "2024-05-01")
        #expect(manifest.creationTimestamp == "2024-05-01T10:00:00Z")
        #expect(manifest.trainingParameters?.text == #"{"lr":1.0e-05,"layers":[64,32],"shuffle":"yes"}"#)
        #expect(manifest.evaluationMetrics?.text == #"{"auc":0.97,"loss":"NaN"}"#)
        #expect(manifest.descriptionText == "Two lines,\nkept.\n")
        #expect(manifest.parents == ["base:1"])
        #expect(manifest.warnings == [])
    }

    @Test(
        arguments: [
            ("", "null"), ("~", "null"), ("null", "null"), ("Null", "null"), ("NULL", "null"), ("nULL", #""nULL""#),
            ("true", "true"), ("True", "true"), ("TRUE", "true"), ("tRUE", #""tRUE""#), ("false", "false"),
            ("False", "false"), ("FALSE", "false"), ("yes", #""yes""#), ("No", #""No""#), ("on", #""on""#),
            ("y", #""y""#),
            ("0", "0"), ("-0", "-0"), ("12", "12"), ("1.10", "1.10"), ("1e-05", "1e-05"), ("1E5", "1E5"), ("+1", "1"),
            (".5", "0.5"), ("-.5e3", "-0.5e3"), ("5.", "5"), ("+.5", "0.5"), (".", #"".""#), ("1e", #""1e""#),
            (".e1", #"".e1""#),
            (".nan", #""NaN""#), (".NaN", #""NaN""#), (".inf", #""Infinity""#), ("+.inf", #""Infinity""#),
            ("-.INF", #""-Infinity""#), ("NaN", #""NaN""#), ("-Infinity", #""-Infinity""#), ("+.nan", #""+.nan""#),
            ("2024-05-01", #""2024-05-01""#), ("1.2.3", #""1.2.3""#), ("0.1.0", #""0.1.0""#), ("a: b", nil),
            ("'12'", #""12""#), (#""\u00e9\x41\n""#, #""éA\n""#), ("'it''s'", #""it's""#), ("a\n  b", #""a b""#),
            (">\n  a\n  b\n", #""a b\n""#), ("|-\n  a\n  b\n", #""a\nb""#), ("[1, [], {}]", "[1,[],{}]"),
            ("{a: 1, 'b': x}", #"{"a":1,"b":"x"}"#), ("\n- 1\n-\n- - 2\n", "[1,null,[2]]"), ("{yes: 1}", #"{"yes":1}"#),
            ("{1: 1, ~: 2, 2024-05-01: 3}", #"{"1":1,"~":2,"2024-05-01":3}"#), (#"{"<<": 1}"#, #"{"<<":1}"#),
            (#"{"a":[1,true,null,"\/\t"]}"#, #"{"a":[1,true,null,"/\t"]}"#), ("é😀", #""é😀""#), ("x # c", #""x""#),
        ] as [(String, String?)])
    func `a scalar means what JSON would say, and else it is text`(source: String, serialised: String?) {
        #expect(text(source) == serialised)
        #expect(Verdict(yaml(with: "x: \(source)"), .yaml).manifest?.warnings ?? [] == [])
    }

    @Test(arguments: ["010", "-01", "00", "1_000", "0x1F", "0o17", "0b11", "1:30", "12:30:45", "00.5", "1_0.5"])
    func `what readers of YAML disagree about is kept as text with a warning`(scalar: String) throws {
        let manifest = try #require(Verdict(yaml(with: "x: \(scalar)"), .yaml).manifest)
        #expect(manifest.document["x"] == .string(scalar))
        #expect(manifest.warnings.map(\.code) == ["manifest_ambiguous_scalar"])
    }

    @Test func `a version without quotes keeps its literal`() {
        let manifest = Verdict("model_id: m\nmodel_version: 1.10", .yaml).manifest
        #expect(manifest?.modelVersion == "1.10")
        #expect(manifest?.warnings.map(\.code) == ["manifest_version_not_quoted"])
    }

    @Test(arguments: [
        ("x: &a 1", "manifest_unsupported 3:4"), ("x: &a [1]", "manifest_unsupported 3:4"),
        ("x: &a {}", "manifest_unsupported 3:4"), ("x: *a", "manifest_unsupported 3:4"),
        ("x: !!str 1", "manifest_unsupported 3:4"), ("x: ! a", "manifest_unsupported 3:4"),
        ("x: !t [1]", "manifest_unsupported 3:4"), ("x: !<t> {}", "manifest_unsupported 3:4"),
        ("&a x: 1", "manifest_unsupported 3:1"), ("x: {<<: {a: 1}}", "manifest_unsupported 3:5"),
        ("? [a]\n: 1", "manifest_unsupported 3:3"), ("? {a: 1}\n: 1", "manifest_unsupported 3:3"),
        ("[a, b]: 1", "manifest_unsupported 3:1"), ("--- \nx: 1", "manifest_unsupported 3:1"),
        ("...\n---\nx: 1", "manifest_unsupported 4:1"), ("...\n%TAG ! x\n---\n", "manifest_unsupported 4:1"),
        ("x: 1\nx: 2", "manifest_duplicate_key 4:1"), ("x: {a: 1, 'a': 2}", "manifest_duplicate_key 3:11"),
        ("x: {yes: 1, \"y\\x65s\": 2}", "manifest_duplicate_key 3:13"), ("x: {: 1}", "manifest_syntax 3:5"),
        ("x: [1", "manifest_syntax 3:6"), ("x: {a: 1]", "manifest_syntax 3:9"), ("x: 'a", "manifest_syntax 3:6"),
        ("x: a: b", "manifest_syntax 3:5"), ("x:\n\t- 1", "manifest_syntax 4:1"), ("x: @a", "manifest_syntax 3:4"),
        ("x: `a", "manifest_syntax 3:4"), ("x: \"\\q\"", "manifest_syntax 3:5"),
        ("x: \"\\ud83d\"", "manifest_syntax 3:7"),
        ("x: \"\\0\"", "manifest_encoding 3:4"), ("x: \"a\\u0000\"", "manifest_encoding 3:4"),
        ("x: \u{1}", "manifest_syntax 3:4"), ("x: é\u{7F}", "manifest_syntax 3:5"),
        ("x: \u{85}", "manifest_syntax 3:4"),
        ("x: a\u{2028}b", "manifest_syntax 3:5"), ("x: \u{2029}", "manifest_syntax 3:4"),
        ("x: \u{FEFF}", "manifest_syntax 3:4"),
        ("x: \u{FFFE}", "manifest_syntax 3:4"), ("x: \u{0}", "manifest_syntax 3:4"),
        ("size_bytes: 0x10", "manifest_type 3:13 size_bytes"), ("tags: {a: 1}", "manifest_type 3:11 tags.a"),
        ("tags:\n  é: [x]", "manifest_type 4:6 tags.é"), ("sha256: 1e5", "manifest_type 3:9 sha256"),
    ])
    func `what is not the JSON-shaped subset is refused at its place`(lines: String, mark: String) {
        #expect(Verdict(yaml(with: lines), .yaml).marks == [mark])
    }

    @Test(arguments: [
        ("", "manifest_syntax 1:1"), ("# nothing\n", "manifest_syntax 2:1"), ("---\n", "manifest_type 2:1"),
        ("- a\n", "manifest_type 1:1"), ("just text", "manifest_type 1:1"),
        ("%TAG ! x\n---\na: 1", "manifest_unsupported 1:1"), ("%YAML 3.0\n---\na: 1", "manifest_syntax 1:1"),
    ])
    func `a text without a mapping is no manifest`(text: String, mark: String) {
        #expect(Verdict(text, .yaml).marks == [mark])
    }

    @Test func `JSON is YAML`() {
        let text = manifest(with: #""x": {"a": [1, 2.50, -1e-7, true, null, "\u00e9\"\\"]}, "training_parameters": {}"#)
        #expect(Verdict(text, .yaml).manifest?.document == Verdict(text).manifest?.document)
        #expect(Verdict(text).manifest != nil)
    }
}
