/// Reads JSON (RFC 8259, and the `NaN`, `Infinity`, `-Infinity` that Python writes) a token at a time.
///
/// Memory does not grow with the document: of a string or number only the beginning is kept, of open containers one
/// byte each, and of the keys of open objects a fingerprint where duplicates are refused.
struct JSONReader: DocumentReader {
    struct Limits {
        var depth = 64
        var keys = 10_000_000
        /// How many bytes of a string are kept.
        var text = 4096
        var refusesDuplicateKeys = false
    }

    private enum Expectation { case value, valueOrEnd, key, keyOrEnd, commaOrEnd, nothing }

    let bytes: ByteReader
    private let limits: Limits
    /// What the last key, string or number was, its escapes resolved.
    private(set) var text: [UInt8] = []
    /// Whether the last string was longer than what is kept of it.
    private(set) var isCut = false
    private var isObject: [Bool] = []
    private var keys: [Set<Fingerprint>] = []
    private var keyCount = 0
    private var expectation = Expectation.value

    init(_ bytes: ByteReader, limits: Limits = Limits()) {
        self.bytes = bytes
        self.limits = limits
    }

    /// How many containers are open.
    var depth: Int { isObject.count }

    /// The next token; `nil` after the end of the document's one value.
    mutating func next() throws(ReadFailure) -> DocumentToken? {
        guard expectation != .nothing else { return nil }
        var byte = try significantByte()
        switch expectation {
        case .commaOrEnd:
            guard byte == UInt8(ascii: ",") else { return try close(byte) }
            expectation = isObject.last == true ? .key : .value
            byte = try significantByte()
        case .valueOrEnd where byte == UInt8(ascii: "]"), .keyOrEnd where byte == UInt8(ascii: "}"):
            return try close(byte)
        default: break
        }
        return expectation == .key || expectation == .keyOrEnd ? try key(byte) : try value(byte)
    }

    /// Whether a member's value, or the document's, comes next.
    var isBeforeValue: Bool { expectation == .value }

    /// Whether nothing but white space follows the value.
    mutating func isAtEnd() throws(ReadFailure) -> Bool {
        while let byte = try bytes.peek() {
            guard Self.isSpace(byte) else { return false }
            _ = try bytes.byte()
        }
        return expectation == .nothing
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    private func significantByte() throws(ReadFailure) -> UInt8 {
        while true {
            let byte = try bytes.byte("the rest of the JSON text")
            if !Self.isSpace(byte) { return byte }
        }
    }
}

// MARK: - Containers, keys and values

extension JSONReader {
    private mutating func open(object: Bool) throws(ReadFailure) {
        guard depth < limits.depth else { throw malformed("JSON is nested deeper than \(limits.depth) levels") }
        isObject.append(object)
        if object, limits.refusesDuplicateKeys { keys.append([]) }
        expectation = object ? .keyOrEnd : .valueOrEnd
    }

    private mutating func close(_ byte: UInt8) throws(ReadFailure) -> DocumentToken {
        let object = byte == UInt8(ascii: "}")
        guard object || byte == UInt8(ascii: "]"), isObject.last == object else {
            throw malformed("a comma or the end of the container was expected here")
        }
        isObject.removeLast()
        if object, limits.refusesDuplicateKeys { keys.removeLast() }
        valueEnded()
        return object ? .endObject : .endArray
    }

    private mutating func valueEnded() { expectation = isObject.isEmpty ? .nothing : .commaOrEnd }

    private mutating func key(_ first: UInt8) throws(ReadFailure) -> DocumentToken {
        guard first == UInt8(ascii: "\"") else { throw malformed("a key was expected here") }
        keyCount += 1
        guard keyCount <= limits.keys else { throw .limit("the JSON text has more than \(limits.keys) keys") }
        try quotedText()
        guard !isCut else { throw .limit("a key of the JSON text is longer than \(limits.text) bytes") }
        if limits.refusesDuplicateKeys, !keys[keys.count - 1].insert(Fingerprint(text)).inserted {
            throw malformed("the key \(quoted(string)) occurs twice in one object")
        }
        guard try significantByte() == UInt8(ascii: ":") else { throw malformed("a colon was expected here") }
        expectation = .value
        return .key
    }

    private mutating func value(_ first: UInt8) throws(ReadFailure) -> DocumentToken {
        switch first {
        case UInt8(ascii: "{"):
            try open(object: true)
            return .beginObject
        case UInt8(ascii: "["):
            try open(object: false)
            return .beginArray
        case UInt8(ascii: "\""):
            try quotedText()
            valueEnded()
            return .string
        default:
            let token = try word(first)
            valueEnded()
            return token
        }
    }

    /// A number, `true`, `false`, `null` or what Python writes for numbers that JSON does not have.
    private mutating func word(_ first: UInt8) throws(ReadFailure) -> DocumentToken {
        text.removeAll(keepingCapacity: true)
        text.append(first)
        while let byte = try bytes.peek(), Self.isWord(byte) {
            guard text.count < 1024 else { throw malformed("a number has more than 1,024 digits") }
            text.append(try bytes.byte())
        }
        if Self.isNumber(text) { return .number }
        switch string {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case "NaN", "Infinity", "-Infinity": return .number
        default: throw malformed("\(quoted(string)) is not a JSON value")
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    private static func isNumber(_ text: [UInt8]) -> Bool {
        var rest = text[...]
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let leadingZero = rest.first == 0x30
        let whole = digits()
        guard whole == 1 || whole > 1 && !leadingZero else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() > 0 else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}

// MARK: - Strings

extension JSONReader {
    /// Reads a string behind its opening quotation mark.
    private mutating func quotedText() throws(ReadFailure) {
        text.removeAll(keepingCapacity: true)
        isCut = false
        while true {
            let byte = try bytes.byte("the rest of a string")
            switch byte {
            case UInt8(ascii: "\""): return
            case UInt8(ascii: "\\"): try escapeSequence()
            case 0..<0x20: throw malformed("a control character stands unescaped in a string")
            default: keep(byte)
            }
        }
    }

    private mutating func keep(_ byte: UInt8) {
        if text.count < limits.text { text.append(byte) } else { isCut = true }
    }

    private mutating func keep(_ scalar: Unicode.Scalar) { for byte in String(Character(scalar)).utf8 { keep(byte) } }

    private mutating func escapeSequence() throws(ReadFailure) {
        switch try bytes.byte("the rest of a string") {
        case UInt8(ascii: "\""): keep(0x22 as UInt8)
        case UInt8(ascii: "\\"): keep(0x5C as UInt8)
        case UInt8(ascii: "/"): keep(0x2F as UInt8)
        case UInt8(ascii: "b"): keep(0x08 as UInt8)
        case UInt8(ascii: "f"): keep(0x0C as UInt8)
        case UInt8(ascii: "n"): keep(0x0A as UInt8)
        case UInt8(ascii: "r"): keep(0x0D as UInt8)
        case UInt8(ascii: "t"): keep(0x09 as UInt8)
        case UInt8(ascii: "u"): try unicodeEscape()
        default: throw malformed("a string has an escape sequence that JSON does not know")
        }
    }

    /// `\uXXXX`, with its other half where it is the first of a surrogate pair; a lone half becomes U+FFFD.
    private mutating func unicodeEscape() throws(ReadFailure) {
        var unit = try hexadecimalUnit()
        while (0xD800...0xDBFF).contains(unit), try bytes.peek() == UInt8(ascii: "\\") {
            _ = try bytes.byte()
            guard try bytes.peek() == UInt8(ascii: "u") else {
                keep("\u{FFFD}")
                return try escapeSequence()
            }
            _ = try bytes.byte()
            let low = try hexadecimalUnit()
            if (0xDC00...0xDFFF).contains(low) {
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
            } else {
                keep("\u{FFFD}")
                unit = low
            }
        }
        keep(Unicode.Scalar(unit) ?? "\u{FFFD}")
    }

    private func hexadecimalUnit() throws(ReadFailure) -> UInt32 {
        let digits = try bytes.bytes(4, "the rest of a string")
        guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }),
            let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw malformed("a \\u escape has no four hexadecimal digits") }
        return unit
    }
}
