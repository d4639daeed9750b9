/// Reads MessagePack a value at a time; strings, bytes and extensions are passed by their length.
struct MessagePackReader {
    enum Value {
        case null, bool, number
        case string(size: Int64)
        case bytes(size: Int64)
        case list(count: Int64)
        case map(count: Int64)
        case extended(type: Int8, size: Int64)
    }

    let bytes: ByteReader

    /// The next value; of a string, of bytes and of an extension its content comes next.
    func next() throws(ReadFailure) -> Value {
        let marker = try bytes.byte("a value")
        switch marker {
        case 0x00...0x7F, 0xE0...0xFF: return .number
        case 0x80...0x8F: return .map(count: try count(Int64(marker & 0x0F), width: 2))
        case 0x90...0x9F: return .list(count: try count(Int64(marker & 0x0F), width: 1))
        case 0xA0...0xBF: return .string(size: try count(Int64(marker & 0x1F), width: 1))
        case 0xC0: return .null
        case 0xC2, 0xC3: return .bool
        case 0xC4...0xC6: return .bytes(size: try size(1 << (marker - 0xC4), width: 1))
        case 0xC7...0xC9: return try extended(size(1 << (marker - 0xC7), width: 0))
        case 0xCA: return try number(4)
        case 0xCB: return try number(8)
        case 0xCC...0xCF: return try number(1 << (marker - 0xCC))
        case 0xD0...0xD3: return try number(1 << (marker - 0xD0))
        case 0xD4...0xD8: return try extended(1 << Int64(marker - 0xD4))
        case 0xD9...0xDB: return .string(size: try size(1 << (marker - 0xD9), width: 1))
        case 0xDC, 0xDD: return .list(count: try size(2 << (marker - 0xDC), width: 1))
        case 0xDE, 0xDF: return .map(count: try size(2 << (marker - 0xDE), width: 2))
        default: throw .malformed(what: "byte \(marker) is no MessagePack type", offset: bytes.offset)
        }
    }

    private func number(_ size: UInt8) throws(ReadFailure) -> Value {
        try bytes.skip(Int64(size), "a number")
        return .number
    }

    private func extended(_ size: Int64) throws(ReadFailure) -> Value {
        let type = try bytes.little(Int8.self, "an extension's type")
        return .extended(type: type, size: try count(size, width: 1))
    }

    /// A length of so many bytes, of things that have `width` bytes each at least.
    private func size(_ digits: UInt8, width: Int64) throws(ReadFailure) -> Int64 {
        var value: Int64 = 0
        for _ in 0..<digits { value = value << 8 | Int64(try bytes.byte("a length")) }
        return try count(value, width: width)
    }

    private func count(_ count: Int64, width: Int64) throws(ReadFailure) -> Int64 {
        guard count * width <= bytes.remaining else {
            throw .truncated(what: "a value with \(count) elements", offset: bytes.offset)
        }
        return count
    }
}
