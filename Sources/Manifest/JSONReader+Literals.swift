internal import Vocabulary

/// Values that are neither containers nor strings.
extension JSONReader {
    mutating func word() throws(Reason) -> Node.Value {
        let start = index
        while let byte = peek, isWordByte(byte), index - start < 32 { index += 1 }
        let word = String(decoding: bytes[start..<index], as: UTF8.self)
        switch word {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        case "NaN", "Infinity": return .notFinite(word)
        default:
            index = start
            throw wordReason(word)
        }
    }

    func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private func wordReason(_ word: String) -> Reason {
        let hint: String? =
            switch word {
            case "True", "TRUE": "Write true."
            case "False", "FALSE": "Write false."
            case "None", "Null", "NULL", "nil", "undefined": "Write null."
            case "nan", "NAN": "Write NaN."
            case "inf", "Inf", "infinity": "Write Infinity."
            case "" where peek == UInt8(ascii: "."): "Write a digit before the decimal point."
            case "" where peek == UInt8(ascii: "+"): "Write the number without the plus sign."
            case "" where peek == UInt8(ascii: "]"): "Remove the comma before it."
            case "": keyHint
            default: "Strings stand in double quotes."
            }
        return Reason(
            .syntax, "Expected a value, found \(word.isEmpty ? found : quoted(word)).", at: position, hint: hint)
    }

    mutating func number() throws(Reason) -> Node.Value {
        let start = index
        if peek == UInt8(ascii: "-") {
            index += 1
            if peek == UInt8(ascii: "I"), case .notFinite("Infinity") = try word() { return .notFinite("-Infinity") }
        }
        let integer = index
        try digits()
        guard bytes[integer] != UInt8(ascii: "0") || index == integer + 1 else {
            index = integer
            throw Reason(
                .syntax, "A number must not begin with a zero.", at: position, hint: "Quote it if it is not a number.")
        }
        if peek == UInt8(ascii: ".") {
            index += 1
            try digits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            index += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        return .number(String(decoding: bytes[start..<index], as: UTF8.self))
    }

    /// One digit or more.
    private mutating func digits() throws(Reason) {
        let start = index
        while let byte = peek, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { index += 1 }
        guard index > start else {
            throw Reason(.syntax, "Expected a digit, found \(found).", at: position)
        }
    }
}
