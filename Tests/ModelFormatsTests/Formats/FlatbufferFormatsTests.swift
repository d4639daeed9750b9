import ModelFormats
import Testing

@Suite struct `TensorFlow Lite and CatBoost` {
    private func customCode(_ name: String) -> [FlatTable] {
        [FlatTable([(0, .number(width: 1, 32)), (1, .string(name)), (3, .number(width: 4, 32))])]
    }

    @Test func `operators, tensors and metadata are told`() throws {
        let inspection = try #require(inspect(Fixtures.tflite()))
        #expect(inspection.safety == .noCode)
        #expect(inspection.fact("version") == "3")
        #expect(inspection.fact("operators") == #"{"CONV_2D":1}"#)
        #expect(inspection.fact("inputs") == #"[{"name":"in","type":"float32","shape":[1,4]}]"#)
        #expect(inspection.fact("tensor_count") == "2")
        #expect(inspection.fact("metadata_names") == #"["min_runtime_version"]"#)
    }

    @Test func `operators by name need code, those of TensorFlow by what they do`() throws {
        let custom = try #require(inspect(Fixtures.tflite(codes: customCode("MyOp"))))
        #expect(custom.codes == ["tflite_custom_operator"])
        #expect(custom.safety == .unknownImports)
        #expect(inspect(Fixtures.tflite(codes: customCode("FlexErf")))?.codes == ["tflite_flex_operator"])
        #expect(inspect(Fixtures.tflite(codes: customCode("FlexWriteFile")))?.safety == .dangerous)
    }

    @Test func `an operator whose code is not there is malformed`() {
        #expect(inspect(Fixtures.tflite(code: 7))?.damage?.code == "malformed")
    }

    @Test(arguments: [0xFFFF_FFFF, 0x7FFF_FFFF, 0x1000] as [UInt32])
    func `an offset out of the file is a truncation`(offset: UInt32) {
        #expect(inspect(Fixtures.tflite().replacing(little(offset), at: 0))?.damage?.code == "truncated")
    }

    @Test func `a CatBoost model tells trees and features`() throws {
        let inspection = try #require(inspect(Fixtures.catboost()))
        #expect(inspection.fact("tree_count") == "3")
        #expect(inspection.fact("numeric_feature_count") == "2")
        #expect(inspection.fact("metadata") == #"{"model_guid":"1-2-3"}"#)
    }

    @Test func `a core longer than the file is a truncation`() {
        #expect(inspect(Fixtures.catboost().replacing(little(UInt32(100_000)), at: 4))?.damage?.code == "truncated")
        let long = Array("CBM1") + little(UInt32.max) + little(UInt64.max)
        #expect(inspect(long)?.damage?.code == "truncated")
    }

    @Test func `CatBoost's JSON is recognised by its own keys`() {
        let json = #"{"model_info":{"model_guid":"x","params":{"a":1}},"oblivious_trees":[{"splits":[1,2]},{}]}"#
        #expect(inspect(Array(json.utf8))?.format == .catboost)
        #expect(inspect(Array(json.utf8))?.fact("tree_count") == "2")
        #expect(inspect(Array(#"{"model_info":{"a":1}}"#.utf8)) == nil)
    }
}
