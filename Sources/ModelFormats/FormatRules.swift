extension ModelFormat {
    /// Whether a manifest's `format` says something else than the content. Words that name no format are free text.
    public func conflicts(withDeclared declared: String) -> Bool {
        guard self != .unknown else { return false }
        let word = declared.lowercased().replacing("_", with: "-").replacing(" ", with: "-")
        guard let meant = Self.declared[word] else { return false }
        return !meant.contains(self)
    }

    /// Whether a name's extension, without the dot, belongs to other formats. Extensions that everybody uses say nothing.
    public func disagrees(withExtension fileExtension: String) -> Bool {
        guard self != .unknown, let meant = Self.extensions[fileExtension.lowercased()] else { return false }
        return !meant.contains(self)
    }

    private static let pickles: Set<ModelFormat> = [.pickle, .joblib, .pytorchLegacy, .skops, .flax]
    private static let torch: Set<ModelFormat> = [.pytorch, .torchscript, .pytorchLegacy, .pickle]

    private static let declared: [String: Set<ModelFormat>] = {
        var words = Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, Set([$0])) })
        words["unknown"] = nil
        words["pickle"] = [.pickle, .joblib, .pytorchLegacy]
        words["pkl"] = words["pickle"]
        words["joblib"] = [.joblib, .pickle]
        words["pytorch"] = torch
        words["torch"] = torch
        words["hdf5"] = [.hdf5, .kerasHDF5]
        words["h5"] = words["hdf5"]
        words["keras"] = [.keras, .kerasHDF5]
        words["xgboost"] = [.xgboostJSON, .xgboostUBJ, .xgboostBinary, .pickle, .joblib]
        words["lightgbm"] = [.lightgbm, .pickle, .joblib]
        words["catboost"] = [.catboost, .pickle, .joblib]
        words["flax"] = nil
        words["zip"] = nil
        words["tar"] = nil
        return words
    }()

    private static let extensions: [String: Set<ModelFormat>] = [
        "safetensors": [.safetensors], "gguf": [.gguf], "onnx": [.onnx], "npy": [.npy], "npz": [.npz],
        "h5": [.hdf5, .kerasHDF5], "hdf5": [.hdf5, .kerasHDF5], "keras": [.keras, .kerasHDF5], "tflite": [.tflite],
        "pkl": pickles.union(torch), "pickle": pickles.union(torch), "joblib": pickles, "pt": torch, "pth": torch,
        "pmml": [.pmml], "rds": [.rds], "cbm": [.catboost], "ubj": [.xgboostUBJ], "skops": [.skops],
        "mlmodel": [.coreml],
    ]
}
