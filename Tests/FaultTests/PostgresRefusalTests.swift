import LinuxSystem
import LocalPostgres
import PostgresClient
import TestKit
import Testing
import Vocabulary

/// A server that is well and says no. Whoever made it so has to mend it, and that is all: no restart, nothing to be dropped again.
@Suite(.requiresPostgres) struct `PostgreSQL refuses` {
    /// What an operator does to the daemon's own role and database, what the daemon says, and how it is undone.
    enum Refusal: String, CaseIterable, CustomTestStringConvertible {
        case `another connection`, `the role's log-in`, `to let the role write`, `to let the role into the schema`
        case `to let the role into the database`, `a binary that is too old`, `anything but reading, to new sessions`

        var testDescription: String { rawValue }

        func commands(_ role: String, _ database: String) -> (inflict: String, why: String, mend: String) {
            switch self {
            case .`another connection`:
                (
                    "ALTER ROLE \(role) CONNECTION LIMIT 0", "too many connections",
                    "ALTER ROLE \(role) CONNECTION LIMIT -1"
                )
            case .`the role's log-in`:
                ("ALTER ROLE \(role) NOLOGIN", "not permitted to log in", "ALTER ROLE \(role) LOGIN")
            case .`to let the role write`:
                (
                    "REVOKE INSERT ON registry.models FROM \(role)", "permission denied for table models",
                    "GRANT INSERT ON registry.models TO \(role)"
                )
            case .`to let the role into the schema`:
                (
                    "REVOKE USAGE ON SCHEMA registry FROM \(role)", "permission denied for schema registry",
                    "GRANT USAGE ON SCHEMA registry TO \(role)"
                )
            case .`to let the role into the database`:
                (
                    "REVOKE CONNECT ON DATABASE \(database) FROM PUBLIC, \(role)", "permission denied for database",
                    "GRANT CONNECT ON DATABASE \(database) TO PUBLIC"
                )
            case .`a binary that is too old`:
                (
                    "INSERT INTO registry.schema_version VALUES (999, 'to come', 'none', 999)", "version 999",
                    "DELETE FROM registry.schema_version WHERE version = 999"
                )
            case .`anything but reading, to new sessions`:
                (
                    "ALTER DATABASE \(database) SET default_transaction_read_only = on", "is set to read only",
                    "ALTER DATABASE \(database) RESET default_transaction_read_only"
                )
            }
        }
    }

    @Test(arguments: Refusal.allCases) func `and changes its mind`(refusal: Refusal) async throws {
        try await onOwnThread {
            let guest = try Guest(PostgresFixture.cluster(), "refused_\(Refusal.allCases.firstIndex(of: refusal) ?? 0)")
            let daemon = guest.daemon
            try daemon.start()
            daemon.expectDatabase()
            let before = Workload.submissions
            try daemon.drop(before)
            try daemon.expectSettled(before, "before")

            let commands = refusal.commands(guest.role, guest.database)
            // Elsewhere, where that is possible: in its own database nobody may write any more.
            let place = refusal == .`anything but reading, to new sessions` ? "postgres" : guest.database
            try guest.cluster.run(commands.inflict, database: place)
            // Some of it is only seen by who comes anew.
            try daemon.endSessions()
            let during = Workload.round(1)
            try daemon.drop(during)
            daemon.expectDegraded(commands.why)
            try daemon.expectParked(during)

            try guest.cluster.run(commands.mend, database: place)
            try daemon.expectSettled(before + during, "\(refusal)")
            daemon.expectDatabase()
            Figures.add("refusals of PostgreSQL that were outlasted")
        }
    }

    @Test func `a password, which is read again at every attempt`() async throws {
        try await onOwnThread {
            let cluster = try PostgresFixture.throwawayCluster(named: "password")
            let scratch = try Scratch()
            let guest = try Guest(cluster, "guarded", options: " passfile='\(scratch.path)/pgpass'")
            try cluster.run("ALTER ROLE guarded PASSWORD 'first'")
            try cluster.setAccess(["local all guarded scram-sha-256"])
            try scratch.write("*:*:*:*:first\n", to: "pgpass", mode: 0o600)
            let daemon = guest.daemon
            try daemon.start()
            daemon.expectDatabase()
            try cluster.run("ALTER ROLE guarded PASSWORD 'second'")
            try daemon.endSessions()
            try daemon.drop(Workload.submissions)
            daemon.expectDegraded("password authentication failed")
            #expect(!daemon.log.contains("first"))
            try daemon.expectParked(Workload.submissions)
            try scratch.write("*:*:*:*:second\n", to: "pgpass", mode: 0o600)
            try daemon.expectSettled(Workload.submissions, "the new password")
        }
    }

    /// An open session hears of it too: it is what a server that was demoted by its operator answers.
    @Test func `to write, in the middle of a session`() async throws {
        try await onOwnThread {
            let cluster = try PostgresFixture.throwawayCluster(named: "readonly")
            try cluster.createDatabase("ingot")
            let daemon = try Daemon(database: cluster.connectionString(database: "ingot"))
            try daemon.start()
            daemon.expectDatabase()
            try cluster.run("ALTER SYSTEM SET default_transaction_read_only = on")
            try cluster.run("SELECT pg_reload_conf()")
            _ = try eventually { try cluster.run("SHOW default_transaction_read_only") == "on" }
            try daemon.drop(Workload.submissions)
            daemon.expectDegraded("is set to read only", "25006")
            try daemon.expectParked(Workload.submissions)
            try cluster.run("ALTER SYSTEM RESET default_transaction_read_only")
            try cluster.run("SELECT pg_reload_conf()")
            try daemon.expectSettled(Workload.submissions, "writable again")
        }
    }

    /// What was registered before is gone with the database: its claims ended when it was acknowledged. The store still has the bytes.
    /// The daemon makes its schema in the new one, and registers what it still has.
    @Test func `a database that was dropped, and has an empty one of that name later`() async throws {
        try await onOwnThread {
            let cluster = try PostgresFixture.cluster()
            let guest = try Guest(cluster, "dropped")
            let daemon = guest.daemon
            try daemon.start()
            daemon.expectDatabase()
            let before = [Submission("before.bin", payload(99), id: "before")]
            try daemon.drop(before)
            try daemon.expectSettled(before, "before")

            daemon.disconnect()
            try cluster.run("DROP DATABASE \(guest.database) WITH (FORCE)")
            let during = Workload.submissions
            try daemon.drop(during)
            daemon.expectDegraded("does not exist")
            try daemon.expectParked(during)

            try cluster.createDatabase(guest.database)
            try guest.grant()
            let isRegistered = try eventually {
                try daemon.claims().isEmpty && daemon.count("registry.models") == 2
            }
            #expect(isRegistered, "\(daemon.log.suffix(3000))")
            try daemon.expectSettled(during, "the new database")
            // Dropping the same file again is all it takes.
            try daemon.drop(before)
            try daemon.expectSettled(before + during, "dropped again")
        }
    }

    /// Settings of the role that would make recording fail, or an acknowledged COMMIT mean nothing, do not reach the daemon's transactions.
    @Test func `nothing because of a role's own settings`() async throws {
        try await onOwnThread {
            let guest = try Guest(PostgresFixture.cluster(), "hasty")
            for setting in [
                "synchronous_commit = off", "statement_timeout = '300ms'", "lock_timeout = '300ms'",
                "idle_in_transaction_session_timeout = '300ms'", "default_transaction_isolation = 'serializable'",
                "search_path = public",
            ] {
                try guest.cluster.run("ALTER ROLE \(guest.role) SET \(setting)")
            }
            let daemon = guest.daemon
            try daemon.start()
            daemon.expectDatabase()
            try guest.cluster.run(
                """
                CREATE TABLE public.seen (setting text);
                GRANT INSERT ON public.seen TO PUBLIC;
                CREATE FUNCTION public.see() RETURNS trigger LANGUAGE plpgsql AS
                    $$BEGIN INSERT INTO public.seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END$$;
                CREATE TRIGGER seeing AFTER INSERT ON registry.submissions
                    FOR EACH ROW EXECUTE FUNCTION public.see()
                """, database: guest.database)
            // Recording has to wait for longer than the role would.
            let blocker = try guest.lockWriters()
            try daemon.drop(Workload.submissions)
            let hasWaited = try eventually {
                try daemon.count(
                    "pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND locktype = 'advisory' "
                        + "AND datname = current_database() AND now() - query_start > interval '900 ms'") == 1
            }
            #expect(hasWaited, "\(daemon.log.suffix(2000))")
            blocker.close()
            try daemon.expectSettled(Workload.submissions, "waited")
            #expect(!daemon.log.contains("not usable"), "\(daemon.log)")
            #expect(try daemon.column("SELECT DISTINCT setting FROM public.seen") == ["on"])
        }
    }

    /// An administrator, or a server that ends idle sessions, costs nobody anything: the next session takes over at once.
    @Test func `to go on with a session, again and again`() async throws {
        try await onOwnThread {
            let daemon = try Daemon()
            try daemon.start()
            daemon.expectDatabase()
            var all: [Submission] = []
            for round in 0..<(Depth.isLong ? 50 : 8) {
                let load = Workload.round(round)
                // Between two loads, or in the middle of one.
                if round % 2 == 0 { try daemon.endSessions() }
                try daemon.drop(load)
                if round % 2 == 1 { try daemon.endSessions() }
                daemon.expectAnswers(load, "round \(round)")
                all += load
            }
            try daemon.expectSettled(all, "ended sessions")
        }
    }
}
