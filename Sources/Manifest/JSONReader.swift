internal import Vocabulary

/// Strict JSON (RFC 8259) into a tree.
///
/// One pass, no recursion: what is open lies on the builder's stack. Every access to the bytes is behind a bounds
/// check, so that no input can trap. The only extension are the tokens `NaN`, `Infinity` and `-Infinity`.
struct JSONReader {
    let bytes: [UInt8]
    var index = 0
    private var line = 1
    private var lineStart = 0
    /// UTF-8 continuation bytes on this line so far: columns count characters.
    var continuations = 0
    private var builder = NodeBuilder()

    /// What may come next.
    private enum State {
        case value, firstElement, firstKey, key, comma
    }

    /// The tree of a text that passed `TextCheck`.
    static func read(_ bytes: [UInt8]) throws(Reason) -> Node {
        var reader = JSONReader(bytes: bytes)
        return try reader.document()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func document() throws(Reason) -> Node {
        skipWhitespace()
        guard peek != nil else {
            throw Reason(.syntax, "The manifest is empty.", at: position, hint: Self.smallest)
        }
        var state = State.value
        while true {
            if let root = builder.root { return try finish(root) }
            state = try step(state)
            skipWhitespace()
        }
    }

    private func finish(_ root: Node) throws(Reason) -> Node {
        guard peek == nil else {
            throw Reason(
                .syntax, "There is \(found) after the end of the document.", at: position,
                hint: "A manifest is one JSON object and nothing else.")
        }
        return root
    }

    private mutating func step(_ state: State) throws(Reason) -> State {
        switch state {
        case .firstElement where peek == UInt8(ascii: "]"): close()
        case .firstKey where peek == UInt8(ascii: "}"): close()
        case .value, .firstElement: try value()
        case .firstKey, .key: try key()
        case .comma: try separator()
        }
    }

    private mutating func value() throws(Reason) -> State {
        let start = position
        switch peek {
        case UInt8(ascii: "{"):
            index += 1
            try builder.begin(object: true, at: start)
            return .firstKey
        case UInt8(ascii: "["):
            index += 1
            try builder.begin(object: false, at: start)
            return .firstElement
        case UInt8(ascii: "\""):
            try builder.scalar(.string(string()), at: start)
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
            try builder.scalar(number(), at: start)
        default:
            try builder.scalar(word(), at: start)
        }
        return .comma
    }

    private mutating func key() throws(Reason) -> State {
        let start = position
        guard peek == UInt8(ascii: "\"") else {
            let trailing = peek == UInt8(ascii: "}")
            throw Reason(
                .syntax, trailing ? "There is a comma before this \"}\"." : "Expected a key in quotes, found \(found).",
                at: start, hint: trailing ? "Remove the comma." : keyHint)
        }
        try builder.key(string(), at: start)
        skipWhitespace()
        guard peek == UInt8(ascii: ":") else {
            throw Reason(.syntax, "Expected \":\" after the key, found \(found).", at: position)
        }
        index += 1
        return .value
    }

    private mutating func separator() throws(Reason) -> State {
        let inObject = builder.isInObject ?? false
        switch peek {
        case UInt8(ascii: ","):
            index += 1
            return inObject ? .key : .value
        case UInt8(ascii: "}") where inObject, UInt8(ascii: "]") where !inObject: return close()
        default:
            throw Reason(
                .syntax, "Expected \",\" or \"\(inObject ? "}" : "]")\", found \(found).", at: position,
                hint: peek == nil ? "The file looks cut off: write it completely, then rename it into place." : nil)
        }
    }

    private mutating func close() -> State {
        index += 1
        builder.end()
        return .comma
    }
}

// MARK: - Characters

extension JSONReader {
    static let smallest = #"Write at least {"model_id": "…", "model_version": "…"}."#

    var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    var position: Position {
        Position(line: line, column: index - lineStart - continuations + 1)
    }

    /// What stands at the current place, for a message.
    var found: String {
        guard let byte = peek else { return "the end of the file" }
        let next = bytes[index..<min(index + 4, bytes.count)]
        let character = byte < 0x80 ? next.prefix(1) : next.prefix { $0 >= 0x80 }
        let first = String(decoding: character, as: UTF8.self).unicodeScalars.first.map { String($0) } ?? ""
        return "\"\(escaped(first))\""
    }

    var keyHint: String? {
        switch peek {
        case UInt8(ascii: "'"): "JSON strings stand in double quotes."
        case UInt8(ascii: "/"), UInt8(ascii: "#"): "JSON has no comments; use a .manifest.yaml for them."
        case nil: "The file looks cut off: write it completely, then rename it into place."
        default: "JSON keys stand in double quotes."
        }
    }

    mutating func skipWhitespace() {
        while let byte = peek {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"): index += 1
            case UInt8(ascii: "\n"): newLine(1)
            case UInt8(ascii: "\r"):
                newLine(index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\n") ? 2 : 1)
            default: return
            }
        }
    }

    private mutating func newLine(_ length: Int) {
        index += length
        line += 1
        lineStart = index
        continuations = 0
    }
}
