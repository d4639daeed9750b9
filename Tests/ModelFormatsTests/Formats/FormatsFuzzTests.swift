import ModelFormats
import Testing
import Vocabulary

@Suite struct `Hostile bytes` {
    static func check(_ bytes: [UInt8]) {
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
        for _ in 0..<rounds { Self.check(mutated(bytes, &random)) }
    }

    @Test(arguments: Fixtures.all.indices) func `every single byte can be extreme`(index: Int) {
        var bytes = Fixtures.all[index].bytes
        let step = max(1, bytes.count / 400)
        for place in stride(from: 0, to: bytes.count, by: step) {
            let original = bytes[place]
            for value in [0x00, 0x7F, 0xFF] as [UInt8] {
                bytes[place] = value
                Self.check(bytes)
            }
            bytes[place] = original
        }
    }

    @Test func `a bomb of small announcements takes no time`() {
        let bombs: [[UInt8]] = [
            Array("{\"learner\":") + [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000),
            Array("<PMML>") + [UInt8](repeating: UInt8(ascii: "<"), count: 1_000_000),
            Fixtures.xgboostUBJ(
                trees: Array("[#L") + big(Int64(200)) + [UInt8](repeating: UInt8(ascii: "N"), count: 1_000_000)),
            Fixtures.rds([UInt8](repeating: 0, count: 1_000_000)),
            Fixtures.onnx(graph: [UInt8](repeating: 0x08, count: 1_000_000)),
            [0x81, 0xA1, 0x61] + [UInt8](repeating: 0x91, count: 1_000_000),
        ]
        let clock = ContinuousClock()
        for bomb in bombs { #expect(clock.measure { Self.check(bomb) } < .seconds(5)) }
    }
}
