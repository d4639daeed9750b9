import ContentStore
import DropWatch
import LinuxSystem
public import Logging
import Registry
public import ServiceLifecycle
public import ServiceManager
public import Settings
import Synchronization
import Vocabulary

/// The whole pipeline as one service: started as one, stopped from its source to its end.
///
/// One `Service` on purpose: several that feed each other would be stopped in an order in which one waits for another that is gone.
public final class IntakeService: Service {
    /// What the pipeline needs from around it.
    public struct Surroundings: Sendable {
        /// Where to log.
        public var logger: Logger
        /// The service manager.
        public var notifier: ServiceNotifier
        /// How often the watchdog wants to be fed; `nil` when there is none.
        public var watchdogInterval: Duration?
        /// The directory for `status.json`; `nil` writes none.
        public var statusDirectory: String?
        /// The program's version.
        public var version: String
        /// Called once the store is open, recovery has begun and everything is watched.
        public var whenReady: @Sendable () -> Void

        /// Surroundings.
        public init(
            logger: Logger, notifier: ServiceNotifier, watchdogInterval: Duration?, statusDirectory: String?,
            version: String, whenReady: @escaping @Sendable () -> Void = {}
        ) {
            self.logger = logger
            self.notifier = notifier
            self.watchdogInterval = watchdogInterval
            self.statusDirectory = statusDirectory
            self.version = version
            self.whenReady = whenReady
        }
    }

    private let stages: Stages
    private let store: ContentStore
    private let openedRoots: OpenedRoots
    private let surroundings: Surroundings
    private let workers: Int

    /// A pipeline that is not running yet.
    ///
    /// - Throws: `StoreError` when the store cannot be opened or another daemon has it, `DropError` when another daemon has a drop
    ///   directory, `SystemError` when descriptors have run out. A drop directory that is missing is no error: it is waited for.
    public init(settings: Settings, surroundings: Surroundings) throws {
        ignoreLeaseSignals()
        var generator = SystemRandomNumberGenerator()
        store = try ContentStore(
            path: settings.store,
            newIdentity: SubmissionID(unixMilliseconds: WallClock.nanoseconds / 1_000_000, using: &generator)
                .description)
        openedRoots = try OpenedRoots(settings)
        let log = EventLog(surroundings.logger)
        stages = try Stages(settings: settings, log: log, crashes: Self.openCrashLog(settings, log))
        self.surroundings = surroundings
        workers = Stages.workers(settings)
        stages.board.update { $0.remarks = store.remarks }
        for remark in store.remarks { stages.log.event(.storeAvailable, .warning, "\(settings.store): \(remark)") }
    }

    /// Runs until graceful shutdown. Then nothing more is claimed, what is nearly done is finished, long work is left to the next start.
    public func run() async throws {
        let caretaker = startCaretaker()
        let finisher = Lane("finish") { [stages] in
            Finisher(stages: stages, station: stages.station("finish")).run()
        }
        let registrar = Lane("register") { [stages, store] in
            Registrar(stages: stages, store: store, station: stages.station("register")).run()
        }
        let publisher = Lane("publish") { [stages, store] in
            Publisher(stages: stages, store: store, station: stages.station("publish")).run()
        }
        let examiners = startExaminers()
        let takers = startTakers()
        let surveyor = startSurveyor()
        await withGracefulShutdownHandler {
            await surveyor.finished()
        } onGracefulShutdown: { [stages, surroundings] in
            stages.board.update { $0.isStopping = true }
            surroundings.notifier.stopping(status: "Stopping")
            stages.isStopping = true
            stages.inbox.send(.stop)
        }
        // From the source to the end: each box is closed when the lanes before it have ended, and its lane ends when it is empty. What is
        // refused behind the takers then is refused by the next start: it is still a claim.
        stages.smallJobs.close()
        stages.largeJobs.close()
        for taker in takers { await taker.finished() }
        // An examiner of small files may hand one on to those of large ones.
        stages.smallInspections.close()
        for examiner in examiners.small { await examiner.finished() }
        stages.largeInspections.close()
        for examiner in examiners.large { await examiner.finished() }
        stages.publishBox.close()
        await publisher.finished()
        stages.registerBox.close()
        await registrar.finished()
        stages.finishBox.close()
        await finisher.finished()
        stages.spares.removeAll()
        stages.statusBell.close()
        stages.stopBell.close()
        await caretaker.finished()
    }

    /// The log of crashes lies in the store. Without it a crash only goes unblamed.
    private static func openCrashLog(_ settings: Settings, _ log: EventLog) -> CrashLog? {
        do throws(SystemError) {
            return try CrashLog("ingot-crashes", in: Descriptor.openDirectory(path: settings.store))
        } catch {
            log.event(.storeUnavailable, .warning, "The crash log in \(settings.store) cannot be written: \(error)")
            return nil
        }
    }

    /// Puts a new, valid configuration in force.
    ///
    /// - Returns: why it cannot be, when it cannot: then the old one stays.
    public func reload(_ settings: Settings) -> String? {
        guard settings.store == stages.settings.store else {
            return "store: cannot change while ingotd runs; restart it to use \(settings.store)"
        }
        if settings.workers != stages.settings.workers {
            stages.log.event(.reloaded, .notice, "workers: takes effect at the next start")
        }
        stages.settings = settings
        stages.board.update { $0.configurationProblem = nil }
        stages.inbox.send(.reload(settings))
        return nil
    }

    /// Shows, until the next reload that works, that the configuration in force is not the one on disk.
    public func reloadFailed(_ problem: String) {
        stages.board.update { $0.configurationProblem = problem }
    }

    // MARK: Lanes

    private func startCaretaker() -> Lane {
        let directory = surroundings.statusDirectory.flatMap { try? Descriptor.openDirectory(path: $0) }
        return Lane("status") { [stages, surroundings] in
            Caretaker(
                stages: stages, notifier: surroundings.notifier, watchdogInterval: surroundings.watchdogInterval,
                statusDirectory: directory, version: surroundings.version
            ).run()
        }
    }

    private func startTakers() -> [Lane] {
        lanes("take-small") { [stages, store] in
            Taker(stages: stages, store: store, station: $0).run(stages.smallJobs)
        }
            + lanes("take-large") { [stages, store] in
                Taker(stages: stages, store: store, station: $0).run(stages.largeJobs)
            }
    }

    private func startExaminers() -> (small: [Lane], large: [Lane]) {
        let small = lanes("look-small") { [stages, store] in
            Examiner(stages: stages, store: store, station: $0, patience: Examiner.smallPatience)
                .run(stages.smallInspections)
        }
        let large = lanes("look-large") { [stages, store] in
            Examiner(stages: stages, store: store, station: $0, patience: nil).run(stages.largeInspections)
        }
        return (small, large)
    }

    /// As many lanes of a kind as there are workers.
    private func lanes(_ name: String, _ body: @escaping @Sendable (Station) -> Void) -> [Lane] {
        (1...workers).map { number in
            Lane("\(name)-\(number)") { [stages] in body(stages.station("\(name)-\(number)")) }
        }
    }

    private func startSurveyor() -> Lane {
        Lane("survey") { [stages, store, surroundings, openedRoots] in
            Surveyor(
                settings: stages.settings, store: store, stages: stages, inbox: stages.inbox,
                openedRoots: openedRoots.handOver()
            ).run(ready: surroundings.whenReady)
        }
    }
}

/// Drop directories that were opened before the start, only to refuse the start where another daemon has one.
///
/// Handed over once and not kept: whoever keeps a root keeps its lock.
private final class OpenedRoots: Sendable {
    private let roots: Mutex<[DropKey: DropRoot]>

    init(_ settings: Settings) throws(DropError) {
        var opened: [DropKey: DropRoot] = [:]
        for drop in settings.drops {
            do throws(DropError) {
                opened[DropKey(path: drop.path)] = try DropRoot(path: drop.path)
            } catch {
                if case .inUse = error { throw error }
            }
        }
        roots = Mutex(opened)
    }

    func handOver() -> [DropKey: DropRoot] {
        roots.withLock { roots in
            defer { roots = [:] }
            return roots
        }
    }
}
