import ContentStore
import DropWatch
import HeapModule
import LinuxSystem
import Logging
import Manifest
import ServiceManager
import Settings
import Vocabulary

/// The first lane: finds pairs in the drop directories, judges whether they are complete, claims them.
///
/// Invariants:
/// 1. Only this lane moves anything out of a drop directory, so no submission is claimed twice.
/// 2. At most `window` submissions are under way at a time. Everything else stays on disk: in the drop directories, or in claims. While the
///    window is full, events stay in the kernel's queue; if that overflows, the listing finds what was lost.
/// 3. A claim is either in `underWay`, or waits in the waiting room, or is found by ``resumeClaims(of:)``.
///
/// Events come before listings, and the newest of them in turn with the oldest, so that a lone drop does not wait behind a backlog.
final class Surveyor {
    /// How many submissions are under way at most: enough to keep every lane busy while another one waits for the disk. Each has two
    /// descriptors, its folder and its payload, and for a moment a third.
    static let window =
        FaultInjection.window ?? min(1024, max(64, (ProcessEnvironment.raiseDescriptorLimit() - 512) / 3))
    /// How many hints are remembered at most; more stay in the kernel's queue, and what that loses is found by a listing.
    static let hintsLimit = 32_768
    /// How many bytes of manifests are under way at most; one submission is always let in.
    static let manifestBytesWindow = 4 << 20
    /// How many claims that wait for the store are enough to know that nothing more should be claimed.
    static let stuckClaimsLimit = 64
    /// The pause between listings of a directory whose events are not believed.
    static let pollInterval = Duration.seconds(5)

    /// A configured drop directory, open or not.
    struct Slot {
        var settings: DropSettings
        var drop: Drop?
        var nextAttempt = Monotonic(nanoseconds: 0)
        var nextPoll = Monotonic(nanoseconds: 0)
        /// Claims that are to be looked at, newest last.
        var claims: [SubmissionID] = []
    }

    let stages: Stages
    let station: Station
    let store: ContentStore
    let inbox: Inbox
    let tools = TakeTools()
    var settings: Settings
    var slots: [DropKey: Slot] = [:]
    var watches: WatchTree?
    let scan = TreeScan()
    var room = WaitingRoom()
    var underWay: [SubmissionID: Share] = [:]
    var manifestBytesUnderWay = 0
    var largeUnderWay = 0
    /// What is left of the events and of the last piece of a listing, because the window was full.
    var pendingHints: ArraySlice<Hint> = []
    /// Whether the newest hint comes next, and not the oldest.
    var isTurnOfNewest = false
    var pendingEntries: (job: TreeScan.Job, directory: Descriptor, entries: ArraySlice<DirectoryEntry>)?
    var nextRescan = Monotonic.now
    var nextSweep = Monotonic.now + .seconds(60)
    var nextTelling = Monotonic.now
    var isStopping = false
    /// Whether a large manifest may be looked into now.
    var isTurnOfLarge = false
    private var generator = SystemRandomNumberGenerator()

    /// Drop directories that were opened before, to find out whether another daemon has them.
    private var openedRoots: [DropKey: DropRoot]

    init(
        settings: Settings, store: ContentStore, stages: Stages, inbox: Inbox, openedRoots: [DropKey: DropRoot]
    ) {
        self.openedRoots = openedRoots
        self.settings = settings
        self.store = store
        self.stages = stages
        station = stages.station("survey")
        self.inbox = inbox
        for drop in settings.drops { slots[DropKey(path: drop.path)] = Slot(settings: drop) }
    }

    /// A submission under way, and what it takes of the windows.
    struct Share {
        let claim: Claim
        let manifestBytes: Int
        let isLarge: Bool
        /// Whether its producer was told that it takes longer, or that it is refused.
        var isTold = false
    }

    /// Whether another giant may be let in: a few for each lane, so that those that wait for one leave the window to small files.
    var hasRoomForLarge: Bool { largeUnderWay < 4 * Stages.workers(settings) }

    /// Whether another submission may be let in.
    var hasRoom: Bool {
        underWay.count < Self.window
            && (manifestBytesUnderWay < Self.manifestBytesWindow || underWay.isEmpty)
    }

    /// The lane's whole life.
    func run(ready: () -> Void) {
        station.bind()
        station.working(bound: Stages.bound)
        openWatches()
        openSlots()
        stages.board.update { $0.isRecovering = false }
        ready()
        FaultInjection.ready()
        while !isStopping {
            station.working(bound: Stages.bound)
            turn()
        }
        station.idle()
    }

    /// One turn: letters, events, what is due, some of the listings, and the clockwork.
    private func turn() {
        let timeout = sleepTime()
        if timeout > .zero { station.idle() }
        // With a full window only letters are of use: one of them says that there is room again.
        let descriptors = [inbox.bell.descriptor] + (hasRoom ? (watches.map { [$0.descriptor] } ?? []) : [])
        let readable = (try? waitForInput(descriptors, timeout: timeout)) ?? []
        station.working(bound: Stages.bound)
        if readable.first == true { inbox.takeAll().forEach(receive) }
        if hasRoom { followHints() }
        lookAgain()
        listSome()
        clockwork()
        publishCounts()
        // What is in a claims directory when nothing is under way is what waits.
        if underWay.isEmpty { stages.spares.removeAll() }
    }

    private func sleepTime() -> Duration {
        let isListing = !scan.isIdle || pendingEntries != nil || !pendingHints.isEmpty
        if hasRoom && (isListing || slots.values.contains { !$0.claims.isEmpty && $0.drop != nil }) { return .zero }
        let now = Monotonic.now
        var next = min(nextRescan, nextSweep)
        if !underWay.isEmpty || stages.hasLateReceipts { next = min(next, nextTelling) }
        if let due = room.nextDue, hasRoom { next = min(next, due) }
        for slot in slots.values {
            if slot.drop == nil { next = min(next, slot.nextAttempt) }
            if let drop = slot.drop, mustPoll(drop) { next = min(next, slot.nextPoll) }
        }
        return next > now ? next - now : .zero
    }

    private func receive(_ message: SurveyorMessage) {
        switch message {
        case .finished(let ids):
            for id in ids {
                if let share = release(id) { room.remove(spot(of: id, in: share.claim.drop.key)) }
            }
        case .retry(let claim, let waiting):
            release(claim.id)
            tellAccepted(claim, claim.contents, because: waiting)
            room.note(spot(of: claim), waiting, payload: claim.payloadName, observed: nil, now: .now)
        case .resumeClaims: slots.keys.forEach(resumeClaims)
        case .outcomes(let outcomes, let asked): settle(outcomes, asked: asked)
        case .reload(let new): reload(new)
        case .rescan: nextRescan = .now
        case .stop: isStopping = true
        }
    }

    /// A drop directory's root, newly opened unless it was opened before the start.
    func root(_ key: DropKey) throws(DropError) -> DropRoot {
        if let opened = openedRoots.removeValue(forKey: key), opened.isInPlace() { return opened }
        return try DropRoot(path: key.path)
    }

    // MARK: Accounts

    func newID() -> SubmissionID {
        SubmissionID(unixMilliseconds: WallClock.nanoseconds / 1_000_000, using: &generator)
    }

    func admit(_ claim: Claim, manifestBytes: Int = 0, isLarge: Bool = false) {
        underWay[claim.id] = Share(claim: claim, manifestBytes: manifestBytes, isLarge: isLarge)
        manifestBytesUnderWay += manifestBytes
        if isLarge { largeUnderWay += 1 }
    }

    @discardableResult
    private func release(_ id: SubmissionID) -> Share? {
        guard let share = underWay.removeValue(forKey: id) else { return nil }
        manifestBytesUnderWay -= share.manifestBytes
        if share.isLarge { largeUnderWay -= 1 }
        return share
    }

    private func publishCounts() {
        let now = stages.board.snapshot
        let waiting = room.entries.count
        let watched = watches?.count ?? 0
        guard
            now.waiting != waiting || now.inFlight != underWay.count || now.unwatched != watches?.unwatched ?? 0
                || now.watched != watched
        else { return }
        let oldest = waiting < 1000 ? room.entries.values.map(\.since).min() : now.oldestWait
        stages.board.update { state in
            state.waiting = waiting
            state.inFlight = underWay.count
            state.oldestWait = oldest
            state.unwatched = watches?.unwatched ?? 0
            state.watched = watched
        }
    }
}
