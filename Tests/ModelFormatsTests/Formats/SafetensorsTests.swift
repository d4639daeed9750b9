import ModelFormats
import Testing

@Suite struct `Safetensors headers` {
    private func damage(_ header: String, data: Int = 29) -> Inspection.Damage? {
        inspect(Fixtures.safetensors(header, data: data))?.damage
    }

    @Test func `counts and metadata are told`() throws {
        let inspection = try #require(inspect(Fixtures.safetensors()))
        #expect(inspection.safety == .noCode)
        #expect(inspection.fact("tensor_count") == "2")
        #expect(inspection.fact("parameter_count") == "11")
        #expect(inspection.fact("dtypes") == #"{"F32":1,"I8":1}"#)
        #expect(inspection.fact("metadata") == #"{"format":"pt"}"#)
    }

    @Test func `missing data is a truncation that says how much is missing`() throws {
        let found = try #require(damage(Fixtures.safetensorsHeader, data: 20))
        #expect(found.code == "truncated")
        #expect(found.message.contains("29 bytes"))
    }

    @Test func `a header longer than the file or the format allows is damaged`() {
        let long = little(UInt64(5000)) + Array(Fixtures.safetensorsHeader.utf8)
        #expect(inspect(long)?.damage?.code == "truncated")
        for size in [100_000_001, UInt64.max, 1 << 63] {
            #expect(inspect(little(size) + Array(Fixtures.safetensorsHeader.utf8))?.damage?.code == "malformed")
        }
    }

    @Test(arguments: [
        // a hole, an overlap, a rest, a range backwards
        #"{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[23],"data_offsets":[6,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[25],"data_offsets":[4,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[28],"data_offsets":[0,28]}}"#,
        #"{"a":{"dtype":"U8","shape":[29],"data_offsets":[29,0]}}"#,
        // shapes that do not fit, overflow or are none
        #"{"a":{"dtype":"F32","shape":[29],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[-29],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[2.9e1],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[[29]],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"F4","shape":[59],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[29],"data_offsets":[0,99999999999999999999]}}"#,
        #"{"a":{"dtype":"U8","shape":[29],"data_offsets":[0,29,30]}}"#,
        // members that are wrong, missing or twice
        #"{"a":{"dtype":"X8","shape":[29],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"U8","data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[29],"data_offsets":[0,29],"code":1}}"#,
        #"{"a":{"dtype":"U8","dtype":"U8","shape":[29],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[29],"data_offsets":[0,29]},"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
        #"{"__metadata__":{"a":1},"a":{"dtype":"U8","shape":[29],"data_offsets":[0,29]}}"#,
        #"{"a":{"dtype":"U8","shape":[29],"data_offsets":[0,29]}}{}"#,
        #"{"a":{"dtype":"U8","shape":[29],"data_offsets":[0,29]}"#,
        #"{"a":[[[[[[[[[[[[]]]]]]]]]]]]}"#,
    ]) func `a header that contradicts itself is malformed`(header: String) {
        #expect(damage(header)?.code == "malformed")
    }

    @Test func `spaces behind the header, tensors without elements and half bytes are fine`() {
        let header =
            #"{"a":{"dtype":"F4","shape":[58],"data_offsets":[0,29]},"e":{"dtype":"F32","shape":[0,7],"data_offsets":[29,29]}}    "#
        #expect(damage(header) == nil)
    }
}
