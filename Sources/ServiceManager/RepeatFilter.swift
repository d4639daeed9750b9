/// Lets the first of many identical messages through, counts the rest, and says how many there were.
///
/// One window a key: it opens with a message that is written and closes after `interval`. What comes meanwhile is
/// held. The state is bounded: with `capacity` windows open, the oldest closes early.
public struct RepeatFilter: Sendable {
    /// What to do with a message.
    public enum Verdict: Sendable, Equatable {
        /// Write it; before that as many like it were held and not yet told.
        case write(heldBefore: Int)
        /// Do not write it; it is counted.
        case hold
    }

    /// Messages that were held.
    public struct Summary: Sendable, Equatable {
        /// What they have in common.
        public var key: String
        /// How many there were besides the one that was written.
        public var count: Int

        /// For people, to be put behind the message: `repeated 17 times`.
        public var text: String { count == 1 ? "repeated once" : "repeated \(count) times" }
    }

    private struct Window {
        var opened: UInt64
        var held = 0
    }

    private let interval: UInt64
    private let capacity: Int
    private var windows: [String: Window] = [:]
    private var closedEarly: [Summary] = []

    /// A filter.
    ///
    /// - Parameters:
    ///   - interval: how long identical messages are held.
    ///   - capacity: how many keys are told apart at once, at least 1.
    public init(interval: Duration = .seconds(60), capacity: Int = 1_000) {
        self.interval = UInt64(interval.microseconds) * 1_000
        self.capacity = max(1, capacity)
    }

    /// Decides on a message.
    ///
    /// - Parameters:
    ///   - key: equal for messages that are the same to a reader.
    ///   - now: ``MonotonicClock/nanoseconds()``.
    public mutating func admit(_ key: String, now: UInt64) -> Verdict {
        guard let window = windows[key] else {
            if windows.count >= capacity { closeOldest() }
            windows[key] = Window(opened: now)
            return .write(heldBefore: 0)
        }
        guard isOver(window, now) else {
            windows[key]?.held += 1
            return .hold
        }
        windows[key] = Window(opened: now)
        return .write(heldBefore: window.held)
    }

    /// What was held in windows that are over, in the order of the keys; forgets them. To be called now and then, or
    /// the last ones of a series are never told.
    public mutating func summaries(now: UInt64) -> [Summary] {
        let over = windows.filter { isOver($0.value, now) }
        for key in over.keys { windows[key] = nil }
        let held = over.filter { $0.value.held > 0 }.map { Summary(key: $0.key, count: $0.value.held) }
        defer { closedEarly = [] }
        return (closedEarly + held).sorted { $0.key < $1.key }
    }

    private func isOver(_ window: Window, _ now: UInt64) -> Bool { now >= window.opened + interval }

    private mutating func closeOldest() {
        guard let oldest = windows.min(by: { $0.value.opened < $1.value.opened }) else { return }
        windows[oldest.key] = nil
        if oldest.value.held > 0, closedEarly.count < capacity {
            closedEarly.append(Summary(key: oldest.key, count: oldest.value.held))
        }
    }
}
