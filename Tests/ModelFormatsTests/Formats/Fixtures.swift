import ModelFormats

/// One small valid file of every format, put together byte by byte.
enum Fixtures {
    static let all: [(format: ModelFormat, bytes: [UInt8])] = [
        (.safetensors, safetensors()), (.gguf, gguf()), (.ggml, Array("tjgg") + little(UInt32(3))), (.onnx, onnx()),
        (.savedModel, savedModel()), (.tensorflowGraph, graph(node("x", "Placeholder") + node("y", "Relu"))),
        (.tflite, tflite()), (.coreml, coreml(field(402, field(1, "trees")))), (.hdf5, HDF5Fixture().bytes()),
        (.kerasHDF5, HDF5Fixture(attributes: [("model_config", keras("Dense"))]).bytes()),
        (.keras, Array(keras("Dense").utf8)), (.xgboostJSON, Array(xgboost.utf8)), (.xgboostUBJ, xgboostUBJ()),
        (.xgboostBinary, xgboostBinary()), (.lightgbm, Array(lightgbm().utf8)), (.catboost, catboost()),
        (.pmml, Array(pmml.utf8)), (.rds, rds(rdsVector)), (.flax, flax()),
    ]

    // MARK: safetensors, GGUF

    static let safetensorsHeader = """
        {"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},\
        "b":{"dtype":"I8","shape":[5],"data_offsets":[24,29]}}
        """

    static func safetensors(_ header: String = safetensorsHeader, data: Int = 29) -> [UInt8] {
        little(UInt64(header.utf8.count)) + Array(header.utf8) + [UInt8](repeating: 1, count: data)
    }

    static func ggufString(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

    static func ggufPair(_ key: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] {
        ggufString(key) + little(type) + value
    }

    static func ggufTensor(
        _ name: String, _ dimensions: [UInt64] = [32], type: UInt32 = 0, offset: UInt64 = 0
    ) -> [UInt8] {
        ggufString(name) + little(UInt32(dimensions.count)) + dimensions.flatMap { little($0) } + little(type)
            + little(offset)
    }

    static let ggufPairs: [[UInt8]] = [
        ggufPair("general.architecture", 8, ggufString("llama")), ggufPair("general.name", 8, ggufString("tiny")),
        ggufPair("general.file_type", 4, little(UInt32(15))), ggufPair("llama.block_count", 4, little(UInt32(2))),
        ggufPair("a.float", 6, little(Float(0.5).bitPattern)), ggufPair("a.flag", 7, [1]),
        ggufPair("tokenizer.ggml.tokens", 9, little(UInt32(8)) + little(UInt64(2)) + ggufString("a") + ggufString("b")),
        ggufPair("a.numbers", 9, little(UInt32(5)) + little(UInt64(20)) + [UInt8](repeating: 0, count: 80)),
    ]

    static func gguf(
        pairs: [[UInt8]] = ggufPairs, tensors: [[UInt8]]? = nil, data: Int = 196
    ) -> [UInt8] {
        let tensors = tensors ?? [ggufTensor("t", [32], offset: 0), ggufTensor("u", [32, 2], type: 8, offset: 128)]
        let header = Array("GGUF") + little(UInt32(3)) + little(UInt64(tensors.count)) + little(UInt64(pairs.count))
        return (header + pairs.flatMap { $0 } + tensors.flatMap { $0 }).padded(to: 32)
            + [UInt8](repeating: 7, count: data)
    }

    // MARK: Protocol buffers

    static func onnxNode(_ operation: String, domain: String = "", attributes: [UInt8] = []) -> [UInt8] {
        field(
            1,
            field(1, "x") + field(2, "y") + field(4, operation) + attributes + (domain.isEmpty ? [] : field(7, domain)))
    }

    static func onnxTensor(_ extra: [UInt8] = []) -> [UInt8] {
        field(1, varint(4) + varint(3)) + field(2, varint: 1) + field(8, "w") + extra
            + field(9, [UInt8](repeating: 0, count: 48))
    }

    static func onnxValue(_ name: String) -> [UInt8] {
        let shape = field(1, field(2, "batch")) + field(1, field(1, varint: 4))
        return field(1, name) + field(2, field(1, field(1, varint: 1) + field(2, shape)))
    }

    static func onnx(graph extra: [UInt8] = [], model: [UInt8] = [], producer: [UInt8] = field(2, "tests")) -> [UInt8] {
        let graph =
            onnxNode("MatMul") + onnxNode("Relu") + field(2, "main") + field(5, onnxTensor())
            + field(11, onnxValue("x"))
            + field(12, onnxValue("y"))
        return field(1, varint: 8) + producer + field(3, "1.0") + field(7, graph + extra)
            + field(8, field(1, "") + field(2, varint: 17)) + model
    }

    static func node(_ name: String, _ operation: String, _ attributes: [UInt8] = []) -> [UInt8] {
        field(1, field(1, name) + field(2, operation) + attributes)
    }

    /// A GraphDef: nodes, then functions.
    static func graph(_ nodes: [UInt8], functions: [UInt8] = []) -> [UInt8] {
        nodes + (functions.isEmpty ? [] : field(2, functions)) + field(4, field(1, varint: 1000))
    }

    static func savedModel(_ graph: [UInt8] = graph(node("x", "Placeholder") + node("save/SaveV2", "SaveV2")))
        -> [UInt8]
    {
        let information = field(4, "serve") + field(5, "2.15.0")
        let signature = field(1, "serving_default") + field(2, field(3, "predict"))
        return field(1, varint: 1) + field(2, field(1, information) + field(2, graph) + field(5, signature))
    }

    static func coreml(_ kind: [UInt8]) -> [UInt8] {
        let description = field(1, field(1, "image")) + field(10, field(1, "label")) + field(100, field(3, "somebody"))
        return field(1, varint: 4) + field(2, description) + kind
    }

    // MARK: FlatBuffers

    static func tflite(codes: [FlatTable]? = nil, code: UInt64 = 0) -> [UInt8] {
        let codes = codes ?? [FlatTable([(0, .number(width: 1, 3)), (3, .number(width: 4, 3))])]
        let tensor = FlatTable([(0, .numbers([1, 4])), (1, .number(width: 1, 0)), (3, .string("in"))])
        let graph = FlatTable([
            (0, .tables([tensor, tensor])), (1, .numbers([0])), (2, .numbers([1])),
            (3, .tables([FlatTable([(0, .number(width: 4, code))])])),
        ])
        return FlatTable([
            (0, .number(width: 4, 3)), (1, .tables(codes)), (2, .tables([graph])), (3, .string("tests")),
            (4, .tables([FlatTable([])])), (6, .tables([FlatTable([(0, .string("min_runtime_version"))])])),
        ]).buffer(identifier: "TFL3")
    }

    static func catboost() -> [UInt8] {
        let trees = FlatTable([
            (0, .number(width: 4, 1)), (2, .numbers([2, 2, 2])), (5, .tables([FlatTable([]), FlatTable([])])),
        ])
        let core = FlatTable([
            (0, .string("FlabuffersModel_v1")), (1, .table(trees)),
            (2, .tables([FlatTable([(0, .string("model_guid")), (1, .string("1-2-3"))])])),
        ]).buffer(identifier: "\0\0\0\0")
        return Array("CBM1") + little(UInt32(core.count)) + core + [9, 9]
    }

    // MARK: JSON and text

    static func keras(_ layer: String, more: String = "") -> String {
        """
        {"class_name":"Sequential","config":{"name":"seq","layers":[{"class_name":"InputLayer","config":{}},\
        {"class_name":"\(layer)","config":{"units":3}\(more)}]},"keras_version":"2.15.0","backend":"tensorflow"}
        """
    }

    static let xgboost = """
        {"learner":{"attributes":{},"feature_names":["a","b"],"gradient_booster":{"model":{"trees":[{"x":[1,2]},{}]},\
        "name":"gbtree"},"learner_model_param":{"num_feature":"2","num_class":"0"},\
        "objective":{"name":"binary:logistic","reg_loss_param":{}}},"version":[3,2,0]}
        """

    static func ubjString(_ text: String) -> [UInt8] { Array("L") + big(Int64(text.utf8.count)) + Array(text.utf8) }

    static func xgboostUBJ(trees: [UInt8]? = nil) -> [UInt8] {
        let weights = Array("{") + ubjString("w") + Array("[$d#L") + big(Int64(100)) + [UInt8](repeating: 0, count: 400)
        let trees = trees ?? Array("[#L") + big(Int64(2)) + weights + Array("}{}")
        return Array("{") + ubjString("learner") + Array("{") + ubjString("gradient_booster") + Array("{")
            + ubjString("model") + Array("{") + ubjString("trees") + trees + Array("}") + ubjString("name") + Array("S")
            + ubjString("gbtree") + Array("}") + ubjString("objective") + Array("{") + ubjString("name") + Array("S")
            + ubjString("reg:squarederror") + Array("}}") + ubjString("version") + Array("[$L#L") + big(Int64(3))
            + big(Int64(3)) + big(Int64(2)) + big(Int64(0)) + Array("}")
    }

    static func xgboostBinary(objectiveSize: UInt64 = 10) -> [UInt8] {
        Array("binf") + little(Float(0.5).bitPattern) + little(UInt32(4)) + little(Int32(0))
            + [UInt8](repeating: 0, count: 124) + little(objectiveSize) + Array("reg:linear") + little(UInt64(6))
            + Array("gbtree") + [1, 2, 3]
    }

    static func lightgbm(sizes: String = "14 14") -> String {
        """
        tree
        version=v4
        num_class=1
        objective=regression
        feature_names=a b c
        tree_sizes=\(sizes)

        Tree=0
        abcdef
        Tree=1
        abcdef
        end of trees

        parameters:
        end of parameters

        """
    }

    static let pmml = """
        <?xml version="1.0" encoding="UTF-8"?>
        <!-- a model -->
        <PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
        <Header copyright="&#169; x &amp; y"><Application name="tests" version='1'/></Header>
        <DataDictionary><DataField name="a"/><DataField name="b"/></DataDictionary>
        <TreeModel functionName="classification" modelName="m"><![CDATA[<x>]]><Node/></TreeModel>
        </PMML>
        """

    // MARK: RDS, MessagePack

    static func rds(_ item: [UInt8], version: Int32 = 3) -> [UInt8] {
        Array("X\n") + big(version) + big(Int32(0x40201)) + big(Int32(0x30500)) + big(Int32(5)) + Array("UTF-8") + item
    }

    static func rdsString(_ text: String) -> [UInt8] {
        big(Int32(0x0004_0009)) + big(Int32(text.utf8.count)) + Array(text.utf8)
    }

    static let rdsNull = big(Int32(254))
    static let rdsNumbers = big(Int32(14)) + big(Int32(2)) + [UInt8](repeating: 0, count: 16)
    static let rdsClass =
        big(Int32(0x402)) + big(Int32(1)) + rdsString("class") + big(Int32(16)) + big(Int32(1))
        + rdsString("randomForest") + rdsNull
    /// A list of a vector and NULL, of class randomForest.
    static let rdsVector = big(Int32(0x313)) + big(Int32(2)) + rdsNumbers + rdsNull + rdsClass

    static func flaxArray(_ shape: [UInt8], _ type: String, _ size: Int) -> [UInt8] {
        let array =
            [0x93, 0x90 | UInt8(shape.count)] + shape + [0xA0 | UInt8(type.utf8.count)] + Array(type.utf8)
            + [0xC4, UInt8(size)] + [UInt8](repeating: 0, count: size)
        return [0xC7, UInt8(array.count), 1] + array
    }

    static func flax(_ leaf: [UInt8] = flaxArray([2, 3], "float32", 24)) -> [UInt8] {
        [0x81, 0xA6] + Array("params") + [0x82, 0xA6] + Array("kernel") + leaf + [0xA4] + Array("step") + [0x05]
    }
}
