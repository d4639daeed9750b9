import LinuxSystem
import LocalPostgres
import Manifest
import TestKit
import Testing
import Vocabulary

/// A primary with a streaming standby, both in the daemon's connection string: the primary dies, the standby takes its place.
@Suite(.requiresPostgres, .requiresRoot) struct `PostgreSQL fails over` {
    /// A primary, its standby, and a daemon that knows both.
    struct Pair {
        let primary: PrivateCluster
        let standby: PrivateCluster
        let daemon: Daemon

        init(_ name: String) throws {
            let primary = try PostgresFixture.throwawayCluster(named: "\(name)-a")
            try primary.setAccess(["local replication all trust"])
            try primary.createDatabase("ingot")
            let standby = try PostgresFixture.throwawayCluster(named: "\(name)-b") { directory in
                try Tool.run("mkdir", ["-p", directory])
                let backup = ChildProcess.Command(
                    primary.programs.path("pg_basebackup"),
                    [
                        "-d", primary.connectionString(), "-D", "\(directory)/data", "-R", "-X", "stream",
                        "-c", "fast", "-N",
                    ])
                let completion = try ChildProcess.run(backup, deadline: .now + .seconds(60))
                #expect(completion.isSuccess, "\(String(decoding: completion.errors, as: UTF8.self))")
                try Tool.run("chown", ["-R", "--reference=\(primary.directory)/data", "\(directory)/data"])
            }
            self.primary = primary
            self.standby = standby
            let hosts = "\(primary.socketDirectory),\(standby.socketDirectory)"
            daemon = try Daemon(
                database: primary.connectionString(database: "ingot"),
                reaching: "host=\(hosts) port=5432,5432 user=ingot dbname=ingot")
        }

        /// Waits until the standby has all that the primary has.
        func catchUp() throws {
            let position = try primary.run("SELECT pg_current_wal_lsn()")
            let isThere = try eventually {
                try standby.run("SELECT pg_last_wal_replay_lsn() >= '\(position)'::pg_lsn") == "t"
            }
            #expect(isThere)
        }

        /// The standby is the primary from now on, also for the tests.
        func promote() throws {
            #expect(try standby.run("SELECT pg_promote()") == "t")
            daemon.disconnect(andUse: standby.connectionString(database: "ingot"))
        }
    }

    @Test func `under load, and everything is registered once with the new primary`() async throws {
        try await onOwnThread {
            let pair = try Pair("failover")
            let daemon = pair.daemon
            try daemon.start()
            daemon.expectDatabase()
            let before = Workload.submissions
            try daemon.drop(before)
            try daemon.expectSettled(before, "before")
            try pair.catchUp()

            try pair.primary.stop(.kill)
            let during = (0..<10).flatMap { Workload.round($0) }
            try daemon.drop(during)
            // A standby can be reached, but takes no writes.
            daemon.expectDegraded("hot standby", "read-only", "standby")
            try daemon.expectParked(during)
            try pair.promote()
            try daemon.expectSettled(before + during, "promoted")
            daemon.expectDatabase()
            Figures.add("fail-overs of PostgreSQL")
        }
    }

    /// A primary that is demoted while its sessions go on answers 25006 to each write. Here it is the promoted server that comes second.
    @Test func `and the old primary comes back as one that takes no writes`() async throws {
        try await onOwnThread {
            let pair = try Pair("demoted")
            let daemon = pair.daemon
            try daemon.start()
            daemon.expectDatabase()
            try pair.catchUp()
            try pair.promote()
            try pair.primary.run("ALTER SYSTEM SET default_transaction_read_only = on")
            try pair.primary.run("SELECT pg_reload_conf()")
            _ = try eventually { try pair.primary.run("SHOW default_transaction_read_only") == "on" }
            try daemon.drop(Workload.submissions)
            try daemon.expectSettled(Workload.submissions, "the second host")
            #expect(daemon.log.contains("25006"), "\(daemon.log)")
        }
    }

    /// Asynchronous replication may lose what was acknowledged last. Its receipts were written and its claims removed, so nothing is left
    /// from which the daemon could make the rows again; what it keeps is the blobs. It must not make up for that in any other way, and
    /// must take the same submissions as new ones when they are dropped again.
    @Test func `with a standby that lags, and what was acknowledged last has no row any more`() async throws {
        try await onOwnThread {
            let pair = try Pair("lagging")
            let daemon = pair.daemon
            try daemon.start()
            daemon.expectDatabase()
            let before = Workload.submissions
            try daemon.drop(before)
            try daemon.expectSettled(before, "before")
            try pair.catchUp()

            try pair.standby.stop(.fast)
            let tail = (0..<3).map { Submission(name($0), payload(500 + $0), id: "tail", version: "\($0)") }
            try daemon.drop(tail)
            try daemon.expectSettled(before + tail, "the tail")
            try pair.primary.stop(.kill)
            let during = Workload.round(1)
            try daemon.drop(during)
            daemon.expectDegraded("No such file", "refused")
            try pair.standby.start()
            try pair.promote()
            try daemon.expectSettled(before + during, "promoted")

            #expect(try daemon.count("registry.models WHERE model_id = 'tail'") == 0)
            for submission in tail {
                #expect(daemon.receipt(submission.name)?["status"] == .string("registered"))
                let digest = try #require(submission.digest)
                let blobs = try Tool.run("find", ["\(daemon.storePath)/sha256", "-name", "\(digest)*"])
                #expect(!blobs.isEmpty)
            }
            try daemon.drop(tail)
            try daemon.expectSettled(before + during + tail, "dropped again")
            let outcomes = "SELECT DISTINCT outcome FROM registry.submissions WHERE model_id = 'tail'"
            #expect(try daemon.column(outcomes) == ["registered"])
        }
    }

    private func name(_ number: Int) -> FileName { FileName(Array("tail\(number).bin".utf8)) ?? "tail" }
}
