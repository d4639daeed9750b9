internal import Vocabulary

/// The operations of TensorFlow graphs: in nodes, in functions, and in graphs that hide in string constants.
struct TensorFlowNodes {
    /// Graphs in constants of graphs in constants ...
    private static let hiddenDepth = 4
    /// How large a constant is looked through for a hidden graph.
    private static let hiddenSize: UInt64 = 64 << 20

    private let source: any ByteSource
    private var operations = Tally()
    private var functions = Tally()
    private var findings: [Finding] = []
    private var hidden = 0
    private var level = 0

    init(_ source: any ByteSource) { self.source = source }

    /// Whether a GraphDef begins with a node whose name is its first field.
    static func startsWithNode(_ bytes: [UInt8]) -> Bool {
        guard let tag = bytes.dropFirst().firstIndex(where: { $0 < 0x80 }), tag < 11, tag + 3 < bytes.count else {
            return false
        }
        return bytes[tag + 1] == 0x0A && isNameByte(bytes[tag + 3])
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }

    /// Reads nodes, and takes the file for another format when none of them has an operator of TensorFlow's: other
    /// messages may be built like graphs. What ends too early has had no chance to show one.
    mutating func confirm(
        _ report: inout HeaderReport, _ read: (inout TensorFlowNodes) throws(ReadFailure) -> Void
    ) throws(ReadFailure) {
        do {
            try read(&self)
            if !hasKnownOperators { report.format = .unknown }
        } catch {
            guard case .malformed = error, !hasKnownOperators else { throw error }
            report.format = .unknown
        }
    }

    private var hasKnownOperators: Bool {
        operations.counts.keys.contains {
            TensorFlowOperations.known.contains($0) || TensorFlowOperations.danger(of: $0) != nil
        }
    }

    func note(in report: inout HeaderReport) {
        report.set("node_count", operations.total)
        report.set("operators", .counts(operations.counts))
        report.set("function_count", functions.total)
        if hidden > 0 { report.set("hidden_graph_count", hidden) }
        for finding in findings { report.find(finding) }
        let unknown = operations.counts.keys.filter {
            TensorFlowOperations.danger(of: $0) == nil && !TensorFlowOperations.known.contains($0)
                && functions.counts[$0] == nil
        }
        for name in unknown.sorted().prefix(HeaderReport.listLimit) {
            report.find(.unknownImports, "unknown_operator", "Nobody vouches for the operator \(quoted(name)).")
        }
    }

    /// A GraphDef: nodes and a library of functions.
    mutating func readGraph(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            guard field.wire == .bytes else { continue }
            if field.number == 1 { try readNode(message.message(field)) }
            guard field.number == 2 else { continue }
            var library = try message.message(field)
            while let field = try library.next() {
                if field.number == 1 { try readFunction(library.message(field)) }
            }
        }
    }

    private mutating func readFunction(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            if field.number == 1 { functions.count(try message.message(field).firstString()) }
            if field.number == 3 { try readNode(message.message(field)) }
        }
    }

    private mutating func readNode(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        var name = ""
        while let field = try message.next() {
            switch field.number {
            case 1: name = try message.string(field)
            case 2: noteOperation(try message.string(field), in: name, at: field.start)
            case 5: try readAttribute(message.message(field))
            default: break
            }
        }
    }

    private mutating func noteOperation(_ operation: String, in node: String, at offset: Int64) {
        operations.count(operation)
        guard findings.count < HeaderReport.listLimit, let danger = TensorFlowOperations.danger(of: operation),
            !TensorFlowOperations.isCheckpointing(operation, node: node)
        else { return }
        findings.append(
            Finding(
                .dangerous, "dangerous_operator", "The operator \(quoted(operation)) of \(quoted(node)) \(danger).",
                offset: offset))
    }

    /// An entry of a node's attributes, whose value may be a tensor of strings, or a list of tensors.
    private mutating func readAttribute(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            guard field.number == 2 else { continue }
            var value = try message.message(field)
            while let field = try value.next() {
                switch field.number {
                case 1:
                    var list = try value.message(field)
                    while let field = try list.next() {
                        if field.number == 2 { try readHidden(field, in: list) }
                        if field.number == 8 { try readTensor(list.message(field)) }
                    }
                case 2: try readHidden(field, in: value)
                case 8: try readTensor(value.message(field))
                default: break
                }
            }
        }
    }

    private mutating func readTensor(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            if field.number == 8 { try readHidden(field, in: message) }
        }
    }

    /// A string that parses as a graph to its last byte is one: some operators run graphs that they get as strings.
    private mutating func readHidden(_ field: ProtobufMessage.Field, in message: ProtobufMessage) throws(ReadFailure) {
        guard field.wire == .bytes, (8...Self.hiddenSize).contains(field.value),
            Self.startsWithNode(try message.bytes(field, keeping: 64))
        else { return }
        guard level < Self.hiddenDepth else { throw .limit("graphs hide in graphs deeper than \(Self.hiddenDepth)") }
        var inner = TensorFlowNodes(source)
        inner.level = level + 1
        do { try inner.readGraph(ProtobufMessage(ByteReader(source, from: field.start, to: field.end))) } catch {
            if case .malformed = error { return }
            if case .truncated = error { return }
            throw error
        }
        guard inner.operations.total > 0 else { return }
        hidden += inner.hidden + 1
        operations.add(inner.operations)
        functions.add(inner.functions)
        findings += inner.findings.prefix(HeaderReport.listLimit)
    }
}
