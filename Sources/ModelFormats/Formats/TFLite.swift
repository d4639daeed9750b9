internal import Vocabulary

/// TensorFlow Lite: a FlatBuffers file whose root is a Model (schema.fbs).
enum TFLite: HeaderFormat {
    static let format = ModelFormat.tflite
    private static let operatorCodeLimit = 65_536

    static func recognises(_ head: Head) -> Bool { head.has("TFL3", at: 4) }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        let model = try FlatbufferTable(rootOf: .init(source))
        report.set("version", try model.number(0, width: 4, "the version") ?? 0)
        report.set("description", try model.string(3, "the description"))
        var codes: [Operator] = []
        try model.tables(1, "the operator codes") { index, code throws(ReadFailure) in
            guard index < operatorCodeLimit else { throw .limit("there are more than \(operatorCodeLimit) operators") }
            codes.append(try Operator(code))
        }
        noteOperators(codes, in: &report)
        try noteSubgraphs(of: model, codes, in: &report)
        let (_, buffers) = try model.vector(4, elementSize: 4, "the buffers")
        report.set("buffer_count", buffers)
        try noteMetadata(of: model, in: &report)
    }

    /// What an OperatorCode stands for: an operator of the runtime or one by name.
    private struct Operator {
        static let custom: UInt64 = 32
        let code: UInt64
        let name: String

        init(_ table: FlatbufferTable) throws(ReadFailure) {
            let old = try table.number(0, width: 1, "an operator code") ?? 0
            code = max(old, try table.number(3, width: 4, "an operator code") ?? 0)
            let custom = try table.string(1, "an operator's name")
            name = code == Self.custom ? cut(custom ?? "", to: 128) : TFLiteOperators.name(code)
        }
    }

    private static func noteOperators(_ codes: [Operator], in report: inout HeaderReport) {
        for code in codes where code.code == Operator.custom {
            if code.name.hasPrefix("Flex") {
                noteFlex(code.name, in: &report)
            } else {
                report.find(
                    .unknownImports, "tflite_custom_operator",
                    "The custom operator \(quoted(code.name)) needs a library of its own.")
            }
        }
    }

    /// An operator of TensorFlow itself, which its Flex delegate runs.
    private static func noteFlex(_ name: String, in report: inout HeaderReport) {
        if let danger = TensorFlowOperations.danger(of: String(name.dropFirst(4))) {
            report.find(.dangerous, "dangerous_operator", "The operator \(quoted(name)) \(danger).")
        } else {
            report.find(
                .unknownImports, "tflite_flex_operator", "The operator \(quoted(name)) needs all of TensorFlow.")
        }
    }

    private static func noteSubgraphs(
        of model: FlatbufferTable, _ codes: [Operator], in report: inout HeaderReport
    ) throws(ReadFailure) {
        var operators = Tally()
        var tensors = 0
        var subgraphs = 0
        defer {
            report.set("subgraph_count", subgraphs)
            report.set("operator_count", operators.total)
            report.set("operators", .counts(operators.counts))
            report.set("tensor_count", tensors)
        }
        try model.tables(2, "the subgraphs") { index, graph throws(ReadFailure) in
            subgraphs += 1
            tensors += try graph.vector(0, elementSize: 4, "the tensors").count
            if index == 0 {
                report.set("inputs", try describe(graph.numbers(1, width: 4, "the inputs"), of: graph))
                report.set("outputs", try describe(graph.numbers(2, width: 4, "the outputs"), of: graph))
            }
            try graph.tables(3, "the operators") { _, node throws(ReadFailure) in
                let code = Int(try node.number(0, width: 4, "an operator") ?? 0)
                guard codes.indices.contains(code) else {
                    throw .malformed(what: "an operator has the code \(code) of \(codes.count)", offset: 0)
                }
                operators.count(codes[code].name)
            }
        }
    }

    private static let elementTypes = [
        "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
        "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16",
    ]

    /// Name, element type and shape of the tensors with these numbers.
    private static func describe(_ numbers: [UInt64], of graph: FlatbufferTable) throws(ReadFailure) -> JSON {
        var described: [JSON] = []
        try graph.tables(0, "the tensors") { index, tensor throws(ReadFailure) in
            guard numbers.contains(UInt64(index)) else { return }
            let shape = try tensor.numbers(0, width: 4, "a shape").map { JSON.whole(Int32(truncatingIfNeeded: $0)) }
            let type = Int(try tensor.number(1, width: 1, "a type") ?? 0)
            described.append(
                .object([
                    .init("name", .text(try tensor.string(3, "a tensor's name") ?? "")),
                    .init("type", .string(elementTypes.indices.contains(type) ? elementTypes[type] : "\(type)")),
                    .init("shape", .array(shape)),
                ]))
        }
        return .array(described)
    }

    private static func noteMetadata(of model: FlatbufferTable, in report: inout HeaderReport) throws(ReadFailure) {
        var names: [JSON] = []
        try model.tables(6, "the metadata") { index, entry throws(ReadFailure) in
            if index < HeaderReport.listLimit { names.append(.text(try entry.string(0, "a metadata name") ?? "")) }
        }
        if !names.isEmpty { report.set("metadata_names", .array(names)) }
    }
}

/// The names of the operators that are built into the TensorFlow Lite runtime, by their numbers.
enum TFLiteOperators {
    private static let names = """
        ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
        FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
        LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH
        SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN
        GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM
        STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM
        CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN
        TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT
        REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY
        SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS
        SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE
        MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2
        DENSIFY SEGMENT_SUM BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D
        IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE
        VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM
        MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX
        UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT
        """.split { $0 == " " || $0 == "\n" }.map(String.init)

    /// The name of an operator, or its number when it is a newer one.
    static func name(_ code: UInt64) -> String {
        let index = Int(clamping: code)
        return names.indices.contains(index) ? names[index] : "BUILTIN_\(code)"
    }
}
