internal import Glibc
internal import LinuxSystem
public import LocalPostgres
internal import Synchronization
public import Testing

/// A real PostgreSQL for tests: one server for the whole test process, a database of its own for each test.
public enum PostgresFixture {
    /// Why there is no server here; `nil` when there is one.
    public static let obstacle: String? = {
        do {
            _ = try ServerPrograms.find()
            return nil
        } catch {
            return "\(error)"
        }
    }()

    private static let shared = Mutex<PrivateCluster?>(nil)
    private static let counter = Atomic<Int>(0)

    /// The server that all tests share: not durable, made by the first who asks, gone when the process ends.
    public static func cluster() throws -> PrivateCluster {
        try shared.withLock { shared in
            if let shared { return shared }
            let cluster = try throwawayCluster(named: "shared")
            shared = cluster
            return cluster
        }
    }

    /// A server of the caller's own, to stop and kill as it likes; gone when the process ends.
    ///
    /// - Parameters:
    ///   - name: a word for the directory's name.
    ///   - isDurable: whether it waits for the disk as a real one does.
    ///   - place: the directory that it gets one of its own in.
    ///   - settings: of the server, beside the usual ones.
    ///   - prepare: makes the cluster itself, instead of initdb.
    public static func throwawayCluster(
        named name: String, isDurable: Bool = false, below place: String = "/tmp", settings: [String: String] = [:],
        prepare: (_ directory: String) throws -> Void = { _ in }
    ) throws -> PrivateCluster {
        let directory = "\(place)/ingot-test-\(getpid())-\(name)-\(counter.add(1, ordering: .relaxed).newValue)"
        var options = PrivateCluster.Options()
        options.isDurable = isDurable
        options.settings = ["max_connections": "200"].merging(settings) { $1 }
        cleanUpAtExit()
        directories.withLock { $0.append(directory) }
        try prepare(directory)
        let cluster = try PrivateCluster.start(in: directory, options: options)
        clusters.withLock { $0.append(cluster) }
        return cluster
    }

    /// The connection string of a new, empty database on the shared server.
    public static func freshDatabase() throws -> String {
        let cluster = try cluster()
        return try cluster.connectionString(database: freshDatabaseName(on: cluster))
    }

    /// The name of a new, empty database.
    public static func freshDatabaseName(on cluster: PrivateCluster) throws -> String {
        let name = "test_\(counter.add(1, ordering: .relaxed).newValue)"
        try cluster.createDatabase(name)
        return name
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test where no PostgreSQL server is installed, and says how to get one.
    public static var requiresPostgres: Self {
        .enabled(if: PostgresFixture.obstacle == nil, "\(PostgresFixture.obstacle ?? "")")
    }
}

private let directories = Mutex<[String]>([])
private let clusters = Mutex<[PrivateCluster]>([])
private let isRegistered = Atomic<Bool>(false)

/// Ends the servers and removes their directories when the process ends, atexit(3).
///
/// When it is killed instead, the servers end with it all the same; the next run sweeps up what they leave.
private func cleanUpAtExit() {
    guard !isRegistered.exchange(true, ordering: .relaxed) else { return }
    sweep()
    atexit {
        for cluster in clusters.withLock({ $0 }) { try? cluster.stop(.immediate) }
        for directory in directories.withLock({ $0 }) { removeTree(directory) }
    }
}

/// Removes the directories of test processes that are gone.
private func sweep() {
    guard let stream = unsafe opendir("/tmp") else { return }
    defer { unsafe closedir(stream) }
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        let parts = name.split(separator: "-")
        guard parts.count == 5, name.hasPrefix("ingot-test-"), let process = Int32(parts[2]) else { continue }
        if kill(process, 0) == -1, errno == ESRCH { removeTree("/tmp/\(name)") }
    }
}

private func removeTree(_ directory: String) {
    let command = ChildProcess.Command("/bin/rm", ["-rf", "--", directory])
    _ = try? ChildProcess.run(command, deadline: ContinuousClock.now + .seconds(30))
}
