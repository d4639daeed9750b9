import ModelFormats
import TestKit
import Testing
import Vocabulary

@Suite struct `Every reading of a file, joined` {
    private static let evil =
        Array("\u{80}".unicodeScalars.map { UInt8($0.value) }) + [2] + Array("cos\nsystem\n)R.".utf8)

    @Test func `a header does not hide a pickle, nor a pickle a header`() {
        let inspection = Inspector.inspect(MemoryBytes(Self.evil))
        #expect(inspection.format == .pickle)
        #expect(inspection.safety == .dangerous)
        #expect(inspection.details["import_count"] == .number("1"))
        for (format, bytes) in Fixtures.all {
            let inspection = Inspector.inspect(MemoryBytes(bytes))
            #expect(inspection.format == format)
            #expect(inspection.safety <= .safe, "\(format): \(inspection.findings)")
            #expect(inspection.damage == nil)
        }
    }

    @Test func `nothing is no code`() {
        #expect(Inspector.inspect(MemoryBytes([])) == Inspection(format: .unknown, safety: .noCode))
    }

    @Test func `a text that begins like a pickle is not damaged`() {
        let inspection = Inspector.inspect(MemoryBytes(Array("cat\ndog\n".utf8)))
        #expect(inspection.damage == nil)
        #expect(inspection.safety > .safe)
    }

    @Test func `the statement names both versions`() {
        #expect(Inspector.statement == "inspector \(Inspector.version), allow-list \(AllowList.version)")
    }

    @Test func `changed fixtures neither trap nor look better than they are`() {
        var random = SeededGenerator(state: 11)
        for (_, bytes) in Fixtures.all {
            for _ in 0..<50 {
                let inspection = Inspector.inspect(MemoryBytes(mutated(bytes, &random)))
                #expect(inspection.safety >= inspection.findings.map(\.severity).max() ?? .noCode)
                #expect(inspection.safety >= inspection.imports.map(\.verdict).max() ?? .noCode)
                #expect(inspection.damage == nil || inspection.safety >= .unscannable)
            }
        }
    }
}

@Suite struct `What others say of a format` {
    @Test(arguments: ModelFormat.allCases) func `its own name and extensions agree`(format: ModelFormat) {
        #expect(!format.conflicts(withDeclared: format.rawValue))
        #expect(!format.conflicts(withDeclared: format.rawValue.uppercased()))
        for name in format.expectedExtensions { #expect(!format.disagrees(withExtension: name)) }
    }

    @Test(arguments: [
        (ModelFormat.pickle, "onnx"), (.pickle, "safetensors"), (.joblib, "PyTorch Lightning.x"), (.onnx, "TensorFlow"),
        (.safetensors, "pickle"), (.unknown, "safetensors"), (.gguf, "keras"), (.zip, "gguf"), (.kerasHDF5, "onnx"),
    ]) func `contradictions are told, unknown words are none`(format: ModelFormat, declared: String) {
        #expect(format.conflicts(withDeclared: declared) == !declared.hasSuffix(".x"), "\(format) \(declared)")
    }

    @Test(arguments: [
        (ModelFormat.joblib, "sklearn"), (.pickle, "scikit_learn"), (.joblib, "pkl"), (.pytorch, "Torch"),
        (.safetensors, "pytorch"), (.kerasHDF5, "Keras"), (.hdf5, "h5"), (.savedModel, "tf"), (.xgboostUBJ, "xgboost"),
        (.zip, "onnx"), (.unknown, "onnx"), (.unknown, "our own"), (.pickle, ""), (.lightgbm, "LightGBM"),
        (.kerasHDF5, "keras_hdf5"), (.savedModel, "SavedModel"),
    ]) func `synonyms and libraries agree`(format: ModelFormat, declared: String) {
        #expect(!format.conflicts(withDeclared: declared), "\(format) \(declared)")
    }

    @Test func `extensions that belong to others are told`() {
        #expect(ModelFormat.pickle.disagrees(withExtension: ".SafeTensors"))
        #expect(ModelFormat.kerasHDF5.disagrees(withExtension: "keras"))
        #expect(ModelFormat.unknown.disagrees(withExtension: "pt"))
        for (format, name) in [
            (ModelFormat.pytorch, "bin"), (.unknown, "json"), (.unknown, "onnx"), (.pytorch, "pkl"), (.zip, "keras"),
            (.rds, "gz"), (.joblib, ""),
        ] { #expect(!format.disagrees(withExtension: name), "\(format) \(name)") }
    }
}
