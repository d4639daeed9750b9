import LinuxSystem
import Testing

@Suite struct `The wall clock` {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000000Z"),
        (999, "1970-01-01T00:00:00.000000Z"),
        (1000, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (-1_000_000_000, "1969-12-31T23:59:59.000000Z"),
        (951_827_696_789_012_345, "2000-02-29T12:34:56.789012Z"),
        (1_769_847_330_123_456_789, "2026-01-31T08:15:30.123456Z"),
        (.max, "2262-04-11T23:47:16.854775Z"),
        (.min, "1677-09-21T00:12:43.145224Z"),
    ])
    func `any point in time has an RFC 3339 text, rounded down`(nanoseconds: Int64, text: String) {
        #expect(WallClock.rfc3339(nanoseconds: nanoseconds) == text)
    }

    @Test func `now is between two looks at it`() {
        let before = WallClock.rfc3339(nanoseconds: WallClock.nanoseconds)
        let now = WallClock.now
        #expect(before <= now && now <= WallClock.rfc3339(nanoseconds: WallClock.nanoseconds))
    }
}

@Suite struct `The monotonic clock` {
    @Test func `adding for ever stays for ever`() {
        #expect(Monotonic.now + .seconds(Int64.max) == Monotonic(nanoseconds: .max))
        #expect((Monotonic.now + .seconds(1)) - Monotonic.now > .zero)
    }

    @Test(arguments: [
        (Duration.zero, Int64(0)), (.nanoseconds(1), 1), (.seconds(-1), -1_000_000_000), (.seconds(Int64.max), .max),
        (.seconds(Int64.min), .min), (.seconds(9_223_372_036) + .nanoseconds(999_999_999), .max),
    ])
    func `a duration has its nanoseconds, saturated`(duration: Duration, nanoseconds: Int64) {
        #expect(duration.inNanoseconds == nanoseconds)
    }
}
