internal import Vocabulary

/// Small JSON values as text, RFC 8259.
enum JSONText {
    /// A string with its quotes. U+0000, which jsonb does not hold, becomes U+FFFD.
    static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\0": result += "\u{FFFD}"
            case "\u{01}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// An array of strings.
    static func array(_ texts: [String]) -> String {
        "[" + texts.map(string).joined(separator: ",") + "]"
    }

    /// An object; what is `nil` is left out. Values are JSON already.
    static func object(_ members: [(String, String?)]) -> String {
        let present = members.compactMap { key, value in value.map { "\(string(key)):\($0)" } }
        return "{" + present.joined(separator: ",") + "}"
    }

    /// Warnings as `registry.submissions` keeps them.
    static func warnings(_ warnings: [Warning]) -> String {
        "["
            + warnings.map { object([("code", string($0.code)), ("message", string($0.message))]) }
            .joined(separator: ",") + "]"
    }

    /// A reason as `registry.record_1` takes it.
    static func reason(_ reason: Reason) -> String {
        object([
            ("code", string(reason.code)), ("message", string(reason.message)),
            ("field", reason.field.map(string)), ("line", reason.line.map(String.init)),
            ("column", reason.column.map(String.init)), ("hint", reason.hint.map(string)),
            ("free_version", reason.freeVersion.map(string)),
        ])
    }
}
