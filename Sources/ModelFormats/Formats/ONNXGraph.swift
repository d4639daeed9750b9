internal import Vocabulary

/// The nodes, tensors and values of an ONNX graph and of the graphs in it.
struct ONNXGraph {
    private(set) var operators = Tally()
    private(set) var domains = Tally()
    private var name: String?
    private var inputs: [JSON] = []
    private var inputCount = 0
    private var outputs: [JSON] = []
    private var outputCount = 0
    private var parameters = CheckedCount()
    private var tensorCount = 0
    private var externalFiles = Tally()
    private var escapes: [Finding] = []

    func note(in report: inout HeaderReport) {
        report.set("graph_name", name)
        report.set("node_count", operators.total)
        report.set("operators", .counts(operators.counts))
        report.set("inputs", .array(inputs))
        report.set("input_count", inputCount)
        report.set("outputs", .array(outputs))
        report.set("output_count", outputCount)
        report.set("tensor_count", tensorCount)
        report.set("parameter_count", parameters.value)
        if externalFiles.total > 0 {
            report.set("external_data_count", externalFiles.total)
            report.set("external_data", .list(externalFiles.counts.keys.sorted().map { .text($0) }))
        }
        for finding in escapes { report.find(finding) }
    }

    /// Reads a graph; graphs in attributes of its nodes are read like it, as deep as messages may be nested.
    mutating func read(_ message: ProtobufMessage, isMain: Bool = false) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 1: try readNode(message.message(field))
            case 2 where isMain: name = try message.string(field)
            case 5: try readTensor(message.message(field))
            case 11 where isMain:
                inputCount += 1
                if inputs.count < HeaderReport.listLimit { inputs.append(try value(message.message(field))) }
            case 12 where isMain:
                outputCount += 1
                if outputs.count < HeaderReport.listLimit { outputs.append(try value(message.message(field))) }
            case 15: try readSparseTensor(message.message(field))
            default: break
            }
        }
    }

    mutating func readNode(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        var domain = ""
        while let field = try message.next() {
            switch field.number {
            case 4: operators.count(try message.string(field))
            case 5: try readAttribute(message.message(field))
            case 7: domain = try message.string(field)
            default: break
            }
        }
        domains.count(domain)
    }

    private mutating func readAttribute(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 5, 10: try readTensor(message.message(field), isParameter: false)
            case 6, 11: try read(message.message(field))
            case 22, 23: try readSparseTensor(message.message(field))
            default: break
            }
        }
    }

    private mutating func readSparseTensor(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            if field.number == 1 || field.number == 2 {
                try readTensor(message.message(field), isParameter: field.number == 1)
            }
        }
    }

    private mutating func readTensor(_ message: ProtobufMessage, isParameter: Bool = true) throws(ReadFailure) {
        var message = message
        var dimensions: [Int64] = []
        while let field = try message.next() {
            if field.number == 1 { try message.numbers(field, into: &dimensions) }
            if field.number == 13 {
                let (key, value) = try message.message(field).stringPair()
                if key == "location" { noteExternalFile(value, at: field.start) }
            }
        }
        guard isParameter else { return }
        tensorCount += 1
        parameters.add(CheckedCount(product: dimensions))
    }

    /// A runtime opens external data relative to the model; it must not lead out of the model's directory.
    private mutating func noteExternalFile(_ path: String, at offset: Int64) {
        guard externalFiles.count(path), leavesDirectory(path), escapes.count < HeaderReport.listLimit else { return }
        escapes.append(
            Finding(
                .dangerous, "onnx_external_path",
                "External data \(quoted(path)) lies outside of the model's directory.", offset: offset))
    }
}

// MARK: - Inputs and outputs

extension ONNXGraph {
    private static let elementTypes = [
        "undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
        "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
        "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1",
    ]

    /// A ValueInfoProto: name, element type, shape with numbers for what is fixed and names for what is not.
    private func value(_ message: ProtobufMessage) throws(ReadFailure) -> JSON {
        var message = message
        var members: [JSON.Member] = []
        while let field = try message.next() {
            if field.number == 1 { members.append(.init("name", .text(try message.string(field)))) }
            if field.number == 2 { members += try type(message.message(field)) }
        }
        return .object(members)
    }

    private func type(_ message: ProtobufMessage) throws(ReadFailure) -> [JSON.Member] {
        var message = message
        var members: [JSON.Member] = []
        while let field = try message.next() {
            guard field.number == 1 else { continue }
            var tensor = try message.message(field)
            while let field = try tensor.next() {
                if field.number == 1 {
                    let index = Int(clamping: field.value)
                    let known = Self.elementTypes.indices.contains(index) ? Self.elementTypes[index] : "\(index)"
                    members.append(.init("type", .string(known)))
                }
                if field.number == 2 { members.append(.init("shape", try shape(tensor.message(field)))) }
            }
        }
        return members
    }

    private func shape(_ message: ProtobufMessage) throws(ReadFailure) -> JSON {
        var message = message
        var dimensions: [JSON] = []
        while let field = try message.next() {
            guard field.number == 1 else { continue }
            var dimension = try message.message(field)
            var value = JSON.null
            while let field = try dimension.next() {
                if field.number == 1 { value = .whole(Int64(bitPattern: field.value)) }
                if field.number == 2 { value = .text(try dimension.string(field)) }
            }
            if dimensions.count < HeaderReport.listLimit { dimensions.append(value) }
        }
        return .array(dimensions)
    }
}

/// Whether a path that a file names would lead out of the directory the file is in, on any system.
func leavesDirectory(_ path: String) -> Bool {
    let parts = path.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
    if parts.contains("..") || path.unicodeScalars.contains("\0") { return true }
    return parts.count > 1 && (parts[0].isEmpty || parts[0].hasSuffix(":"))
}
