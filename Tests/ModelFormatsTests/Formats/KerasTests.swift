import ModelFormats
import Testing
import Vocabulary

@Suite struct `Keras configurations` {
    private func configuration(_ text: String) -> Inspection {
        KerasConfiguration.inspect(MemoryBytes(Array(text.utf8)), part: "config.json")
    }

    private func layer(_ members: String) -> Inspection {
        configuration(#"{"class_name":"Sequential","config":{"layers":[{\#(members)}]}}"#)
    }

    @Test func `layers and versions are told`() {
        let inspection = configuration(Fixtures.keras("Dense"))
        #expect(inspection.safety == .safe)
        #expect(inspection.fact("class_name") == #""Sequential""#)
        #expect(inspection.fact("keras_version") == #""2.15.0""#)
        #expect(inspection.fact("layer_classes") == #"{"Dense":1,"InputLayer":1}"#)
    }

    @Test(arguments: ["Lambda", "TFOpLambda", "MyLayer"])
    func `whatever is in the list of layers is one`(name: String) {
        let inspection = configuration(Fixtures.keras(name, more: #","initializer":{"class_name":"Mine"}"#))
        #expect(inspection.fact("layer_count") == "2")
    }

    @Test(arguments: [
        (#""class_name":"Lambda","config":{}"#, "keras_lambda"),
        (
            #""config":{"f":[{"class_name":"__lambda__","config":{"value":"4wAA"}}]},"class_name":"Dense""#,
            "keras_lambda"
        ),
        (#""module":"os","class_name":"system","config":{}"#, "keras_foreign_module"),
        (#""class_name":"function","module":"subprocess","config":"run""#, "keras_foreign_module"),
        (#""module":"builtins","class_name":"eval","config":{}"#, "keras_foreign_module"),
        (#""module":"kerasx.layers","class_name":"Dense""#, "keras_foreign_module"),
        (#""module":"keras.utils","class_name":"get_file","config":{}"#, "keras_gadget"),
        (#""module":"keras.src.saving","class_name":"load_model""#, "keras_gadget"),
        (#""class_name":"Dense","config":{"f":"enable_unsafe_deserialization"}"#, "keras_gadget"),
        (#""module":"keras.layers","class_name":"TorchModuleWrapper""#, "keras_torch_module"),
    ]) func `what runs code is dangerous`(members: String, code: String) {
        let inspection = layer(members)
        #expect(inspection.codes == [code])
        #expect(inspection.safety == .dangerous)
        #expect(inspection.findings.first?.part == "config.json")
    }

    @Test(arguments: [
        #""class_name":"MyLayer","config":{}"#, #""class_name":"Dense","registered_name":"pkg>Dense""#,
        #""module":"builtins","class_name":"function","config":"f""#, #""module":"keras_hub.layers","class_name":"X""#,
        #""class_name":"TFOpLambda""#,
    ]) func `what needs code of one's own is said to`(members: String) {
        #expect(layer(members).safety == .unknownImports)
    }

    @Test(arguments: [
        #""module":"keras.layers","class_name":"Dense","config":{},"registered_name":null"#,
        #""module":"keras.src.models.functional","class_name":"Functional""#,
        #""module":"tensorflow.keras.layers","class_name":"Foo""#,
        #""class_name":"Dense","config":{"kernel_initializer":{"class_name":"GlorotUniform"},"note":"Lambda"}"#,
    ]) func `what belongs to Keras is safe`(members: String) {
        #expect(layer(members).findings.isEmpty)
    }

    @Test func `keys that occur twice and deep nesting are damage`() {
        #expect(layer(#""class_name":"Lambda","class_name":"Dense""#).damage?.code == "malformed")
        #expect(layer(#""a":\#(String(repeating: "[", count: 100_000))"#).damage?.code == "malformed")
        #expect(configuration("[1]").damage?.code == "malformed")
        #expect(configuration("{\"a\":1").damage?.code == "truncated")
        #expect(configuration("").damage?.code == "truncated")
    }

    @Test func `a bare architecture is a Keras file`() throws {
        let inspection = try #require(inspect(Array(Fixtures.keras("Lambda").utf8)))
        #expect(inspection.format == .keras)
        #expect(inspection.codes == ["keras_lambda"])
    }
}

@Suite struct `HDF5 files` {
    private let configured = [
        ("keras_version", "2.15.0"), ("backend", "tensorflow"), ("model_config", Fixtures.keras("Dense")),
    ]

    @Test(arguments: [true, false]) func `a Keras model is found by its attributes`(isVariable: Bool) throws {
        let inspection = try #require(inspect(HDF5Fixture(attributes: configured, isVariable: isVariable).bytes()))
        #expect(inspection.format == .kerasHDF5)
        #expect(inspection.safety == .safe)
        #expect(inspection.fact("keras_version") == #""2.15.0""#)
        #expect(inspection.fact("layer_classes") == #"{"Dense":1,"InputLayer":1}"#)
        #expect(inspection.fact("root_members") == #"["weights"]"#)
        #expect(inspection.fact("parameter_count") == "6")
    }

    @Test(arguments: [true, false]) func `a Lambda in it is dangerous`(isVariable: Bool) {
        let fixture = HDF5Fixture(attributes: [("model_config", Fixtures.keras("Lambda"))], isVariable: isVariable)
        let inspection = inspect(fixture.bytes())
        #expect(inspection?.codes == ["keras_lambda"])
        #expect(inspection?.fact("layer_classes") == #"{"InputLayer":1,"Lambda":1}"#)
    }

    @Test func `a file that is shorter than its superblock says is truncated`() throws {
        let damage = try #require(inspect(HDF5Fixture(announcedSize: 1 << 20).bytes())?.damage)
        #expect(damage.code == "truncated")
        #expect(damage.message.contains("1048576"))
    }

    @Test func `a user block before the superblock is passed`() {
        var fixture = HDF5Fixture().bytes()
        fixture = fixture.replacing(little(UInt64(512)), at: 24).replacing(little(UInt64(fixture.count + 512)), at: 40)
        #expect(inspect([UInt8](repeating: 1, count: 512) + fixture)?.fact("tensor_count") == "1")
    }

    @Test func `values in another file are dangerous`() {
        var fixture = HDF5Fixture()
        fixture.datasetMessages = [fixture.message(0x07, [1, 0, 0, 0, 1, 0, 1, 0])]
        #expect(inspect(fixture.bytes())?.codes == ["hdf5_external_file"])
    }

    @Test func `a group that contains itself is visited once`() throws {
        var bytes = HDF5Fixture().bytes()
        let root = bytes[64..<72].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        let symbols = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("SNOD".utf8)) })
        bytes = bytes.replacing(little(root), at: symbols + 16)
        #expect(inspect(bytes)?.fact("group_count") == "1")
    }
}

@Suite struct `Skops schemas` {
    private func schema(_ text: String) throws -> SkopsSchema { try SkopsSchema(MemoryBytes(Array(text.utf8))) }

    @Test func `every name that the loader looks up is listed once`() throws {
        let schema = try schema(
            """
            {"__class__":"Pipeline","__module__":"sklearn.pipeline","__loader__":"ObjectNode","content":{"steps":[
            {"__class__":"function","__module__":"numpy","__loader__":"FunctionNode",
            "content":{"module_path":"os","function":"system"}},
            {"__class__":"Pipeline","__module__":"sklearn.pipeline","__loader__":"ObjectNode"}]},
            "protocol":2,"_skops_version":"0.16.0"}
            """)
        #expect(
            schema.nodes.map { "\($0.module).\($0.name) \($0.loader)" } == [
                "os.system FunctionNode", "numpy.function FunctionNode", "sklearn.pipeline.Pipeline ObjectNode",
            ])
        #expect(schema.nodeCount == 4)
        #expect(schema.protocolVersion == "2")
        #expect(schema.skopsVersion == "0.16.0")
    }

    @Test func `broken schemas are refused`() {
        for text in ["", "{", #"{"__class__":"a","__class__":"b"}"#, "{]", String(repeating: "[", count: 5000)] {
            #expect(throws: ReadFailure.self) { try schema(text) }
        }
    }
}
