internal import Vocabulary

/// The size of a JSON number, read off its literal without computing it.
struct NumberLiteral {
    /// How many digits it has when written out without an exponent.
    let digitsWrittenOut: Int
    /// Whether the literal has neither a fraction nor an exponent.
    let isInteger: Bool
    /// Whether `float8` holds it: finite, and not zero unless it is zero.
    let fitsFloat8: Bool

    /// Measures a literal that has JSON's grammar.
    init(_ literal: String) {
        var integerDigits = 0
        var fractionDigits = 0
        var exponent = 0
        var isNegativeExponent = false
        var isZero = true
        var part = 0
        for byte in literal.utf8 {
            switch byte {
            case UInt8(ascii: "."): part = 1
            case UInt8(ascii: "e"), UInt8(ascii: "E"): part = 2
            case UInt8(ascii: "-") where part == 2: isNegativeExponent = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = Int(byte - UInt8(ascii: "0"))
                // Saturates: beyond a million every exponent is out of range anyway, and nothing can overflow.
                if part == 2 { exponent = min(exponent * 10 + digit, 1_000_000) }
                if part == 1 { fractionDigits += 1 }
                if part == 0 { integerDigits += 1 }
                if part < 2, digit != 0 { isZero = false }
            default: break
            }
        }
        isInteger = part == 0
        let shift = isNegativeExponent ? -exponent : exponent
        digitsWrittenOut = max(integerDigits + shift, 1) + max(fractionDigits - shift, 0)
        fitsFloat8 = isZero || Self.fits(literal, digits: integerDigits + fractionDigits, shift: shift)
    }

    /// PostgreSQL's `float8in` uses strtod(3) and refuses overflow and underflow to zero; a subnormal is fine.
    private static func fits(_ literal: String, digits: Int, shift: Int) -> Bool {
        // Far from both ends there is nothing to compute: the magnitude is within 10^±(digits + |shift|).
        if digits + abs(shift) < 290 { return true }
        guard digits <= 2 * Limits.numberDigits, abs(shift) < 10_000, let value = Double(literal) else { return false }
        return value.isFinite && value != 0
    }
}

/// Refuses numbers that a query could not cast, or that are out of all proportion when printed.
struct NumberCheck {
    private var allDigits = 0
    private(set) var reasons: [Reason] = []

    /// Walks a value; the depth of the recursion is bounded by `Limits.depth`.
    mutating func check(_ node: Node, _ path: FieldPath) {
        guard reasons.count < Limits.reasons else { return }
        switch node.value {
        case .number(let literal): check(literal, at: node.position, path)
        case .array(let elements):
            for (index, element) in elements.enumerated() where element.holdsNumbers {
                check(element, path.appending(index: index))
            }
        case .object(let members):
            for member in members where member.node.holdsNumbers {
                check(member.node, path.appending(key: member.key))
            }
        default: break
        }
    }

    private mutating func check(_ literal: String, at position: Position, _ path: FieldPath) {
        let number = NumberLiteral(literal)
        let before = allDigits
        allDigits += number.digitsWrittenOut
        if number.digitsWrittenOut > Limits.numberDigits {
            refuse(
                "The number \(shortened(literal)) has more than \(Limits.numberDigits) digits when written out.",
                "Write it as a string.", at: position, path)
        } else if !number.fitsFloat8 {
            refuse(
                "The number \(shortened(literal)) is outside the range of float8.",
                "Write it as a string, or round it.", at: position, path)
        } else if allDigits > Limits.allNumberDigits, before <= Limits.allNumberDigits {
            refuse(
                "The numbers up to here have more than \(Limits.allNumberDigits) digits when written out.",
                "Keep bulk data in a file of its own.", at: position, path)
        }
    }

    private mutating func refuse(_ message: String, _ hint: String, at position: Position, _ path: FieldPath) {
        guard reasons.count < Limits.reasons else { return }
        reasons.append(Reason(.numberRange, message, at: position, field: path.text, hint: hint))
    }
}

extension Node {
    /// Whether a walk for numbers has any business here.
    fileprivate var holdsNumbers: Bool {
        switch value {
        case .number, .array, .object: true
        default: false
        }
    }
}
