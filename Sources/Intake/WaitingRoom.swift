import DropWatch
import HeapModule
import LinuxSystem
import Vocabulary

/// What a submission that cannot be taken yet is waiting for.
struct Waiting: Sendable, Equatable {
    /// A stable word: `manifest`, `payload`, `writer`, `quiet`, `size`, `unreadable` and the like.
    var code: String
    /// One sentence for a person.
    var message: String
    /// What to do, when there is something to do.
    var hint: String?
    /// Whether time passing alone may end it (so that it is tried again often), or only somebody's doing.
    var isActive = true
}

/// A name in a directory below a drop.
struct Spot: Hashable, Sendable {
    let drop: DropKey
    let directory: RelativePath
    let name: FileName

    /// Where claims are, below every drop directory.
    static let claimsDirectory = RelativePath([".claims"])

    /// Whether it stands for a claim.
    var isClaim: Bool { directory == Self.claimsDirectory }
}

/// Everything in the drop directories that is not yet a submission, and when to look at it again.
///
/// Bounded: beyond its capacity nothing is remembered, and the periodic listing finds it again. No candidate is ever given up: the
/// pauses grow to a ceiling, and any event on a name starts them anew.
struct WaitingRoom {
    /// One thing that waits. A class, because a table of a hundred thousand of them is half empty.
    final class Entry {
        fileprivate(set) var waiting: Waiting
        /// The payload's name, for the receipt, when it is known.
        fileprivate(set) var payload: FileName
        /// Since when, on the monotonic clock and on the wall.
        let since: Monotonic
        let sinceWall: Int64
        /// The files it is about, and since when each has been as it is.
        fileprivate(set) var observed: [Observation]
        fileprivate(set) var pause: Duration = WaitingRoom.shortestPause
        fileprivate(set) var due: Monotonic
        /// When something last changed on it, by the file's own clock.
        fileprivate(set) var lastChange: Int64
        /// How long after that an operator wants to hear of it.
        let reportAfter: Duration
        fileprivate(set) var isNoticed: Bool
        fileprivate(set) var isReported = false

        fileprivate init(
            _ waiting: Waiting, payload: FileName, observed: [Observation], change: Int64, age: Duration,
            reportAfter: Duration, isNoticed: Bool, now: Monotonic
        ) {
            self.waiting = waiting
            self.payload = payload
            self.observed = observed
            self.reportAfter = reportAfter
            self.isNoticed = isNoticed
            since = now - age
            sinceWall = change
            due = now
            lastChange = change
        }
    }

    /// A file's state, and when it was first seen so.
    struct Observation: Equatable {
        let status: FileStatus
        let since: Monotonic
    }

    private struct Due: Comparable {
        let time: Monotonic
        let spot: Spot

        static func < (left: Due, right: Due) -> Bool { left.time < right.time }
        static func == (left: Due, right: Due) -> Bool { left.time == right.time }
    }

    static let capacity = 100_000
    static let shortestPause = Duration.milliseconds(25)
    static let longestPause = Duration.seconds(15)

    private(set) var entries: [Spot: Entry] = [:]
    private var heap = Heap<Due>()
    private var expected: [Spot: Spot] = [:]
    /// Whether something had to be turned away for want of room.
    private(set) var isOverfull = false
    /// How many of the entries are claims.
    private(set) var claimCount = 0

    /// Remembers or updates a wait. A change in what was observed starts the pauses and the quiet time anew.
    ///
    /// - Parameters:
    ///   - observed: the files it is about, as they are now; `nil` when nobody looked, so that the pauses go on growing.
    ///   - payloadSpot: the payload that a manifest names, so that its arrival is a hint.
    ///   - reportAfter: how long after the last change it becomes a problem for the operator.
    mutating func note(
        _ spot: Spot, _ waiting: Waiting, payload: FileName, observed: [FileStatus]?, payloadSpot: Spot? = nil,
        reportAfter: Duration = .seconds(1 << 32), now: Monotonic
    ) {
        let change = observed?.map(\.changed).max() ?? WallClock.nanoseconds
        guard let entry = entries[spot] else {
            // Things that only a person can end must not take the place of those that are about to be complete.
            guard entries.count < (waiting.isActive ? Self.capacity : Self.capacity / 2) else {
                isOverfull = true
                return
            }
            // The pause is counted from the last change by the file's own clock where that is older: what was lying there before the
            // start is told of at once.
            let age = age(of: change)
            entries[spot] = Entry(
                waiting, payload: payload, observed: (observed ?? []).map { Observation(status: $0, since: now) },
                change: change, age: age, reportAfter: reportAfter, isNoticed: spot.isClaim, now: now)
            if spot.isClaim { claimCount += 1 }
            if let payloadSpot { expected[payloadSpot] = spot }
            schedule(spot, now: now)
            return
        }
        let updated =
            observed?.map { status in
                entry.observed.first { $0.status == status } ?? Observation(status: status, since: now)
            } ?? entry.observed
        entry.pause = entry.observed == updated ? min(entry.pause * 2, Self.longestPause) : Self.shortestPause
        // What its producer was told is not true any more: it is told anew.
        if entry.waiting.code != waiting.code || entry.payload != payload { entry.isNoticed = spot.isClaim }
        entry.observed = updated
        entry.lastChange = change
        entry.waiting = waiting
        entry.payload = payload
        if let payloadSpot { expected[payloadSpot] = spot }
        schedule(spot, now: now)
    }

    /// How long a file that a spot is about has been in this state, as far as was seen.
    func quietTime(_ spot: Spot, _ status: FileStatus, now: Monotonic) -> Duration {
        guard let seen = entries[spot]?.observed.first(where: { $0.status == status }) else { return .zero }
        return now - seen.since
    }

    /// The manifest that waits for a payload of this name.
    func manifest(expecting payload: Spot) -> Spot? { expected[payload] }

    /// Forgets a wait.
    ///
    /// - Returns: what it was.
    @discardableResult
    mutating func remove(_ spot: Spot) -> Entry? {
        guard let entry = entries.removeValue(forKey: spot) else { return nil }
        if spot.isClaim { claimCount -= 1 }
        let payload = Spot(drop: spot.drop, directory: spot.directory, name: entry.payload)
        if expected[payload] == spot { expected[payload] = nil }
        return entry
    }

    /// Forgets everything of a drop directory.
    mutating func remove(_ drop: DropKey) {
        for spot in entries.keys where spot.drop == drop { remove(spot) }
    }

    /// Marks a wait as told to the producer, or as reported to the operator.
    mutating func mark(_ spot: Spot, noticed: Bool? = nil, reported: Bool? = nil, now: Monotonic) {
        if let noticed { entries[spot]?.isNoticed = noticed }
        if let reported { entries[spot]?.isReported = reported }
        schedule(spot, now: now)
    }

    /// What is due now, each at most once, at most `limit`.
    mutating func due(now: Monotonic, limit: Int) -> [Spot] {
        var spots: [Spot] = []
        while spots.count < limit, let first = heap.min, first.time <= now {
            heap.removeMin()
            // Entries are not taken out of the heap when they change; an old time is recognised and dropped.
            if entries[first.spot]?.due == first.time { spots.append(first.spot) }
        }
        return spots
    }

    /// When something is due next.
    var nextDue: Monotonic? { heap.min?.time }

    /// Says that room is free again, so that the caller lists everything.
    mutating func takeOverfull() -> Bool {
        guard isOverfull, entries.count < Self.capacity / 4 else { return false }
        isOverfull = false
        return true
    }

    /// The delay after which a wait is told to the producer.
    static let noticeAfter = Duration.seconds(10)

    private mutating func schedule(_ spot: Spot, now: Monotonic) {
        guard let entry = entries[spot] else { return }
        var due = entry.waiting.isActive ? now + entry.pause : Monotonic(nanoseconds: .max)
        if !entry.isNoticed { due = min(due, max(now, entry.since + Self.noticeAfter)) }
        if !entry.waiting.isActive && !entry.isReported {
            due = min(due, max(now, now + entry.reportAfter - age(of: entry.lastChange)))
        }
        // Where events do not tell of a deletion, a look now and then does.
        due = min(due, now + .seconds(3600))
        entry.due = due
        heap.insert(Due(time: due, spot: spot))
        if heap.count > 2 * entries.count + 1024 { rebuild() }
    }

    /// How long ago a change was, by the wall clock, which may jump: never negative.
    private func age(of change: Int64) -> Duration {
        .nanoseconds(max(0, min(WallClock.nanoseconds - change, 86_400_000_000_000 * 3650)))
    }

    // Outdated times pile up under a flood of events; the entries know the true ones.
    private mutating func rebuild() {
        heap = Heap(entries.map { Due(time: $0.value.due, spot: $0.key) })
    }
}
