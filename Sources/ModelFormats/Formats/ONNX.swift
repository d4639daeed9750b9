/// ONNX: a ModelProto (onnx.proto).
enum ONNX: ProtobufFormat {
    static let format = ModelFormat.onnx

    static func matches(_ shape: ProtobufShape, _ head: Head) -> Bool {
        guard let version = shape.numbers[1], (1...1000).contains(version), let graph = shape.nested[7] else {
            return false
        }
        return [1, 2, 5, 11, 12].contains { graph.contains(.bytes($0)) }
            && (shape.kinds.contains(.bytes(8)) || shape.isCut || version < 3)
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var model = ONNXModel()
        defer { model.note(in: &report) }
        try model.read(ProtobufMessage(source))
    }
}
