/// Reads XML 1.0 in UTF-8 a tag at a time: no document types, hence no entities but the five that every document has.
struct XMLReader {
    struct Element {
        let name: String
        let attributes: [(name: String, value: String)]

        subscript(attribute: String) -> String? { attributes.first { $0.name == attribute }?.value }
    }

    enum Token {
        case start(Element)
        case end
    }

    private static let depthLimit = 256
    private static let attributeLimit = 1000
    private static let nameLimit = 1024
    private static let valueLimit = 64 * 1024

    private let bytes: ByteReader
    /// The names of the elements that are open, the outermost first.
    private(set) var path: [String] = []
    /// Whether an empty element's end has yet to be told.
    private var isEmptyElement = false
    private var sawRoot = false

    init(_ bytes: ByteReader) throws(ReadFailure) {
        self.bytes = bytes
        if try bytes.peek() == 0xEF { try expect([0xEF, 0xBB, 0xBF], "a byte order mark") }
    }

    /// The next tag; `nil` behind the end of the outermost element. Text, comments and instructions are passed.
    mutating func next() throws(ReadFailure) -> Token? {
        if isEmptyElement {
            isEmptyElement = false
            path.removeLast()
            return .end
        }
        while true {
            if path.isEmpty, sawRoot { return nil }
            try skipText()
            switch try bytes.peek() {
            case UInt8(ascii: "?"): try skip(to: "?>", "an instruction")
            case UInt8(ascii: "!"): try skipDeclaration()
            case UInt8(ascii: "/"): return try endTag()
            default: return .start(try startTag())
            }
        }
    }

    private func malformed(_ what: String) -> ReadFailure { .malformed(what: what, offset: bytes.offset) }

    private func next(_ what: @autoclosure () -> String) throws(ReadFailure) -> UInt8 {
        let byte = try bytes.byte(path.isEmpty ? what() : "the end of the element \(quoted(path[path.count - 1]))")
        guard byte != 0 else { throw malformed("the text has a zero byte") }
        return byte
    }

    /// Passes text up to and with the next `<`. Entities are not resolved, only known to be harmless.
    private func skipText() throws(ReadFailure) {
        while true {
            let byte = try next("the outermost element")
            if byte == UInt8(ascii: "<") { return }
            if byte == UInt8(ascii: "&") { _ = try entity() }
            guard !path.isEmpty || byte == 0x20 || (0x09...0x0D).contains(byte) else {
                throw malformed("text stands outside of the outermost element")
            }
        }
    }

    private func expect(_ expected: [UInt8], _ what: String) throws(ReadFailure) {
        for byte in expected where try next(what) != byte { throw malformed("\(what) was expected here") }
    }

    private func skip(to end: String, _ what: String) throws(ReadFailure) {
        let wanted = Array(end.utf8)
        var recent: [UInt8] = []
        while recent != wanted {
            recent.append(try next(what))
            if recent.count > wanted.count { recent.removeFirst() }
        }
    }

    /// A comment or character data; a document type is refused.
    private func skipDeclaration() throws(ReadFailure) {
        try expect([UInt8(ascii: "!")], "a declaration")
        switch try next("a declaration") {
        case UInt8(ascii: "-"):
            try expect([UInt8(ascii: "-")], "a comment")
            try skip(to: "-->", "a comment")
        case UInt8(ascii: "[") where !path.isEmpty:
            try expect(Array("CDATA[".utf8), "character data")
            try skip(to: "]]>", "character data")
        default: throw malformed("a document type is not accepted")
        }
    }

    private mutating func endTag() throws(ReadFailure) -> Token {
        try expect([UInt8(ascii: "/")], "an end tag")
        let (name, last) = try name()
        var byte = last
        while Self.isSpace(byte) { byte = try next("an end tag") }
        guard byte == UInt8(ascii: ">"), path.last == name else {
            throw malformed("the end tag \(quoted(name)) does not end the element that is open")
        }
        path.removeLast()
        return .end
    }

    private mutating func startTag() throws(ReadFailure) -> Element {
        guard path.count < Self.depthLimit else {
            throw malformed("elements are nested deeper than \(Self.depthLimit) levels")
        }
        var (name, byte) = try name()
        var attributes: [(name: String, value: String)] = []
        while true {
            while Self.isSpace(byte) { byte = try next("a tag") }
            if byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") { break }
            guard attributes.count < Self.attributeLimit else { throw malformed("a tag has too many attributes") }
            let attribute = try self.attribute(startingWith: byte)
            guard !attributes.contains(where: { $0.name == attribute.name }) else {
                throw malformed("the attribute \(quoted(attribute.name)) occurs twice in one tag")
            }
            attributes.append(attribute)
            byte = try next("a tag")
            guard Self.isSpace(byte) || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") else {
                throw malformed("attributes stand together without a space")
            }
        }
        if byte == UInt8(ascii: "/") {
            try expect([UInt8(ascii: ">")], "the end of an empty element")
            isEmptyElement = true
        }
        sawRoot = true
        path.append(name)
        return Element(name: name, attributes: attributes)
    }
}

// MARK: - Names, values, entities

extension XMLReader {
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    /// A name and the byte behind it.
    private func name(startingWith first: UInt8? = nil) throws(ReadFailure) -> (String, UInt8) {
        var name: [UInt8] = []
        var byte: UInt8
        if let first { byte = first } else { byte = try next("a name") }
        while Self.isName(byte) {
            guard name.count < Self.nameLimit else { throw malformed("a name is longer than \(Self.nameLimit) bytes") }
            name.append(byte)
            byte = try next("a name")
        }
        guard !name.isEmpty else { throw malformed("a name was expected here") }
        return (String(decoding: name, as: UTF8.self), byte)
    }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...0xFF: true
        case UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }

    private func attribute(startingWith first: UInt8) throws(ReadFailure) -> (name: String, value: String) {
        let (name, last) = try name(startingWith: first)
        var byte = last
        while Self.isSpace(byte) { byte = try next("a tag") }
        guard byte == UInt8(ascii: "=") else { throw malformed("the attribute \(quoted(name)) has no value") }
        repeat { byte = try next("a tag") } while Self.isSpace(byte)
        guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") else {
            throw malformed("the value of \(quoted(name)) is not in quotation marks")
        }
        return (name, try value(upTo: byte))
    }

    private func value(upTo quote: UInt8) throws(ReadFailure) -> String {
        var value: [UInt8] = []
        while true {
            let byte = try next("an attribute")
            switch byte {
            case quote: return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "<"): throw malformed("an attribute's value has a '<'")
            case UInt8(ascii: "&"): value += Array(String(Character(try entity())).utf8)
            default: value.append(byte)
            }
            guard value.count <= Self.valueLimit else {
                throw malformed("an attribute's value is longer than \(Self.valueLimit) bytes")
            }
        }
    }

    /// What follows an ampersand: one of the five names, or a character's number.
    private func entity() throws(ReadFailure) -> Unicode.Scalar {
        var name: [UInt8] = []
        while true {
            let byte = try next("an entity")
            if byte == UInt8(ascii: ";") { break }
            guard name.count < 10 else { throw malformed("an entity is none that every document has") }
            name.append(byte)
        }
        let text = String(decoding: name, as: UTF8.self)
        let named: [String: Unicode.Scalar] = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]
        if let scalar = named[text] { return scalar }
        let number = text.hasPrefix("#x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text.dropFirst())
        guard text.hasPrefix("#"), let number, number > 0, let scalar = Unicode.Scalar(number) else {
            throw malformed("the entity \(quoted(text)) is none that every document has")
        }
        return scalar
    }
}
