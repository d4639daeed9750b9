import CLinux
import Glibc

/// Wakes a thread that waits in ``waitForInput(_:timeout:)``; an eventfd(2).
public final class Doorbell: Sendable {
    /// The descriptor to wait on.
    public let descriptor: Descriptor

    /// A bell that has not rung.
    public init() throws(SystemError) {
        descriptor = Descriptor(owning: try attempt(.eventfd, "") { ingot_eventfd() })
    }

    /// Rings; ringing twice before an answer is the same as once.
    public func ring() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor.number, &one, 8)
    }

    /// Makes the bell silent again.
    public func answer() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor.number, &count, 8)
    }
}

/// Waits until one of the descriptors is readable, poll(2).
///
/// - Parameter timeout: the longest wait; `nil` waits for ever.
/// - Returns: which of them are readable (or broken), in order; none after the timeout.
public func waitForInput(_ descriptors: [Descriptor], timeout: Duration?) throws(SystemError) -> [Bool] {
    var waiting = descriptors.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
    let deadline = timeout.map { Monotonic.now + $0 }
    while true {
        var milliseconds: Int32 = -1
        if let deadline {
            // Rounded up: waking a fraction of a millisecond early would spin until the time has come.
            let left = max(0, (deadline.nanoseconds - Monotonic.now.nanoseconds + 999_999) / 1_000_000)
            milliseconds = Int32(clamping: left)
        }
        let count = unsafe poll(&waiting, nfds_t(waiting.count), milliseconds)
        if count >= 0 { return waiting.map { $0.revents != 0 } }
        // After EINTR the rest of the time is waited for, not the whole again.
        if errno != EINTR { throw SystemError(.poll, "", code: errno) }
    }
}
