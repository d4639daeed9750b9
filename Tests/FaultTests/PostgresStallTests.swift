import Glibc
import LinuxSystem
import LocalPostgres
import PostgresClient
import Synchronization
import TestKit
import Testing
import Vocabulary

/// A server that is there and does not answer: nothing but a deadline of the daemon's own ends such a wait.
@Suite(.requiresPostgres) struct `PostgreSQL does not answer` {
    enum Silence: String, CaseIterable, CustomTestStringConvertible {
        case `from the first byte`, `after the log-in`, `when a COMMIT is sent`, `after a COMMIT`
        case `to anything any more`, `because nothing reaches it`

        var testDescription: String { rawValue }

        func begin(_ proxy: PostgresProxy) {
            switch self {
            case .`from the first byte`:
                proxy.strike(.stall, isRepeated: true) { $0.type == "Startup" }
                proxy.cutAll()
            case .`after the log-in`:
                proxy.strike(.stall, isRepeated: true) { $0.sender == .client && $0.type == "P" }
                proxy.cutAll()
            case .`when a COMMIT is sent`: proxy.strike(.stall, isRepeated: true, where: \.isCommit)
            case .`after a COMMIT`: proxy.strike(.drop, isRepeated: true, where: \.isCommitReply)
            case .`to anything any more`: proxy.strike(.drop, isRepeated: true) { $0.sender == .server }
            case .`because nothing reaches it`: proxy.strike(.drop, isRepeated: true) { $0.sender == .client }
            }
        }
    }

    @Test(arguments: Silence.allCases) func `and is given up`(silence: Silence) async throws {
        try await onOwnThread {
            let it = try Proxied()
            let daemon = it.daemon
            let watchdog = try Watchdog(at: "\(daemon.scratch.path)/notify")
            defer { watchdog.end() }
            try daemon.start(environment: watchdog.environment)
            daemon.expectDatabase()
            let before = Workload.submissions
            try daemon.drop(before)
            try daemon.expectSettled(before, "before")

            let during = Workload.round(1)
            silence.begin(it.proxy)
            try daemon.drop(during)
            daemon.expectDegraded("did not answer in time")
            watchdog.expectFed()
            try daemon.drop(Workload.round(2))
            try daemon.expectParked(during)

            it.proxy.pass()
            try daemon.expectSettled(before + during + Workload.round(2), "\(silence)", within: .seconds(90))
            daemon.expectDatabase()
            Figures.add("silences of PostgreSQL that were outlasted")
        }
    }

    @Test func `because its process for the daemon is stopped`() async throws {
        try await onOwnThread {
            let daemon = try Daemon()
            try daemon.start()
            daemon.expectDatabase()
            let backends = try daemon.backends()
            #expect(backends.count == 1)
            for backend in backends { kill(backend, SIGSTOP) }
            defer { for backend in backends { kill(backend, SIGCONT) } }
            try daemon.drop(Workload.submissions)
            // Another process serves the next session, so that there is no outage, only a pause.
            try daemon.expectSettled(Workload.submissions, "stopped")
            #expect(daemon.log.contains("did not answer in time"))
        }
    }

    @Test func `because its first process is stopped, which lets nobody in`() async throws {
        try await onOwnThread {
            let cluster = try PostgresFixture.throwawayCluster(named: "stopped")
            try cluster.createDatabase("ingot")
            let daemon = try Daemon(database: cluster.connectionString(database: "ingot"))
            try daemon.start()
            daemon.expectDatabase()
            let process = try #require(cluster.processID)
            kill(process, SIGSTOP)
            defer { kill(process, SIGCONT) }
            try daemon.endSessions()
            try daemon.drop(Workload.submissions)
            daemon.expectDegraded("did not answer in time")
            try daemon.expectParked(Workload.submissions)
            kill(process, SIGCONT)
            try daemon.expectSettled(Workload.submissions, "continued", within: .seconds(90))
        }
    }

    @Test func `because somebody holds a lock on the models`() async throws {
        try await onOwnThread {
            let daemon = try Daemon()
            try daemon.start()
            daemon.expectDatabase()
            let somebody = try Connection.open(daemon.database, deadline: .now + .seconds(30))
            try somebody.script(
                "BEGIN; LOCK TABLE registry.models IN ACCESS EXCLUSIVE MODE", name: "locking",
                deadline: .now + .seconds(30))
            try daemon.drop(Workload.submissions)
            daemon.expectDegraded("55P03", "57014")
            try daemon.expectParked(Workload.submissions)
            // A connection alone is no database that works: it stays degraded, and does not read its blobs again for nothing.
            let complaints = daemon.log
            #expect(!complaints.contains("The database is back"), "\(complaints)")
            _ = try somebody.query("COMMIT", deadline: .now + .seconds(30))
            try daemon.expectSettled(Workload.submissions, "locked", within: .seconds(90))
            daemon.expectDatabase()
        }
    }
}

/// Stands in for the service manager, and counts how often its watchdog is fed.
private final class Watchdog: Sendable {
    let environment: [String: String]
    private let meals = Atomic(0)
    private let isOver = Atomic(false)

    init(at path: String) throws {
        environment = ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "3000000"]
        let socket = try #require(DatagramSocket(at: path))
        // All the time: a daemon whose messages nobody takes waits for that.
        _ = Lane("watchdog") { [self] in
            while !isOver.load(ordering: .acquiring) {
                if socket.text().contains("WATCHDOG=1") { meals.add(1, ordering: .relaxed) }
            }
            close(socket.descriptor)
        }
    }

    func end() { isOver.store(true, ordering: .releasing) }

    /// Waits until it is fed again.
    func expectFed(sourceLocation: SourceLocation = #_sourceLocation) {
        let before = meals.load(ordering: .relaxed)
        let isFed = eventually(within: .seconds(10), pause: 20) { meals.load(ordering: .relaxed) > before }
        #expect(isFed, sourceLocation: sourceLocation)
    }
}
