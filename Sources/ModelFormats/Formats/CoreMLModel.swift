internal import Vocabulary

/// What a Core ML model says of itself, and of the models in it.
struct CoreMLModel {
    private var facts: [JSON.Member] = []
    private var inputs: [JSON] = []
    private var outputs: [JSON] = []
    private var kinds: [String] = []
    private var operations = Tally()
    private var findings: [Finding] = []

    func note(in report: inout HeaderReport) {
        for fact in facts { report.set(fact.key, fact.value) }
        report.set("model_type", kinds.first)
        if kinds.count > 1 { report.set("parts", .list(kinds.dropFirst().map { .string($0) })) }
        report.set("inputs", .list(inputs))
        report.set("outputs", .list(outputs))
        if operations.total > 0 { report.set("operators", .counts(operations.counts)) }
        for finding in findings { report.find(finding) }
    }

    mutating func read(_ message: ProtobufMessage, isOutermost: Bool = false) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 1 where isOutermost: facts.append(.init("specification_version", .whole(field.value)))
            case 2 where isOutermost: try readDescription(message.message(field))
            case 10 where isOutermost && field.value != 0: facts.append(.init("is_updatable", .bool(true)))
            case 200...: try readKind(field, message)
            default: break
            }
        }
    }

    private mutating func readKind(_ field: ProtobufMessage.Field, _ message: ProtobufMessage) throws(ReadFailure) {
        if kinds.count < HeaderReport.listLimit { kinds.append(CoreML.kinds[field.number] ?? "\(field.number)") }
        switch field.number {
        case 200, 201:
            try readAll(1, of: message.message(field)) { model, part throws(ReadFailure) in
                try model.readPipeline(part)
            }
        case 202: try readPipeline(message.message(field))
        case 303, 403, 500:
            try readAll(1, of: message.message(field)) { model, part throws(ReadFailure) in try model.readLayer(part) }
        case 502:
            try readAll(2, of: message.message(field)) { model, part throws(ReadFailure) in
                try model.readFunction(part)
            }
        case 555:
            let name = try text(at: [10], in: message.message(field))
            find(.dangerous, "coreml_custom_model", "The custom model class \(quoted(name)) is loaded.", field)
        case 556:
            let path = try text(at: [1, 1, 1], in: message.message(field))
            find(.dangerous, "coreml_linked_model", "Another model is loaded from \(quoted(path)).", field)
        case 3000: find(.unscannable, "coreml_serialized_model", "The model is serialized in an unknown way.", field)
        default: break
        }
    }

    /// Reads every message that is one field of a message.
    private mutating func readAll(
        _ number: Int, of message: ProtobufMessage,
        _ body: (inout CoreMLModel, ProtobufMessage) throws(ReadFailure) -> Void
    ) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            if field.number == number { try body(&self, message.message(field)) }
        }
    }

    private mutating func readPipeline(_ message: ProtobufMessage) throws(ReadFailure) {
        try readAll(1, of: message) { model, message throws(ReadFailure) in try model.read(message) }
    }

    /// A NeuralNetworkLayer; which of its fields from 100 on is there says what it does, 500 is a class of the app.
    private mutating func readLayer(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            guard field.number >= 100 else { continue }
            operations.count("layer \(field.number)")
            guard field.number == 500 else { continue }
            let name = try text(at: [10], in: message.message(field))
            find(.unknownImports, "coreml_custom_layer", "The custom layer class \(quoted(name)) is loaded.", field)
        }
    }

    /// An entry of `map<string, Function>`, whose blocks are an entry of `map<string, Block>`.
    private mutating func readFunction(_ entry: ProtobufMessage) throws(ReadFailure) {
        try readAll(2, of: entry) { model, function throws(ReadFailure) in
            try model.readAll(3, of: function) { model, entry throws(ReadFailure) in
                try model.readAll(2, of: entry) { model, block throws(ReadFailure) in try model.readBlock(block) }
            }
        }
    }

    private mutating func readBlock(_ message: ProtobufMessage) throws(ReadFailure) {
        try readAll(3, of: message) { model, operation throws(ReadFailure) in
            var operation = operation
            while let field = try operation.next() {
                if field.number == 1 { model.operations.count(try operation.string(field)) }
                if field.number == 4 { try model.readBlock(operation.message(field)) }
            }
        }
    }

    /// The text at a path of field numbers; empty where there is none.
    private func text(at path: [Int], in message: ProtobufMessage) throws(ReadFailure) -> String {
        var message = message
        while let field = try message.next() {
            guard field.number == path[0] else { continue }
            if path.count == 1 { return try message.string(field) }
            return try text(at: Array(path.dropFirst()), in: message.message(field))
        }
        return ""
    }

    private mutating func find(
        _ severity: Safety, _ code: String, _ message: String, _ field: ProtobufMessage.Field
    ) {
        guard findings.count < HeaderReport.listLimit || severity == .dangerous else { return }
        findings.append(Finding(severity, code, message, offset: field.start))
    }
}

// MARK: - Description

extension CoreMLModel {
    private mutating func readDescription(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        while let field = try message.next() {
            switch field.number {
            case 1 where inputs.count < HeaderReport.listLimit:
                inputs.append(.text(try text(at: [1], in: message.message(field))))
            case 10 where outputs.count < HeaderReport.listLimit:
                outputs.append(.text(try text(at: [1], in: message.message(field))))
            case 100: try readMetadata(message.message(field))
            default: break
            }
        }
    }

    private mutating func readMetadata(_ message: ProtobufMessage) throws(ReadFailure) {
        var message = message
        let keys = [1: "description", 2: "version", 3: "author", 4: "license"]
        var userDefined: [JSON.Member] = []
        while let field = try message.next() {
            if let key = keys[field.number] { facts.append(.init(key, .text(try message.string(field)))) }
            if field.number == 100, userDefined.count < HeaderReport.listLimit {
                let (key, value) = try message.message(field).stringPair()
                userDefined.append(.init(cut(key, to: 128), .text(value)))
            }
        }
        if !userDefined.isEmpty { facts.append(.init("metadata", .object(userDefined))) }
    }
}
