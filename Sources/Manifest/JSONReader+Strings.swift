internal import Vocabulary

/// Strings and their escapes.
extension JSONReader {
    /// A string from its opening to its closing quotation mark, its escapes resolved.
    mutating func string() throws(Reason) -> String {
        let start = position
        index += 1
        var text: [UInt8] = []
        var run = index
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                text += bytes[run..<index]
                index += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text += bytes[run..<index]
                try escape(into: &text)
                run = index
            case 0..<0x20:
                throw controlReason(byte)
            default:
                if byte & 0xC0 == 0x80 { continuations += 1 }
                index += 1
            }
        }
        throw Reason(
            .syntax, "The string that begins here has no closing quotation mark.", at: start,
            hint: "The file looks cut off: write it completely, then rename it into place.")
    }

    private func controlReason(_ byte: UInt8) -> Reason {
        let name =
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): "a line break"
            case UInt8(ascii: "\t"): "a tab"
            default: "the control character 0x\(TextCheck.hexadecimal(byte))"
            }
        let escape =
            switch byte {
            case UInt8(ascii: "\n"): "\\n"
            case UInt8(ascii: "\r"): "\\r"
            case UInt8(ascii: "\t"): "\\t"
            default: "\\u00\(TextCheck.hexadecimal(byte))"
            }
        return Reason(
            .syntax, "There is \(name) inside a string.", at: position,
            hint: byte == 0 ? "Remove it." : "Write it as \(escape), or close the string.")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Reason) {
        let start = position
        let letter = index + 1 < bytes.count ? bytes[index + 1] : 0
        index += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text += try unicodeEscape(at: start).utf8
        default:
            throw Reason(
                .syntax, "There is no such escape in JSON.", at: start, hint: "Write a backslash as \\\\.")
        }
    }

    /// The character of `\uXXXX`, or of two of them that make a surrogate pair; the index is behind the first `u`.
    private mutating func unicodeEscape(at start: Position) throws(Reason) -> String {
        let first = try codeUnit(at: start)
        var units = [first]
        if UTF16.isLeadSurrogate(first), index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u")
        {
            let place = position
            index += 2
            units.append(try codeUnit(at: place))
        }
        guard let text = String(validating: units, as: UTF16.self) else {
            throw Reason(
                .encoding, "The escape \\u\(hexadecimal(first)) is half of a surrogate pair.", at: start,
                hint: "Write both halves, or the character itself.")
        }
        return text
    }

    private mutating func codeUnit(at start: Position) throws(Reason) -> UInt16 {
        let digits = bytes[min(index, bytes.count)..<min(index + 4, bytes.count)]
        let isHexadecimal = digits.allSatisfy { isWordByte($0) && $0 != UInt8(ascii: "_") }
        guard digits.count == 4, isHexadecimal, let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else {
            throw Reason(.syntax, "Expected four hexadecimal digits after \\u.", at: start)
        }
        index += 4
        return unit
    }

    private func hexadecimal(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
