/// Reads a protocol buffers message field by field, forwards, without a schema.
///
/// What a caller does not read of a field is passed by its length, so that tensors cost nothing. Messages in it share
/// its reader and the number of fields that may be read in all; their depth is bounded.
struct ProtobufMessage {
    static let depthLimit = 64
    static let fieldLimit = 10_000_000

    enum Wire: UInt64 { case varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 }

    struct Field {
        let number: Int
        let wire: Wire
        /// Of a number its bits; of bytes their count.
        let value: UInt64
        /// Where the value starts.
        let start: Int64

        /// Where the bytes of the value end.
        var end: Int64 { wire == .bytes ? start + Int64(value) : start }
    }

    private final class Budget {
        var fields = ProtobufMessage.fieldLimit
    }

    private let bytes: ByteReader
    private let budget: Budget
    private let end: Int64
    private let depth: Int
    private var fieldEnd: Int64
    /// The field that the file ends in, as much of it as there is.
    private(set) var cutField: Field?

    /// The message that a source consists of.
    init(_ source: any ByteSource) { self.init(ByteReader(source)) }

    /// The message that a reader has left.
    init(_ bytes: ByteReader) {
        self.bytes = bytes
        budget = Budget()
        end = bytes.offset + bytes.remaining
        depth = 0
        fieldEnd = bytes.offset
    }

    private init(in parent: ProtobufMessage, _ field: Field) {
        bytes = parent.bytes
        budget = parent.budget
        end = field.end
        depth = parent.depth + 1
        fieldEnd = field.start
    }

    /// The next field; `nil` at the message's end.
    mutating func next() throws(ReadFailure) -> Field? {
        if bytes.offset < fieldEnd { try bytes.skip(fieldEnd - bytes.offset, "a field") }
        guard bytes.offset < end else { return nil }
        budget.fields -= 1
        guard budget.fields >= 0 else { throw .limit("there are more than \(Self.fieldLimit) fields") }
        let start = bytes.offset
        let tag = try varint()
        guard let wire = Wire(rawValue: tag & 7), let number = Int(exactly: tag >> 3),
            (1...0x1FFF_FFFF).contains(number)
        else { throw .malformed(what: "\(tag) is no protocol buffers field tag", offset: start) }
        let field = try self.field(number, wire)
        fieldEnd = field.end
        return field
    }

    /// The message that is a field's value.
    func message(_ field: Field) throws(ReadFailure) -> ProtobufMessage {
        guard field.wire == .bytes else {
            throw .malformed(what: "field \(field.number) should be a message", offset: field.start)
        }
        guard depth < Self.depthLimit else {
            throw .malformed(what: "messages are nested deeper than \(Self.depthLimit) levels", offset: field.start)
        }
        return ProtobufMessage(in: self, field)
    }

    /// The first bytes of a field's value.
    func bytes(_ field: Field, keeping limit: Int = 4096) throws(ReadFailure) -> [UInt8] {
        guard field.wire == .bytes else {
            throw .malformed(what: "field \(field.number) should be a string", offset: field.start)
        }
        return try bytes.bytes(Int(min(field.value, UInt64(limit))), "field \(field.number)")
    }

    /// The first characters of a field's value.
    func string(_ field: Field) throws(ReadFailure) -> String { String(decoding: try bytes(field), as: UTF8.self) }

    /// The string that is field 1, such as the key of a map's entry; empty where there is none.
    func firstString() throws(ReadFailure) -> String {
        var rest = self
        while let field = try rest.next() {
            if field.number == 1 { return try rest.string(field) }
        }
        return ""
    }

    /// The strings that are fields 1 and 2, such as a key and its value.
    func stringPair() throws(ReadFailure) -> (String, String) {
        var rest = self
        var pair = ("", "")
        while let field = try rest.next() {
            if field.number == 1 { pair.0 = try rest.string(field) }
            if field.number == 2 { pair.1 = try rest.string(field) }
        }
        return pair
    }

    /// The numbers of a repeated field, packed or not.
    func numbers(
        _ field: Field, limit: Int = 64, into numbers: inout [Int64]
    ) throws(ReadFailure) {
        if field.wire == .varint { return numbers.append(Int64(bitPattern: field.value)) }
        let packed = try message(field)
        while bytes.offset < packed.end {
            guard numbers.count < limit else {
                throw .malformed(what: "a list has more than \(limit) numbers", offset: bytes.offset)
            }
            numbers.append(Int64(bitPattern: try packed.varint()))
        }
    }

    private mutating func field(_ number: Int, _ wire: Wire) throws(ReadFailure) -> Field {
        let start = bytes.offset
        switch wire {
        case .varint: return Field(number: number, wire: wire, value: try varint(), start: bytes.offset)
        case .fixed32: return Field(number: number, wire: wire, value: UInt64(try fixed(UInt32.self)), start: start + 4)
        case .fixed64: return Field(number: number, wire: wire, value: try fixed(UInt64.self), start: start + 8)
        case .bytes:
            let size = try varint()
            guard bytes.offset <= end, size <= UInt64(end - bytes.offset) else {
                if depth == 0 {
                    let rest = UInt64(max(0, end - bytes.offset))
                    cutField = Field(number: number, wire: wire, value: rest, start: bytes.offset)
                    throw .truncated(what: "field \(number) of \(size) bytes", offset: bytes.offset)
                }
                throw .malformed(
                    what: "field \(number) of \(size) bytes does not fit into its message", offset: bytes.offset)
            }
            return Field(number: number, wire: wire, value: size, start: bytes.offset)
        }
    }

    private func fixed<Value: FixedWidthInteger>(_ type: Value.Type) throws(ReadFailure) -> Value {
        let value = try bytes.little(type)
        guard bytes.offset <= end else { throw overrun() }
        return value
    }

    /// Seven bits a byte, the least significant first, ten bytes at most.
    private func varint() throws(ReadFailure) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try bytes.byte("a field")
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                guard bytes.offset <= end else { throw overrun() }
                return value
            }
        }
        throw .malformed(what: "a number has more than ten bytes", offset: bytes.offset)
    }

    private func overrun() -> ReadFailure {
        .malformed(what: "a field runs over the end of its message", offset: bytes.offset)
    }
}
