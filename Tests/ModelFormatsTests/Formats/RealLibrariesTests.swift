import LinuxSystem
import ModelFormats
import TestKit
import Testing
import Vocabulary

/// Files as the formats' own libraries write them.
@Suite(.enabled(if: ModelLibraries.python != nil, "There is no Python with the model libraries"))
struct `Files of the real libraries` {
    /// Runs a script that writes a file to the path in its first argument, and inspects that file and changes of it.
    private func inspection(of script: String) throws -> Inspection {
        try Scratch.with { scratch in
            let path = "\(scratch.path)/model"
            let python = try #require(ModelLibraries.python)
            let command = ChildProcess.Command(python, ["-c", script, path])
            let completion = try ChildProcess.run(command, deadline: ContinuousClock.now + .seconds(60))
            try #require(completion.isSuccess, "\(String(decoding: completion.errors, as: UTF8.self))")
            let inspection = try #require(HeaderFormats.inspect(FileBytes(Descriptor.openFile(path: path))))
            #expect(inspection.damage == nil)
            try checkChanges(of: FileBytes(Descriptor.openFile(path: path)))
            return inspection
        }
    }

    /// No change of a file traps or hangs.
    private func checkChanges(of file: FileBytes) throws {
        guard file.sizeInBytes < 100_000 else { return }
        let bytes = try ByteReader(file).bytes(Int(file.sizeInBytes))
        var random = SeededGenerator(state: 7)
        for _ in 0..<200 { `Hostile bytes`.check(mutated(bytes, &random)) }
    }

    @Test func `safetensors`() throws {
        let inspection = try inspection(
            of: """
                import sys, numpy
                from safetensors.numpy import save_file
                save_file({"a": numpy.zeros((3, 4), "f4"), "b": numpy.zeros(5, "i8"), "e": numpy.zeros((0, 3), "f2")},
                          sys.argv[1], metadata={"format": "pt"})
                """)
        #expect(inspection.format == .safetensors)
        #expect(inspection.fact("parameter_count") == "17")
        #expect(inspection.fact("dtypes") == #"{"F16":1,"F32":1,"I64":1}"#)
    }

    @Test func `gguf`() throws {
        let inspection = try inspection(
            of: """
                import sys, numpy, gguf
                w = gguf.GGUFWriter(sys.argv[1], "llama")
                w.add_name("tiny"); w.add_block_count(2); w.add_file_type(1)
                w.add_token_list(["a", "b"] * 20); w.add_token_scores([0.5] * 40)
                w.add_chat_template("{% for m in messages %}{{ m.content }}{% endfor %}")
                w.add_tensor("t", numpy.zeros((8, 32), "f2")); w.add_tensor("b", numpy.zeros(7, "f4"))
                w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()
                """)
        #expect(inspection.format == .gguf)
        #expect(inspection.findings.isEmpty)
        #expect(inspection.fact("architecture") == #""llama""#)
        #expect(inspection.fact("file_type") == #""F16""#)
        #expect(inspection.fact("parameter_count") == "263")
    }

    @Test(arguments: [("w.bin", []), ("../w.bin", ["onnx_external_path"])])
    func `onnx`(location: String, codes: [String]) throws {
        let inspection = try inspection(
            of: """
                import sys, numpy
                from onnx import helper as h, TensorProto as T, numpy_helper
                w = numpy_helper.from_array(numpy.ones((4, 3), "f4"), "w")
                far = T(name="far", data_type=T.FLOAT, dims=[2, 5], data_location=T.EXTERNAL)
                far.external_data.add(key="location", value="\(location)")
                then = h.make_graph([h.make_node("Relu", ["y"], ["a"])], "then", [], [])
                nodes = [h.make_node("MatMul", ["x", "w"], ["y"]), h.make_node("If", ["c"], ["z"], then_branch=then)]
                g = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", T.FLOAT, ["n", 4])],
                                 [h.make_tensor_value_info("z", T.FLOAT, [None, 3])], [w, far])
                open(sys.argv[1], "wb").write(h.make_model(g, producer_name="tests").SerializeToString())
                """)
        #expect(inspection.format == .onnx)
        #expect(inspection.codes == codes)
        #expect(inspection.fact("operators") == #"{"If":1,"MatMul":1,"Relu":1}"#)
        #expect(inspection.fact("parameter_count") == "22")
        #expect(inspection.fact("inputs") == #"[{"name":"x","type":"float32","shape":["n",4]}]"#)
    }

    @Test(arguments: ["", ", libver='latest'", ", userblock_size=1024"])
    func `h5py`(options: String) throws {
        let inspection = try inspection(
            of: """
                import sys, numpy, h5py
                with h5py.File(sys.argv[1], "w"\(options)) as f:
                    f.attrs["keras_version"] = "2.15.0"
                    f.attrs["model_config"] = r'\(Fixtures.keras("Dense"))'
                    g = f.create_group("model_weights").create_group("d")
                    g.attrs["weight_names"] = numpy.array([b"kernel:0"])
                    g.create_dataset("kernel:0", data=numpy.zeros((4, 3), "f4"))
                    f["model_weights/again"] = g
                """)
        #expect(inspection.format == .kerasHDF5)
        #expect(inspection.safety == .safe)
        #expect(inspection.fact("parameter_count") == "12")
        #expect(inspection.fact("group_count") == "3")
        #expect(inspection.fact("root_members") == #"["model_weights"]"#)
        #expect(inspection.fact("layer_classes") == #"{"Dense":1,"InputLayer":1}"#)
    }

    @Test(arguments: [9, 300, 5000]) func `groups that keep the order of many members`(count: Int) throws {
        let inspection = try inspection(
            of: """
                import sys, h5py
                with h5py.File(sys.argv[1], "w", track_order=True) as f:
                    f.attrs["keras_version"] = "3.0"
                    for i in range(20): f.attrs["attribute %d" % i] = "x" * 100
                    g = f.create_group("optimizer/vars", track_order=True)
                    for i in range(\(count)): g[str(i)] = [0.0, 0.0]
                """)
        #expect(inspection.format == .kerasHDF5)
        #expect(inspection.findings.isEmpty)
        #expect(inspection.fact("tensor_count") == "\(count)")
        #expect(inspection.fact("keras_version") == #""3.0""#)
    }

    @Test func `hundreds of datasets and a link to another file`() throws {
        let inspection = try inspection(
            of: """
                import sys, h5py
                with h5py.File(sys.argv[1], "w") as f:
                    for i in range(300): f["d%03d" % i] = [0.0] * i
                    f["soft"] = h5py.SoftLink("/d001")
                    f["x"] = h5py.ExternalLink("/etc/passwd", "/y")
                """)
        #expect(inspection.format == .hdf5)
        #expect(inspection.codes == ["hdf5_external_link"])
        #expect(inspection.fact("tensor_count") == "300")
        #expect(inspection.fact("parameter_count") == "44850")
    }
}
