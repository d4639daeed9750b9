import ContentStore
import DropWatch
import LinuxSystem
import Logging
import Registry
import ServiceManager
import Settings
import Synchronization
import Vocabulary

/// A job for a lane that reads payloads.
enum TakeJob: Sendable {
    /// Bring it into the store.
    case take(Work)
    /// Set it aside.
    case refuse(Refusal)
}

extension TakeJob {
    var claim: Claim {
        switch self {
        case .take(let work): work.claim
        case .refuse(let refusal): refusal.claim
        }
    }
}

/// A payload that was hashed and not looked into yet.
struct Uninspected: Sendable {
    var stored: Stored
    /// What the store will hold; `nil` when it holds it already.
    let blob: StagedBlob?
}

/// A staged blob and what it is for.
struct Staged: Sendable {
    let stored: Stored
    let blob: StagedBlob
}

/// Something for the registry.
enum RegistryJob: Sendable {
    /// A blob is durable under its name; with the blob when the producer's inode was moved, whose lease has to hold until COMMIT.
    case register(Stored, moved: StagedBlob?)
    /// A refusal was carried out on disk.
    case reject(Refusal)
    /// What does the registry know of this submission?
    case ask(SubmissionID)
}

extension RegistryJob {
    var claim: Claim? {
        switch self {
        case .register(let stored, _): stored.work.claim
        case .reject(let refusal): refusal.claim
        case .ask: nil
        }
    }
}

/// A submission whose row is committed.
enum Finished: Sendable {
    case registered(Stored, Verdict)
    case rejected(Refusal)
}

extension Finished {
    var claim: Claim {
        switch self {
        case .registered(let stored, _): stored.work.claim
        case .rejected(let refusal): refusal.claim
        }
    }
}

/// What all lanes share: the boxes between them, and where they report.
///
/// ```
/// Surveyor ─▶ takers ─▶ examiners ─▶ Publisher ─▶ Registrar ─▶ Finisher
///     ▲                                                           │
///     └────────────────────────── inbox ◀─────────────────────────┘
/// ```
final class Stages: Sendable {
    /// The longest silence of a stage that works; a sync is given more, because a slow disk is no reason to be killed.
    static let bound = FaultInjection.patience ?? Duration.seconds(120)
    static let syncBound = FaultInjection.patience ?? Duration.seconds(900)

    /// How many lanes there are of each kind that works on one file at a time: `workers`, or one for each processor within reason, because with
    /// its inspectors each makes eight threads and processes.
    static func workers(_ settings: Settings) -> Int { settings.workers ?? min(16, max(2, Identity.processorCount)) }

    private let vitals = Vitals()
    private let stations = Mutex<[Station]>([])
    let poison: Poison
    /// Bounded, because a full disk may last: beyond that the registry has the answers.
    private static let lateReceiptsLimit = 1024
    private let lateReceipts = Mutex<[(receipt: Receipt, claim: Claim)]>([])
    let log: EventLog
    let board: StatusBoard
    /// Rung when something changed that the status tells of.
    let statusBell: Mailbox<Void>
    /// Never rung, only closed: ends the caretaker's pause.
    let stopBell = Mailbox<Void>()
    let inbox: Inbox
    let host = Identity.hostName
    let smallJobs = Mailbox<TakeJob>()
    let largeJobs = Mailbox<TakeJob>()
    let smallInspections = Mailbox<Uninspected>()
    let largeInspections = Mailbox<Uninspected>()
    let publishBox = Mailbox<Staged>()
    let registerBox = Mailbox<RegistryJob>()
    let finishBox = Mailbox<Finished>()
    let spares = SpareFolders()
    private let current: Mutex<Settings>
    private let stopping = Atomic(false)

    init(settings: Settings, log: EventLog, crashes: CrashLog?) throws(SystemError) {
        current = Mutex(settings)
        self.log = log
        poison = Poison(crashes, log: log)
        statusBell = Mailbox()
        board = StatusBoard(bell: statusBell)
        inbox = try Inbox()
    }

    /// A place for a worker; it is watched from now on.
    func station(_ name: String) -> Station {
        let station = Station(name, vitals: vitals)
        stations.withLock { $0.append(station) }
        return station
    }

    /// The workers that do not get on.
    func stalled() -> [StalledStage] { vitals.check() }

    /// Blames what a worker is at work on.
    func reportHang(of stage: StalledStage) {
        if let station = stations.withLock({ $0.first { $0.name == stage.name } }) {
            poison.reportHang(of: station.slot)
        }
    }

    /// The configuration in force.
    var settings: Settings {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    /// Whether long work is to be abandoned: its claim is on disk and is taken up at the next start.
    var isStopping: Bool {
        get { stopping.load(ordering: .acquiring) }
        set { stopping.store(newValue, ordering: .releasing) }
    }

    /// Hands a job to the lanes for its size: giants never stand in the way of small files.
    func take(_ job: TakeJob, sizeInBytes: Int64) {
        (sizeInBytes >= ContentStore.largeFileSize ? largeJobs : smallJobs).send(job)
    }

    /// Has a staged payload looked into.
    func examine(_ uninspected: Uninspected) {
        (uninspected.stored.sizeInBytes >= ContentStore.largeFileSize ? largeInspections : smallInspections)
            .send(uninspected)
    }

    /// Gives a claim back to the surveyor, to be taken up again after a pause.
    func retry(_ claim: Claim, code: String, _ message: String) {
        inbox.send(.retry(claim, Waiting(code: code, message: message)))
    }

    /// Writes a producer's receipt. One that cannot be written is kept for later and holds up nothing: the row or the refusal stands,
    /// and a full drop directory must still be emptied of what is registered.
    func hand(_ receipt: Receipt, to claim: Claim) {
        do throws(SystemError) {
            try ReceiptBook(root: claim.drop.root).write(receipt, origin: claim.origin, payload: claim.payloadName)
        } catch {
            log.complaint(
                .failed, .warning, key: "receipts \(claim.drop.key.path)",
                "Receipts cannot be written in \(claim.drop.key.path): \(error)", .init(drop: claim.drop.key.path))
            lateReceipts.withLock { if $0.count < Self.lateReceiptsLimit { $0.append((receipt, claim)) } }
        }
    }

    /// Tries again to write the receipts that could not be written; those of a name that has a newer one since are dropped.
    func handLateReceipts() {
        let late = lateReceipts.withLock { late in
            defer { late = [] }
            return late
        }
        for (receipt, claim) in late {
            let found = ReceiptBook(root: claim.drop.root).find(origin: claim.origin, payload: claim.payloadName)
            if [nil, .waiting, .accepted].contains(found?.status) { hand(receipt, to: claim) }
        }
    }

    var hasLateReceipts: Bool { lateReceipts.withLock { !$0.isEmpty } }

    /// The bytes of the store's file system that have to stay free.
    func reserve(of space: Space) -> UInt64 {
        switch settings.reserve {
        case .percent(let share): UInt64(Double(space.totalBytes) * share / 100)
        case .bytes(let bytes): UInt64(clamping: bytes)
        }
    }
}
