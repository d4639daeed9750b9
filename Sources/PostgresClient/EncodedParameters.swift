/// Parameters as libpq wants them: for each one its type, its bytes, their number and their format.
///
/// All bytes lie in one buffer, so that one pointer has to stay valid during the call instead of one per parameter.
struct EncodedParameters {
    private(set) var types: [UInt32] = []
    private(set) var formats: [Int32] = []
    private(set) var lengths: [Int32] = []
    /// Where a parameter starts in `bytes`; `nil` for NULL.
    private(set) var offsets: [Int?] = []
    private(set) var bytes: [UInt8] = []

    /// Object identifiers of built-in types (src/include/catalog/pg_type.dat); fixed for ever.
    private enum TypeOID {
        static let unspecified: UInt32 = 0
        static let bytea: UInt32 = 17
        static let text: UInt32 = 25
        static let textArray: UInt32 = 1009
    }

    /// Encodes parameters.
    ///
    /// - Throws: `parameter` for a text with U+0000, which a C string cannot carry, and for what is over 1 GiB.
    init(_ parameters: [Parameter], operation: String) throws(PostgresError) {
        for (index, parameter) in parameters.enumerated() {
            let start = bytes.count
            switch parameter {
            case .null: append(type: TypeOID.unspecified, isBinary: false, start: nil)
            case .text(let text):
                append(type: TypeOID.unspecified, isBinary: false, start: start)
                bytes.append(contentsOf: text.utf8)
                guard !bytes[start...].contains(0) else { throw Self.refusal("holds U+0000", index, operation) }
            case .bytes(let content):
                append(type: TypeOID.bytea, isBinary: true, start: start)
                bytes.append(contentsOf: content)
            case .texts(let elements):
                append(type: TypeOID.textArray, isBinary: true, start: start)
                append(elements)
            }
            let length = bytes.count - start
            guard length < 1 << 30 else { throw Self.refusal("is over 1 GiB", index, operation) }
            lengths.append(Int32(length))
            bytes.append(0)
        }
    }

    private mutating func append(type: UInt32, isBinary: Bool, start: Int?) {
        types.append(type)
        formats.append(isBinary ? 1 : 0)
        offsets.append(start)
    }

    /// An array in the format that array_recv() reads: dimensions, NULL flag, element type, length, lower bound, and
    /// each element with its length.
    private mutating func append(_ elements: [String?]) {
        append(bigEndian: elements.isEmpty ? 0 : 1)
        append(bigEndian: elements.contains { $0 == nil } ? 1 : 0)
        append(bigEndian: TypeOID.text)
        guard !elements.isEmpty else { return }
        append(bigEndian: UInt32(truncatingIfNeeded: elements.count))
        append(bigEndian: 1)
        for element in elements {
            guard let element else {
                append(bigEndian: UInt32.max)
                continue
            }
            append(bigEndian: UInt32(truncatingIfNeeded: element.utf8.count))
            bytes.append(contentsOf: element.utf8)
        }
    }

    private mutating func append(bigEndian value: UInt32) {
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift)))
        }
    }

    private static func refusal(_ what: String, _ index: Int, _ operation: String) -> PostgresError {
        PostgresError(code: .parameter, operation: operation, primary: "parameter \(index + 1) \(what)")
    }
}
