import ModelFormats
import Testing
import Vocabulary

@Suite struct `ONNX models` {
    private func external(_ path: String) -> [UInt8] {
        field(5, Fixtures.onnxTensor(field(13, field(1, "location") + field(2, path)) + field(14, varint: 1)))
    }

    @Test func `the graph is described`() throws {
        let inspection = try #require(inspect(Fixtures.onnx()))
        #expect(inspection.safety == .noCode)
        #expect(inspection.fact("producer_name") == #""tests""#)
        #expect(inspection.fact("opsets") == #"{"ai.onnx":17}"#)
        #expect(inspection.fact("operators") == #"{"MatMul":1,"Relu":1}"#)
        #expect(inspection.fact("inputs") == #"[{"name":"x","type":"float32","shape":["batch",4]}]"#)
        #expect(inspection.fact("parameter_count") == "12")
    }

    @Test(arguments: ["../w.bin", "/etc/passwd", "a/../../b", #"..\x"#, #"C:\x"#, #"\\host\x"#])
    func `external data outside of the directory is dangerous`(path: String) throws {
        let inspection = try #require(inspect(Fixtures.onnx(graph: external(path))))
        #expect(inspection.codes == ["onnx_external_path"])
        #expect(inspection.safety == .dangerous)
    }

    @Test func `external data beside the model is a fact`() throws {
        let inspection = try #require(inspect(Fixtures.onnx(graph: external("sub/w..bin"))))
        #expect(inspection.fact("external_data") == #"["sub/w..bin"]"#)
        #expect(inspection.findings.isEmpty)
    }

    @Test func `foreign domains need code, wherever their operators hide`() throws {
        let hidden = Fixtures.onnxNode("MyOp", domain: "evil.ops")
        let attribute = field(5, field(1, "then_branch") + field(6, hidden))
        let inspection = try #require(inspect(Fixtures.onnx(graph: Fixtures.onnxNode("If", attributes: attribute))))
        #expect(inspection.codes == ["onnx_custom_domain"])
        #expect(inspection.safety == .unknownImports)
        let known = Fixtures.onnxNode("Gelu", domain: "com.microsoft")
        #expect(inspect(Fixtures.onnx(graph: known))?.findings.isEmpty == true)
    }

    @Test func `a domain whose functions are in the file needs none`() {
        let function = field(25, field(1, "MyOp") + field(10, "local") + Fixtures.onnxNode("Relu"))
        let bytes = Fixtures.onnx(graph: Fixtures.onnxNode("MyOp", domain: "local"), model: function)
        #expect(inspect(bytes)?.findings.isEmpty == true)
    }

    @Test func `Python operators are dangerous`() {
        #expect(inspect(Fixtures.onnx(graph: Fixtures.onnxNode("PyOp", domain: "x")))?.safety == .dangerous)
    }

    @Test func `graphs nested without end are refused, not followed`() {
        var attribute = field(5, field(6, Fixtures.onnxNode("Relu")))
        for _ in 0..<200 { attribute = field(5, field(6, Fixtures.onnxNode("If", attributes: attribute))) }
        let inspection = inspect(Fixtures.onnx(graph: Fixtures.onnxNode("If", attributes: attribute)))
        #expect(inspection?.damage?.code == "malformed")
    }

    @Test func `lengths that run over their message or the file are damage`() {
        let truncated = Fixtures.onnx()
        #expect(inspect(Array(truncated.dropLast(40)))?.damage?.code == "truncated")
        let liar = Fixtures.onnx(graph: field(1, field(1, "x") + [0x22] + varint(1 << 40)))
        #expect(inspect(liar)?.damage?.code == "malformed")
        let endless = Fixtures.onnx(graph: field(1, [0x08] + [UInt8](repeating: 0xFF, count: 11)))
        #expect(inspect(endless)?.damage?.code == "malformed")
    }

    @Test func `a parameter count that overflows is left out`() throws {
        let tensor = field(5, field(1, varint(1 << 40) + varint(1 << 40)) + field(8, "w"))
        let inspection = try #require(inspect(Fixtures.onnx(graph: tensor)))
        #expect(inspection.details["parameter_count"] == nil)
    }
}

@Suite struct `TensorFlow graphs` {
    private func graph(_ operation: String, name: String = "n") -> [UInt8] {
        Fixtures.graph(Fixtures.node("x", "Placeholder") + Fixtures.node(name, operation))
    }

    @Test(arguments: ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "PrintV2", "LookupTableImportV2", "SaveV2"])
    func `operators that reach out of the graph are dangerous`(operation: String) throws {
        for bytes in [graph(operation), Fixtures.savedModel(graph(operation))] {
            let inspection = try #require(inspect(bytes))
            #expect(inspection.codes == ["dangerous_operator"])
            #expect(inspection.safety == .dangerous)
        }
    }

    @Test func `they are found in functions and in graphs that hide in constants`() throws {
        let function = field(1, field(1, field(1, "f")) + field(3, field(1, "w") + field(2, "WriteFile")))
        #expect(
            inspect(Fixtures.savedModel(Fixtures.graph(Fixtures.node("x", "NoOp"), functions: function)))?.codes
                == ["dangerous_operator"])
        let tensor = field(1, varint: 7) + field(8, graph("WriteFile"))
        let attribute = field(5, field(1, "value") + field(2, field(8, tensor)))
        let hiding = Fixtures.graph(Fixtures.node("c", "Const", attribute))
        let inspection = try #require(inspect(hiding))
        #expect(inspection.codes == ["dangerous_operator"])
        #expect(inspection.fact("hidden_graph_count") == "1")
    }

    @Test func `graphs in graphs in graphs end as unscannable`() {
        var inner = graph("NoOp")
        for _ in 0..<8 {
            let tensor = field(1, varint: 7) + field(8, inner)
            inner = Fixtures.graph(
                Fixtures.node("c", "Const", field(5, field(1, "value") + field(2, field(8, tensor)))))
        }
        #expect(inspect(inner)?.safety == .unscannable)
    }

    @Test func `a checkpoint of the model's own is no danger, an unknown operator needs code`() throws {
        let own = try #require(inspect(Fixtures.savedModel()))
        #expect(own.safety == .safe)
        #expect(own.fact("tags") == #"["serve"]"#)
        #expect(own.fact("signatures") == #"["serving_default"]"#)
        let custom = try #require(inspect(graph("MyCustomOp")))
        #expect(custom.codes == ["unknown_operator"])
        #expect(custom.safety == .unknownImports)
    }
}

@Suite struct `Telling protocol buffers apart` {
    private let writing = Fixtures.graph(Fixtures.node("x", "Placeholder") + Fixtures.node("w", "WriteFile"))

    @Test func `fields that nobody knows hide nothing, wherever they stand`() {
        let unknown = field(99, "x") + field(50, varint: 7)
        for (format, bytes) in Fixtures.all where [.onnx, .savedModel, .tensorflowGraph, .coreml].contains(format) {
            #expect(inspect(unknown + bytes)?.format == format)
            #expect(inspect(bytes + unknown)?.format == format)
        }
        #expect(inspect(unknown + Fixtures.savedModel(writing))?.safety == .dangerous)
        #expect(inspect(field(2, []) + Fixtures.savedModel(writing))?.safety == .dangerous)
        #expect(inspect(field(1, []) + writing)?.safety == .dangerous)
        #expect(inspect(field(1, varint: 3) + writing)?.safety == .dangerous)
    }

    @Test func `a file of two formats is neither of them with certainty`() throws {
        let both = try #require(inspect(Fixtures.onnx(producer: []) + Fixtures.savedModel(writing)))
        #expect(both.codes.contains("ambiguous_format"))
        #expect(both.codes.contains("dangerous_operator"))
        #expect(both.safety == .dangerous)
        let third = try #require(inspect(Fixtures.onnx() + Fixtures.coreml(field(402, field(1, "x")))))
        #expect(third.codes == ["ambiguous_format"])
        #expect(third.safety == .unscannable)
    }

    @Test func `messages of other kinds are none of these`() {
        let entry = field(1, "name") + field(2, "value")
        #expect(inspect(field(1, entry) + field(1, entry)) == nil)
        #expect(inspect(field(1, varint: 1) + field(2, field(1, "a") + field(2, field(1, entry)))) == nil)
    }
}

@Suite struct `Core ML models` {
    @Test func `kind, interface and author are told`() throws {
        let inspection = try #require(inspect(Fixtures.coreml(field(402, []))))
        #expect(inspection.fact("model_type") == #""treeEnsembleClassifier""#)
        #expect(inspection.fact("inputs") == #"["image"]"#)
        #expect(inspection.fact("author") == #""somebody""#)
    }

    @Test func `custom models, linked models and custom layers are found, in pipelines too`() {
        let custom = field(555, field(10, "Evil"))
        #expect(inspect(Fixtures.coreml(custom))?.codes == ["coreml_custom_model"])
        #expect(
            inspect(Fixtures.coreml(field(202, field(1, Fixtures.coreml(custom)))))?.codes == ["coreml_custom_model"])
        let linked = field(556, field(1, field(1, field(1, "other.mlmodelc"))))
        #expect(inspect(Fixtures.coreml(linked))?.codes == ["coreml_linked_model"])
        let layer = field(500, field(1, field(1, "l") + field(500, field(10, "MyLayer"))))
        #expect(inspect(Fixtures.coreml(layer))?.codes == ["coreml_custom_layer"])
        #expect(inspect(Fixtures.coreml(field(3000, [1])))?.safety == .unscannable)
    }

    @Test func `operations of a program are counted`() {
        let operation = field(3, field(1, "conv"))
        let program = field(502, field(2, field(1, "main") + field(2, field(3, field(1, "x") + field(2, operation)))))
        #expect(inspect(Fixtures.coreml(program))?.fact("operators") == #"{"conv":1}"#)
    }
}
