internal import Synchronization

/// Whether the stages of the pipeline get on: what feeds the watchdog.
///
/// A stage that waits for work is well for ever. One that works has to get on within the bound it declared itself, be it
/// a MiB hashed or an fsync returned; past it the stage is stalled, and no timer somewhere else makes up for that.
public final class Vitals: Sendable {
    private let stages = Mutex<[Member]>([])
    private let clock: @Sendable () -> UInt64

    /// A registry of stages.
    ///
    /// - Parameter clock: nanoseconds that only go forward.
    public init(clock: @escaping @Sendable () -> UInt64 = { MonotonicClock.nanoseconds() }) { self.clock = clock }

    /// Adds a stage, idle at first; it is watched for as long as somebody keeps it. Several may share a name: each
    /// worker has its own.
    public func stage(_ name: String) -> Heartbeat {
        let heartbeat = Heartbeat(name: name, clock: clock)
        stages.withLock { members in
            members.removeAll { $0.heartbeat == nil }
            members.append(Member(heartbeat: heartbeat))
        }
        return heartbeat
    }

    /// The stages that are stalled now, in the order they were added.
    public func check() -> [StalledStage] {
        let now = clock()
        return stages.withLock { $0.compactMap(\.heartbeat) }.compactMap { $0.stalled(now: now) }
    }

    private struct Member: Sendable {
        weak let heartbeat: Heartbeat?
    }
}

/// A stage that has not got on for longer than it said it would.
public struct StalledStage: Sendable, Equatable {
    /// The stage.
    public var name: String
    /// How long ago it last got on.
    public var silence: Duration
    /// How long it said it would take at most.
    public var bound: Duration

    /// A finding.
    public init(name: String, silence: Duration, bound: Duration) {
        self.name = name
        self.silence = silence
        self.bound = bound
    }
}

/// One stage's sign of life; as cheap as two stores and a look at the clock.
public final class Heartbeat: Sendable {
    /// The stage's name.
    public let name: String

    private let clock: @Sendable () -> UInt64
    /// When the stage last got on, in nanoseconds.
    private let last: Atomic<UInt64>
    /// How long it may take until it does again, in nanoseconds; 0 while it is idle.
    private let bound = Atomic<UInt64>(0)

    init(name: String, clock: @escaping @Sendable () -> UInt64) {
        self.name = name
        self.clock = clock
        last = Atomic(clock())
    }

    /// There is nothing to do.
    public func idle() { bound.store(0, ordering: .releasing) }

    /// Work begins, or takes another turn: from now on, ``progress()`` comes at least this often.
    public func working(bound: Duration) {
        // In this order: a check in between must not see the new bound with the old time.
        last.store(clock(), ordering: .relaxed)
        self.bound.store(max(1, UInt64(bound.microseconds) * 1_000), ordering: .releasing)
    }

    /// Something was done.
    public func progress() { last.store(clock(), ordering: .relaxed) }

    func stalled(now: UInt64) -> StalledStage? {
        let bound = bound.load(ordering: .acquiring)
        let last = last.load(ordering: .relaxed)
        // The stage may have got on after `now` was read.
        guard bound > 0, now > last, now - last > bound else { return nil }
        return StalledStage(
            name: name, silence: .nanoseconds(Int64(clamping: now - last)),
            bound: .nanoseconds(Int64(clamping: bound)))
    }
}
