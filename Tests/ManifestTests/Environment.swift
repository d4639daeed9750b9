import Glibc

/// What the environment asks of these tests.
enum Environment {
    /// Rounds of each fuzz loop: few in everyday runs, `INGOT_FUZZ_ITERATIONS` for more.
    static var fuzzIterations: Int { value("INGOT_FUZZ_ITERATIONS").flatMap { Int($0) } ?? 3_000 }

    /// Where the fuzz loops begin; a failure prints it.
    static var fuzzSeed: UInt64 { value("INGOT_FUZZ_SEED").flatMap { UInt64($0) } ?? 20_240_501 }

    /// Whether to print how long each hostile input took: `INGOT_PRINT_DURATIONS=1`.
    static var printsDurations: Bool { value("INGOT_PRINT_DURATIONS") != nil }

    private static func value(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}

/// A generator whose sequence is its seed's alone (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
