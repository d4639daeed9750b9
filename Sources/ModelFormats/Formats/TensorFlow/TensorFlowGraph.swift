internal import Vocabulary

/// A frozen TensorFlow graph: a bare GraphDef.
enum TensorFlowGraph: HeaderFormat {
    static let format = ModelFormat.tensorflowGraph
    static let atBest = Safety.safe

    static func recognises(_ head: Head) throws(ReadFailure) -> Bool {
        guard let shape = try ProtobufShape(head, startingWith: 0x0A, allowing: [1, 2, 3, 4], nestedIn: 1) else {
            return false
        }
        // A NodeDef: name and operation, and what else a node may have.
        return shape.nested.isSuperset(of: [1, 2]) && shape.nested.isSubset(of: [1, 2, 3, 4, 5, 6, 7])
            && (shape.wires[3] ?? .varint) == .varint && TensorFlowNodes.startsWithNode(head.bytes)
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var nodes = TensorFlowNodes(source)
        defer { nodes.note(in: &report) }
        try nodes.readGraph(ProtobufMessage(source))
    }
}

/// A TensorFlow SavedModel's `saved_model.pb`; its variables are in other files.
enum SavedModel: HeaderFormat {
    static let format = ModelFormat.savedModel
    static let atBest = Safety.safe

    static func recognises(_ head: Head) throws(ReadFailure) -> Bool {
        guard let shape = try ProtobufShape(head, startingWith: 0x08, allowing: [1, 2], nestedIn: 2) else {
            return false
        }
        return shape.numbers[1] == 1 && shape.wires[2] == .bytes && shape.nested.isSubset(of: Set(1...7))
            && shape.nested.contains(shape.cutNumber == nil ? 2 : 1)
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var nodes = TensorFlowNodes(source)
        var graphs = MetaGraphs()
        defer {
            graphs.note(in: &report)
            nodes.note(in: &report)
        }
        var message = ProtobufMessage(source)
        while let field = try message.next() {
            if field.number == 2 { try graphs.read(message.message(field), into: &nodes) }
        }
    }

    /// What surrounds the graphs: tags, versions, signatures.
    private struct MetaGraphs {
        private var tags = Tally()
        private var signatures = Tally()
        private var version: String?

        func note(in report: inout HeaderReport) {
            report.set("tensorflow_version", version)
            report.set("tags", .list(tags.counts.keys.sorted().map { .text($0) }))
            report.set("signatures", .list(signatures.counts.keys.sorted().map { .text($0) }))
            report.set("signature_count", signatures.total)
        }

        mutating func read(_ message: ProtobufMessage, into nodes: inout TensorFlowNodes) throws(ReadFailure) {
            var message = message
            while let field = try message.next() {
                switch field.number {
                case 1: try readInformation(message.message(field))
                case 2: try nodes.readGraph(message.message(field))
                case 5: signatures.count(try message.message(field).firstString())
                default: break
                }
            }
        }

        private mutating func readInformation(_ message: ProtobufMessage) throws(ReadFailure) {
            var message = message
            while let field = try message.next() {
                if field.number == 4 { tags.count(try message.string(field)) }
                if field.number == 5 { version = try message.string(field) }
            }
        }
    }
}
