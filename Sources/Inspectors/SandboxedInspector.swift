internal import Glibc
public import LinuxSystem
public import ModelFormats
internal import Vocabulary

/// Looks inside files by a worker process of its own, which it starts when it is needed and replaces when it is gone.
///
/// Invariants:
/// 1. Whatever a file does to the worker is a verdict about the file: it is `unscannable`, never `safe`, and never an error of the daemon.
/// 2. The worker gets files opened for reading only. It can change neither a blob nor a lease.
/// 3. A worker that was late, died or talked nonsense is ended before the next file.
/// 4. A file is blamed for the end of a worker only when a fresh one ended on it too: one that waits may be ended by others.
///
/// Waking a worker and waiting for it costs more than a look into a small file. So files can be handed in, several in a row, and
/// inspected later, in the same order: then their answers are there, mostly. A worker that has to be ended loses what was handed in, and
/// it is handed in again.
///
/// For one thread at a time; it blocks while it waits.
public final class SandboxedInspector {
    /// What became of a file.
    public enum Outcome: Sendable {
        /// It was looked into, or it cannot be, which is in the verdict.
        case inspected(Inspection)
        /// It takes longer than the caller's patience; nothing is known of it.
        case unfinished
        /// No worker can be had now: memory, processes or descriptors have run out.
        case unavailable(SystemError)
    }

    /// How long a file may take.
    public struct Deadline: Sendable {
        /// For any file.
        public var least = Duration.seconds(60)
        /// So many bytes give it a second more.
        public var bytesPerSecond: Int64 = 16 << 20

        /// 60 s, and a second for every 16 MiB.
        public init() {}

        /// For a file of this size.
        public func limit(sizeInBytes: Int64) -> Duration {
            least + .seconds(max(0, sizeInBytes) / max(1, bytesPerSecond))
        }
    }

    /// A file that was handed in, and not inspected yet.
    public struct Ticket: Sendable, Equatable {
        fileprivate let number: UInt64
    }

    /// The code of the finding that no worker can be started at all: it says nothing of the file.
    public static let unavailableCode = "inspector_unavailable"

    /// What the last worker gave up; `nil` before the first.
    public private(set) var sandbox: Sandbox?
    private let program: String
    private let deadline: Deadline
    private var worker: Worker?
    /// What the worker was given and has not answered for, oldest first.
    private var outstanding: [Ticket] = []
    /// What the worker has said and nobody has asked for yet.
    private var arrived: [UInt8] = []
    private var lastTicket: UInt64 = 0

    /// How long a worker may take to start.
    private static let startTime = Duration.seconds(30)
    /// How often a waiting thread looks around.
    private static let interval = Duration.milliseconds(200)

    /// - Parameter program: what becomes a worker when it is started with ``InspectionWorker/command``; this very program by default,
    ///   also when its file was replaced meanwhile.
    public init(program: String = "/proc/self/exe", deadline: Deadline = Deadline()) {
        self.program = program
        self.deadline = deadline
    }

    deinit { worker?.end() }

    /// The worker's number, while there is one.
    var workerProcessID: Int32? { worker?.processID }

    /// Starts a worker, so that the first file does not wait for it. What stands in the way shows when a file comes.
    public func prepare() { _ = try? connected() }

    /// Gives a file to the worker and does not wait for its answer.
    ///
    /// - Returns: what to give to ``inspect(_:sizeInBytes:patience:ticket:checkpoint:)``; `nil` when it could not be handed in.
    public func handIn(_ file: Descriptor, sizeInBytes: Int64) -> Ticket? {
        guard let worker = try? connected(), let own = try? file.reopenedForReading() else { return nil }
        return try? handIn(own, sizeInBytes, to: worker)
    }

    /// Whether the worker still has a file; when it had to be ended, it has none.
    public func holds(_ ticket: Ticket) -> Bool { outstanding.contains(ticket) }

    private func handIn(_ own: Descriptor, _ sizeInBytes: Int64, to worker: Worker) throws(SystemError) -> Ticket {
        try worker.socket.send(Request(sizeInBytes: sizeInBytes).bytes, with: own)
        lastTicket += 1
        let ticket = Ticket(number: lastTicket)
        outstanding.append(ticket)
        return ticket
    }

    /// Looks inside a file.
    ///
    /// - Parameters:
    ///   - file: any open descriptor of it; the worker gets one of its own.
    ///   - sizeInBytes: how many bytes there are.
    ///   - patience: when to give up without a verdict; `nil` for never before the deadline.
    ///   - ticket: what it got when it was handed in; those who were handed in first are inspected first.
    ///   - checkpoint: called now and then while the worker reads; what it throws ends the worker's work.
    public func inspect<Failure>(
        _ file: Descriptor, sizeInBytes: Int64, patience: Duration? = nil, ticket: Ticket? = nil,
        checkpoint: () throws(Failure) -> Void
    ) throws(Failure) -> Outcome {
        let limit = deadline.limit(sizeInBytes: sizeInBytes)
        let isImpatient = patience.map { $0 < limit } ?? false
        let end = Monotonic.now + min(limit, patience ?? limit)
        var ending = ""
        // A worker that answers for others first, whom nobody asks for any more, is of no use.
        if !outstanding.isEmpty && outstanding.first != ticket { discard() }
        for _ in 0..<2 {
            let worker: Worker
            switch start() {
            case .success(let started): worker = started
            case .failure(.transient(let error)): return .unavailable(error)
            case .failure(.lasting(let why)): return .inspected(.unscannable(Self.unavailableCode, why))
            }
            if ticket == nil || outstanding.first != ticket {
                let own: Descriptor
                do throws(SystemError) { own = try file.reopenedForReading() } catch { return .unavailable(error) }
                guard (try? handIn(own, sizeInBytes, to: worker)) != nil else {
                    ending = discard()
                    continue
                }
            }
            let answer: Answer
            do throws(Failure) {
                answer = try self.answer(of: worker, until: end, checkpoint)
            } catch {
                discard()
                throw error
            }
            switch answer {
            case .inspection(let inspection, let isLast):
                if isLast { discard() }
                return .inspected(inspection)
            case .late:
                discard()
                if isImpatient { return .unfinished }
                let why = "Looking inside took longer than \(limit.components.seconds) s and was stopped."
                return .inspected(.unscannable("inspector_timed_out", why))
            case .gone: ending = discard()
            case .nonsense:
                discard()
                return .inspected(.unscannable("inspector_died", "The inspector gave an answer that is none."))
            }
        }
        return .inspected(.unscannable("inspector_died", "The inspector ended while it looked inside: \(ending)."))
    }

    // MARK: The worker

    private enum StartFailure: Error {
        case transient(SystemError)
        case lasting(String)
    }

    private enum Answer {
        case inspection(Inspection, isLast: Bool)
        case late, gone, nonsense
    }

    private func start() -> Result<Worker, StartFailure> {
        do throws(StartFailure) { return .success(try connected()) } catch { return .failure(error) }
    }

    /// The worker, started when there is none.
    private func connected() throws(StartFailure) -> Worker {
        if let worker { return worker }
        let started: Worker
        do {
            started = try Worker(program: program)
        } catch let error as SystemError {
            throw .transient(error)
        } catch let error as ChildProcessError {
            guard error.scope == .transient else { throw .lasting("No inspector can be started (\(error)).") }
            throw .transient(SystemError(.posixSpawn, program, code: error.errno))
        } catch {
            throw .lasting("No inspector can be started (\(error)).")
        }
        let end = Monotonic.now + Self.startTime
        var arrived: [UInt8] = []
        while arrived.count < AnswerHeader.byteCount {
            let isReady = (try? waitForInput([started.socket], timeout: end - .now)) == [true]
            let more = isReady ? try? started.socket.receiveSome(limit: AnswerHeader.byteCount - arrived.count) : nil
            guard let more, !more.isEmpty else {
                throw .lasting("The inspector does not start: \(started.end()).")
            }
            arrived += more
        }
        sandbox = Sandbox(rawValue: AnswerHeader(arrived[...]).word)
        worker = started
        return started
    }

    /// Ends the worker and says how it ended.
    @discardableResult
    private func discard() -> String {
        defer {
            worker = nil
            outstanding = []
            arrived = []
        }
        return worker?.end() ?? ""
    }

    /// Waits for the answer to the oldest of what is outstanding.
    private func answer<Failure>(
        of worker: Worker, until end: Monotonic, _ checkpoint: () throws(Failure) -> Void
    ) throws(Failure) -> Answer {
        while true {
            if let answer = answerThatArrived() { return answer }
            let left = end - .now
            guard left > .zero else { return .late }
            let isReady = (try? waitForInput([worker.socket], timeout: min(left, Self.interval))) == [true]
            guard isReady else {
                try checkpoint()
                continue
            }
            let limit = arrived.isEmpty ? 4096 : 64 << 10
            guard let more = try? worker.socket.receiveSome(limit: limit), !more.isEmpty else { return .gone }
            arrived += more
        }
    }

    private func answerThatArrived() -> Answer? {
        guard arrived.count >= AnswerHeader.byteCount else { return nil }
        let header = AnswerHeader(arrived[..<AnswerHeader.byteCount])
        guard header.length <= AnswerHeader.longest else { return .nonsense }
        let whole = AnswerHeader.byteCount + header.length
        // Nobody has asked for what comes behind the last answer.
        if outstanding.count == 1, arrived.count > whole { return .nonsense }
        guard arrived.count >= whole else { return nil }
        guard let inspection = Inspection(jsonText: Array(arrived[AnswerHeader.byteCount..<whole])) else {
            return .nonsense
        }
        arrived.removeFirst(whole)
        outstanding.removeFirst()
        return .inspection(inspection, isLast: header.word == 1)
    }
}

extension Inspection {
    /// The verdict on a file that no worker could judge.
    fileprivate static func unscannable(_ code: String, _ why: String) -> Inspection {
        Inspection(format: .unknown, safety: .unscannable, findings: [Finding(.unscannable, code, why)])
    }
}

/// A running worker and our end of its socket.
private final class Worker {
    let socket: Descriptor
    private let process: ChildProcess

    var processID: Int32 { process.processID }

    init(program: String) throws {
        let (ours, theirs) = try Descriptor.socketPair()
        socket = ours
        // Nothing of ours is its business, and nobody reads what it would write. It only has to find the libraries that we found.
        var environment = ["SWIFT_BACKTRACE": "enable=no"]
        environment["LD_LIBRARY_PATH"] = ProcessEnvironment.variables["LD_LIBRARY_PATH"]
        var command = ChildProcess.Command(program, [InspectionWorker.command], environment: environment)
        command.input = .descriptor(theirs.number)
        command.output = .null
        command.errors = .null
        // Ctrl-C in a terminal is for the daemon, which ends its workers itself.
        command.hasOwnGroup = true
        process = try ChildProcess.start(command)
        withExtendedLifetime(theirs) {}
    }

    /// Ends it, unless it has ended by itself, and says how.
    @discardableResult
    func end() -> String {
        // Its end may be a moment behind the end of its socket.
        let own = process.wait(until: .now + .milliseconds(50))
        if own == nil { process.signal(SIGKILL) }
        switch own ?? process.wait(until: .now + .seconds(10)) {
        case .exited(let status): return "exit status \(status)"
        case .killed(let signal): return "signal \(signal)"
        case nil: return "it cannot be ended"
        }
    }
}
