/// Bytes as text that is safe to print: a file name may hold anything but `/` and NUL.
///
/// Printable UTF-8 stays as it is. Control characters, invalid bytes, bidirectional controls and the backslash are
/// written as `\n`, `\t`, `\\` or `\xHH`, so that the text is one line, cannot forge another and can be read back.
public func escaped(_ bytes: some Sequence<UInt8>) -> String {
    let raw = Array(bytes)
    if raw.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) {
        return String(decoding: raw, as: UTF8.self)
    }
    var text = ""
    var position = 0
    while position < raw.count {
        let end = min(position + sequenceLength(raw[position]), raw.count)
        if let valid = String(validating: raw[position..<end], as: UTF8.self), valid.unicodeScalars.count == 1,
            let scalar = valid.unicodeScalars.first
        {
            text += isPrintable(scalar) ? valid : raw[position..<end].map(escape).joined()
            position = end
        } else {
            text += escape(raw[position])
            position += 1
        }
    }
    return text
}

/// A string from elsewhere as one safe line.
public func escaped(_ text: some StringProtocol) -> String { escaped(text.utf8) }

/// The length that a UTF-8 lead byte promises (RFC 3629); 1 for a byte that cannot lead.
private func sequenceLength(_ lead: UInt8) -> Int {
    switch lead {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: 1
    }
}

private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar != "\\" else { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: return false
    default: return true
    }
}

private func escape(_ byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "\\"): "\\\\"
    case UInt8(ascii: "\n"): "\\n"
    case UInt8(ascii: "\t"): "\\t"
    default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
