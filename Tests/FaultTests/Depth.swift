import Glibc

/// How far the faults go: enough for every change by default, all the way with `INGOT_FAULTS=long`.
enum Depth {
    static let isLong = unsafe getenv("INGOT_FAULTS").map { unsafe String(cString: $0) } == "long"
}
