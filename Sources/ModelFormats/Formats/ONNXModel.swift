internal import Vocabulary

/// What an ONNX file says of itself and its graph.
struct ONNXModel {
    /// Domains whose operators come with a runtime that everybody has.
    private static let knownDomains: Set = [
        "", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "ai.onnx.preview", "com.microsoft",
    ]

    private var texts: [(key: String, value: String)] = []
    private var numbers: [(key: String, value: Int64)] = []
    private var operatorSets: [JSON.Member] = []
    private var metadata: [JSON.Member] = []
    private var graph = ONNXGraph()
    private var functionDomains: Set<String> = []
    private var functionCount = 0

    func note(in report: inout HeaderReport) {
        for (key, value) in numbers { report.set(key, value) }
        for (key, value) in texts { report.set(key, value) }
        if !operatorSets.isEmpty { report.set("opsets", .object(operatorSets)) }
        graph.note(in: &report)
        if functionCount > 0 { report.set("function_count", functionCount) }
        if !metadata.isEmpty { report.set("metadata", .object(metadata)) }
        noteCode(in: &report)
    }

    /// Operators that are not part of the graph's own language need a native library, or Python.
    private func noteCode(in report: inout HeaderReport) {
        let custom = Set(graph.domains.counts.keys).subtracting(Self.knownDomains).subtracting(functionDomains)
        for domain in custom.sorted() {
            report.find(
                .unknownImports, "onnx_custom_domain",
                "Operators of the domain \(quoted(domain)) need a library of their own.")
        }
        for name in ["PyOp", "PythonOp", "PyCustomOp"] where graph.operators.counts[name] != nil {
            report.find(.dangerous, "onnx_python_operator", "The operator \(name) runs Python code.")
        }
    }

    mutating func read(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 7 where field.wire != .bytes: break
            case 1: numbers.append(("ir_version", Int64(bitPattern: field.value)))
            case 2: texts.append(("producer_name", try message.string(field)))
            case 3: texts.append(("producer_version", try message.string(field)))
            case 4: texts.append(("domain", try message.string(field)))
            case 5: numbers.append(("model_version", Int64(bitPattern: field.value)))
            case 7: try graph.read(message.message(field), isMain: true)
            case 8: try readOperatorSet(message.message(field))
            case 14: try readMetadata(message.message(field))
            case 20: try readTraining(message.message(field))
            case 25: try readFunction(message.message(field))
            default: break
            }
        }
    }

    private mutating func readOperatorSet(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        var domain = ""
        var version: UInt64 = 0
        while let field = try message.next() {
            if field.number == 1 { domain = try message.string(field) }
            if field.number == 2 { version = field.value }
        }
        guard operatorSets.count < HeaderReport.listLimit else { return }
        operatorSets.append(.init(domain.isEmpty ? "ai.onnx" : cut(domain, to: 128), .whole(version)))
    }

    private mutating func readMetadata(_ message: ProtobufMessage) throws(ReadFailure) {
        guard metadata.count < HeaderReport.listLimit else { return }
        let (key, value) = try message.stringPair()
        metadata.append(.init(cut(key, to: 128), .text(value)))
    }

    private mutating func readTraining(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            if field.number == 1 || field.number == 2 { try graph.read(message.message(field)) }
        }
    }

    private mutating func readFunction(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        functionCount += 1
        while let field = try message.next() {
            if field.number == 7 { try graph.readNode(message.message(field)) }
            if field.number == 10 {
                let domain = try message.string(field)
                if functionDomains.count < Tally.nameLimit { functionDomains.insert(domain) }
            }
        }
    }
}
