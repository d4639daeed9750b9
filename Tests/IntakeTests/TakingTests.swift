import Glibc
import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// Clone, move and copy are chosen by trying, each where it applies.
@Suite(.requiresPostgres, .requiresRoot, .serialized, .runsApart) struct `Ways into the store` {
    private func run(_ daemon: Daemon, expecting take: String) throws -> FileStatus {
        try daemon.start()
        let content = payload(1, size: 100_000)
        try daemon.put(content, as: "a.bin", in: daemon.drop)
        let inode = try #require(try daemon.drop.status(of: "a.bin")).inode
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        let receipt = daemon.await("registered", "a.bin")
        #expect(eventually { daemon.status?["drops"]?.text.contains("\"take\":\"\(take)\"") == true })
        #expect(receipt?["proof"]?.string == "lease")
        let file = try Descriptor.openFile(path: try #require(receipt?["file_path"]?.string))
        #expect(try file.readAll(limit: 1 << 20) == content)
        let status = try file.status()
        #expect(status.mode == 0o440)
        #expect((status.inode == inode) == (take == "move"))
        return status
    }

    @Test(arguments: [FileSystemType.xfs, .btrfs]) func `clone where the file system has reflinks`(
        kind: FileSystemType
    ) throws {
        _ = try run(try Daemon(on: kind), expecting: "clone")
    }

    @Test(arguments: [FileSystemType.ext4, .tmpfs]) func `move on one file system without reflinks`(
        kind: FileSystemType
    ) throws {
        _ = try run(try Daemon(on: kind), expecting: "move")
    }

    @Test func `copy between two file systems`() throws {
        _ = try run(try Daemon(on: .ext4, storeOn: .xfs), expecting: "copy")
    }

    @Test func `copy where producers are hostile`() throws {
        let daemon = try Daemon(on: .ext4, dropOptions: ["producers: hostile"])
        try daemon.start()
        try daemon.submit("a.bin", payload(1))
        daemon.await("registered", "a.bin")
        #expect(try daemon.column("SELECT proof FROM registry.models") == ["lease"])
    }

    @Test func `a payload with further hard links is copied, and they stay writable`() throws {
        let daemon = try Daemon(on: .ext4)
        try daemon.start()
        try daemon.put(payload(1), as: "kept", in: daemon.scratch.directory)
        try daemon.scratch.directory.link("kept", to: daemon.drop, as: "a.bin")
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        let receipt = daemon.await("registered", "a.bin")
        let kept = try #require(try daemon.scratch.directory.status(of: "kept"))
        let blob = try Descriptor.openFile(path: try #require(receipt?["file_path"]?.string)).status()
        #expect(kept.mode == 0o644 && kept.linkCount == 1 && kept.inode != blob.inode)
    }

    @Test func `one blob for many versions, and for many names`() throws {
        let daemon = try Daemon(on: .ext4)
        try daemon.start()
        for version in 1...5 {
            let name = try #require(FileName(Array("m\(version).\(version % 2 == 0 ? "pkl" : "onnx")".utf8)))
            try daemon.submit(name, payload(1), id: "m", version: "\(version)")
            daemon.await("registered", name)
        }
        #expect(try daemon.column("SELECT count(DISTINCT sha256) FROM registry.models") == ["1"])
        let paths = try daemon.column("SELECT DISTINCT file_path FROM registry.models ORDER BY 1").compactMap { $0 }
        #expect(paths.map { $0.split(separator: ".").last } == ["onnx", "pkl"])
        let inodes = try paths.map { try Descriptor.openFile(path: $0).status().inode }
        #expect(Set(inodes).count == 1)
    }

    @Test func `overlay file systems are polled, and only quiet time is believed`() throws {
        let daemon = try Daemon(on: .overlay, dropOptions: ["settle: 1s"])
        try daemon.start()
        try daemon.submit("a.bin", payload(1))
        let receipt = daemon.await("registered", "a.bin")
        #expect(receipt?["proof"]?.string == "settle")
        #expect(daemon.log.contains("overlayfs"))
        #expect(eventually { daemon.status?["status"]?.string?.contains("polling") == true })
        try daemon.submit("b.bin", payload(2), extra: "\"sha256\": \"\(try sha256(payload(2), daemon))\"")
        #expect(daemon.await("registered", "b.bin")?["proof"]?.string == "digest")
    }

    private func sha256(_ content: [UInt8], _ daemon: Daemon) throws -> String {
        try daemon.put(content, as: "sum", in: daemon.scratch.directory)
        return String(try Tool.run("sha256sum", ["\(daemon.scratch.path)/sum"]).prefix(64))
    }
}
