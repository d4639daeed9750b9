import Glibc
import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// What can happen to a drop directory itself.
@Suite(.waitsApart, .requiresPostgres) struct `Drop directories` {
    @Test func `a lost event queue is made good by a listing`() throws {
        let daemon = try Daemon(options: ["rescan: 1h"])
        try daemon.start()
        daemon.process?.signal(SIGSTOP)
        // More events than the kernel keeps by default (fs.inotify.max_queued_events is 16,384).
        for index in 0..<9000 {
            let name = try #require(FileName(Array(".filler-\(index)".utf8)))
            _ = try daemon.drop.open(name, [.writeOnly, .create], mode: 0o644)
        }
        for index in 0..<20 {
            let name = try #require(FileName(Array("m\(index).bin".utf8)))
            try daemon.submit(name, payload(index), id: "m", version: "\(index)")
        }
        daemon.process?.signal(SIGCONT)
        let allThere = try eventually { try daemon.count("registry.models") == 20 }
        #expect(allThere, "\(daemon.log)")
        #expect(daemon.log.contains("overflowed"))
    }

    @Test func `moved away and replaced`() throws {
        let daemon = try Daemon(options: ["rescan: 1h"])
        try daemon.start()
        let root = daemon.scratch.directory
        try root.rename("drop", to: root, as: "old", replacing: false)
        let isDegraded = eventually { daemon.status?["status"]?.string?.hasPrefix("DEGRADED") == true }
        #expect(isDegraded)
        // It is never made behind the operator's back.
        #expect(try root.status(of: "drop") == nil)
        let new = try root.makeOrOpenDirectory("drop", mode: 0o755)
        try daemon.put(payload(1), as: "a.bin", in: new)
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: new)
        let isRegistered = try eventually { try daemon.count("registry.models") == 1 }
        #expect(isRegistered, "\(daemon.log)")
        #expect(eventually { daemon.status?["status"]?.string?.hasPrefix("DEGRADED") == false })
    }

    @Test func `missing at start`() throws {
        let daemon = try Daemon()
        try daemon.configure(drops: [daemon.dropPath, "\(daemon.scratch.path)/later"])
        try daemon.start()
        try daemon.submit("a.bin", payload(1))
        daemon.await("registered", "a.bin")
        #expect(daemon.log.contains("later does not exist"))
        let later = try daemon.scratch.makeDirectory("later").directory
        try daemon.put(payload(2), as: "b.bin", in: later)
        try daemon.put(daemon.manifest("b", "1"), as: "b.bin.manifest.json", in: later)
        #expect(try eventually { try daemon.count("registry.models") == 2 })
    }

    @Test func `a second daemon is refused, for the store and for the drop directory`() throws {
        let first = try Daemon()
        try first.start()
        let sameStore = try Daemon()
        let drops = "drops: [{path: \"\(sameStore.dropPath)\"}]"
        try sameStore.scratch.write("store: \"\(first.storePath)\"\ndatabase: dbname=x\n\(drops)\n", to: "ingot.yaml")
        let sameDrop = try Daemon()
        try sameDrop.configure(drops: [first.dropPath])
        for second in [sameStore, sameDrop] {
            try second.launch()
            #expect(second.process?.wait(until: .now + .seconds(20)) == .exited(69))
            #expect(second.log.contains("in use by another ingotd"))
        }
        try first.submit("a.bin", payload(1))
        first.await("registered", "a.bin")
    }

    @Test func `a reload changes what is watched, and a bad one changes nothing`() throws {
        let daemon = try Daemon()
        try daemon.start()
        let second = try daemon.scratch.makeDirectory("second")
        try daemon.scratch.write("store: /x\nstore: /y\ndrpos: []\n", to: "ingot.yaml")
        daemon.process?.signal(SIGHUP)
        #expect(eventually { daemon.log.contains("ingot.yaml:2") })
        try daemon.submit("a.bin", payload(1))
        daemon.await("registered", "a.bin")
        try daemon.configure(drops: [daemon.dropPath, second.path])
        daemon.process?.signal(SIGHUP)
        #expect(eventually { daemon.log.contains("Watching \(second.path)") })
        try daemon.put(payload(2), as: "b.bin", in: second.directory)
        try daemon.put(daemon.manifest("b", "1"), as: "b.bin.manifest.json", in: second.directory)
        #expect(try eventually { try daemon.count("registry.models") == 2 })
        #expect(daemon.stop() == .exited(0))
    }
}
