import Glibc

/// A point on CLOCK_MONOTONIC: what all waiting is measured by, because the wall clock may jump.
public struct Monotonic: Sendable, Hashable, Comparable {
    /// Nanoseconds since some point at boot.
    public var nanoseconds: Int64

    /// A point in time from its nanoseconds.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Now.
    public static var now: Monotonic { Monotonic(nanoseconds: read(CLOCK_MONOTONIC)) }

    /// Whether the left point comes first.
    public static func < (left: Monotonic, right: Monotonic) -> Bool { left.nanoseconds < right.nanoseconds }

    /// A later point; saturated, so that "for ever" may be added.
    public static func + (time: Monotonic, duration: Duration) -> Monotonic {
        let (sum, overflow) = time.nanoseconds.addingReportingOverflow(duration.inNanoseconds)
        return Monotonic(nanoseconds: overflow ? .max : sum)
    }

    /// The time between two points.
    public static func - (later: Monotonic, earlier: Monotonic) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

/// The wall clock, CLOCK_REALTIME: only data, never what a wait is measured by.
public enum WallClock {
    /// Nanoseconds since 1970-01-01 UTC.
    public static var nanoseconds: Int64 { read(CLOCK_REALTIME) }

    /// Now, as RFC 3339 in UTC with microseconds.
    public static var now: String { rfc3339(nanoseconds: nanoseconds) }

    /// A point in time as RFC 3339 in UTC with microseconds, such as `2026-01-31T08:15:30.123456Z`.
    ///
    /// The years are kept within 1 to 9999, where every reader of this format agrees.
    public static func rfc3339(nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var rest = nanoseconds % 1_000_000_000
        if rest < 0 {
            rest += 1_000_000_000
            seconds -= 1
        }
        var parts = unsafe tm()
        guard unsafe gmtime_r(&seconds, &parts) != nil else { return "1970-01-01T00:00:00.000000Z" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let year = unsafe String(max(1, parts.tm_year + 1900))
        let micro = String(rest / 1000)
        let day = unsafe "\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        let time = unsafe "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
        return String(repeating: "0", count: max(0, 4 - year.count)) + "\(year)-\(day)T\(time)."
            + String(repeating: "0", count: 6 - micro.count) + "\(micro)Z"
    }
}

extension Monotonic {
    /// A point in time so much earlier.
    public static func - (time: Monotonic, duration: Duration) -> Monotonic {
        let (difference, overflow) = time.nanoseconds.subtractingReportingOverflow(duration.inNanoseconds)
        return Monotonic(nanoseconds: overflow ? .min : difference)
    }
}

extension Duration {
    /// The whole of it in nanoseconds, saturated.
    public var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? .max : sum
    }
}

private func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    _ = unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
