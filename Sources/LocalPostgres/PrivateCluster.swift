internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import Vocabulary

/// A PostgreSQL server of our own: a cluster in a directory, reachable through a Unix socket only.
///
/// ```
/// <directory>/data          the cluster, 0700, the server user's
/// <directory>/data.new      an initdb that was interrupted; removed by the next start
/// <directory>/run           the socket, 0700: whoever can enter it is trusted (`local all all trust`)
/// <directory>/postgres.log  what the server says
/// ```
///
/// Invariants:
/// 1. `data` exists only complete: initdb works in `data.new`, which is renamed.
/// 2. The server is our child and ends with us, even when we are killed.
/// 3. A `postmaster.pid` is removed only when no process works in `data`: it is what keeps a second server off the files.
public final class PrivateCluster: Sendable {
    /// How a cluster is made and run.
    public struct Options: Sendable {
        /// Whether committed data survives a power cut (fsync). Only a test can do without.
        public var isDurable = true
        /// The database user that owns everything.
        public var superuser = "ingot"
        /// Further settings of the server, such as `max_connections`.
        public var settings: [String: String] = [:]
        /// How long making and starting may take.
        public var patience = Duration.seconds(120)

        /// The options for a cluster that somebody's data lie in.
        public init() {}
    }

    /// How a server is stopped.
    public enum StopMode: Sendable {
        /// Ends all sessions and writes everything out, SIGINT.
        case fast
        /// Ends at once; the next start recovers, SIGQUIT.
        case immediate
        /// As after a crash: SIGKILL for all of its processes.
        case kill
    }

    /// The directory that everything lies in.
    public let directory: String
    /// The directory of the socket.
    public let socketDirectory: String
    /// Where PostgreSQL's programs are.
    public let programs: ServerPrograms
    let options: Options
    let user: ServerUser
    private let server = Mutex<ChildProcess?>(nil)

    /// Starts a cluster, making it first if there is none.
    ///
    /// - Parameters:
    ///   - directory: an absolute path; made if it is missing, its parent has to be there.
    ///   - options: how.
    /// - Throws: what is missing, what is in the way, or what the server said.
    public static func start(
        in directory: String, options: Options = Options()
    ) throws(LocalPostgresError) -> PrivateCluster {
        let cluster = try PrivateCluster(directory: directory, options: options)
        let deadline = ContinuousClock.now + options.patience
        try cluster.prepare(deadline: deadline)
        try cluster.start(deadline: deadline)
        return cluster
    }

    private init(directory: String, options: Options) throws(LocalPostgresError) {
        self.directory = directory
        self.options = options
        user = try ServerUser.find()
        programs = try ServerPrograms.find(majorVersion: Self.majorVersion(ofClusterIn: "\(directory)/data"))
        socketDirectory = Self.socketDirectory(for: directory, user: user)
    }

    deinit {
        server.withLock { $0 }?.signal(SIGINT)
    }

    /// The number of the server's first process; `nil` when it does not run.
    public var processID: Int32? {
        server.withLock { server in server.flatMap { $0.ending == nil ? $0.processID : nil } }
    }

    /// A libpq connection string for one of the cluster's databases.
    public func connectionString(database: String = "postgres") -> String {
        let pairs = [
            ("host", socketDirectory), ("port", "5432"), ("user", options.superuser), ("dbname", database),
        ]
        return pairs.map { "\($0.0)=\(quoted($0.1))" }.joined(separator: " ")
    }

    /// Starts the server after a stop.
    public func start() throws(LocalPostgresError) {
        try start(deadline: ContinuousClock.now + options.patience)
    }

    /// Stops the server and starts it again.
    public func restart(_ mode: StopMode = .fast) throws(LocalPostgresError) {
        try stop(mode)
        try start()
    }

    /// Stops the server. One that does not stop in time is stopped harder.
    ///
    /// - Throws: `timedOut` when not even SIGKILL ends it.
    public func stop(
        _ mode: StopMode = .fast, patience: Duration = .seconds(30)
    ) throws(LocalPostgresError) {
        guard let child = server.withLock({ $0 }) else { return }
        let signals: [Int32] =
            switch mode {
            case .fast: [SIGINT, SIGQUIT, SIGKILL]
            case .immediate: [SIGQUIT, SIGKILL]
            case .kill: [SIGKILL]
            }
        for signal in signals {
            child.signal(signal)
            guard child.wait(until: ContinuousClock.now + patience) != nil else { continue }
            // Without the first process the others go on until they next look for it.
            if signal == SIGKILL { for process in workers { _ = Glibc.kill(process, SIGKILL) } }
            server.withLock { $0 = nil }
            return
        }
        throw LocalPostgresError(code: .timedOut, message: "The PostgreSQL server in \(directory) does not end.")
    }

    private func start(deadline: ContinuousClock.Instant) throws(LocalPostgresError) {
        guard processID == nil else { return }
        try clearLeftovers(deadline: deadline)
        var arguments = ["-D", "\(directory)/data"]
        for (name, value) in serverSettings { arguments += ["-c", "\(name)=\(value)"] }
        var command = user.command(
            programs.path("postgres"), arguments, endsWithUsBy: options.isDurable ? "INT" : "QUIT")
        command.output = .file("\(directory)/postgres.log")
        command.errors = command.output
        let child = try started(command)
        server.withLock { $0 = child }
        try waitUntilReady(child, deadline: deadline)
    }

    private var serverSettings: [(String, String)] {
        var settings = [
            "listen_addresses": "", "unix_socket_directories": quotedInList(socketDirectory), "port": "5432",
            "logging_collector": "off",
        ]
        if !options.isDurable {
            settings["fsync"] = "off"
            settings["full_page_writes"] = "off"
        }
        return settings.merging(options.settings) { _, ours in ours }.sorted { $0.key < $1.key }
    }

    /// Asks until the server lets somebody in: a socket that exists may still belong to a server that recovers.
    private func waitUntilReady(
        _ child: ChildProcess, deadline: ContinuousClock.Instant
    ) throws(LocalPostgresError) {
        let probe = ChildProcess.Command(
            programs.path("pg_isready"), ["-q", "-t", "2", "-d", connectionString()])
        while ContinuousClock.now < deadline {
            if child.ending != nil {
                throw LocalPostgresError(
                    code: .programFailed, message: "PostgreSQL did not start: \(lastLogLines)",
                    hint: "All of it is in \(directory)/postgres.log.")
            }
            if try finished(probe, deadline: deadline).isSuccess { return }
            _ = child.wait(until: ContinuousClock.now + .milliseconds(10))
        }
        throw LocalPostgresError(
            code: .timedOut, message: "PostgreSQL did not come up in time: \(lastLogLines)",
            hint: "All of it is in \(directory)/postgres.log.")
    }

    /// Starts a program, with an error of ours.
    private func started(_ command: ChildProcess.Command) throws(LocalPostgresError) -> ChildProcess {
        do {
            return try ChildProcess.start(command)
        } catch {
            throw LocalPostgresError(code: .programFailed, message: "\(error)")
        }
    }

    /// Runs a program, with an error of ours.
    func finished(
        _ command: ChildProcess.Command, deadline: ContinuousClock.Instant
    ) throws(LocalPostgresError) -> ChildProcess.Completion {
        do {
            return try ChildProcess.run(command, deadline: deadline)
        } catch {
            throw LocalPostgresError(code: .programFailed, message: "\(error)")
        }
    }
}

/// A value for a libpq connection string.
private func quoted(_ value: String) -> String {
    "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
}

/// A directory for `unix_socket_directories`, a list in which a comma separates.
private func quotedInList(_ value: String) -> String {
    "\"" + value.replacing("\"", with: "\"\"") + "\""
}
