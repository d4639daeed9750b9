/// A literal of Python, as far as array headers need it. Parsed, never evaluated.
enum PythonLiteral: Equatable {
    case none
    case bool(Bool)
    case int(Int64)
    case string([UInt8])
    case tuple([PythonLiteral])
    case list([PythonLiteral])
    case dict([Pair])

    struct Pair: Equatable {
        var key: PythonLiteral
        var value: PythonLiteral
    }

    /// Parses a whole text; white space around it is allowed.
    ///
    /// - Returns: `nil` for anything else than one literal.
    init?(_ text: [UInt8]) {
        var parser = Parser(rest: text[...])
        guard let value = parser.value(depth: 0) else { return nil }
        parser.skipSpace()
        guard parser.rest.isEmpty else { return nil }
        self = value
    }

    subscript(key: String) -> PythonLiteral? {
        guard case .dict(let pairs) = self else { return nil }
        return pairs.first { $0.key == .string(Array(key.utf8)) }?.value
    }
}

private struct Parser {
    var rest: ArraySlice<UInt8>

    mutating func skipSpace() { rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) } }

    private mutating func take(_ expected: Character) -> Bool {
        skipSpace()
        guard rest.first == expected.asciiValue else { return false }
        rest = rest.dropFirst()
        return true
    }

    mutating func value(depth: Int) -> PythonLiteral? {
        guard depth < 32 else { return nil }
        skipSpace()
        switch rest.first {
        case UInt8(ascii: "("): return sequence("(", ")", depth).map { .tuple($0) }
        case UInt8(ascii: "["): return sequence("[", "]", depth).map { .list($0) }
        case UInt8(ascii: "{"): return dictionary(depth)
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return string()
        case UInt8(ascii: "u"), UInt8(ascii: "b"):
            rest = rest.dropFirst()
            return string()
        default: return word()
        }
    }

    private mutating func sequence(_ open: Character, _ close: Character, _ depth: Int) -> [PythonLiteral]? {
        guard take(open) else { return nil }
        var elements: [PythonLiteral] = []
        while !take(close) {
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
            if take(",") { continue }
            return take(close) ? elements : nil
        }
        return elements
    }

    private mutating func dictionary(_ depth: Int) -> PythonLiteral? {
        guard take("{") else { return nil }
        var pairs: [PythonLiteral.Pair] = []
        while !take("}") {
            guard let key = value(depth: depth + 1), take(":"), let value = value(depth: depth + 1) else { return nil }
            pairs.append(.init(key: key, value: value))
            if take(",") { continue }
            return take("}") ? .dict(pairs) : nil
        }
        return .dict(pairs)
    }

    private mutating func string() -> PythonLiteral? {
        guard let quote = rest.popFirst(), quote == 0x27 || quote == 0x22, let end = rest.firstIndex(of: quote) else {
            return nil
        }
        let content = Array(rest[..<end])
        rest = rest[(end + 1)...]
        return content.contains(0x5C) ? nil : .string(content)
    }

    private mutating func word() -> PythonLiteral? {
        let word = rest.prefix { $0 == 0x2D || $0 >= 0x30 && $0 <= 0x39 || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }
        rest = rest[word.endIndex...]
        switch String(decoding: word, as: UTF8.self) {
        case "None": return PythonLiteral.none
        case "True": return .bool(true)
        case "False": return .bool(false)
        // Python 2 wrote long integers with an L.
        case let text: return Int64(text.hasSuffix("L") ? String(text.dropLast()) : text).map { .int($0) }
        }
    }
}
