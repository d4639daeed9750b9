/// The fields on a message's top level, and right below it: ONNX, Core ML and TensorFlow files begin with the same bytes,
/// only this tells them apart.
///
/// Every loader of theirs passes fields that it does not know, in any order, and merges what occurs twice: so does this.
struct ProtobufShape {
    /// A field's number and how it is written.
    struct Kind: Hashable {
        let number: Int
        let wire: ProtobufMessage.Wire

        static func bytes(_ number: Int) -> Kind { Kind(number: number, wire: .bytes) }
        static func varint(_ number: Int) -> Kind { Kind(number: number, wire: .varint) }
    }

    /// How many fields of each message below the top level are looked at.
    private static let nestedLimit = 32

    private(set) var kinds: Set<Kind> = []
    /// The values of the fields that are small numbers.
    private(set) var numbers: [Int: UInt64] = [:]
    /// What the messages in a field have, all of them together.
    private(set) var nested: [Int: Set<Kind>] = [:]
    /// Whether the file ends within a field.
    private(set) var isCut = false

    /// Looks at no more than tags; `nil` for what is no message, which fails within the first bytes nearly always.
    ///
    /// - Parameter fields: the fields whose value is looked into.
    init?(_ head: Head, lookingInto fields: Set<Int>) throws(ReadFailure) {
        guard head.bytes.count >= 4 else { return nil }
        var message = ProtobufMessage(head.source)
        do {
            while let field = try message.next() { try note(field, of: message, fields) }
        } catch .truncated {
            isCut = true
            if let field = message.cutField { try note(field, of: message, fields) }
        } catch .malformed {
            return nil
        }
    }

    private mutating func note(
        _ field: ProtobufMessage.Field, of message: ProtobufMessage, _ fields: Set<Int>
    ) throws(ReadFailure) {
        let kind = Kind(number: field.number, wire: field.wire)
        if kinds.count < 4096 { kinds.insert(kind) }
        if field.wire == .varint, field.number < 16 { numbers[field.number] = field.value }
        guard field.wire == .bytes, fields.contains(field.number) else { return }
        var found = nested[field.number] ?? []
        defer { nested[field.number] = found }
        do {
            var inner = try message.message(field)
            for _ in 0..<Self.nestedLimit {
                guard let field = try inner.next() else { return }
                if found.count < 4096 { found.insert(Kind(number: field.number, wire: field.wire)) }
            }
        } catch .malformed { return } catch .truncated { return }
    }

    /// Whether the messages in a field have nothing but these.
    func nested(_ field: Int, hasOnly numbers: Set<Int>) -> Bool {
        (nested[field] ?? []).allSatisfy { numbers.contains($0.number) }
    }
}

/// A format that is a protocol buffers message.
protocol ProtobufFormat: HeaderFormat {
    /// Whether a message of this shape is of this format, as far as its shape tells.
    static func matches(_ shape: ProtobufShape, _ head: Head) -> Bool
}

extension ProtobufFormat {
    static func recognises(_ head: Head) throws(ReadFailure) -> Bool {
        guard let shape = try ProtobufShape(head, lookingInto: [1, 2, 7]) else { return false }
        return matches(shape, head)
    }
}

/// The formats that are protocol buffers messages, told apart by their fields.
enum ProtobufFormats {
    private static var all: [any ProtobufFormat.Type] {
        [ONNX.self, SavedModel.self, CoreML.self, TensorFlowGraph.self]
    }

    /// What the file says as the first of the formats that it is; when it is two of them, what both of them say.
    static func inspect(_ head: Head) throws(ReadFailure) -> Inspection? {
        guard let shape = try ProtobufShape(head, lookingInto: [1, 2, 7]) else { return nil }
        var first: Inspection?
        for format in all where format.matches(shape, head) {
            guard let inspection = format.read(head) else { continue }
            first = first.map { ambiguous($0, inspection) } ?? inspection
        }
        return first
    }

    private static func ambiguous(_ first: Inspection, _ second: Inspection) -> Inspection {
        var both = first
        let finding = Finding(
            .unscannable, "ambiguous_format",
            "The file is \(second.format.rawValue) as well as \(first.format.rawValue): which one depends on the loader."
        )
        both.findings = (second.findings + [finding] + first.findings).sorted { $0.severity > $1.severity }
        both.safety = max(first.safety, second.safety, .unscannable)
        return both
    }
}
