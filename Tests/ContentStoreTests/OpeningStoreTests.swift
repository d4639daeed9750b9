import ContentStore
import Glibc
import LinuxSystem
import TestKit
import Testing

@Suite struct `Opening a store` {
    private func failure(_ path: String) throws -> String {
        let error = #expect(throws: StoreError.self) {
            try ContentStore(path: path, newIdentity: StoreFixture.identity)
        }
        return try #require(error).description
    }

    @Test func `an empty directory becomes a store, and stays the same one`() throws {
        try StoreFixture.with(on: .host) { fixture in
            #expect(fixture.store.identity == StoreFixture.identity)
            let names = Set(try fixture.scratch.directory.openDirectory("store").entries().map(\.name.text))
            #expect(names == ["sha256", "tmp", "quarantine", "ingot-store.json", "ingot-store.lock"])
            let shards = try fixture.names(in: "sha256").map(\.text).sorted()
            #expect(shards == (0..<256).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) })
            let text = String(
                decoding: try fixture.scratch.directory.openDirectory("store").open("ingot-store.json")
                    .readAll(limit: 4096), as: UTF8.self)
            #expect(text.contains("\"version\": 1"))
            #expect(text.contains("\"store_id\": \"\(StoreFixture.identity)\""))
            try fixture.reopen()
            #expect(fixture.store.identity == StoreFixture.identity)
        }
    }

    @Test func `the daemon's own directories are nobody else's business`() throws {
        try StoreFixture.with(on: .host) { fixture in
            let store = try fixture.scratch.directory.openDirectory("store")
            for name: FileName in ["tmp", "quarantine"] {
                #expect(try store.status(of: name)?.mode == 0o700)
            }
            #expect(try store.status(of: "sha256")?.mode == 0o755)
        }
    }

    @Test func `a store has one daemon at a time`() throws {
        try StoreFixture.with(on: .host) { fixture in
            let path = "\(fixture.scratch.path)/store"
            #expect(
                try failure(path) == "the store \(path) is in use by another ingotd; one store has one daemon at a time"
            )
            try fixture.reopen()
        }
    }

    @Test func `a missing directory is never made`() throws {
        try Scratch.with { scratch in
            let told = try failure("\(scratch.path)/missing")
            #expect(told.contains("does not exist; make the directory"))
            #expect(try scratch.directory.entries().isEmpty)
        }
    }

    @Test(arguments: [
        ("\"version\": 2", "\"version\": 1", "format version 2, newer than this ingotd knows; upgrade ingotd"),
        ("\"version\": 99", "\"version\": 1", "format version 99"),
        ("\"version\": x", "\"version\": 1", "no version"), ("\"version\": 0", "\"version\": 1", "no version"),
        ("\"store_id\": \"\"", "\"store_id\": \"\(StoreFixture.identity)\"", "no store_id"),
    ])
    func `a format that is not ours is refused, by its path and with what to do`(
        new: String, old: String, message: String
    ) throws {
        try Scratch.with { scratch in
            let (directory, path) = try scratch.makeDirectory("store")
            _ = try ContentStore(path: path, newIdentity: StoreFixture.identity)
            let text = String(decoding: try directory.open("ingot-store.json").readAll(limit: 4096), as: UTF8.self)
            let changed = text.split(separator: "\n").map { $0.contains(old) ? "  \(new)" : String($0) }
            try directory.replaceFile(
                "ingot-store.json", with: Array(changed.joined(separator: "\n").utf8), mode: 0o644, durable: false)
            let told = try failure(path)
            #expect(told.contains(message))
            #expect(told.contains(path))
        }
    }

    @Test(arguments: ["", "{", "null"])
    func `a file of the store's that cannot be read is not replaced`(content: String) throws {
        try Scratch.with { scratch in
            let (directory, path) = try scratch.makeDirectory("store")
            try directory.open("ingot-store.json", [.writeOnly, .create]).write(Array(content.utf8))
            #expect(try failure(path).contains("\(path)/ingot-store.json cannot be read"))
            #expect(try directory.open("ingot-store.json").readAll(limit: 100) == Array(content.utf8))
        }
    }

    @Test func `blobs without the store's own file are not taken for a new store`() throws {
        try StoreFixture.with(on: .host) { fixture in
            _ = try fixture.store(bytes(1))
            let path = "\(fixture.scratch.path)/elsewhere"
            _ = try fixture.scratch.makeDirectory("elsewhere")
            try fixture.scratch.directory.openDirectory("store").rename(
                "sha256", to: fixture.scratch.directory.openDirectory("elsewhere"), as: "sha256", replacing: false)
            let told = try failure(path)
            #expect(told.contains("\(path)/ingot-store.json cannot be read: the file is missing, but there are blobs"))
        }
    }

    @Test func `what a killed process left in tmp is gone at the next start`() throws {
        try StoreFixture.with(on: .host) { fixture in
            let temporary = try fixture.scratch.directory.openDirectory(RelativePath(["store", "tmp"]))
            try temporary.open("take-1", [.writeOnly, .create]).write([1])
            try temporary.leaveNote([0x78], as: "link")
            try fixture.reopen()
            #expect(try temporary.entries().isEmpty)
        }
    }

    @Test(.requiresRoot) func `a store that a reboot empties says so`() throws {
        try StoreFixture.with(on: .tmpfs) {
            #expect($0.store.remarks == ["the store is on tmpfs: a reboot empties it"])
        }
        try StoreFixture.with(on: .ext4) { #expect($0.store.remarks.isEmpty) }
    }

    /// A process may have been killed after it made the directories and before it synced them.
    @Test(.requiresFaultInjection) func `what every blob stands on is synced at every start`() throws {
        try Scratch.with { scratch in
            let (_, path) = try scratch.makeDirectory("store")
            for _ in 0..<2 {
                let (result, trace) = FaultInjection.trace {
                    _ = try ContentStore(path: path, newIdentity: StoreFixture.identity)
                }
                try result.get()
                let synced = trace.calls.filter { $0.call == .fsync }.map(\.subject)
                #expect(synced.contains("\(path)/sha256"))
                #expect(synced.contains(path))
            }
        }
    }

    @Test(
        .requiresFaultInjection,
        arguments: [
            SystemCall.openat, .fstat, .fstatat, .flock, .mkdirat, .write, .fchmod, .fsync, .renameat2, .unlinkat,
            .getdents64, .fstatvfs,
        ])
    func `an opening that fails anywhere leaves a directory that can be opened`(call: SystemCall) throws {
        try Scratch.with(on: .tmpfs) { scratch in
            for (number, ordinal) in [1, 2, 3, 4, 100, 256, 257, 258].enumerated() {
                let name = try #require(FileName(Array("store-\(number)".utf8)))
                let (_, path) = try scratch.makeDirectory(name)
                let plan = FaultInjection.Plan(call, at: ordinal, effect: .fail(EIO))
                let (result, trace) = FaultInjection.trace(plan) {
                    _ = try ContentStore(path: path, newIdentity: StoreFixture.identity)
                }
                if trace.hits == 0 {
                    #expect(throws: Never.self) { try result.get() }
                    break
                }
                let store = try ContentStore(path: path, newIdentity: "0" + StoreFixture.identity.dropFirst())
                #expect(store.identity.count == 36)
            }
        }
    }
}
