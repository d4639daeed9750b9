/// ONNX: a ModelProto (onnx.proto).
enum ONNX: HeaderFormat {
    static let format = ModelFormat.onnx

    static func recognises(_ head: Head) throws(ReadFailure) -> Bool {
        let fields: Set = [1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26]
        guard let shape = try ProtobufShape(head, startingWith: 0x08, allowing: fields, nestedIn: 7) else {
            return false
        }
        guard shape.wires[1] == .varint, let version = shape.numbers[1], (1...1000).contains(version),
            shape.nested.isSubset(of: [1, 2, 5, 10, 11, 12, 13, 14, 15, 16])
        else { return false }
        let rest = [2, 3, 4, 6, 7, 8, 14, 20, 25, 26].compactMap { shape.wires[$0] }
        guard rest.allSatisfy({ $0 == .bytes }), shape.wires[5] ?? .varint == .varint else { return false }
        return shape.wires[7] != nil && (shape.cutNumber != nil || shape.wires[8] != nil || version < 3)
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var model = ONNXModel()
        defer { model.note(in: &report) }
        try model.read(ProtobufMessage(source))
    }
}
