/// The fields on a message's top level: ONNX, Core ML and TensorFlow files begin with the same bytes, only this tells
/// them apart.
struct ProtobufShape {
    /// How each field number is written, by its first occurrence.
    private(set) var wires: [Int: ProtobufMessage.Wire] = [:]
    /// Values of fields that are small numbers.
    private(set) var numbers: [Int: UInt64] = [:]
    /// Whether the last field that is announced is not all there.
    private(set) var isTruncated = false
    /// Whether the field numbers in the first field, itself taken for a message, are plausible.
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
                guard allowed.contains(field.number), wires[field.number] ?? field.wire == field.wire else { return nil }
                if field.number == nestedField, wires[field.number] == nil {
                    guard let found = try Self.numbers(in: field, of: message) else { return nil }
                    nested = found
                }
                wires[field.number] = field.wire
                if field.wire == .varint { numbers[field.number] = field.value }
            }
        } catch .truncated {
            isTruncated = true
        } catch .malformed {
            return nil
        }
        guard !wires.isEmpty else { return nil }
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
        } catch .malformed { return nil }
        return numbers
    }
}
