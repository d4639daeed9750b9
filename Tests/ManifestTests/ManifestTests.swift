import Manifest
import Testing
import Vocabulary

@Suite struct `Manifests` {
    static let digest = String(repeating: "0123456789abcdef", count: 4)

    @Test func `every key of a full manifest is read`() throws {
        let text = """
            {"model_id": "team/fraud-detector", "model_version": "2024.05.1",
             "creation_timestamp": "2024-05-01T12:00:00.123456+02:00",
             "training_parameters": {"lr": 1e-05, "layers": [64, 32]},
             "evaluation_metrics": {"auc": 0.9731000, "loss": NaN},
             "sha256": "\(Self.digest.uppercased())", "size_bytes": 9223372036854775807,
             "file": "model v1.pkl", "format": "pickle", "framework": "sklearn", "description": "über",
             "tags": {"stage": "dev"}, "parents": ["base:1:2", "sha256:\(Self.digest.uppercased())"],
             "anything": [null, true]}
            """
        let manifest = try #require(Verdict(text).manifest)
        #expect(manifest.modelID == "team/fraud-detector")
        #expect(manifest.modelVersion == "2024.05.1")
        #expect(manifest.creationTimestamp == "2024-05-01T10:00:00.123456Z")
        #expect(manifest.trainingParameters?.text == #"{"lr":1e-05,"layers":[64,32]}"#)
        #expect(manifest.evaluationMetrics?.text == #"{"auc":0.9731000,"loss":"NaN"}"#)
        #expect(manifest.sha256?.hex == Self.digest)
        #expect(manifest.sizeInBytes == .max)
        #expect(manifest.file == "model v1.pkl")
        #expect([manifest.format, manifest.framework, manifest.descriptionText] == ["pickle", "sklearn", "über"])
        #expect(manifest.tags == .object([.init("stage", .string("dev"))]))
        #expect(manifest.parents == ["base:1:2", "sha256:\(Self.digest)"])
        #expect(manifest.document["anything"] == .array([.null, .bool(true)]))
        #expect(manifest.warnings.isEmpty)
    }

    @Test func `two keys are enough, and null means not given`() throws {
        let text = manifest(with: #""sha256": null, "tags": null, "parents": null, "creation_timestamp": null"#)
        let manifest = try #require(Verdict(text).manifest)
        #expect(manifest.sha256 == nil && manifest.tags == nil && manifest.parents.isEmpty)
        #expect(manifest.creationTimestamp == nil && manifest.warnings.isEmpty)
        #expect(manifest.document["sha256"] == .null)
    }

    @Test(arguments: [
        ("a", true), ("A9._-/b", true), ("0", true), (String(repeating: "a", count: 255), true), ("a/b/c", true),
        ("", false), (".a", false), ("-a", false), ("/a", false), ("a..b", false), ("a b", false), ("é", false),
        ("a\\n", false), (String(repeating: "a", count: 256), false), ("a:b", false),
    ])
    func `a model_id is 1 to 255 safe characters`(id: String, accepted: Bool) {
        let verdict = Verdict(#"{"model_id": "\#(id)", "model_version": "1"}"#)
        #expect((verdict.manifest != nil) == accepted)
        #expect(verdict.marks == (accepted ? [] : ["manifest_value 1:14 model_id"]))
    }

    @Test(arguments: [
        (#""1""#, "1"), ("3", "3"), ("1.10", "1.10"), ("1e2", "1e2"), ("-0", "-0"), (#""v 1 β""#, "v 1 β"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("\"\(String(repeating: "é", count: 255))\"", String(repeating: "é", count: 255)),
    ])
    func `a model_version is free text or a number's literal`(literal: String, version: String) {
        #expect(Verdict(#"{"model_id": "m", "model_version": \#(literal)}"#).manifest?.modelVersion == version)
    }

    @Test(arguments: [
        (#""""#, "manifest_value"), (#""a\n""#, "manifest_value"), (#""a\u202e""#, "manifest_value"),
        ("\"\(String(repeating: "é", count: 256))\"", "manifest_value"), ("true", "manifest_type"),
        ("[1]", "manifest_type"), ("NaN", "manifest_type"), ("{}", "manifest_type"),
    ])
    func `a model_version is nothing else`(literal: String, code: String) {
        let verdict = Verdict(#"{"model_id": "m", "model_version": \#(literal)}"#)
        #expect(verdict.marks == ["\(code) 1:36 model_version"])
    }

    @Test(arguments: [
        ("1.10", ["manifest_version_not_quoted"]), ("1e2", ["manifest_version_not_quoted"]), ("3", []),
        (#"" 1""#, ["manifest_version_whitespace"]), (#""1.10""#, []),
    ])
    func `a version that tools may rewrite comes with a warning`(literal: String, codes: [String]) {
        let manifest = Verdict(#"{"model_id": "m", "model_version": \#(literal)}"#).manifest
        #expect(manifest?.warnings.map(\.code) == codes)
    }

    @Test(
        arguments: [
            (#""model_verison": "1""#, "model_verison", "1:18 model_version"),
            (#""version": "1""#, "version", "1:18 model_version"),
            (#""modelVersion": "1""#, "modelVersion", "1:18 model_version"),
            (#""MODEL-VERSION": "1""#, "MODEL-VERSION", "1:18 model_version"),
            (#""x": "1""#, nil, "1:1 model_version"),
            (#""model_version": null"#, nil, "1:1 model_version"),
        ] as [(String, String?, String)])
    func `a missing key names the key that was probably meant`(member: String, guess: String?, mark: String) {
        let verdict = Verdict(#"{"model_id":"m", \#(member)}"#)
        #expect(verdict.marks == ["manifest_missing_key \(mark)"])
        let reason = verdict.reasons.first
        #expect(reason?.message.contains(guess.map { "did you mean it by \"\($0)\"" } ?? "is missing.") == true)
    }

    @Test(arguments: [
        ("metrics", "evaluation_metrics"), ("hyperparameters", "training_parameters"),
        ("params", "training_parameters"),
        ("created_at", "creation_timestamp"), ("timestamp", "creation_timestamp"), ("tag", "tags"),
        ("fromat", "format"),
        ("trainingParameters", "training_parameters"), ("sha_256", "sha256"), ("size", "size_bytes"),
        ("evaluation_metric", "evaluation_metrics"), ("discription", "description"),
    ])
    func `an unknown key close to a known one is kept with a warning`(key: String, known: String) throws {
        let manifest = try #require(Verdict(manifest(with: "\"\(key)\": null")).manifest)
        #expect(manifest.warnings.map(\.code) == ["manifest_similar_key"])
        #expect(manifest.warnings.first?.message.contains("\"\(known)\"") == true)
        #expect(manifest.document[key] == .null)
    }

    @Test(arguments: ["owner", "sha512", "git_commit", "date", "x", "", "title", "modelling_notes"])
    func `other unknown keys are kept in silence`(key: String) throws {
        let manifest = try #require(Verdict(manifest(with: "\"\(key)\": 1")).manifest)
        #expect(manifest.warnings.isEmpty)
        #expect(manifest.document[key] == .number("1"))
    }

    @Test func `a synonym beside the key itself is just another key`() {
        #expect(Verdict(manifest(with: #""name": "x", "version": 2, "model": []"#)).manifest?.warnings == [])
    }

    @Test(arguments: [
        (#""training_parameters": [1]"#, "manifest_type 1:63 training_parameters"),
        (#""evaluation_metrics": "x""#, "manifest_type 1:62 evaluation_metrics"),
        (#""sha256": "abc""#, "manifest_value 1:50 sha256"),
        (#""sha256": 1"#, "manifest_type 1:50 sha256"),
        (#""sha256": "md5:\#(digest)""#, "manifest_value 1:50 sha256"),
        (#""size_bytes": "1""#, "manifest_type 1:54 size_bytes"),
        (#""size_bytes": 1.0"#, "manifest_value 1:54 size_bytes"),
        (#""size_bytes": 1e3"#, "manifest_value 1:54 size_bytes"),
        (#""size_bytes": -1"#, "manifest_value 1:54 size_bytes"),
        (#""size_bytes": 9223372036854775808"#, "manifest_value 1:54 size_bytes"),
        (#""file": """#, "manifest_value 1:48 file"),
        (#""file": ".""#, "manifest_value 1:48 file"),
        (#""file": "..""#, "manifest_value 1:48 file"),
        (#""file": "../x""#, "manifest_value 1:48 file"),
        (#""file": "/etc/passwd""#, "manifest_value 1:48 file"),
        (#""file": "a.manifest.json""#, "manifest_value 1:48 file"),
        (#""file": "a.manifest.yml""#, "manifest_value 1:48 file"),
        (#""file": "\#(String(repeating: "é", count: 128))""#, "manifest_value 1:48 file"),
        (#""file": ["a"]"#, "manifest_type 1:48 file"),
        (#""format": 1"#, "manifest_type 1:50 format"),
        (#""framework": NaN"#, "manifest_type 1:53 framework"),
        (#""description": {}"#, "manifest_type 1:55 description"),
        (#""tags": ["a"]"#, "manifest_type 1:48 tags"),
        (#""tags": {"a": "x", "b": 1}"#, "manifest_type 1:64 tags.b"),
        (#""tags": {"a": null}"#, "manifest_type 1:54 tags.a"),
        (#""parents": "a:1""#, "manifest_type 1:51 parents"),
        (#""parents": ["a:1", 2]"#, "manifest_type 1:59 parents[1]"),
        (#""parents": ["a"]"#, "manifest_value 1:52 parents[0]"),
        (#""parents": ["a:"]"#, "manifest_value 1:52 parents[0]"),
        (#""parents": [":1"]"#, "manifest_value 1:52 parents[0]"),
        (#""parents": ["sha256:12"]"#, "manifest_value 1:52 parents[0]"),
        (#""parents": ["m:1"]"#, "manifest_value 1:52 parents[0]"),
        (#""creation_timestamp": 1714557600"#, "manifest_type 1:62 creation_timestamp"),
        (#""creation_timestamp": "yesterday""#, "manifest_value 1:62 creation_timestamp"),
    ])
    func `a value that breaks its rule is refused with its field and place`(member: String, mark: String) {
        let verdict = Verdict(manifest(with: member))
        #expect(verdict.marks == [mark])
        #expect(verdict.reasons.allSatisfy { $0.hint != nil && $0.message.hasSuffix(".") })
    }

    @Test(arguments: ["", "sha256:"])
    func `a digest may carry its algorithm`(prefix: String) {
        #expect(Verdict(manifest(with: #""sha256": "\#(prefix)\#(Self.digest)""#)).manifest?.sha256?.hex == Self.digest)
    }

    @Test func `the longest file name is accepted, one byte more is not`() {
        let longest = String(repeating: "é", count: 127) + "x"
        #expect(Verdict(manifest(with: #""file": "\#(longest)""#)).manifest?.file == longest)
        #expect(Verdict(manifest(with: #""file": "\#(longest)x""#)).marks == ["manifest_value 1:48 file"])
    }

    @Test func `a parent named twice is kept once, by its bytes`() throws {
        let parents = #""parents": ["a:1", "a:1", "a:\u00e9", "a:e\u0301"]"#
        let manifest = try #require(Verdict(manifest(with: parents)).manifest)
        #expect(manifest.parents.count == 3)
        #expect(manifest.warnings.map(\.code) == ["manifest_parent_twice"])
    }

    @Test func `all problems are reported at once, in the order of the document`() {
        let text = """
            {
              "tags": {"a": 1},
              "model_id": "no spaces please",
              "file": "a/b",
              "training_parameters": {"x": [0, 1e999]},
              "size_bytes": -1
            }
            """
        #expect(
            Verdict(text).marks == [
                "manifest_missing_key 1:1 model_version", "manifest_type 2:17 tags.a", "manifest_value 3:15 model_id",
                "manifest_value 4:11 file", "manifest_number_range 5:36 training_parameters.x[1]",
                "manifest_value 6:17 size_bytes",
            ])
    }

    @Test func `of a thousand problems twenty are reported`() {
        let tags = (0..<1_000).map { #""k\#($0)": \#($0)"# }.joined(separator: ", ")
        #expect(Verdict(manifest(with: #""tags": {\#(tags)}"#)).reasons.count == Limits.reasons)
    }

    @Test(arguments: [
        ("[1]", "a list"), ("1", "a number"), ("null", "null"), (#""x""#, "a string"), ("true", "boolean"),
    ])
    func `a manifest is an object`(text: String, type: String) {
        let verdict = Verdict(" " + text)
        #expect(verdict.marks == ["manifest_type 1:2"])
        #expect(verdict.reasons.first?.message.contains(type) == true)
    }

    @Test func `a message shows the value at fault on one short line`() throws {
        let text = manifest(with: #""file": "\u001b[31m\n\#(String(repeating: "x", count: 5_000))/""#)
        let reason = try #require(Verdict(text).reasons.first)
        #expect(reason.message.contains(#""\x1b[31m\nxxx"#))
        #expect(reason.message.utf8.count < 200)
    }
}

@Suite struct `Sidecar names` {
    @Test(
        arguments: [
            ("model.pkl.manifest.json", "model.pkl", .json), ("m.manifest.yaml", "m", .yaml),
            ("m.manifest.yml", "m", .yaml),
            ("a.manifest.json.manifest.yml", "a.manifest.json", .yaml), ("m.manifest.JSON", nil, nil),
            ("m.json", nil, nil),
            (".manifest.json", nil, nil), ("manifest.json", nil, nil), ("", nil, nil), ("m.manifest.json ", nil, nil),
        ] as [(String, String?, ManifestSyntax?)])
    func `a sidecar is a stem and one of three suffixes`(name: String, stem: String?, syntax: ManifestSyntax?) {
        let split = SidecarName.split(Array(name.utf8))
        #expect(split?.stem == stem.map { Array($0.utf8) })
        #expect(split?.syntax == syntax)
    }

    @Test func `a stem may be any bytes`() {
        #expect(SidecarName.split([0xFF, 0x0A] + Array(".manifest.json".utf8))?.stem == [0xFF, 0x0A])
    }
}
