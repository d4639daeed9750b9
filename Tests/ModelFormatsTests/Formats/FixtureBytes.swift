import ModelFormats
import Vocabulary

/// What the header readers say of these bytes.
func inspect(_ bytes: [UInt8]) -> Inspection? { HeaderFormats.inspect(MemoryBytes(bytes)) }

/// A number, least significant byte first.
func little(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

/// A number, most significant byte first.
func big(_ value: some FixedWidthInteger) -> [UInt8] { little(value).reversed() }

extension [UInt8] {
    init(_ text: String) { self = Array(text.utf8) }

    /// Zeros up to the next multiple.
    func padded(to multiple: Int) -> [UInt8] { self + [UInt8](repeating: 0, count: -count & (multiple - 1)) }

    /// The bytes with others in their place from an offset on.
    func replacing(_ part: [UInt8], at offset: Int) -> [UInt8] {
        var copy = self
        copy.replaceSubrange(offset..<offset + part.count, with: part)
        return copy
    }
}

extension Inspection {
    /// The codes of the findings, the worst first.
    var codes: [String] { findings.map(\.code) }

    /// A fact as JSON text.
    func fact(_ key: String) -> String? { details[key]?.text }
}

// MARK: - Protocol buffers

/// A field of bytes: a message, a string.
func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
}

/// A field of text.
func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

/// A field that is a number.
func field(_ number: UInt64, varint value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }

/// Seven bits a byte, the least significant first.
func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
}

// MARK: - FlatBuffers

/// A FlatBuffers table: its fields by their numbers in the schema.
struct FlatTable {
    indirect enum Value {
        case number(width: Int, UInt64)
        case string(String)
        case table(FlatTable)
        case tables([FlatTable])
        case numbers([UInt32])
    }

    var fields: [(Int, Value)]

    init(_ fields: [(Int, Value)]) { self.fields = fields }

    /// A buffer whose root is this table, with four bytes of identifier.
    func buffer(identifier: String) -> [UInt8] {
        var bytes = [0, 0, 0, 0] + Array(identifier.utf8)
        let root = write(to: &bytes)
        return bytes.replacing(little(UInt32(root)), at: 0)
    }

    /// Appends the vtable, the table, and what the table refers to.
    private func write(to bytes: inout [UInt8]) -> Int {
        bytes = bytes.padded(to: 8)
        let slots = (fields.map(\.0).max() ?? -1) + 1
        let vtable = bytes.count
        bytes += little(UInt16(4 + 2 * slots)) + little(UInt16(4 + 8 * fields.count))
        bytes += [UInt8](repeating: 0, count: 2 * slots)
        bytes = bytes.padded(to: 4)
        let table = bytes.count
        bytes += little(Int32(table - vtable)) + [UInt8](repeating: 0, count: 8 * fields.count)
        for (index, (number, value)) in fields.enumerated() {
            let place = table + 4 + 8 * index
            bytes = bytes.replacing(little(UInt16(4 + 8 * index)), at: vtable + 4 + 2 * number)
            if case .number(let width, let number) = value {
                bytes = bytes.replacing(Array(little(number).prefix(width)), at: place)
            } else {
                let target = Self.write(value, to: &bytes)
                bytes = bytes.replacing(little(UInt32(target - place)), at: place)
            }
        }
        return table
    }

    private static func write(_ value: Value, to bytes: inout [UInt8]) -> Int {
        bytes = bytes.padded(to: 8)
        let start = bytes.count
        switch value {
        case .number: break
        case .string(let text): bytes += little(UInt32(text.utf8.count)) + Array(text.utf8) + [0]
        case .table(let table): return table.write(to: &bytes)
        case .numbers(let numbers): bytes += little(UInt32(numbers.count)) + numbers.flatMap { little($0) }
        case .tables(let tables):
            bytes += little(UInt32(tables.count)) + [UInt8](repeating: 0, count: 4 * tables.count)
            for (index, table) in tables.enumerated() {
                let place = start + 4 + 4 * index
                let target = table.write(to: &bytes)
                bytes = bytes.replacing(little(UInt32(target - place)), at: place)
            }
        }
        return start
    }
}
