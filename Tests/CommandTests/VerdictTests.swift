import LinuxSystem
import TestKit
import Testing
import Vocabulary

@Suite(.waitsApart, .requiresTool("python3")) struct `What ingot check says of files` {
    /// A file, its format, its verdict, codes that must be among the findings and the problems.
    static let expectations: [(file: String, format: String, safety: String, codes: [String])] = [
        ("plain.pkl", "pickle", "safe", []),
        ("evil.pkl", "pickle", "dangerous", ["dangerous_import"]),
        ("unknown.pkl", "pickle", "unknown-imports", ["unknown_import"]),
        ("whole.safetensors", "safetensors", "no-code", []),
        ("truncated.safetensors", "safetensors", "unscannable", ["truncated"]),
        ("tensors.safetensors.gz", "safetensors", "no-code", []),
        ("tensors.zip", "zip", "no-code", []),
        ("cut.zip", "zip", "unscannable", ["damaged_part"]),
        ("wrong.safetensors", "pickle", "safe", ["extension_mismatch"]),
        ("both.gguf", "gguf", "no-code", []),
        ("both-and-zip.gguf", "gguf", "dangerous", ["dangerous_import"]),
        ("clean.keras", "keras", "safe", []),
        ("lambda.keras", "keras", "dangerous", ["keras_lambda"]),
        ("lambda-late.keras", "zip", "dangerous", ["keras_lambda"]),
        ("lambda-twice.keras", "zip", "unscannable", ["damaged_part"]),
        ("lambda-utf16.keras", "zip", "unscannable", ["damaged_part"]),
        ("broken.keras", "keras", "unscannable", ["damaged_part"]),
        ("pickle-inside.keras", "keras", "dangerous", ["dangerous_import"]),
        ("config.zip", "zip", "no-code", []),
        ("clean.skops", "skops", "safe", []),
        ("method.skops", "skops", "unknown-imports", ["unknown_import"]),
        ("foreign.skops", "skops", "unknown-imports", ["unknown_import"]),
        ("system.skops", "skops", "dangerous", ["dangerous_import"]),
        ("twice.skops", "zip", "unscannable", ["skops_schema"]),
        ("pickle.skops", "pickle", "dangerous", ["dangerous_import", "extension_mismatch"]),
        ("plain.rds", "rds", "safe", []),
        ("numbers.rds", "rds", "safe", []),
        ("promise.rds", "rds", "dangerous", ["rds_promise"]),
        ("cut.rds", "rds", "unscannable", ["truncated"]),
        ("labels.tflite", "tflite", "no-code", []),
        ("evil.tflite", "tflite", "dangerous", ["dangerous_import"]),
    ]

    @Test(arguments: expectations.indices) func `format, verdict and what is wrong`(index: Int) throws {
        let (file, format, safety, codes) = Self.expectations[index]
        let (object, status) = try Checked.object(file)
        #expect(object["format"] == .string(format), "\(file): \(object.text)")
        #expect(object["safety"] == .string(safety), "\(file): \(object.text)")
        let found = object.codes("safety_findings") + object.codes("problems")
        for code in codes { #expect(found.contains(code), "\(file): \(object.text)") }
        if codes.isEmpty { #expect(found.isEmpty, "\(file): \(object.text)") }
        #expect(status == (codes.isEmpty ? 0 : 1), "\(file): \(object.text)")
    }

    @Test func `facts of containers are told`() throws {
        let keras = try Checked.object("clean.keras").0["format_details"]
        #expect(keras?["keras_version"] == .string("3.5.0"))
        #expect(keras?["layer_classes"] != nil)
        let zip = try Checked.object("tensors.zip").0["format_details"]
        #expect(zip?["member_formats"]?.text == #"{"safetensors":1}"#)
        #expect(zip?["content"]?["parameter_count"] == .number("4"))
        let skops = try Checked.object("clean.skops").0["format_details"]
        #expect(skops?["root_class"] == .string("sklearn.linear_model._logistic.LogisticRegression"))
        #expect(try Checked.object("numbers.rds").0["format_details"]?["compression"] == .string("gzip"))
    }

    @Test func `findings and imports are bounded and counted`() throws {
        let object = try Checked.object("many.pkl").0
        #expect(object["imports"]?.elements.count == 1000)
        #expect(object["safety_findings"]?.elements.count == 200)
        #expect(object["format_details"]?["import_count"] == .number("1500"))
        #expect(object["format_details"]?["findings_left_out"] != nil)
        #expect(object["safety"] == .string("unknown-imports"))
    }

    @Test(.requiresModelLibraries) func `a model that joblib wrote`() throws {
        try Scratch.with { scratch in
            try scratch.write(
                """
                import sys, joblib, numpy
                from sklearn.linear_model import LogisticRegression
                model = LogisticRegression().fit(numpy.arange(8.0).reshape(4, 2), [0, 1, 0, 1])
                joblib.dump(model, sys.argv[1], compress=3)
                """, to: "write.py")
            let path = "\(scratch.path)/model.joblib"
            try ModelLibraries.run("\(scratch.path)/write.py", [path])
            let run = try Checked.run(["check", "--json", path])
            let object = try #require(Checked.list(run.output).first)
            #expect(run.status == 0, "\(object.text)")
            #expect(object["format"] == .string("joblib"))
            #expect(object["safety"] == .string("safe"))
            #expect(object["imports"]?.elements.isEmpty == false)
            #expect(
                object["format_details"]?["root_class"] == .string("sklearn.linear_model._logistic.LogisticRegression"))
        }
    }
}
