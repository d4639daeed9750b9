import LocalPostgres
import TestKit
import Testing

@Suite(.waitsApart, .requiresPostgres) struct `A private cluster` {
    @Test func `it answers, survives a stop and comes back after a crash`() throws {
        let cluster = try PostgresFixture.throwawayCluster(named: "cluster")
        try cluster.createDatabase("ingot")
        try cluster.createDatabase("ingot", orUseExisting: true)
        try cluster.run("CREATE TABLE t AS SELECT 42 AS answer", database: "ingot")
        try cluster.restart(.fast)
        try cluster.restart(.kill)
        #expect(try cluster.run("SELECT answer FROM t", database: "ingot") == "42")
        try cluster.stop()
        #expect(cluster.processID == nil)
    }

    @Test func `a directory is served by one server, and found again by the next`() throws {
        let cluster = try PostgresFixture.throwawayCluster(named: "again")
        let failure = #expect(throws: LocalPostgresError.self) {
            _ = try PrivateCluster.start(in: cluster.directory)
        }
        #expect(failure?.code == .alreadyRunning)
        try cluster.run("CREATE TABLE t AS SELECT 42 AS answer")
        try cluster.stop(.immediate)
        let second = try PrivateCluster.start(in: cluster.directory)
        #expect(try second.run("SELECT answer FROM t") == "42")
        try second.stop()
    }
}
