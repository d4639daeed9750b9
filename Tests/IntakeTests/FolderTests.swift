import DropWatch
import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

@testable import Intake

/// What is left of claims that are over, for the next ones.
@Suite struct `Spare folders` {
    let scratch: Scratch
    let spares = SpareFolders()

    init() throws { scratch = try Scratch() }

    private static let one = OriginalOwner(note: Array("1000:1000:644".utf8))
    private static let other = OriginalOwner(note: Array("2000:1000:644".utf8))

    private func newID() -> SubmissionID {
        var generator = SystemRandomNumberGenerator()
        return SubmissionID(unixMilliseconds: WallClock.nanoseconds / 1_000_000, using: &generator)
    }

    private func put(_ notes: SpareFolders.Notes) throws -> SubmissionID {
        let folder = try ClaimFolder(making: newID(), in: scratch.directory)
        if let owner = notes.owner { try folder.leave(owner.note, as: ClaimFolder.ownerNote) }
        #expect(spares.put(folder, notes, in: scratch.directory))
        return folder.id
    }

    @Test func `go only to who would leave the same notes`() throws {
        let team = RelativePath(["team"])
        let id = try put(.init(origin: RelativePath(), owner: Self.one))
        #expect(spares.contains(id))
        #expect(spares.take(.init(origin: RelativePath(), owner: Self.other), in: scratch.directory) == nil)
        #expect(spares.take(.init(origin: RelativePath(), owner: nil), in: scratch.directory) == nil)
        #expect(spares.take(.init(origin: team, owner: Self.one), in: scratch.directory) == nil)
        let elsewhere = try scratch.makeDirectory("elsewhere").directory
        #expect(spares.take(.init(origin: RelativePath(), owner: Self.one), in: elsewhere) == nil)
        let spare = try #require(spares.take(.init(origin: RelativePath(), owner: Self.one), in: scratch.directory))
        #expect(spare.folder.id == id && !spares.contains(id))
        #expect(spares.take(.init(origin: RelativePath(), owner: Self.one), in: scratch.directory) == nil)
    }

    @Test func `without a note of the owner go to any owner's`() throws {
        let id = try put(.init(origin: RelativePath(), owner: nil))
        let spare = try #require(spares.take(.init(origin: RelativePath(), owner: Self.other), in: scratch.directory))
        #expect(spare.folder.id == id && spare.notes.owner == nil)
    }

    @Test func `have the new claim's name and the old notes`() throws {
        _ = try put(.init(origin: RelativePath(), owner: Self.one))
        let spare = try #require(spares.take(.init(origin: RelativePath(), owner: Self.one), in: scratch.directory))
        let folder = try ClaimFolder(renaming: spare.folder, to: newID(), in: scratch.directory)
        let found = try ClaimFolder(opening: folder.id, in: scratch.directory)
        #expect(try found.contents().owner == Self.one)
        #expect(try ClaimFolder.all(in: scratch.directory) == [folder.id])
    }

    @Test func `are not more than a few`() throws {
        var count = 0
        while count < 1000 {
            let folder = try ClaimFolder(making: newID(), in: scratch.directory)
            let origin = RelativePath([try #require(FileName(Array("\(count)".utf8)))])
            guard spares.put(folder, .init(origin: origin, owner: nil), in: scratch.directory) else { break }
            count += 1
        }
        #expect(count == 128)
    }

    @Test func `are gone from the disk when all are removed`() throws {
        for owner in [Self.one, Self.other] { _ = try put(.init(origin: RelativePath(), owner: owner)) }
        spares.removeAll()
        #expect(try ClaimFolder.all(in: scratch.directory).isEmpty)
        #expect(spares.take(.init(origin: RelativePath(), owner: Self.one), in: scratch.directory) == nil)
    }
}

/// The same with the daemon: more than it takes at a time, of two owners.
@Suite(.requiresPostgres, .requiresRoot, .requiresFaultInjection, .requiresStrace)
struct `Folders that are used again` {
    @Test func `are few, and every row has its own producer`() throws {
        let daemon = try Daemon(on: .ext4)
        for index in 0..<60 {
            let name = try #require(FileName(Array("m\(index).bin".utf8)))
            let owner: UInt32 = index % 2 == 0 ? 1000 : 2000
            try daemon.put(payload(index), as: name, in: daemon.drop)
            try daemon.put(daemon.manifest("m\(index)", "1"), as: daemon.sidecar(name), in: daemon.drop)
            for name in [name, daemon.sidecar(name)] { try daemon.drop.setOwner(of: name, owner, group: owner) }
        }
        let trace = "\(daemon.scratch.path)/trace"
        try daemon.start(
            environment: ["INGOT_WINDOW": "8"],
            under: ["strace", "-D", "-f", "-qq", "-o", trace, "-e", "trace=mkdir,mkdirat"])
        #expect(try eventually { try daemon.count("registry.models") == 60 && daemon.claims().isEmpty })
        let owners = try daemon.rows("SELECT source_name, submitted_uid FROM registry.models")
        for index in 0..<60 {
            #expect(owners.contains(["m\(index).bin", index % 2 == 0 ? "1000" : "2000"]))
        }
        daemon.stop()
        let calls = String(decoding: try daemon.scratch.content(of: "trace"), as: UTF8.self).split(separator: "\n")
        // A claim's folder is called by a UUID.
        let made = calls.count { $0.contains("mkdirat") && $0.split(separator: "-").count == 5 }
        #expect((1..<50).contains(made), "\(made) folders for 60 claims")
        #expect(try daemon.claims().isEmpty)
    }
}

@Suite struct `Receipts` {
    @Test func `that a power cut has left empty are swept, and others are not`() throws {
        let scratch = try Scratch()
        let root = try DropRoot(path: scratch.path)
        let book = ReceiptBook(root: root)
        try book.write(Receipt(status: .registered), origin: RelativePath(["team"]), payload: "good.bin")
        let team = try root.receipts.openDirectory("team")
        for name: FileName in ["empty.bin.json", ".ingot-0"] { _ = try team.open(name, [.writeOnly, .create]) }
        book.sweep(keep: .seconds(3600), now: WallClock.nanoseconds)
        #expect(try team.entries().map(\.name.text).sorted() == [".ingot-0", "good.bin.json"])
    }
}
