import Glibc
import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// What is not complete waits, visibly, and is taken the moment that it is.
@Suite(.waitsApart, .requiresPostgres) struct `Waiting` {
    let daemon: Daemon

    init() throws {
        daemon = try Daemon(options: ["rescan: 1h"])
        try daemon.start()
    }

    @Test func `a payload that is open for writing is not raced, and is taken when its writer closes`() throws {
        let content = payload(1, size: 4000)
        try writeWhileWatched(content)
        #expect(daemon.await("registered", "a.bin")?["proof"]?.string == "lease")
        let path = try daemon.column("SELECT file_path FROM registry.models")[0] ?? ""
        #expect(try Descriptor.openFile(path: path).readAll(limit: 1 << 20) == content)
    }

    private func writeWhileWatched(_ content: [UInt8]) throws {
        let file = try daemon.drop.open("a.bin", [.writeOnly, .create], mode: 0o644)
        try file.write(Array(content.prefix(2000)))
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        let receipt = daemon.await("waiting", "a.bin")
        #expect(receipt?["waiting_for"]?.string == "writer")
        #expect(try daemon.count("registry.models") == 0)
        try file.write(Array(content.dropFirst(2000)))
    }

    @Test func `fewer bytes than declared are waited for`() throws {
        let content = payload(2, size: 4000)
        let size = "\"size_bytes\": 4000"
        try daemon.put(Array(content.prefix(1000)), as: "a.bin", in: daemon.drop)
        try daemon.put(daemon.manifest("a", "1", size), as: "a.bin.manifest.json", in: daemon.drop)
        let receipt = daemon.await("waiting", "a.bin")
        #expect(receipt?["waiting_for"]?.string == "size")
        #expect(receipt?["message"]?.string?.contains("1000 of the 4000 bytes") == true)
        try daemon.put(content, as: "a.bin", in: daemon.drop)
        daemon.await("registered", "a.bin")
    }

    @Test func `a deleted orphan is forgotten at once, with its receipt`() throws {
        try daemon.put(payload(3), as: "a.pkl", in: daemon.drop)
        daemon.await("waiting", "a.pkl")
        try daemon.drop.unlink("a.pkl")
        #expect(eventually { daemon.receipt("a.pkl") == nil && daemon.status?["waiting"] == .number("0") })
    }

    @Test(arguments: ["a.json", "a.manifest.json", "a.pkl.json", "a.pkl.manifest"])
    func `a sidecar under a wrong name is told the right one`(wrong: String) throws {
        try daemon.put(payload(3), as: "a.pkl", in: daemon.drop)
        let name = try #require(FileName(Array(wrong.utf8)))
        try daemon.put(daemon.manifest("a", "1"), as: name, in: daemon.drop)
        let receipt = daemon.await("waiting", "a.pkl")
        #expect(receipt?["waiting_for"]?.string == "manifest")
        #expect(receipt?["hint"]?.string?.contains("a.pkl.manifest.json") == true)
        #expect(receipt?["hint"]?.string?.contains(wrong) == true)
        try daemon.drop.rename(name, to: daemon.drop, as: "a.pkl.manifest.json", replacing: false)
        daemon.await("registered", "a.pkl")
    }

    @Test func `names in progress and litter are left alone`() throws {
        let names: [FileName] = [".hidden", "a.tmp", "b.part", "c.partial", "d.filepart", "e.crdownload", "_f", "g~"]
        for name in names { try daemon.put(payload(4), as: name, in: daemon.drop) }
        try daemon.submit("marker.bin", payload(5))
        daemon.await("registered", "marker.bin")
        #expect(try daemon.visibleNames() == names.map(\.text).sorted())
        #expect(eventually { daemon.status?["waiting"] == .number("0") })
    }
}

/// Orphans whose time is over.
@Suite(.waitsApart, .requiresPostgres) struct `Orphans` {
    @Test func `they are reported and left where they are`() throws {
        let daemon = try Daemon(dropOptions: ["manifest_wait: 1s"])
        try daemon.start()
        try daemon.put(payload(1), as: "a.bin", in: daemon.drop)
        let isReported = eventually { daemon.log.contains("warning: a.bin has waited since") }
        #expect(isReported, "\(daemon.log)")
        #expect(try daemon.visibleNames() == ["a.bin"])
    }

    @Test func `they are set aside where the operator wants that`() throws {
        let daemon = try Daemon(dropOptions: ["manifest_wait: 1s", "orphans: reject"])
        try daemon.start()
        try daemon.put(payload(1), as: "a.bin", in: daemon.drop)
        try daemon.put(daemon.manifest("b", "1"), as: "b.bin.manifest.json", in: daemon.drop)
        #expect(daemon.await("rejected", "a.bin")?["code"]?.string == "orphan")
        #expect(daemon.await("rejected", "b.bin")?["code"]?.string == "orphan")
        #expect(try daemon.visibleNames().isEmpty)
    }
}
