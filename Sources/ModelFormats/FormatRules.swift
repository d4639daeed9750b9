/// When what others say of a file contradicts what its content says: the manifest's `format`, and the name's extension.
///
/// Both rules are for the mistakes that cost somebody a day (a safetensors file that is a pickle), not for pedantry: a word
/// or an extension that is not known here contradicts nothing, and neither does the name of a library that saves in several
/// formats.
extension ModelFormat {
    /// Whether a declared format is another one than this, the content's.
    ///
    /// - Parameter declared: the manifest's `format`: one of the names of formats, or a usual synonym, in any case.
    public func conflicts(withDeclared declared: String) -> Bool {
        let word = declared.lowercased().split { " _-.".contains($0) }.joined(separator: "-")
        guard let meant = Self.declarations[word] ?? ModelFormat(rawValue: word).map({ [$0] }) else { return false }
        return contradicts(meant)
    }

    /// The extensions of files of this format, in lower case and without the dot.
    public var expectedExtensions: Set<String> {
        self == .unknown ? [] : Set(Self.extensions.filter { $0.value.contains(self) }.keys)
    }

    /// Whether an extension belongs to other formats than this, the content's.
    ///
    /// - Parameter name: the extension, with or without its dot, in any case.
    public func disagrees(withExtension name: some StringProtocol) -> Bool {
        let name = name.lowercased().drop { $0 == "." }
        guard let meant = Self.extensions[String(name)] else { return false }
        return contradicts(meant)
    }

    private func contradicts(_ meant: Set<ModelFormat>) -> Bool {
        switch self {
        // An archive of whatever was meant.
        case .zip, .tar: meant.isSubset(of: Self.neverArchived)
        case .unknown: meant.isSubset(of: Self.unmistakable)
        default: !meant.contains(self)
        }
    }

    /// Formats that are always recognised, so that a file without is none of them.
    private static let unmistakable: Set<ModelFormat> = [
        .safetensors, .gguf, .ggml, .keras, .kerasHDF5, .hdf5, .tflite, .npy, .npz, .pytorch, .pytorchLegacy,
        .torchscript, .skops, .catboost, .pickle, .joblib,
    ]

    /// Formats whose loaders take no archive of them.
    private static let neverArchived: Set<ModelFormat> = [.safetensors, .gguf, .ggml, .hdf5, .kerasHDF5, .npy]

    private static let python: Set<ModelFormat> = [.pickle, .joblib]
    private static let torch: Set<ModelFormat> = [.pytorch, .pytorchLegacy, .torchscript]
    private static let xgboost: Set<ModelFormat> = [.xgboostJSON, .xgboostUBJ, .xgboostBinary]
    private static let hdf5Kinds: Set<ModelFormat> = [.hdf5, .kerasHDF5]
    private static let tensorflow: Set<ModelFormat> = [.savedModel, .tensorflowGraph]
    private static let portable: Set<ModelFormat> = [.onnx, .pmml, .coreml]

    private static let declarations: [String: Set<ModelFormat>] = {
        let groups: [(words: String, formats: Set<ModelFormat>)] = [
            ("pickle pkl cpickle cloudpickle dill", python.union([.pytorchLegacy])),
            ("joblib", python),
            ("sklearn scikit-learn scikit", python.union([.skops]).union(portable)),
            ("pytorch torch pt pth pytorch-state-dict state-dict", torch.union(python).union([.safetensors])),
            ("pytorch-lightning lightning ckpt", torch.union(python)),
            ("torchscript torch-script jit torch-jit", [.torchscript]),
            ("safetensor safetensors", [.safetensors]),
            ("gguf", [.gguf]), ("ggml llama-cpp", [.ggml, .gguf]),
            ("onnx", [.onnx]),
            ("keras keras3 keras-3", hdf5Kinds.union(tensorflow).union([.keras])),
            ("keras-v3", [.keras]),
            ("h5 hdf5 hdf keras-h5 keras-hdf5", hdf5Kinds),
            ("tf tensorflow", hdf5Kinds.union(tensorflow).union([.keras, .tflite])),
            ("savedmodel saved-model tf-saved-model tensorflow-saved-model", [.savedModel]),
            ("graphdef graph-def frozen-graph tensorflow-graph", [.tensorflowGraph]),
            ("tflite tf-lite litert tensorflow-lite", [.tflite]),
            ("npy", [.npy]), ("npz", [.npz]), ("numpy", python.union([.npy, .npz])),
            ("xgboost xgb", xgboost.union(python).union(portable)),
            ("xgboost-json", [.xgboostJSON]), ("ubj ubjson xgboost-ubj xgboost-ubjson", [.xgboostUBJ]),
            ("lightgbm lgbm lgb", python.union(portable).union([.lightgbm])),
            ("catboost", python.union(portable).union([.catboost])), ("cbm", [.catboost]),
            ("pmml", [.pmml]), ("rds rdata rda", [.rds]), ("r", portable.union([.rds])),
            ("coreml core-ml mlmodel", [.coreml]),
            ("flax msgpack messagepack", [.flax]), ("jax", python.union([.flax, .npz, .npy, .safetensors])),
            ("skops", [.skops]),
        ]
        var result: [String: Set<ModelFormat>] = [:]
        for group in groups {
            for word in group.words.split(separator: " ") { result[String(word)] = group.formats }
        }
        return result
    }()

    private static let extensions: [String: Set<ModelFormat>] = {
        let pickles = python.union(torch)
        // Python itself has .pth files of another kind.
        var result: [String: Set<ModelFormat>] = [
            "pkl": pickles, "pickle": pickles, "joblib": python,
            "pt": torch.union([.pickle]), "pth": torch.union([.pickle, .unknown]), "safetensors": [.safetensors],
            "gguf": [.gguf], "ggml": [.ggml], "onnx": [.onnx], "keras": [.keras], "tflite": [.tflite], "npy": [.npy],
            "npz": [.npz], "ubj": [.xgboostUBJ], "cbm": [.catboost], "pmml": [.pmml], "mlmodel": [.coreml],
            "msgpack": [.flax], "skops": [.skops], "pb": tensorflow.union([.onnx, .coreml]),
            "json": [.xgboostJSON, .keras, .catboost],
        ]
        for name in ["h5", "hdf5"] { result[name] = hdf5Kinds }
        for name in ["rds", "rda", "rdata"] { result[name] = [.rds] }
        return result
    }()
}
