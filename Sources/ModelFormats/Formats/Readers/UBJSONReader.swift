/// Reads UBJSON (draft 12, numbers most significant byte first) a token at a time.
///
/// The elements of a long list of numbers are passed by their length: such a list appears empty.
struct UBJSONReader: DocumentReader {
    private static let depthLimit = 64
    private static let textLimit = 4096
    /// Lists of numbers up to this length come out as tokens.
    private static let numbersLimit: UInt64 = 64

    private struct Container {
        var isObject: Bool
        /// How many elements are left, where that was announced.
        var left: UInt64?
        /// The type of all elements, where that was announced.
        var type: UInt8?
    }

    let bytes: ByteReader
    private(set) var text: [UInt8] = []
    private(set) var isBeforeValue = true
    private var open: [Container] = []

    init(_ bytes: ByteReader) { self.bytes = bytes }

    var depth: Int { open.count }

    mutating func next() throws(ReadFailure) -> DocumentToken? {
        if isBeforeValue { return try value(marker()) }
        guard let container = open.last else { return nil }
        if let left = container.left {
            guard left > 0 else { return close(container) }
            open[open.count - 1].left = left - 1
        } else if try peekMarker() == (container.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            _ = try bytes.byte()
            return close(container)
        }
        if let type = container.type { return try value(type) }
        guard container.isObject else { return try value(marker()) }
        try readText()
        isBeforeValue = true
        return .key
    }

    private mutating func close(_ container: Container) -> DocumentToken {
        open.removeLast()
        return container.isObject ? .endObject : .endArray
    }

    /// The next byte that is not a no-op.
    private func peekMarker() throws(ReadFailure) -> UInt8? {
        while try bytes.peek() == UInt8(ascii: "N") { _ = try bytes.byte() }
        return try bytes.peek()
    }

    private func marker() throws(ReadFailure) -> UInt8 {
        _ = try peekMarker()
        return try bytes.byte("a type marker")
    }

    private mutating func value(_ marker: UInt8) throws(ReadFailure) -> DocumentToken {
        isBeforeValue = false
        switch marker {
        case UInt8(ascii: "{"): return try begin(object: true)
        case UInt8(ascii: "["): return try begin(object: false)
        case UInt8(ascii: "Z"): return .null
        case UInt8(ascii: "T"): return .bool(true)
        case UInt8(ascii: "F"): return .bool(false)
        case UInt8(ascii: "S"), UInt8(ascii: "H"):
            try readText()
            return marker == UInt8(ascii: "S") ? .string : .number
        case UInt8(ascii: "C"):
            text = [try bytes.byte("a character")]
            return .string
        default:
            text = Array(try number(marker).utf8)
            return .number
        }
    }

    private mutating func begin(object: Bool) throws(ReadFailure) -> DocumentToken {
        guard depth < Self.depthLimit else { throw malformed("UBJSON is nested deeper than \(Self.depthLimit) levels") }
        var container = Container(isObject: object)
        if try peekMarker() == UInt8(ascii: "$") {
            _ = try bytes.byte()
            container.type = try bytes.byte("an element type")
            guard try bytes.peek() == UInt8(ascii: "#") else { throw malformed("a typed container has no count") }
        }
        if try bytes.peek() == UInt8(ascii: "#") {
            _ = try bytes.byte()
            container.left = try count()
        }
        try admit(&container)
        open.append(container)
        return object ? .beginObject : .beginArray
    }

    /// Every element that is announced must have room in the file.
    private mutating func admit(_ container: inout Container) throws(ReadFailure) {
        guard let count = container.left else { return }
        guard let type = container.type else {
            guard count <= UInt64(bytes.remaining) else { throw tooMany(count) }
            return
        }
        guard !container.isObject, let width = Self.width(type) else {
            throw malformed("a container has elements of the type \(quoted(String(Character(Unicode.Scalar(type)))))")
        }
        let (size, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, size <= UInt64(bytes.remaining) else { throw tooMany(count) }
        guard count > Self.numbersLimit else { return }
        try bytes.skip(Int64(size), "a list of numbers")
        container.left = 0
    }

    private func tooMany(_ count: UInt64) -> ReadFailure {
        .truncated(what: "a container with \(count) elements", offset: bytes.offset)
    }

    private static func width(_ type: UInt8) -> UInt64? {
        switch type {
        case UInt8(ascii: "i"), UInt8(ascii: "U"), UInt8(ascii: "C"): 1
        case UInt8(ascii: "I"): 2
        case UInt8(ascii: "l"), UInt8(ascii: "d"): 4
        case UInt8(ascii: "L"), UInt8(ascii: "D"): 8
        default: nil
        }
    }

    private func number(_ marker: UInt8) throws(ReadFailure) -> String {
        switch marker {
        case UInt8(ascii: "i"): return "\(try bytes.big(Int8.self))"
        case UInt8(ascii: "U"): return "\(try bytes.big(UInt8.self))"
        case UInt8(ascii: "I"): return "\(try bytes.big(Int16.self))"
        case UInt8(ascii: "l"): return "\(try bytes.big(Int32.self))"
        case UInt8(ascii: "L"): return "\(try bytes.big(Int64.self))"
        case UInt8(ascii: "d"): return "\(Float(bitPattern: try bytes.big(UInt32.self)))"
        case UInt8(ascii: "D"): return "\(Double(bitPattern: try bytes.big(UInt64.self)))"
        default: throw malformed("byte \(marker) is no UBJSON type")
        }
    }

    private func count() throws(ReadFailure) -> UInt64 {
        let marker = try bytes.byte("a count")
        guard let width = Self.width(marker), marker != UInt8(ascii: "d"), marker != UInt8(ascii: "D"),
            let count = UInt64(try number(marker)), width > 0
        else { throw malformed("a count is not a whole number") }
        return count
    }

    /// A length and that many bytes, the first of which are kept.
    private mutating func readText() throws(ReadFailure) {
        let size = try count()
        guard size <= UInt64(bytes.remaining) else {
            throw .truncated(what: "a string of \(size) bytes", offset: bytes.offset)
        }
        text = try bytes.bytes(Int(min(size, UInt64(Self.textLimit))), "a string")
        try bytes.skip(Int64(size) - Int64(text.count), "a string")
    }
}
