import Glibc
import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// Every way in which a pair can arrive is registered at once: the periodic listing is an hour away in these tests.
@Suite(.waitsApart, .requiresPostgres) struct `Ways of arriving` {
    let daemon: Daemon

    init() throws {
        daemon = try Daemon(options: ["rescan: 1h"])
        try daemon.start()
    }

    private func expectRegistered(_ name: FileName, _ content: [UInt8], below path: [FileName] = []) throws {
        let receipt = daemon.await("registered", name, below: path)
        #expect(receipt?["size_bytes"] == .number("\(content.count)"))
        let filePath = try #require(receipt?["file_path"]?.string)
        #expect(try Descriptor.openFile(path: filePath).readAll(limit: 1 << 24) == content)
        let sql = "SELECT sha256 FROM registry.models WHERE file_path = '\(filePath)'"
        #expect(try daemon.column(sql) == [receipt?["sha256"]?.string])
        #expect(try daemon.visibleNames().filter { $0.hasPrefix(name.text) }.isEmpty)
    }

    @Test func `written in place, payload first`() throws {
        let content = payload(1)
        try writeInTwoParts(content, as: "a.bin")
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        try expectRegistered("a.bin", content)
    }

    @Test func `manifest first`() throws {
        let content = payload(2)
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        try waitForTick(after: "a.bin.manifest.json")
        try daemon.put(content, as: "a.bin", in: daemon.drop)
        try expectRegistered("a.bin", content)
        let warnings = try daemon.column("SELECT warnings->0->>'code' FROM registry.models")
        #expect(warnings == ["manifest_first"])
    }

    @Test func `manifest first with a declared digest carries no warning`() throws {
        let content = payload(2)
        let size = "\"size_bytes\": \(content.count)"
        try daemon.put(daemon.manifest("a", "1", size), as: "a.bin.manifest.json", in: daemon.drop)
        try daemon.put(content, as: "a.bin", in: daemon.drop)
        try expectRegistered("a.bin", content)
        #expect(try daemon.column("SELECT jsonb_array_length(warnings) FROM registry.models") == ["0"])
    }

    @Test func `hard link, as an SFTP rename does`() throws {
        let content = payload(3)
        try daemon.put(content, as: ".upload", in: daemon.drop)
        try daemon.put(daemon.manifest("a", "1"), as: ".upload2", in: daemon.drop)
        try daemon.drop.link(".upload", to: daemon.drop, as: "a.bin")
        try daemon.drop.unlink(".upload")
        try daemon.drop.link(".upload2", to: daemon.drop, as: "a.bin.manifest.json")
        try daemon.drop.unlink(".upload2")
        try expectRegistered("a.bin", content)
    }

    @Test func `unnamed file that gets its name at the end`() throws {
        let content = payload(4)
        for (name, bytes): (FileName, [UInt8]) in [
            ("a.bin", content), ("a.bin.manifest.json", daemon.manifest("a", "1")),
        ] {
            let file = try daemon.drop.openUnnamed(mode: 0o644)
            try file.write(bytes)
            try file.linkDescriptor(to: daemon.drop, as: name)
        }
        try expectRegistered("a.bin", content)
    }

    @Test func `memory map whose descriptor is closed long before the last byte is written`() throws {
        let content = payload(5, size: 8192)
        let map = try WritableMap(daemon.drop, "a.bin", sizeInBytes: content.count)
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        daemon.await("waiting", "a.bin")
        #expect(try daemon.count("registry.models") == 0)
        map.write(content)
        map.unmap()
        try expectRegistered("a.bin", content)
    }

    @Test func `new sub-directory with files already in it`() throws {
        let content = payload(6)
        try daemon.submit("a.bin", content, below: ["team", "project", "x"])
        try expectRegistered("a.bin", content, below: ["team", "project", "x"])
    }

    @Test func `directory renamed in`() throws {
        let content = payload(7)
        let (outside, _) = try daemon.scratch.makeDirectory("outside")
        let inner = try outside.makeOrOpenDirectory("inner", mode: 0o755)
        try daemon.put(content, as: "a.bin", in: inner)
        try daemon.put(daemon.manifest("a", "1"), as: "a.bin.manifest.json", in: inner)
        try daemon.scratch.directory.rename("outside", to: daemon.drop, as: "team", replacing: false)
        try expectRegistered("a.bin", content, below: ["team", "inner"])
    }

    @Test func `name of any bytes`() throws {
        let content = payload(8)
        for (index, bytes): (Int, [UInt8]) in [[0xFF, 0x0A, 0x1B, 0x5C], Array("-rf *".utf8), Array("ä\u{202E}".utf8)]
            .enumerated()
        {
            let name = try #require(FileName(bytes))
            try daemon.submit(name, content, id: "bytes", version: "\(index)")
            daemon.await("registered", name)
        }
        #expect(try daemon.count("registry.models") == 3)
        let names = try daemon.column("SELECT source_name FROM registry.models ORDER BY model_version")
        #expect(names.first == "\\xff\\n\\x1b\\\\")
    }

    @Test func `payload that the manifest names`() throws {
        let content = payload(9)
        try daemon.put(
            daemon.manifest("a", "1", "\"file\": \"weights.bin\""), as: "card.manifest.json", in: daemon.drop)
        try daemon.put(content, as: "weights.bin", in: daemon.drop)
        try expectRegistered("weights.bin", content)
    }

    @Test func `empty payload`() throws {
        try daemon.submit("a.bin", [])
        try expectRegistered("a.bin", [])
    }

    /// Writes under the final name, and closes the file by returning.
    private func writeInTwoParts(_ content: [UInt8], as name: FileName) throws {
        let file = try daemon.drop.open(name, [.writeOnly, .create], mode: 0o644)
        try file.write(Array(content.prefix(content.count / 2)))
        try file.write(Array(content.dropFirst(content.count / 2)))
    }

    /// File times have the grain of a timer tick: waits until a new file is later than this one.
    private func waitForTick(after name: FileName) throws {
        let first = try daemon.drop.status(of: name)?.changed ?? 0
        let passed = try eventually {
            try daemon.scratch.write("", to: "tick")
            return try daemon.scratch.directory.status(of: "tick")?.changed ?? 0 > first
        }
        #expect(passed)
    }
}

extension JSON {
    /// The string, if it is one.
    var string: String? { if case .string(let text) = self { text } else { nil } }
}

/// Somebody drops one file behind somebody else's many.
@Suite(.requiresPostgres, .requiresRoot, .requiresFaultInjection) struct `A lone drop behind a burst` {
    @Test func `does not wait for all of it`() throws {
        let daemon = try Daemon(on: .ext4)
        let staging = try daemon.scratch.makeDirectory("staging").directory
        let names = try (0..<300).map { try #require(FileName(Array("burst\($0).bin".utf8))) } + ["lone.bin"]
        for (index, name) in names.enumerated() {
            try daemon.put(payload(index), as: name, in: staging)
            try daemon.put(daemon.manifest(name.text, "1"), as: daemon.sidecar(name), in: staging)
        }
        // So few under way that most of the burst is still waiting when the last pair comes.
        try daemon.start(environment: ["INGOT_WINDOW": "4"])
        for name in names {
            for file in [name, daemon.sidecar(name)] {
                try staging.rename(file, to: daemon.drop, as: file, replacing: false)
            }
        }
        #expect(try eventually { try daemon.count("registry.models") == names.count })
        let before = try daemon.column(
            "SELECT count(*) FROM registry.models WHERE seq < (SELECT max(seq) FROM registry.models WHERE model_id = 'lone.bin')"
        )
        let place = try #require(before.first.flatMap { $0 }.flatMap { Int($0) })
        #expect(place < 200, "\(place) of 300 before it")
    }
}
