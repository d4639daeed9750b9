import Glibc
import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// A producer's answer is true when it is given, and stays true.
@Suite(.waitsApart, .requiresPostgres) struct `Answers` {
    /// Waits until everything that has lain there for as long as the caller's files has been told of.
    private func waitForNotices(_ daemon: Daemon) throws {
        try daemon.put(payload(99), as: "clock.bin", in: daemon.drop)
        daemon.await("waiting", "clock.bin")
    }

    @Test func `a second manifest of what is registered does not take the receipt away`() throws {
        let daemon = try Daemon()
        try daemon.start()
        try daemon.put(Array("model_id: a\nmodel_version: 1\n".utf8), as: "a.bin.manifest.yaml", in: daemon.drop)
        // Both are there before the answer: one that comes behind it would be news, and be told.
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        try daemon.put(payload(1), as: "a.bin", in: daemon.drop)
        daemon.await("registered", "a.bin")
        try waitForNotices(daemon)
        #expect(daemon.receipt("a.bin")?["status"]?.string == "registered")
        // Whichever of the two made the pair, the other one is left.
        for name in ["a.bin.manifest.yaml", "a.bin.manifest.json"] as [FileName] { try daemon.drop.unlink(name) }
        #expect(eventually { daemon.status?["waiting"] == .number("1") })
        #expect(daemon.receipt("a.bin")?["status"]?.string == "registered")
    }

    @Test(.requiresRoot) func `a refused payload that stays where it is keeps its refusal`() throws {
        let daemon = try Daemon(options: ["rescan: 1s"])
        try daemon.start()
        let file = try daemon.scratch.write(payload(1), to: "foreign")
        try file.setOwner(12_345, group: nil)
        try daemon.scratch.directory.link("foreign", to: daemon.drop, as: "a.bin")
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        #expect(daemon.await("rejected", "a.bin")?["code"]?.string == "foreign_hard_link")
        try waitForNotices(daemon)
        #expect(daemon.receipt("a.bin")?["status"]?.string == "rejected")
    }

    @Test func `what waits for something else by now is told so`() throws {
        let daemon = try Daemon()
        try daemon.start()
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        #expect(daemon.await("waiting", "a.bin")?["waiting_for"]?.string == "payload")
        let file = try daemon.drop.open("a.bin", [.writeOnly, .create], mode: 0o644)
        #expect(eventually { daemon.receipt("a.bin")?["waiting_for"]?.string == "writer" })
        try file.write(payload(1))
        withExtendedLifetime(file) {}
    }

    @Test func `a slow database is told of, to the producer and to the operator`() throws {
        let daemon = try Daemon()
        try daemon.start()
        let sleeper = try Tool.background(
            "psql", [daemon.database, "-c", "BEGIN", "-c", "LOCK registry.models", "-c", "SELECT pg_sleep(600)"])
        let isLocked = try eventually {
            try daemon.column("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'") != []
        }
        try #require(isLocked)
        try daemon.submit("a.bin", payload(1))
        daemon.await("accepted", "a.bin")
        #expect(eventually { daemon.status?["status"]?.string?.hasPrefix("DEGRADED: database slow") == true })
        _ = try daemon.column(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()"
        )
        _ = sleeper.wait(until: .now + .seconds(10))
        daemon.await("registered", "a.bin")
    }

    @Test(arguments: ["model.json", "model.manifest.json"])
    func `a lone manifest under a wrong name is told which payload lies beside it`(wrong: String) throws {
        let daemon = try Daemon()
        try daemon.start()
        try daemon.put(payload(1), as: "model.pkl", in: daemon.drop)
        let name = try #require(FileName(Array(wrong.utf8)))
        try daemon.put(daemon.manifest("a", "1"), as: name, in: daemon.drop)
        let waiting: FileName = wrong == "model.json" ? "model.json" : "model"
        let hint = daemon.await("waiting", waiting)?["hint"]?.string
        #expect(hint == "model.pkl is here; if this is its manifest, call it model.pkl.manifest.json.")
    }

    @Test func `a name too long for a receipt has one all the same`() throws {
        let daemon = try Daemon()
        try daemon.start()
        let long = try #require(FileName([UInt8](repeating: UInt8(ascii: "x"), count: 255)))
        try daemon.put(payload(1), as: long, in: daemon.drop)
        try daemon.put(daemon.manifest("a", "1", "\"file\": \"\(long)\""), as: "a.manifest.json", in: daemon.drop)
        let isThere = eventually {
            (try? daemon.names(["receipts"]))?.contains {
                $0.hasPrefix("xxx") && $0.hasSuffix(".json") && $0.contains("~")
            }
                == true
        }
        #expect(isThere, "\(daemon.log)")
    }
}

/// A version conflict costs nobody anything.
@Suite(.waitsApart, .requiresPostgres) struct `Conflicts` {
    @Test(arguments: [FileSystemType.ext4, .xfs])
    func `give the very file back and leave nothing in the store`(kind: FileSystemType) throws {
        let daemon = try Daemon(on: kind)
        try daemon.start()
        try daemon.submit("a.bin", payload(1), id: "a")
        daemon.await("registered", "a.bin")
        try daemon.put(payload(2), as: "b.bin", in: daemon.drop, mode: 0o604)
        let before = try #require(try daemon.drop.status(of: "b.bin"))
        try daemon.put(daemon.manifest("a", "1"), as: "b.bin.manifest.json", in: daemon.drop)
        let receipt = try #require(daemon.await("rejected", "b.bin"))
        let folder = try Descriptor.openDirectory(path: receipt["rejected_path"]?.string ?? "")
        let after = try #require(try folder.status(of: "b.bin"))
        #expect(after.isSameFile(as: before) && after.mode == 0o604 && after.linkCount == 1)
        #expect(
            try daemon.checker.settled([
                Submission("a.bin", payload(1), id: "a"),
                Submission("b.bin", payload(2), id: "a", fate: .contends),
            ]) == [])
        let blobs = try Tool.run("find", ["\(daemon.storePath)/sha256", "-type", "f"])
        #expect(blobs.split(separator: "\n").count == 2, "one blob under two names: \(blobs)")
    }

    @Test func `keep a blob that a row needs`() throws {
        let daemon = try Daemon(on: .ext4)
        try daemon.start()
        try daemon.submit("a.bin", payload(1), id: "a")
        try daemon.submit("b.bin", payload(2), id: "b")
        daemon.await("registered", "a.bin")
        daemon.await("registered", "b.bin")
        try daemon.submit("c.bin", payload(2), id: "a")
        daemon.await("rejected", "c.bin")
        try daemon.checker.settled([
            Submission("a.bin", payload(1), id: "a"), Submission("b.bin", payload(2), id: "b"),
            Submission("c.bin", payload(2), id: "a", fate: .contends),
        ]).forEach { Issue.record("\($0)") }
    }
}
