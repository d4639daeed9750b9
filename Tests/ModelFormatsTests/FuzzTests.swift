import LinuxSystem
import ModelFormats
import TestKit
import Testing
import Vocabulary

/// Numbers that look random and come out the same for the same seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

@Suite struct `Damaged files` {
    @Test(.requiresTool("python3"))
    func `neither trap nor hang`() throws {
        try Scratch.with { scratch in
            try ModelLibraries.run(Script.path("hostile_containers"), [scratch.path], interpreter: nil)
            let seed = UInt64.random(in: .min ... .max)
            var numbers = SeededNumbers(seed: seed)
            let seeds = try scratch.directory.entries().map(\.name).map { try scratch.content(of: $0) }.filter {
                $0.count < 50_000
            }
            #expect(seeds.count > 90)
            var limits = InspectionLimits()
            limits.unpackedPerFile = 4 << 20
            limits.opcodesPerFile = 200_000
            let end = ContinuousClock.now + .seconds(12)
            var count = 0
            while ContinuousClock.now < end, count < 20_000 {
                let bytes = mutated(seeds.randomElement(using: &numbers) ?? [], &numbers)
                let time = ContinuousClock().measure { _ = PythonContent.inspect(MemoryBytes(bytes), limits: limits) }
                #expect(time < .seconds(10), "seed \(seed), file \(count): \(bytes.prefix(200))")
                count += 1
            }
            #expect(count > 50)
        }
    }

    private func mutated(_ bytes: [UInt8], _ numbers: inout SeededNumbers) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...8, using: &numbers) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &numbers)
            switch Int.random(in: 0..<6, using: &numbers) {
            case 0: bytes[at] = UInt8.random(in: .min ... .max, using: &numbers)
            case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...40, using: &numbers)))
            case 3:
                bytes.insert(
                    contentsOf: bytes[at..<min(bytes.count, at + Int.random(in: 1...40, using: &numbers))], at: at)
            case 4: for index in at..<min(bytes.count, at + 4) { bytes[index] = 0xFF }
            default: bytes.removeLast(Int.random(in: 0..<min(bytes.count, 64), using: &numbers))
            }
        }
        return bytes
    }
}
