internal import Vocabulary

/// A frozen TensorFlow graph: a bare GraphDef.
enum TensorFlowGraph: ProtobufFormat {
    static let format = ModelFormat.tensorflowGraph
    static let atBest = Safety.safe

    static func matches(_ shape: ProtobufShape, _ head: Head) -> Bool {
        guard let node = shape.nested[1], node.isSuperset(of: [.bytes(1), .bytes(2)]) else { return false }
        // Only what has nothing else can be believed to be a graph when it is not all there.
        return !shape.isCut
            || shape.nested(1, hasOnly: Set(1...7)) && shape.kinds.allSatisfy { $0.number <= 4 }
                && TensorFlowNodes.startsWithNode(head.bytes)
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var nodes = TensorFlowNodes(source)
        defer { nodes.note(in: &report) }
        try nodes.confirm(&report) { nodes throws(ReadFailure) in try nodes.readGraph(ProtobufMessage(source)) }
    }
}

/// A TensorFlow SavedModel's `saved_model.pb`; its variables are in other files.
enum SavedModel: ProtobufFormat {
    static let format = ModelFormat.savedModel
    static let atBest = Safety.safe

    static func matches(_ shape: ProtobufShape, _ head: Head) -> Bool {
        guard let graph = shape.nested[2], graph.contains(.bytes(1)) else { return false }
        if !shape.isCut { return graph.contains(.bytes(2)) }
        return shape.numbers[1] == 1 && shape.kinds.allSatisfy { $0.number <= 2 }
            && shape.nested(2, hasOnly: Set(1...7))
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var nodes = TensorFlowNodes(source)
        var graphs = MetaGraphs()
        defer {
            graphs.note(in: &report)
            nodes.note(in: &report)
        }
        try nodes.confirm(&report) { nodes throws(ReadFailure) in
            var message = ProtobufMessage(source)
            while let field = try message.next() {
                if field.number == 2, field.wire == .bytes { try graphs.read(message.message(field), into: &nodes) }
            }
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
