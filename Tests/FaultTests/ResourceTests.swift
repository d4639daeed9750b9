import Glibc
import LinuxSystem
import LocalPostgres
import Manifest
import TestKit
import Testing
import Vocabulary

/// Something runs out: the daemon says what and how much, keeps everything, and goes on by itself when there is more.
@Suite(.waitsApart, .requiresPostgres, .requiresRoot) struct `Running out` {
    private let small = Submission("small.bin", payload(1, size: 4_000), id: "small")
    private let large = Submission("large.bin", payload(2, size: 6 << 20), id: "large")

    private func problem(_ daemon: Daemon) -> String? {
        guard case .string(let line)? = daemon.status?["status"] else { return nil }
        return line.hasPrefix("DEGRADED") ? line : nil
    }

    /// Fills a file system up to so many bytes, and returns the file that has to go to make room.
    private func fill(_ volume: Volume, leaving bytes: UInt64) throws {
        let space = try volume.root.space()
        let file = try volume.root.open("filler", [.writeOnly, .create])
        let taken = space.freeBytes - min(bytes, space.freeBytes)
        try file.reserve(sizeInBytes: Int64(taken))
    }

    @Test func `the store is full`() throws {
        let volume = try Volume(.ext4, sizeInMiB: 32)
        let scratch = try Scratch()
        let daemon = try Daemon(in: scratch, storeIn: Scratch(on: volume), options: ["reserve: 1MiB"])
        try daemon.start()
        try fill(volume, leaving: 3 << 20)
        try daemon.drop(large)
        #expect(eventually { problem(daemon)?.contains("store full: ") == true }, "\(daemon.log)")
        #expect(problem(daemon)?.contains("bytes missing") == true)
        // What fits goes on.
        try daemon.drop(small)
        daemon.await("registered", "small.bin")
        try volume.root.unlink("filler")
        try daemon.expectSettled([small, large], "store full")
        #expect(eventually { problem(daemon) == nil })
    }

    @Test(arguments: [FileSystemType.ext4, .tmpfs]) func `the file system of drop and store has no byte left`(
        kind: FileSystemType
    ) throws {
        let volume = try Volume(kind, sizeInMiB: 32)
        let scratch = try Scratch(on: volume)
        let daemon = try Daemon(
            in: Scratch(), dropIn: scratch, storeIn: scratch, options: ["reserve: 0", "rescan: 2s"])
        try daemon.start()
        for submission in [small, large] { try daemon.drop(submission) }
        try daemon.expectSettled([small, large], "before")
        daemon.stop()
        let more = [
            Submission("more.bin", payload(3, size: 9_000), id: "more"),
            Submission("bad.bin", payload(4), id: "bad", fate: .rejected("manifest_syntax")),
        ]
        for submission in more { try daemon.drop(submission) }
        try fill(volume, leaving: 0)
        // What fallocate(2) leaves over is taken block by block.
        let rest = try volume.root.open("rest", [.writeOnly, .create])
        while (try? rest.write([UInt8](repeating: 1, count: 4096))) != nil {}
        try daemon.launch()
        _ = eventually(within: .seconds(5)) { problem(daemon) != nil }
        daemon.kill()
        try daemon.expectWhole([small, large] + more, "full")
        try daemon.launch()
        for name: FileName in ["rest", "filler"] { try volume.root.unlink(name) }
        // What was over when the daemon was killed, and had no receipt for want of room, gets none any more.
        try daemon.expectSettled([small, large] + more, "room again") { $0.expectsReceipts = false }
    }

    /// A real quota, of which the free space of the file system tells nothing.
    @Test(.requiresTool("btrfs")) func `the quota of the store is used up`() throws {
        let volume = try Volume(.btrfs)
        try Tool.run("btrfs", ["quota", "enable", volume.path])
        let daemon = try Daemon(in: Scratch(), storeIn: Scratch(on: volume), options: ["rescan: 2s"])
        try daemon.start()
        try daemon.drop(small)
        daemon.await("registered", "small.bin")
        try Tool.run("btrfs", ["qgroup", "limit", "4M", "0/5", volume.path])
        try daemon.drop(large)
        #expect(eventually { problem(daemon) != nil }, "\(daemon.log)")
        try Tool.run("btrfs", ["qgroup", "limit", "none", "0/5", volume.path])
        try daemon.expectSettled([small, large], "quota")
        #expect(eventually { problem(daemon) == nil }, "\(daemon.log)")
        #expect(daemon.log.contains("Disk quota exceeded"), "\(daemon.log)")
    }

    @Test func `no inode is left for the store`() throws {
        let volume = try Volume(.ext4, sizeInMiB: 32, options: ["-N", "512"])
        let scratch = try Scratch()
        let daemon = try Daemon(in: scratch, storeIn: Scratch(on: volume), options: ["reserve: 0"])
        try daemon.start()
        var taken: [FileName] = []
        while try volume.root.space().freeNodes > 0 {
            let name = try #require(FileName(Array("i\(taken.count)".utf8)))
            try volume.root.open(name, [.writeOnly, .create]).write([])
            taken.append(name)
        }
        try daemon.drop(small)
        #expect(eventually { problem(daemon) != nil }, "\(daemon.log)")
        for name in taken { try volume.root.unlink(name) }
        try daemon.expectSettled([small], "inodes")
    }

    @Test func `descriptors run out under a flood`() throws {
        let daemon = try Daemon(options: ["rescan: 2s"])
        try daemon.start()
        daemon.stop()
        let flood = try submissions(400)
        for submission in flood { try daemon.drop(submission) }
        try daemon.start(under: ["prlimit", "--nofile=330:330"])
        try daemon.expectSettled(flood, "descriptors")
        #expect(daemon.log.contains("Too many open files"), "the limit was never reached")
    }

    /// In a user namespace of its own a process has limits of its own, user_namespaces(7).
    @Test(arguments: ["max_inotify_watches", "max_inotify_instances"])
    func `the kernel gives no more watches`(limit: String) throws {
        let daemon = try Daemon()
        try daemon.start()
        daemon.stop()
        let number = limit == "max_inotify_watches" ? 4 : 0
        // There, root has no power over the directories of PostgreSQL's user.
        let cluster = try PostgresFixture.cluster()
        try Tool.run("chmod", ["o+x", cluster.directory, cluster.socketDirectory])
        let script = "echo \(number) > /proc/sys/user/\(limit) && exec \"$@\""
        try daemon.start(under: ["unshare", "--user", "--map-root-user", "/bin/sh", "-c", script, "sh"])
        let nested = try submissions(12).enumerated().map { index, submission in
            var submission = submission
            submission.path = [try #require(FileName(Array("d\(index)".utf8)))]
            return submission
        }
        for submission in nested { try daemon.drop(submission) }
        try daemon.expectSettled(nested, limit)
        #expect(daemon.log.contains("sysctl fs.inotify."), "\(daemon.log)")
    }

    @Test func `the kernel's event queue overflows`() throws {
        let daemon = try Daemon(options: ["rescan: 1h"])
        try daemon.start()
        daemon.process?.signal(SIGSTOP)
        let flood = try submissions(2_200)
        for submission in flood { try daemon.drop(submission) }
        daemon.process?.signal(SIGCONT)
        try daemon.expectSettled(flood, "overflow", within: .seconds(120))
        #expect(daemon.log.contains("event queue overflowed"))
    }

    private func submissions(_ count: Int) throws -> [Submission] {
        try (0..<count).map { index in
            Submission(
                try #require(FileName(Array("m\(index).bin".utf8))), payload(1_000 + index, size: 200), id: "m\(index)")
        }
    }
}
