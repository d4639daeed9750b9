import Glibc
import LocalPostgres
import PostgresClient
import Registry
import TestKit
import Testing
import Vocabulary

@Suite(.waitsApart, .requiresPostgres) struct `When PostgreSQL does not play along` {
    @Test func `a server that is killed costs the session, and a new one settles what is open`() throws {
        let cluster = try PostgresFixture.throwawayCluster(named: "killed", isDurable: true)
        let registry = SampleRegistry(connectionString: cluster.connectionString())
        let session = try registry.session()
        let entry = registration()
        let verdict = try session.record(entry)
        try cluster.stop(.kill)
        let loss = #expect(throws: RegistryError.self) { try session.record(registration("second")) }
        #expect(loss?.scope == .transient && loss?.invalidatesSession == true)
        #expect(!session.isOpen)
        let absence = #expect(throws: RegistryError.self) { try registry.session() }
        #expect(absence?.scope == .transient)
        #expect(absence?.cause?.code == .unreachable)
        try cluster.start()
        #expect(try registry.session().record(entry) == verdict)
        try cluster.stop(.immediate)
    }

    @Test func `a server that ends the session says why`() throws {
        let registry = try SampleRegistry()
        let connection = try registry.connection()
        _ = try registry.row("SELECT pg_terminate_backend(\(connection.backendProcessID))")
        let error = #expect(throws: PostgresError.self) {
            try connection.pipeline([Statement("one", "SELECT 1"), Statement("two", "SELECT 2")], deadline: soon)
        }
        #expect(error?.sqlState == "57P01")
        #expect(error?.scope == .transient && error?.invalidatesConnection == true)
        #expect(!connection.isOpen)
    }

    @Test func `a server that accepts and never answers is given up at the deadline`() throws {
        let registry = try SampleRegistry()
        try registry.session().close()
        let session = try registry.session(patience: .seconds(5))
        let backends = try registry.column(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        let backend = try #require(backends.first.flatMap { $0.flatMap { Int32($0) } })
        kill(backend, SIGSTOP)
        defer { kill(backend, SIGCONT) }
        // Whoever has no deadline gets his answer some time, and fails.
        try Tool.run("sh", ["-c", "(sleep 40; kill -CONT \(backend)) </dev/null >/dev/null 2>&1 &"])
        let start = ContinuousClock.now
        let error = #expect(throws: RegistryError.self) { try session.record(registration()) }
        #expect(error?.cause?.code == .deadlineExceeded)
        #expect(error?.scope == .transient)
        #expect(ContinuousClock.now - start < .seconds(30))
        #expect(!session.isOpen)
    }

    @Test func `a lock that is not let go of is waited for, but not for ever`() throws {
        let registry = try SampleRegistry()
        try registry.session().close()
        let session = try registry.session(patience: .seconds(10))
        let blocker = try registry.connection()
        _ = try blocker.query("BEGIN", deadline: soon)
        _ = try blocker.query("SELECT pg_advisory_xact_lock(1229866831, 1)", deadline: soon)
        let error = #expect(throws: RegistryError.self) { try session.record(registration()) }
        #expect(["55P03", "57014"].contains(error?.cause?.sqlState))
        #expect(error?.scope == .transient)
        #expect(session.isOpen)
        _ = try blocker.query("COMMIT", deadline: soon)
        #expect(try session.record(registration()).isRegistered)
    }

    @Test func `a session that could not record anything is not opened`() throws {
        let registry = try SampleRegistry()
        try registry.session().close()
        let blocker = try registry.connection()
        _ = try blocker.query("BEGIN", deadline: soon)
        _ = try blocker.query("LOCK TABLE registry.models IN SHARE MODE", deadline: soon)
        let error = #expect(throws: RegistryError.self) { try registry.session(patience: .seconds(10)) }
        #expect(["55P03", "57014"].contains(error?.cause?.sqlState))
        #expect(error?.scope == .transient)
        _ = try blocker.query("COMMIT", deadline: soon)
        #expect(try registry.session().record(registration()).isRegistered)
    }

    @Test func `a database that is read only is waited for`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        let name = try #require(try registry.row("SELECT current_database()").first.flatMap { $0 })
        _ = try registry.row("ALTER DATABASE \(name) SET default_transaction_read_only = on")
        let refusal = #expect(throws: RegistryError.self) { try registry.session() }
        #expect(refusal?.code == .readOnly && refusal?.scope == .transient)
        // The open session does not hear of the change; a server that was demoted would answer 25006.
        #expect(try session.record(registration()).isRegistered)
        let connection = try registry.connection()
        let error = #expect(throws: PostgresError.self) { try connection.query("CREATE TABLE t ()", deadline: soon) }
        #expect(error?.sqlState == "25006")
        #expect(error?.scope == .transient && error?.invalidatesConnection == true)
    }

    @Test(arguments: [
        ("dbname=there_is_no_such", "3D000"), ("user=there_is_no_such", "28000"),
    ])
    func `a wrong database or user is for the operator`(addition: String, state: String) throws {
        let registry = SampleRegistry(connectionString: try PostgresFixture.freshDatabase() + " " + addition)
        let error = #expect(throws: RegistryError.self) { try registry.session() }
        #expect(error?.cause?.sqlState == state)
        #expect(error?.scope == .operatorSetup)
    }

    @Test func `a wrong password is for the operator, and is not repeated`() throws {
        let cluster = try PostgresFixture.throwawayCluster(named: "password")
        try cluster.run("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        try cluster.run(
            "COPY (SELECT unnest(ARRAY['local all guarded scram-sha-256', 'local all all trust'])) "
                + "TO '\(cluster.directory)/data/pg_hba.conf'")
        try cluster.run("SELECT pg_reload_conf()")
        let good = cluster.connectionString() + " user=guarded"
        for (password, state) in [("hunter2", "28P01"), ("", nil)] {
            let error = #expect(throws: PostgresError.self) {
                // The reload reaches the server's first process a moment after it is asked for.
                while true {
                    try Connection.open(good + " password='\(password)'", deadline: soon).close()
                }
            }
            #expect(error?.sqlState == state)
            #expect(error?.scope == .operatorSetup)
            #expect(error.map { !"\($0)".contains("hunter2") } == true)
        }
        try Connection.open(good + " password=right", deadline: soon).close()
    }

    @Test func `a schema that lost a table is for the operator`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        _ = try registry.row("DROP TABLE registry.submissions CASCADE")
        let error = #expect(throws: RegistryError.self) { try session.record(registration()) }
        #expect(error?.code == .damagedSchema)
        #expect(error?.scope == .operatorSetup)
    }

    @Test func `a sequence that was set back is for the operator, and refuses nobody`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        _ = try session.record(registration())
        _ = try registry.row("SELECT setval('registry.models_seq', 1, false)")
        let error = #expect(throws: RegistryError.self) { try session.record(registration("second")) }
        #expect(error?.code == .damagedSchema && error?.scope == .operatorSetup)
        #expect(error?.hint?.contains("setval") == true)
        #expect(try registry.row("SELECT count(*) FROM registry.submissions") == ["1"])
    }

    @Test func `whenever the server is killed, every submission is registered once and says so`() async throws {
        let cluster = try PostgresFixture.throwawayCluster(named: "chaos", isDurable: true)
        let registry = SampleRegistry(connectionString: cluster.connectionString())
        _ = try registry.session()
        let count = 400
        let daemon = Task.detached {
            try await onThread {
                var session: RegistrySession?
                var losses = 0
                for number in 0..<count {
                    let entry = registration("chaos", "\(number)", content: number)
                    while true {
                        do {
                            let open = try session ?? registry.session()
                            session = open
                            guard try open.record(entry).isRegistered else { return -1 }
                            break
                        } catch let error as RegistryError {
                            guard error.scope == .transient else { throw error }
                            losses += 1
                            session = nil
                        }
                    }
                }
                return losses
            }
        }
        // Each crash comes in the middle of whatever is going on once some more rows are there.
        for rows in [20, 60, 110, 170] {
            // That task waits for its turn among all tests.
            let areThere = try eventually(within: .seconds(900), pause: 20) {
                try Int(cluster.run("SELECT count(*) FROM registry.models")) ?? 0 >= rows
            }
            try #require(areThere)
            try cluster.restart(.kill)
        }
        #expect(try await daemon.value > 0)
        #expect(
            try registry.row("SELECT count(*), count(DISTINCT submission_id), count(DISTINCT seq) FROM registry.models")
                == Array(repeating: "\(count)", count: 3))
        try cluster.stop(.immediate)
    }
}
