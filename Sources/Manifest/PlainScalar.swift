/// What a YAML scalar without quotes means: the core schema of YAML 1.2 where it agrees with JSON, text otherwise.
///
/// | written | meaning |
/// |---|---|
/// | nothing, `~`, `null` `Null` `NULL` | null |
/// | `true` `True` `TRUE`, `false` `False` `FALSE` | boolean |
/// | `12`, `-0.50`, `1e-05` | number, every digit kept |
/// | `+1`, `.5`, `5.` | number, written as JSON writes it: `1`, `0.5`, `5` |
/// | `.nan`, `.inf`, `+.inf`, `-.inf`, in three cases | the strings `NaN`, `Infinity`, `-Infinity` |
/// | `010`, `1_000`, `0x1F`, `0o17`, `0b1`, `1:30` | text, with a warning: YAML 1.1 and 1.2 take them for different numbers |
/// | `yes`, `no`, `on`, `off`, `2024-05-01`, anything else | text |
struct PlainScalar {
    let value: Node.Value
    /// Whether other readers of YAML take this text for a number.
    let isAmbiguous: Bool

    init(_ text: String) {
        if let word = Self.word(text) {
            (value, isAmbiguous) = (word, false)
        } else if let number = Self.number(text) {
            (value, isAmbiguous) = (.number(number), false)
        } else {
            (value, isAmbiguous) = (.string(text), Self.looksLikeNumber(text))
        }
    }

    private static func word(_ text: String) -> Node.Value? {
        // The longest of them; a comparison with each of the words would go by canonical equivalence at full length.
        guard text.utf8.count <= 5 else { return nil }
        return switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE": .bool(true)
        case "false", "False", "FALSE": .bool(false)
        case ".nan", ".NaN", ".NAN": .notFinite("NaN")
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": .notFinite("Infinity")
        case "-.inf", "-.Inf", "-.INF": .notFinite("-Infinity")
        default: nil
        }
    }

    /// The JSON literal of a decimal number; `nil` when the text is none, or has zeros in front.
    private static func number(_ text: String) -> String? {
        var rest = Array(text.utf8)[...]
        let sign = rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") ? rest.removeFirst() : nil
        let integer = takeDigits(&rest)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = takeDigits(&rest)
        }
        guard !integer.isEmpty || !fraction.isEmpty, let exponent = takeExponent(&rest), rest.isEmpty,
            integer.count < 2 || integer.first != UInt8(ascii: "0")
        else { return nil }
        var literal = sign == UInt8(ascii: "-") ? [UInt8(ascii: "-")] : []
        literal += integer.isEmpty ? [UInt8(ascii: "0")] : integer
        if !fraction.isEmpty { literal += [UInt8(ascii: ".")] + fraction }
        return String(decoding: literal + exponent, as: UTF8.self)
    }

    private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        rest = rest.dropFirst(digits.count)
        return digits
    }

    /// The exponent with its letter, empty when there is none; `nil` when it has no digits.
    private static func takeExponent(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") else { return [] }
        let whole = rest
        rest.removeFirst()
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        let digits = takeDigits(&rest)
        return digits.isEmpty ? nil : whole[..<digits.endIndex]
    }

    /// Zeros in front, underscores, other bases and base 60: what YAML 1.1 or 1.2 resolves to a number beyond JSON's.
    private static func looksLikeNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        guard let first = rest.first, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first else { return false }
        if first == UInt8(ascii: "0"), let base = rest.dropFirst().first {
            let digits = rest.dropFirst(2)
            switch base {
            case UInt8(ascii: "x"): return isAll(digits, of: "0123456789abcdefABCDEF_")
            case UInt8(ascii: "o"): return isAll(digits, of: "01234567_")
            case UInt8(ascii: "b"): return isAll(digits, of: "01_")
            default: break
            }
        }
        let points = rest.count { $0 == UInt8(ascii: ".") }
        return isAll(rest, of: "0123456789_:.") && points <= 1
    }

    private static func isAll(_ text: Substring.UTF8View, of allowed: StaticString) -> Bool {
        let allowed = Array("\(allowed)".utf8)
        return !text.isEmpty && text.allSatisfy { allowed.contains($0) }
    }
}
