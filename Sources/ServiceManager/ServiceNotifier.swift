internal import CSystemd
internal import Glibc
internal import Vocabulary

/// What the service manager hears of us: sd_notify(3), one datagram a message.
///
/// Without a service manager every message is a no-op. Unknown fields are ignored by older ones, so that
/// `MONOTONIC_USEC` (systemd 253) is always sent along: a unit may be `Type=notify` or `notify-reload`.
///
/// A message waits while the manager's socket is full. It is short, and there are few of them, but it is not for
/// loops.
public struct ServiceNotifier: Sendable {
    /// Whether a service manager listens.
    public let isSupervised: Bool

    private let send: @Sendable (String) -> Void

    /// A notifier of the service manager that `NOTIFY_SOCKET` names, if any.
    public init() {
        isSupervised = unsafe getenv("NOTIFY_SOCKET") != nil
        send = { message in
            // A message that cannot be delivered leaves nothing to do: the manager will act on its absence.
            _ = unsafe sd_notify(0, message)
        }
    }

    init(isSupervised: Bool, send: @escaping @Sendable (String) -> Void) {
        self.isSupervised = isSupervised
        self.send = send
    }

    /// Start-up, or a reload, is over.
    ///
    /// - Parameter status: the new status; without it the old one stays.
    public func ready(status: String? = nil) { send("READY=1" + (status.map { "\n" + field(status: $0) } ?? "")) }

    /// One honest line for `systemctl status`; made one line and cut at 200 bytes.
    public func status(_ status: String) { send(field(status: status)) }

    /// A reload has begun; ``ready(status:)`` has to follow, also when the reload fails.
    public func reloading() {
        send("RELOADING=1\nMONOTONIC_USEC=\(MonotonicClock.nanoseconds() / 1_000)")
    }

    /// The end has begun.
    public func stopping(status: String) { send("STOPPING=1\n" + field(status: status)) }

    /// Start-up, reload or stop may take this much longer from now on; to be repeated while there is progress.
    public func extendTimeout(_ duration: Duration) { send("EXTEND_TIMEOUT_USEC=\(duration.microseconds)") }

    /// Everything is well. Only to be sent when ``Vitals/check()`` finds nothing stalled.
    public func watchdogPing() { send("WATCHDOG=1") }

    /// The time after which the manager kills a service that is silent, as sd_watchdog_enabled(3) tells it; `nil`
    /// when it does not, or when it watches another process. Ping at least twice as often.
    ///
    /// - Parameters:
    ///   - environment: where `WATCHDOG_USEC` and `WATCHDOG_PID` are looked up.
    ///   - processID: the process that asks; this one when there is none.
    public static func watchdogInterval(environment: [String: String], processID: Int32? = nil) -> Duration? {
        if let watched = environment["WATCHDOG_PID"] {
            guard Int32(watched) == processID ?? getpid() else { return nil }
        }
        guard let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 else {
            return nil
        }
        return .microseconds(microseconds)
    }

    private func field(status: String) -> String { "STATUS=" + singleLine(status, limit: 200) }
}

extension Duration {
    /// Whole microseconds, at least 0.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }
}

/// Time that only goes forward while the machine is awake: CLOCK_MONOTONIC, clock_gettime(2).
public enum MonotonicClock {
    /// Nanoseconds since some fixed moment; the service manager counts from the same one.
    public static func nanoseconds() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}

/// A text as one harmless line of at most `limit` bytes.
///
/// Names in it were escaped when they were put in, so a backslash stays what it is.
func singleLine(_ text: String, limit: Int = .max) -> String {
    let isPlain = text.utf8.count <= limit && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    if isPlain { return text }
    var line = ""
    for scalar in text.unicodeScalars {
        let shown = scalar == "\\" ? "\\" : escaped(String(scalar))
        guard line.utf8.count + shown.utf8.count <= limit - 3 || limit == .max else { return line + "..." }
        line += shown
    }
    return line
}
