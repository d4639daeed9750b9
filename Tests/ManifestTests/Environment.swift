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
