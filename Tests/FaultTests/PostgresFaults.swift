import LinuxSystem
import LocalPostgres
import Manifest
import PostgresClient
import TestKit
import Testing
import Vocabulary

extension Workload {
    /// The same load under names of its own, for the next round with the same daemon.
    static func round(_ number: Int) -> [Submission] {
        submissions.enumerated().map { index, model in
            // The one that is the same as another has to stay so.
            let seed = model.name == "again.bin" ? 0 : index
            var submission = Submission(
                FileName(Array("\(number)-\(model.name)".utf8)) ?? model.name,
                payload(number * 10 + seed, size: model.content?.count ?? 0), id: "\(model.modelID)\(number)",
                below: model.path)
            submission.fate = model.fate
            return submission
        }
    }
}

extension Daemon {
    /// Drops all of them.
    func drop(_ submissions: [Submission]) throws {
        for submission in submissions { try drop(submission) }
    }

    /// Waits until each of them has its answer.
    func expectAnswers(
        _ submissions: [Submission], _ context: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let over = ["registered", "duplicate", "rejected"]
        let isAnswered = eventually(within: .seconds(90)) {
            submissions.allSatisfy { over.contains(receipt($0.name, below: $0.path)?["status"]?.word ?? "") }
        }
        #expect(isAnswered, "\(context)\n\(log.suffix(3000))", sourceLocation: sourceLocation)
    }

    /// Waits until the daemon has a session.
    func expectDatabase(
        within limit: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let isThere = eventually(within: limit, pause: 20) { status?["database"] == .string("ok") }
        #expect(isThere, "\(status?.text ?? "no status")\n\(log.suffix(3000))", sourceLocation: sourceLocation)
    }

    /// Waits, and no wait of the daemon's may be longer than half a minute, until it says that its database is not usable, and why.
    ///
    /// - Parameter why: one of these words.
    func expectDegraded(_ why: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        var line = ""
        let isTold = eventually(within: .seconds(30), pause: 50) {
            line = status?["status"]?.word ?? ""
            return line.hasPrefix("DEGRADED: database") && why.contains { line.contains($0) }
        }
        #expect(isTold, "\(why), but: \(line)\n\(log.suffix(3000))", sourceLocation: sourceLocation)
    }

    /// Waits until intake has taken everything without a database: nothing is left in the drop directory, every claim is parked.
    func expectParked(_ submissions: [Submission], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let isParked = try eventually(pause: 20) {
            let parked = ["stored_and_waiting", "refused_and_waiting"].map { Int(status?[$0]?.text ?? "") ?? 0 }
            guard parked.reduce(0, +) >= submissions.count else { return false }
            return try Tool.run("find", [dropPath, "-type", "f", "-not", "-path", "*/.*", "-not", "-path", "*/re*"])
                .isEmpty
        }
        let left = try visibleNames()
        #expect(isParked, "\(status?.text ?? "") \(left)\n\(log.suffix(3000))", sourceLocation: sourceLocation)
    }

    /// Ends the sessions that the daemon has, pg_terminate_backend().
    func endSessions() throws {
        _ = try column("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE \(Self.isOurs)")
    }

    /// The processes of the server that serve the daemon.
    func backends() throws -> [Int32] {
        try column("SELECT pid FROM pg_stat_activity WHERE \(Self.isOurs)").compactMap { $0.flatMap { Int32($0) } }
    }

    /// The tests' own connection has the daemon's application name too.
    private static let isOurs =
        "datname = current_database() AND application_name = 'ingotd' AND pid <> pg_backend_pid()"
}

/// A daemon that reaches its database through a proxy.
struct Proxied {
    let daemon: Daemon
    let proxy: PostgresProxy

    init(_ cluster: PrivateCluster? = nil) throws {
        let cluster = try cluster ?? PostgresFixture.cluster()
        let name = try PostgresFixture.freshDatabaseName(on: cluster)
        proxy = try PostgresProxy(cluster, database: name)
        daemon = try Daemon(database: cluster.connectionString(database: name), reaching: proxy.connectionString)
    }
}

/// A daemon that logs in as an ordinary role, which owns its schema and nothing else.
struct Guest {
    let cluster: PrivateCluster
    let role: String
    let database: String
    let daemon: Daemon

    /// - Parameters:
    ///   - name: for the role and the database.
    ///   - options: the rest of the daemon's connection string.
    init(_ cluster: PrivateCluster, _ name: String, options: String = "") throws {
        self.cluster = cluster
        (role, database) = (name, name)
        try cluster.createDatabase(database)
        try cluster.run("CREATE ROLE \(role) LOGIN")
        let own = cluster.connectionString(database: database)
        daemon = try Daemon(database: own, reaching: "\(own) user=\(role)\(options)")
        try grant()
    }

    /// Gives the role what README asks for.
    func grant() throws { try cluster.run("GRANT CREATE ON DATABASE \(database) TO \(role)") }

    /// A connection that holds the lock of writers until it is closed.
    func lockWriters() throws -> Connection {
        let connection = try Connection.open(daemon.database, deadline: .now + .seconds(30))
        try connection.script(
            "BEGIN; SELECT pg_advisory_xact_lock(1229866831, 1)", name: "locking", deadline: .now + .seconds(30))
        return connection
    }
}

extension PrivateCluster {
    /// Puts lines before the one that trusts everybody, and waits until they count.
    func setAccess(_ lines: [String]) throws {
        let all = (lines + ["local all all trust"]).map { "'\($0)'" }.joined(separator: ", ")
        try run("COPY (SELECT unnest(ARRAY[\(all)])) TO '\(directory)/data/pg_hba.conf'")
        let before = try run("SELECT pg_conf_load_time()")
        try run("SELECT pg_reload_conf()")
        _ = try eventually { try run("SELECT pg_conf_load_time()") != before }
    }
}

extension JSON {
    fileprivate var word: String? { if case .string(let word) = self { word } else { nil } }
}
