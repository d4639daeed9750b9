/// Which classes a serialized Keras object may name without anybody asking further.
enum KerasNames {
    /// What an object of this class means; `nil` for what belongs to Keras and brings no code.
    static func verdict(
        _ name: String, _ module: String?, _ registeredName: String?
    ) -> (severity: Safety, code: String, message: String)? {
        switch name {
        case "Lambda", "__lambda__":
            return (.dangerous, "keras_lambda", "A \(name) holds Python bytecode or calls a function by its name.")
        case "TorchModuleWrapper":
            return (.dangerous, "keras_torch_module", "A TorchModuleWrapper unpickles a module.")
        case "TFOpLambda", "SlicingOpLambda":
            return (.unknownImports, "keras_operation_lambda", "A \(name) calls a function of TensorFlow by its name.")
        default: break
        }
        if let module, let verdict = verdict(name, in: module) { return verdict }
        if let registeredName, registeredName.utf8.contains(UInt8(ascii: ">")) { return custom(registeredName) }
        if name.utf8.contains(UInt8(ascii: ">")) { return custom(name) }
        return module == nil && !known.contains(name) ? custom(name) : nil
    }

    /// Whether a class is a layer or a model, as far as its name tells.
    static func isLayer(_ name: String, module: String?) -> Bool {
        guard let module else { return layers.contains(name) }
        let parts = module.split(separator: ".")
        return parts.contains("layers") || parts.contains("models") || layers.contains(name)
    }

    private static func custom(_ name: String) -> (severity: Safety, code: String, message: String) {
        (.unknownImports, "keras_custom_object", "\(quoted(name)) is not part of Keras: loading needs code of its own.")
    }

    private static func verdict(
        _ name: String, in module: String
    ) -> (severity: Safety, code: String, message: String)? {
        let shown = "\(quoted(module + "." + name))"
        if module == "builtins" {
            if plainTypes.contains(name) { return nil }
            if name == "function" { return custom(name) }
            return (.dangerous, "keras_foreign_module", "\(shown) is a builtin of Python.")
        }
        var parts = module.split(separator: ".")[...]
        if parts.first == "tensorflow", parts.dropFirst().first == "keras" { parts = parts.dropFirst() }
        if let package = parts.first, relatives.contains(String(package)) { return custom(module + "." + name) }
        guard parts.first == "keras" || parts.first == "tf_keras" else {
            return (.dangerous, "keras_foreign_module", "\(shown) is imported from outside of Keras.")
        }
        parts = parts.dropFirst().drop { inner.contains(String($0)) }
        guard let room = parts.first else { return nil }
        if rooms.contains(String(room)) { return nil }
        return (.dangerous, "keras_gadget", "\(shown) is no part of a model.")
    }

    /// Packages that extend Keras and whose names are in the hands of those who do.
    private static let relatives: Set = [
        "keras_hub", "keras_nlp", "keras_cv", "keras_rs", "tensorflow_hub", "tensorflow_addons",
        "tensorflow_probability",
        "tfa", "tfp",
    ]
    private static let plainTypes: Set = [
        "str", "int", "float", "bool", "list", "tuple", "dict", "set", "NoneType", "slice",
    ]
    /// Where Keras keeps its modules behind its public names.
    private static let inner: Set = ["src", "api", "_tf_keras", "keras", "v1", "v2", "engine", "legacy"]
    /// Modules whose classes are parts of models.
    private static let rooms: Set = [
        "layers", "models", "initializers", "optimizers", "losses", "metrics", "regularizers", "constraints",
        "activations", "dtype_policies", "random", "quantizers", "mixed_precision", "functional", "sequential",
        "training", "input_layer", "base_layer", "schedules", "applications", "preprocessing",
    ]

    /// Classes by their bare names, which is all that files of Keras 2 have.
    static let known = layers.union(
        split(
            """
            Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling Orthogonal OrthogonalInitializer
            Identity IdentityInitializer GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform STFT
            L1 L2 L1L2 OrthogonalRegularizer MaxNorm MinMaxNorm NonNeg UnitNorm RadialConstraint
            Policy DTypePolicy DTypePolicyMap QuantizedDTypePolicy QuantizedFloat8DTypePolicy FloatDTypePolicy
            SeedGenerator TensorShape Tensor __tuple__ __tensor__ __keras_tensor__ __numpy__ __bytes__ __ellipsis__
            __slice__ slice
            SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Nadam Ftrl Lion Muon Loss LossScaleOptimizer
            ExponentialDecay PiecewiseConstantDecay PolynomialDecay InverseTimeDecay CosineDecay CosineDecayRestarts
            BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy
            SparseCategoricalCrossentropy Poisson KLDivergence MeanSquaredError MeanAbsoluteError
            MeanAbsolutePercentageError MeanSquaredLogarithmicError CosineSimilarity Huber LogCosh Hinge SquaredHinge
            CategoricalHinge CTC Dice Tversky Circle Mean Sum MeanMetricWrapper Accuracy BinaryAccuracy
            CategoricalAccuracy SparseCategoricalAccuracy TopKCategoricalAccuracy SparseTopKCategoricalAccuracy AUC
            Precision Recall TruePositives TrueNegatives FalsePositives FalseNegatives PrecisionAtRecall
            RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity RootMeanSquaredError MeanIoU IoU
            BinaryIoU OneHotIoU OneHotMeanIoU F1Score FBetaScore R2Score LossFunctionWrapper
            """))

    private static let layers = split(
        """
        Sequential Functional Model Layer Input InputLayer Dense Activation Embedding Masking EinsumDense Identity
        Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D SeparableConv1D SeparableConv2D DepthwiseConv1D
        DepthwiseConv2D Conv1DTranspose Conv2DTranspose Conv3DTranspose Deconvolution2D MaxPooling1D MaxPooling2D
        MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D
        GlobalMaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D AdaptiveAveragePooling2D
        LSTM GRU SimpleRNN TimeDistributed Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D RNN LSTMCell GRUCell
        SimpleRNNCell StackedRNNCells CuDNNLSTM CuDNNGRU LSTMV1 GRUV1 BatchNormalization BatchNormalizationV1
        BatchNormalizationV2 SyncBatchNormalization LayerNormalization GroupNormalization UnitNormalization
        RMSNormalization SpectralNormalization Normalization Discretization CategoryEncoding CategoryCrossing Hashing
        HashedCrossing StringLookup IntegerLookup TextVectorization FeatureSpace Resizing Rescaling CenterCrop
        RandomCrop RandomFlip RandomTranslation RandomRotation RandomZoom RandomHeight RandomWidth RandomContrast
        RandomBrightness AutoContrast Equalization MelSpectrogram STFTSpectrogram Pipeline Dropout SpatialDropout1D
        SpatialDropout2D SpatialDropout3D GaussianDropout AlphaDropout GaussianNoise ActivityRegularization Reshape
        Flatten RepeatVector Permute Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D
        ZeroPadding1D ZeroPadding2D ZeroPadding3D Concatenate Average Maximum Minimum Add Subtract Multiply Dot Merge
        MultiHeadAttention GroupedQueryAttention Attention AdditiveAttention LocallyConnected1D LocallyConnected2D
        ReLU Softmax LeakyReLU PReLU ELU ThresholdedReLU DenseFeatures ReversibleEmbedding
        """)

    private static func split(_ names: String) -> Set<String> {
        Set(names.split { $0 == " " || $0 == "\n" }.map(String.init))
    }
}
