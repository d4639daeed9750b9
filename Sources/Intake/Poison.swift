import DropWatch
import LinuxSystem
import Logging
import ServiceManager
import Synchronization
import Vocabulary

/// What an earlier run of the daemon crashed on, and what follows for it (P7).
///
/// A submission is known by its manifest's inode, size and modification time, which a claim does not change.
/// 1. After the first crash it is taken up again: the fault may have been elsewhere.
/// 2. After the second it is refused as `poison`, by code that does not look into it.
/// 3. Should even that crash, twice more, it is left alone where it is.
///
/// A crash while several were worked on at once blames none of them; the next run takes them one by one, and finds out.
final class Poison: Sendable {
    /// How many crashes make a submission poison.
    static let attempts = 2

    /// Whether groups are to be of one, because the last run crashed on a larger one.
    let takesOneByOne: Bool
    private let crashes: CrashLog?
    private let strikes: Mutex<[CrashKey: [Crash]]>
    private let log: EventLog

    /// - Parameter crashes: `nil` where it cannot be written, so that nothing is ever blamed.
    init(_ crashes: CrashLog?, log: EventLog) {
        self.crashes = crashes
        self.log = log
        strikes = Mutex(Dictionary(grouping: crashes?.crashes ?? [], by: \.key))
        takesOneByOne = strikes.withLock { $0[.group] != nil }
        forget(.group)
        if takesOneByOne {
            log.event(
                .failed, .warning, "The last run crashed on a group of submissions; this one takes them one by one")
        }
    }

    /// What is to become of a submission.
    enum Sentence {
        /// It is refused.
        case refuse(Reason)
        /// Nothing at all is done with it.
        case leaveAlone
    }

    /// What is to become of a submission whose manifest this is; `nil` for nearly all.
    func sentence(on manifest: FileStatus, _ name: FileName, in drop: DropKey) -> Sentence? {
        guard let all = strikes.withLock({ $0.isEmpty ? nil : $0[CrashKey(manifest)] }), let last = all.last else {
            return nil
        }
        let story =
            "The daemon ended \(all.count) times (\(last.cause), stage \(last.stage)) at work on this submission"
        if all.count >= 2 * Self.attempts {
            log.complaint(
                .failed, .error, key: "poison \(name)",
                "\(story), also when it was to refuse it; \(name) in \(drop.path) is left alone", .init(drop: drop.path)
            )
            return .leaveAlone
        }
        if all.count >= Self.attempts {
            return .refuse(
                Reason(
                    code: "poison", message: "\(story).",
                    hint: "This is a fault of ingotd: report it with both files, which are kept as they are. "
                        + "Moving them back tries \(Self.attempts) times more."))
        }
        log.complaint(
            .failed, .warning, key: "crashed \(name)", "\(story); \(name) in \(drop.path) is tried once more",
            .init(drop: drop.path))
        return nil
    }

    /// A submission is over.
    func forget(_ key: CrashKey?) {
        guard let key, strikes.withLock({ $0.removeValue(forKey: key) }) != nil else { return }
        do { try crashes?.forget(key) } catch {
            log.complaint(.failed, .warning, key: "crash log", "The crash log cannot be written: \(error)")
        }
    }

    /// A stage hangs; the watchdog ends the process soon.
    func reportHang(of slot: CrashLog.Slot) { crashes?.reportHang(of: slot) }
}

/// One worker of the pipeline: tells that it gets on, and what it is at work on.
struct Station: Sendable {
    private let heartbeat: Heartbeat
    let slot: CrashLog.Slot

    init(_ name: String, vitals: Vitals) {
        heartbeat = vitals.stage(name)
        slot = CrashLog.Slot(name)
    }

    var name: String { heartbeat.name }

    /// The calling thread is this worker's from now on.
    func bind() { slot.bind() }

    /// Work begins, or takes another turn.
    func working(bound: Duration) { heartbeat.working(bound: bound) }

    /// This submission's turn has come; `nil` is work that nobody could be blamed for.
    func work(on key: CrashKey?) {
        slot.work(on: key)
        heartbeat.progress()
    }

    /// These submissions' turn has come, all at once.
    func work(onAll keys: [CrashKey?]) { work(on: keys.count == 1 ? keys[0] : .group) }

    /// Something was done.
    func progress() { heartbeat.progress() }

    /// There is nothing to do.
    func idle() {
        slot.work(on: nil)
        heartbeat.idle()
    }
}
