import Glibc
import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// A submission that crashes or hangs the daemon is set aside after the second time, and everything else goes on (P7).
@Suite(.waitsApart, .requiresPostgres, .requiresFaultInjection) struct `Poison` {
    let daemon: Daemon
    private static let good = [
        Submission("a.bin", payload(1), id: "a"), Submission("b.bin", payload(2), id: "b", below: ["team"]),
    ]
    private static let bad = Submission("bad.bin", payload(3), id: "bad", fate: .rejected("poison"))

    init() throws { daemon = try Daemon() }

    /// Starts the daemon, again and again as systemd would, until it stays.
    ///
    /// - Returns: how often it died.
    private func runUntilItStays(_ fault: String) throws -> Int {
        for deaths in 0..<6 {
            try daemon.launch(environment: ["INGOT_FAULT": fault])
            let isOver = eventually {
                daemon.process?.ending != nil || daemon.receipt("bad.bin")?["status"] == .string("rejected")
            }
            #expect(isOver, "\(daemon.log)")
            if daemon.process?.ending == nil { return deaths }
            daemon.kill()
            try daemon.expectWhole(Self.good + [Self.bad], "death \(deaths)")
        }
        return 6
    }

    private func dropAll() throws {
        try daemon.start()
        daemon.stop()
        for submission in Self.good + [Self.bad] { try daemon.drop(submission) }
    }

    /// Where the daemon works on what a producer wrote: at its manifest, at its bytes, at its blob.
    @Test(arguments: [
        ("pread@bad.bin.manifest.json$", "survey"), ("pread@/bad.bin$", "take-small"), ("linkat@bad.bin", "publish"),
    ])
    func `crashes it twice, then it is set aside`(call: String, stage: String) throws {
        try dropAll()
        let deaths = try runUntilItStays("\(call):1+:trap")
        #expect(deaths == 2, "\(call): \(daemon.log)")
        try daemon.expectSettled(Self.good + [Self.bad], call)
        let message = daemon.receipt("bad.bin")?["message"].flatMap {
            if case .string(let text) = $0 { text } else { nil }
        }
        #expect(message?.hasPrefix("The daemon ended 2 times (SIGILL, stage \(stage)") == true, "\(message ?? "")")
        Figures.add("crashes on a poisonous submission", deaths)
    }

    @Test(.requiresRoot) func `after a crash on a group they are taken one by one`() throws {
        // Where nothing keeps the order of changes a group of many is synced by syncfs(2), and a single one is not.
        let daemon = try Daemon(on: .btrfs)
        try daemon.start()
        daemon.stop()
        let many = (0..<300).compactMap { index in
            FileName(Array("m\(index).bin".utf8)).map { Submission($0, payload(100 + index), id: "m\(index)") }
        }
        for submission in many { try daemon.drop(submission) }
        try daemon.launch(environment: ["INGOT_FAULT": "syncfs:1+:trap"])
        try #require(eventually { daemon.process?.ending != nil }, "\(daemon.log)")
        daemon.kill()
        try daemon.launch(environment: ["INGOT_FAULT": "syncfs:1+:trap"])
        try daemon.expectSettled(many, "one by one")
        #expect(daemon.log.contains("one by one"))
    }

    @Test func `what is registered already is not refused, whatever it crashes on afterwards`() throws {
        try dropAll()
        for _ in 1...2 {
            try daemon.launch(environment: ["INGOT_FAULT": "unlinkat@bad.bin$:1+:trap"])
            #expect(eventually { daemon.process?.ending != nil }, "\(daemon.log)")
            daemon.kill()
        }
        try daemon.start()
        var registered = Self.bad
        registered.fate = .registered
        try daemon.expectSettled(Self.good + [registered], "behind COMMIT")
    }

    @Test func `a crash that does not come again costs nothing`() throws {
        try dropAll()
        try daemon.launch(environment: ["INGOT_FAULT": "pread@/bad.bin$:1:trap"])
        #expect(eventually { daemon.process?.ending != nil })
        daemon.kill()
        try daemon.start()
        daemon.await("registered", "bad.bin")
        #expect(daemon.log.contains("is tried once more"))
        // Right behind the receipt it is forgotten.
        let store = try Descriptor.openDirectory(path: daemon.storePath)
        #expect(try eventually { try store.status(of: "ingot-crashes")?.sizeInBytes == 0 })
    }

    @Test func `SIGKILL blames nobody, however often it comes`() throws {
        try dropAll()
        for _ in 0..<4 {
            try daemon.launch(environment: ["INGOT_FAULT": "pread@/bad.bin$:1:kill"])
            #expect(eventually { daemon.process?.ending != nil })
            daemon.kill()
        }
        try daemon.start()
        daemon.await("registered", "bad.bin")
    }

    @Test func `hangs it twice, and everything else goes on meanwhile`() throws {
        try dropAll()
        for _ in 1...2 {
            try daemon.launch(environment: ["INGOT_FAULT": "pread@/bad.bin$:1+:hang", "INGOT_PATIENCE": "700"])
            daemon.await("registered", "a.bin")
            #expect(eventually { daemon.log.contains("The stage take-small") }, "\(daemon.log)")
            // What systemd does when the watchdog is not fed.
            daemon.process?.signal(SIGABRT)
            #expect(eventually { daemon.process?.ending != nil })
            daemon.kill()
        }
        try daemon.start()
        daemon.await("rejected", "bad.bin")
        try daemon.expectSettled(Self.good + [Self.bad], "hang")
    }

    @Test func `moved back by its producer, it gets two tries more`() throws {
        try dropAll()
        _ = try runUntilItStays("pread@/bad.bin$:1+:trap")
        try daemon.expectSettled(Self.good + [Self.bad], "set aside")
        daemon.stop()
        try daemon.start()
        let folder = "\(daemon.dropPath)/rejected/\(try #require(daemon.names(["rejected"]).first))"
        for name in ["bad.bin", "bad.bin.manifest.json"] { try Tool.run("mv", ["\(folder)/\(name)", daemon.dropPath]) }
        daemon.await("registered", "bad.bin")
    }
}
