import ModelFormats
import Testing
import Vocabulary

@Suite struct `GGUF headers` {
    private func template(_ text: String) -> Inspection? {
        inspect(Fixtures.gguf(pairs: [Fixtures.ggufPair("tokenizer.chat_template", 8, Fixtures.ggufString(text))]))
    }

    @Test func `facts come from keys and tensors`() throws {
        let inspection = try #require(inspect(Fixtures.gguf()))
        #expect(inspection.fact("architecture") == #""llama""#)
        #expect(inspection.fact("file_type") == #""Q4_K_M""#)
        #expect(inspection.fact("tensor_count") == "2")
        #expect(inspection.fact("parameter_count") == "96")
        #expect(inspection.fact("tensor_types") == #"{"F32":1,"Q8_0":1}"#)
        #expect(inspection.details["metadata"]?["a.numbers"]?["count"] == .number("20"))
        #expect(inspection.details["metadata"]?["a.flag"] == .bool(true))
    }

    @Test func `version 1 and the other byte order are read`() throws {
        let one =
            Array("GGUF") + little(UInt32(1)) + little(UInt32(0)) + little(UInt32(1)) + little(UInt32(1))
            + Array("k") + little(UInt32(8)) + little(UInt32(2)) + Array("ab")
        #expect(inspect(one)?.details["metadata"]?["k"] == .string("ab"))
        let swapped =
            Array("GGUF") + big(UInt32(3)) + big(UInt64(0)) + big(UInt64(1)) + big(UInt64(1)) + Array("k")
            + big(UInt32(4)) + big(UInt32(7))
        #expect(inspect(swapped)?.details["metadata"]?["k"] == .number("7"))
        #expect(inspect(swapped)?.fact("byte_order") == #""big""#)
    }

    @Test func `lying counts and lengths allocate nothing and are told`() {
        let start = Array("GGUF") + little(UInt32(3))
        #expect(
            inspect(start + little(UInt64(0)) + little(UInt64(1)) + little(UInt64.max))?.damage?.code == "truncated")
        #expect(inspect(start + little(UInt64(0)) + little(UInt64.max))?.codes == ["limit"])
        #expect(inspect(start + little(UInt64.max) + little(UInt64(0)))?.codes == ["limit"])
        for count in [UInt64.max, 1 << 62, 1000] {
            let pair = Fixtures.ggufPair("a", 9, little(UInt32(10)) + little(count))
            #expect(inspect(Fixtures.gguf(pairs: [pair]))?.damage?.code == "truncated")
        }
    }

    @Test(arguments: [
        [Fixtures.ggufPair("a", 9, little(UInt32(9)) + little(UInt64(1)))], [Fixtures.ggufPair("a", 13, [])],
        [Fixtures.ggufPair("a", 7, [2])], [Fixtures.ggufPair("a", 0, [1]), Fixtures.ggufPair("a", 0, [1])],
        [Fixtures.ggufPair("general.alignment", 4, little(UInt32(0)))],
        [Fixtures.ggufPair("general.alignment", 4, little(UInt32(3)))],
    ]) func `keys that the format forbids are malformed`(pairs: [[UInt8]]) {
        #expect(inspect(Fixtures.gguf(pairs: pairs))?.damage?.code == "malformed")
    }

    @Test(arguments: [
        [Fixtures.ggufTensor("a", [1, 1, 1, 1, 1])], [Fixtures.ggufTensor("a", [1 << 32, 1 << 32])],
        [Fixtures.ggufTensor("a", [33], type: 8)], [Fixtures.ggufTensor("a", offset: 7)],
        [Fixtures.ggufTensor("a"), Fixtures.ggufTensor("a", offset: 128)],
        [Fixtures.ggufTensor("a", [32]), Fixtures.ggufTensor("b", [32], offset: 32)],
        [
            Fixtures.ggufTensor("a", [1 << 40], offset: (1 << 63) + (1 << 62)),
            Fixtures.ggufTensor("b", offset: UInt64.max - 31),
        ],
    ]) func `tensors that the format forbids are malformed`(tensors: [[UInt8]]) {
        #expect(inspect(Fixtures.gguf(tensors: tensors))?.damage?.code == "malformed")
    }

    @Test func `tensor data that is not all there is a truncation`() {
        #expect(inspect(Fixtures.gguf(data: 100))?.damage?.code == "truncated")
        #expect(
            inspect(Fixtures.gguf(tensors: [Fixtures.ggufTensor("a", offset: 1 << 62)]))?.damage?.code == "truncated")
        #expect(inspect(Array("GGUF") + little(UInt32(9)))?.damage?.code == "malformed")
    }

    @Test(arguments: [
        "{{ ''.__class__.__mro__ }}", "{% import 'x' as y %}", "{{ x | attr('a') }}", "{{ cycler }}", "{{ lipsum(1) }}",
        "{%- include 'x' -%}", #"{{ x['\x5f\x5fclass'] }}"#, "{{ x.__init__",
    ]) func `a template that reaches for Python's internals is dangerous`(text: String) throws {
        let inspection = try #require(template(text))
        #expect(inspection.safety == .dangerous)
        #expect(inspection.codes.allSatisfy { $0 == "suspicious_template" })
    }

    @Test func `ordinary templates and dunders in their text are not`() throws {
        let text = "__important__ import {% for m in messages %}{{ m['role'] + '_' + m.content | trim }}{% endfor %}"
        let inspection = try #require(template(text))
        #expect(inspection.findings.isEmpty)
        #expect(inspection.fact("chat_templates") == #"["tokenizer.chat_template"]"#)
    }

    @Test func `older variants are told by magic and version`() throws {
        #expect(inspect(Array("lmgg") + little(UInt32(51865)))?.fact("variant") == #""ggml""#)
        #expect(inspect(Array("tjgg") + little(UInt32(2)))?.fact("version") == "2")
        #expect(inspect(Array("tjgg") + little(UInt32(77)))?.damage?.code == "malformed")
        #expect(inspect(Array("fmgg"))?.damage?.code == "truncated")
    }
}
