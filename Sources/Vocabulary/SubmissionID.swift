/// The identity of one submission, from its claim to its row and beyond: a UUID version 7 (RFC 9562).
///
/// It names the claim directory on disk and is the idempotency key in the registry, so that a claim found
/// after a crash is registered as itself.
public struct SubmissionID: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// A new identity.
    ///
    /// - Parameters:
    ///   - unixMilliseconds: the time of the claim, milliseconds since 1970-01-01 UTC.
    ///   - generator: where the 74 random bits come from.
    public init(unixMilliseconds: Int64, using generator: inout some RandomNumberGenerator) {
        let random = generator.next()
        high = UInt64(bitPattern: unixMilliseconds) << 16 | 0x7000 | random & 0x0FFF
        low = 0b10 << 62 | generator.next() >> 2
    }

    /// An identity from its canonical text: 36 characters, lower-case hexadecimal and hyphens, version 7; else `nil`.
    ///
    /// Strict on purpose: only what `description` prints is accepted, so that one identity has one directory name.
    public init?(_ text: some StringProtocol) {
        let characters = Array(text.utf8)
        guard characters.count == 36 else { return nil }
        var words: [UInt64] = [0, 0]
        var digits = 0
        for (index, character) in characters.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard character == UInt8(ascii: "-") else { return nil }
                continue
            }
            let nibble: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): nibble = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): nibble = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            words[digits / 16] = words[digits / 16] << 4 | UInt64(nibble)
            digits += 1
        }
        guard words[0] >> 12 & 0xF == 7, words[1] >> 62 == 0b10 else { return nil }
        high = words[0]
        low = words[1]
    }

    /// When the claim was made, milliseconds since 1970-01-01 UTC.
    public var unixMilliseconds: Int64 { Int64(high >> 16) }

    /// The canonical text, such as `019f0c1e-7a3b-7c55-9d0e-6b1f2a3c4d5e`.
    public var description: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            let word = index < 16 ? high : low
            text.append(digits[Int(word >> UInt64(60 - 4 * (index % 16)) & 0xF)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Orders by the time of the claim; within a millisecond the order is arbitrary.
    public static func < (left: SubmissionID, right: SubmissionID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
