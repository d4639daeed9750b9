import Glibc
import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// What cannot be taken is kept, with one clear reason, and nothing else is delayed.
@Suite(.waitsApart, .requiresPostgres) struct `Refusals` {
    let daemon: Daemon

    init() throws {
        daemon = try Daemon(dropOptions: ["model_ids: [\"good/*\"]", "max_payload: 1MiB"])
        try daemon.start()
    }

    /// Waits for the refusal of a payload and checks everything that has to come with it.
    private func expectRejected(
        _ name: FileName, code: String, keeping content: [UInt8]?, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> JSON {
        let receipt = try #require(daemon.await("rejected", name, sourceLocation: sourceLocation))
        #expect(receipt["code"]?.string == code, sourceLocation: sourceLocation)
        #expect(receipt["message"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
        let id = try #require(receipt["submission_id"]?.string.flatMap { FileName(Array($0.utf8)) })
        let folder = try daemon.drop.openDirectory(RelativePath(["rejected", id]))
        let reason = try JSON.parse(folder.open("reason.json").readAll(limit: 1 << 20))
        #expect(reason["code"]?.string == code, sourceLocation: sourceLocation)
        if let content {
            #expect(try folder.open(name).readAll(limit: 1 << 24) == content, sourceLocation: sourceLocation)
        }
        let sql = "SELECT code FROM registry.submissions WHERE submission_id = '\(id)'"
        let isRecorded = try eventually { try daemon.column(sql) == [code] }
        let recorded = try daemon.column(sql)
        #expect(isRecorded, "\(recorded)", sourceLocation: sourceLocation)
        #expect(try eventually { try daemon.claims().isEmpty }, sourceLocation: sourceLocation)
        return receipt
    }

    @Test func `bad manifest, with the place of the mistake, and the pair can be moved back as it is`() throws {
        let content = payload(1)
        try daemon.put(content, as: "a.bin", in: daemon.drop, mode: 0o640)
        let broken = "{\n  \"model_id\": \"good/a\",\n  \"model_version\": }"
        try daemon.put(Array(broken.utf8), as: "a.bin.manifest.json", in: daemon.drop)
        let receipt = try expectRejected("a.bin", code: "manifest_syntax", keeping: content)
        #expect(receipt["line"] == .number("3"))
        #expect(receipt["column"] == .number("20"))
        let path = try #require(receipt["rejected_path"]?.string)
        let folder = try Descriptor.openDirectory(path: path)
        #expect(try folder.status(of: "a.bin")?.mode == 0o640)
        try folder.rename("a.bin", to: daemon.drop, as: "a.bin", replacing: false)
        try daemon.put(daemon.manifest("good/a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        daemon.await("registered", "a.bin")
    }

    @Test func `found in its claim too, as a power cut may leave it, is finished`() throws {
        try daemon.put(payload(1), as: "a.bin", in: daemon.drop)
        try daemon.put([0x7B], as: "a.bin.manifest.json", in: daemon.drop)
        let receipt = try expectRejected("a.bin", code: "manifest_syntax", keeping: payload(1))
        let id = try #require(receipt["submission_id"]?.string.flatMap { FileName(Array($0.utf8)) })
        daemon.kill()
        let rejected = try daemon.drop.openDirectory(RelativePath(["rejected", id]))
        let claim = try daemon.drop.openDirectory(".claims").makeOrOpenDirectory(id, mode: 0o700)
        for name: FileName in ["a.bin", "a.bin.manifest.json"] { try rejected.link(name, to: claim, as: name) }
        try rejected.rename("reason.json", to: claim, as: ".reason.json", replacing: false)
        try daemon.start()
        #expect(try eventually { try daemon.claims().isEmpty }, "\(daemon.log)")
        #expect(try daemon.names(["rejected", id]) == ["a.bin", "a.bin.manifest.json", "reason.json"])
        #expect(try daemon.count("registry.submissions") == 1)
    }

    @Test func `a payload in its claim and in the drop at once, as a power cut may leave it, is no refusal`() throws {
        daemon.kill()
        try daemon.submit("a.bin", payload(1), id: "good/a")
        let claim = try daemon.drop.openDirectory(".claims").makeOrOpenDirectory(
            "01a215ce-aa27-751c-9c11-8358f837b007", mode: 0o700)
        try daemon.drop.link("a.bin", to: claim, as: "a.bin")
        try daemon.start()
        daemon.await("registered", "a.bin")
        #expect(try eventually { try daemon.claims().isEmpty }, "\(daemon.log)")
        #expect(try daemon.names(["rejected"]).isEmpty)
    }

    @Test func `same version with another payload, with a free version and the file as its producer had it`() throws {
        try daemon.submit("a.bin", payload(1), id: "good/a")
        daemon.await("registered", "a.bin")
        let other = payload(2)
        try daemon.put(other, as: "b.bin", in: daemon.drop, mode: 0o604)
        try daemon.put(daemon.manifest("good/a", "1"), as: "b.bin.manifest.json", in: daemon.drop)
        let receipt = try expectRejected("b.bin", code: "version_conflict", keeping: other)
        #expect(receipt["free_version"]?.string == "1-2")
        let folder = try Descriptor.openDirectory(path: try #require(receipt["rejected_path"]?.string))
        let status = try #require(try folder.status(of: "b.bin"))
        // The store may hold these bytes too, but never this inode: it is writable again.
        #expect(status.mode == 0o604 && status.linkCount == 1)
        #expect(try daemon.count("registry.models") == 1)
    }

    @Test func `same version and payload again is a success that changes nothing`() throws {
        try daemon.submit("a.bin", payload(1), id: "good/a")
        let first = daemon.await("registered", "a.bin")
        try daemon.submit("b.bin", payload(1), id: "good/a", extra: "\"description\": \"another\"")
        let second = daemon.await("duplicate", "b.bin")
        #expect(second?["sha256"] == first?["sha256"] && second?["file_path"] == first?["file_path"])
        #expect(second?["warnings"]?.text.contains("manifest_differs") == true)
        #expect(try daemon.column("SELECT manifest->>'description' FROM registry.models") == [nil])
    }

    @Test func `wrong declarations`() throws {
        let wrong = String(repeating: "0", count: 64)
        try daemon.submit("a.bin", payload(1), id: "good/a", extra: "\"sha256\": \"\(wrong)\"")
        let receipt = try expectRejected("a.bin", code: "digest_mismatch", keeping: payload(1))
        #expect(receipt["message"]?.string?.contains(wrong) == true)
        try daemon.submit("b.bin", payload(1), id: "good/b", extra: "\"size_bytes\": 10")
        _ = try expectRejected("b.bin", code: "size_mismatch", keeping: payload(1))
    }

    @Test func `what this drop directory does not admit`() throws {
        try daemon.submit("a.bin", payload(1), id: "bad/a")
        _ = try expectRejected("a.bin", code: "model_id_not_admitted", keeping: payload(1))
        let large = payload(2, size: (1 << 20) + 1)
        try daemon.submit("b.bin", large, id: "good/b")
        _ = try expectRejected("b.bin", code: "payload_too_large", keeping: large)
    }

    @Test func `links, FIFOs, sockets and directories are neither opened nor followed nor moved`() throws {
        let (outside, _) = try daemon.scratch.makeDirectory("outside")
        try daemon.put(payload(1), as: "secret", in: outside)
        try daemon.drop.leaveNote(Array("\(daemon.scratch.path)/outside/secret".utf8), as: "link.bin")
        try Tool.run("mkfifo", ["\(daemon.dropPath)/fifo.bin"])
        try daemon.drop.makeDirectory("directory.bin", mode: 0o755)
        for (name, code): (FileName, String) in [
            ("link.bin", "not_a_file"), ("fifo.bin", "not_a_file"), ("directory.bin", "directory_payload"),
        ] {
            try daemon.put(daemon.manifest("good/\(name)", "1"), as: daemon.sidecar(name), in: daemon.drop)
            _ = try expectRejected(name, code: code, keeping: nil)
            #expect(try daemon.drop.status(of: name) != nil)
        }
        try daemon.submit("honest.bin", payload(3), id: "good/honest")
        daemon.await("registered", "honest.bin")
        #expect(try outside.open("secret").readAll(limit: 1 << 20) == payload(1))
    }

    @Test(arguments: [".ingot-w.bin", ".reason.json", ".owner", "x.manifest.json"])
    func `a payload under a reserved name stays where it is`(reserved: String) throws {
        let name = try #require(FileName(Array(reserved.utf8)))
        try daemon.put(payload(1), as: name, in: daemon.drop)
        let isSidecar = reserved.hasSuffix(".manifest.json")
        let manifest = isSidecar ? daemon.sidecar(name) : "card.manifest.json"
        let file = isSidecar ? "" : "\"file\": \"\(reserved)\""
        try daemon.put(daemon.manifest("good/a", "1", file), as: manifest, in: daemon.drop)
        #expect(try eventually { try daemon.column("SELECT code FROM registry.submissions") == ["reserved_name"] })
        #expect(try daemon.drop.open(name).readAll(limit: 1 << 20) == payload(1))
    }

    @Test func `a payload called reason.json is kept beside its reason`() throws {
        try daemon.submit("reason.json", payload(1), id: "bad/a")
        let receipt = try #require(daemon.await("rejected", "reason.json"))
        let folder = try Descriptor.openDirectory(path: try #require(receipt["rejected_path"]?.string))
        #expect(try folder.open("reason.json").readAll(limit: 1 << 20) == payload(1))
        let reason = try JSON.parse(folder.open(".reason.json").readAll(limit: 1 << 20))
        #expect(reason["code"] == receipt["code"])
    }

    @Test(.requiresRoot) func `a hard link to somebody else's file stays where it is`() throws {
        let (outside, _) = try daemon.scratch.makeDirectory("outside")
        try daemon.put(payload(1), as: "theirs", in: outside)
        try outside.open("theirs").setOwner(12345, group: nil)
        try outside.link("theirs", to: daemon.drop, as: "a.bin")
        try daemon.put(daemon.manifest("good/a", "1"), as: "a.bin.manifest.json", in: daemon.drop)
        _ = try expectRejected("a.bin", code: "foreign_hard_link", keeping: nil)
        #expect(try outside.status(of: "theirs")?.owner == 12345)
        #expect(try outside.status(of: "theirs")?.linkCount == 2)
    }

    @Test func `hundred bad ones delay no good one`() throws {
        for index in 0..<100 {
            let name = try #require(FileName(Array("bad\(index).bin".utf8)))
            try daemon.put(payload(index), as: name, in: daemon.drop)
            try daemon.put(Array("{".utf8), as: daemon.sidecar(name), in: daemon.drop)
        }
        try daemon.submit("good.bin", payload(1000), id: "good/a")
        daemon.await("registered", "good.bin")
        #expect(try eventually { try daemon.count("registry.submissions WHERE outcome = 'rejected'") == 100 })
        #expect(try daemon.visibleNames().isEmpty)
    }
}
