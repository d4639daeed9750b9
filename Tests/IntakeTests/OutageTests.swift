import Glibc
import LinuxSystem
import LocalPostgres
import Manifest
import TestKit
import Testing
import Vocabulary

/// A database that is away costs nobody anything: intake goes on into the store, and everything registers by itself later.
@Suite(.requiresPostgres, .serialized, .runsApart) struct `Outages of the database` {
    let cluster: PrivateCluster
    let daemon: Daemon

    init() throws {
        cluster = try PostgresFixture.throwawayCluster(named: "outage")
        try cluster.createDatabase("ingot")
        daemon = try Daemon(database: cluster.connectionString(database: "ingot"))
    }

    @Test func `away at start, and all kinds of submissions meanwhile`() throws {
        try cluster.stop()
        try daemon.start(withDatabase: false)
        try daemon.submit("a.bin", payload(1))
        try daemon.submit("b.bin", payload(2))
        try daemon.put(payload(3), as: "bad.bin", in: daemon.drop)
        try daemon.put(Array("{".utf8), as: "bad.bin.manifest.json", in: daemon.drop)
        daemon.await("rejected", "bad.bin")
        daemon.await("accepted", "a.bin")
        #expect(
            eventually { daemon.status?["status"]?.string?.contains("2 models stored and waiting, 1 refusals") == true }
        )
        #expect(daemon.status?["status"]?.string?.hasPrefix("DEGRADED: database unreachable") == true)
        try cluster.start()
        daemon.await("registered", "a.bin")
        daemon.await("registered", "b.bin")
        let outcomes = "SELECT outcome FROM registry.submissions ORDER BY 1"
        #expect(try eventually { try daemon.column(outcomes) == ["registered", "registered", "rejected"] })
        #expect(try eventually { try daemon.claims().isEmpty })
        #expect(eventually { daemon.status?["status"]?.string?.hasSuffix("database ok") == true })
    }

    @Test func `killed under load, with a restart of the daemon in between`() throws {
        try daemon.start()
        for index in 0..<150 {
            if index == 50 { try cluster.stop(.kill) }
            if index == 100 {
                daemon.kill()
                try daemon.start(withDatabase: false)
            }
            let name = try #require(FileName(Array("m\(index).bin".utf8)))
            try daemon.submit(name, payload(index), id: "m", version: "\(index)")
        }
        daemon.disconnect()
        try cluster.start()
        let allThere = try eventually(within: .seconds(90)) { try daemon.count("registry.models") == 150 }
        let count = try daemon.count("registry.models")
        #expect(allThere, "\(count)\n\(daemon.log.suffix(3000))")
        #expect(try daemon.column("SELECT DISTINCT outcome FROM registry.submissions") == ["registered"])
        #expect(try daemon.count("registry.submissions") == 150)
        #expect(try eventually { try daemon.claims().isEmpty && daemon.visibleNames().isEmpty })
    }

    @Test func `restarted between two submissions`() throws {
        try daemon.start()
        try daemon.submit("a.bin", payload(1))
        daemon.await("registered", "a.bin")
        daemon.disconnect()
        try cluster.restart()
        try daemon.submit("b.bin", payload(2))
        daemon.await("registered", "b.bin")
    }
}
