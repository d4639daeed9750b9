/// The fields on a message's top level: ONNX, Core ML and TensorFlow files begin with the same bytes, only this tells
/// them apart.
struct ProtobufShape {
    /// How each field number is written, by its first occurrence.
    private(set) var wires: [Int: ProtobufMessage.Wire] = [:]
    /// Values of fields that are small numbers.
    private(set) var numbers: [Int: UInt64] = [:]
    /// The number of the last field when it is announced, but not all there; 0 when not even the number is.
    private(set) var cutNumber: Int?
    /// The field numbers in the first occurrence of one field, itself taken for a message.
    private(set) var nested: Set<Int> = []

    /// Looks at no more than the tags of the top level, and of the first message in it; `nil` for what is no message.
    ///
    /// What is not a message fails within the first bytes nearly always, so that nothing else is read of it.
    init?(
        _ head: Head, startingWith first: UInt8, allowing allowed: Set<Int>, nestedIn nestedField: Int
    ) throws(ReadFailure) {
        guard head.has([first]), head.bytes.count >= 4 else { return nil }
        var message = ProtobufMessage(head.source)
        do {
            while let field = try message.next() {
                guard try note(field, of: message, allowed, nestedField) else { return nil }
            }
        } catch .truncated {
            cutNumber = message.cutField?.number ?? 0
            if let field = message.cutField, try !note(field, of: message, allowed, nestedField) { return nil }
        } catch .malformed {
            return nil
        }
    }

    /// Whether a field may be where it is.
    private mutating func note(
        _ field: ProtobufMessage.Field, of message: ProtobufMessage, _ allowed: Set<Int>, _ nestedField: Int
    ) throws(ReadFailure) -> Bool {
        guard allowed.contains(field.number), wires[field.number] ?? field.wire == field.wire else { return false }
        if field.number == nestedField, wires[field.number] == nil {
            guard let found = try Self.numbers(in: field, of: message) else { return false }
            nested = found
        }
        wires[field.number] = field.wire
        if field.wire == .varint { numbers[field.number] = field.value }
        return true
    }

    /// The field numbers of a message, the first 64 fields of it; `nil` for what is no message.
    private static func numbers(
        in field: ProtobufMessage.Field, of message: ProtobufMessage
    ) throws(ReadFailure) -> Set<Int>? {
        guard field.wire == .bytes else { return nil }
        var numbers: Set<Int> = []
        do {
            var inner = try message.message(field)
            for _ in 0..<64 {
                guard let field = try inner.next() else { break }
                numbers.insert(field.number)
            }
        } catch .truncated {
            return numbers
        } catch .malformed {
            return message.cutField == nil ? nil : numbers
        }
        return numbers
    }
}
