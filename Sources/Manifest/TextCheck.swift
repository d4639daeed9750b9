internal import Vocabulary

/// What has to hold of the bytes before any reader sees them: not too many, and UTF-8 without a byte order mark.
enum TextCheck {
    static func check(_ bytes: [UInt8]) throws(Reason) {
        guard bytes.count <= Limits.sizeInBytes else {
            throw Reason(
                .limit, "The manifest is \(bytes.count) bytes long; \(Limits.sizeInBytes) are allowed.", at: .start,
                hint: "Keep bulk data in a file of its own.")
        }
        try checkByteOrderMark(bytes)
        if let offset = firstInvalidByte(in: bytes) {
            throw Reason(
                .encoding, "The byte 0x\(hexadecimal(bytes[offset])) is not valid UTF-8 here.",
                at: Position(of: offset, in: bytes), hint: "Save the manifest as UTF-8.")
        }
    }

    private static func checkByteOrderMark(_ bytes: [UInt8]) throws(Reason) {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw Reason(
                .encoding, "The manifest begins with a byte order mark (BOM).", at: .start,
                hint: "Save it as UTF-8 without a BOM.")
        }
        let utf16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        let firstTwo = bytes.prefix(2)
        if utf16 || (firstTwo.count == 2 && firstTwo.contains(0)) {
            throw Reason(
                .encoding, "The manifest is UTF-16 or UTF-32 text.", at: .start,
                hint: "Save it as UTF-8 without a BOM.")
        }
    }

    /// The first byte that no well-formed sequence (Unicode, table 3-7) covers; `nil` when all do.
    ///
    /// The lead byte decides how many follow and narrows the second one: that alone keeps overlong forms, surrogates
    /// and everything above U+10FFFF out.
    static func firstInvalidByte(in bytes: [UInt8]) -> Int? {
        var index = 0
        while index < bytes.count {
            let lead = bytes[index]
            if lead < 0x80 {
                index += 1
                continue
            }
            guard let shape = sequence(ledBy: lead), index + shape.count < bytes.count + 1,
                shape.second.contains(bytes[index + 1])
            else { return index }
            for offset in 2..<max(shape.count, 2) where bytes[index + offset] & 0xC0 != 0x80 { return index }
            index += shape.count
        }
        return nil
    }

    private static func sequence(ledBy lead: UInt8) -> (count: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }

    static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
}
