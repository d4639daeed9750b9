/// A small generator of numbers that gives the same ones for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// What hostile numbers are made of.
private let hostileValues: [UInt8] = [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF]

/// The bytes with one to four changes.
func mutated(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2:
            let width = min(8, bytes.count - place)
            let value = hostileValues.randomElement(using: &random) ?? 0
            for index in 0..<Int.random(in: 1...width, using: &random) { bytes[place + index] = value }
        case 3: bytes.insert(contentsOf: bytes[place...].prefix(16), at: place)
        case 4 where bytes.count > 8: bytes.removeSubrange(place..<min(bytes.count, place + 4))
        default: bytes[place] = hostileValues.randomElement(using: &random) ?? 0
        }
        if bytes.isEmpty { return [0] }
    }
    return bytes
}
