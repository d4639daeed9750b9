internal import Vocabulary

/// Bytes of others as text for a person.
enum Text {
    /// One safe line, cut at a length that fits a finding.
    static func shown(_ bytes: [UInt8]) -> String {
        bytes.count <= 200 ? escaped(bytes) : escaped(bytes.prefix(200)) + "…"
    }
}

extension ReadFailure {
    /// What happened, for a finding.
    var sentence: String {
        switch self {
        case .truncated(let what, let offset): "It ends inside \(what) at byte \(offset)."
        case .malformed(let what, let offset): "\(what) at byte \(offset) makes no sense."
        case .limit(let what): "A limit is reached: \(what)."
        case .unsupported(let what): "It cannot be read here: \(what)."
        case .system(let error): "It could not be read: \(error)."
        }
    }
}

extension ByteSource {
    /// Where a short pattern occurs first within a range; reads forwards, once.
    func firstIndex(of pattern: [UInt8], from start: Int64, to end: Int64) throws(ReadFailure) -> Int64? {
        let reader = ByteReader(PartOfBytes(of: self, from: 0, sizeInBytes: end), from: start)
        var matched = 0
        while let byte = try reader.peek() {
            // Only for patterns whose first byte does not occur again in them.
            matched = byte == pattern[matched] ? matched + 1 : byte == pattern[0] ? 1 : 0
            reader.advance()
            if matched == pattern.count { return reader.offset - Int64(matched) }
        }
        return nil
    }
}
