import ModelFormats
import Testing
import Vocabulary

/// A small generator of numbers that gives the same ones for the same seed (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

@Suite struct `Hostile bytes` {
    /// What hostile numbers are made of.
    private static let values: [UInt8] = [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF]

    private func mutate(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2:
                let width = min(8, bytes.count - place)
                let value = Self.values.randomElement(using: &random) ?? 0
                for index in 0..<Int.random(in: 1...width, using: &random) { bytes[place + index] = value }
            case 3: bytes.insert(contentsOf: bytes[place...].prefix(16), at: place)
            case 4 where bytes.count > 8: bytes.removeSubrange(place..<min(bytes.count, place + 4))
            default: bytes[place] = Self.values.randomElement(using: &random) ?? 0
            }
            if bytes.isEmpty { return [0] }
        }
        return bytes
    }

    private func check(_ bytes: [UInt8]) {
        guard let inspection = inspect(bytes) else { return }
        #expect(inspection.details.text.utf8.count <= 70 * 1024)
        #expect(inspection.findings.count <= 64)
        let worst = inspection.findings.map(\.severity).max() ?? .noCode
        #expect(inspection.safety >= worst)
        #expect(inspection.damage == nil || inspection.safety >= .unscannable)
    }

    @Test(arguments: Fixtures.all.indices) func `no change of a valid file traps or hangs`(index: Int) {
        let bytes = Fixtures.all[index].bytes
        var random = SeededGenerator(state: UInt64(index) + 1)
        let rounds = max(200, min(1500, 750_000 / bytes.count))
        for _ in 0..<rounds { check(mutate(bytes, &random)) }
    }

    @Test(arguments: Fixtures.all.indices) func `every single byte can be extreme`(index: Int) {
        var bytes = Fixtures.all[index].bytes
        let step = max(1, bytes.count / 400)
        for place in stride(from: 0, to: bytes.count, by: step) {
            let original = bytes[place]
            for value in [0x00, 0x7F, 0xFF] as [UInt8] {
                bytes[place] = value
                check(bytes)
            }
            bytes[place] = original
        }
    }

    @Test func `a bomb of small announcements takes no time`() {
        let bombs: [[UInt8]] = [
            Array("{\"learner\":") + [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000),
            Array("<PMML>") + [UInt8](repeating: UInt8(ascii: "<"), count: 1_000_000),
            Fixtures.xgboostUBJ(trees: Array("[#L") + big(Int64(200)) + [UInt8](repeating: UInt8(ascii: "N"), count: 1_000_000)),
            Fixtures.rds([UInt8](repeating: 0, count: 1_000_000)),
            Fixtures.onnx(graph: [UInt8](repeating: 0x08, count: 1_000_000)),
            [0x81, 0xA1, 0x61] + [UInt8](repeating: 0x91, count: 1_000_000),
        ]
        let clock = ContinuousClock()
        for bomb in bombs { #expect(clock.measure { check(bomb) } < .seconds(5)) }
    }
}
