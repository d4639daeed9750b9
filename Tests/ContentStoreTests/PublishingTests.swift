import ContentStore
import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

@Suite struct `Publishing` {
    @Test(arguments: Way.all)
    func `the extension gets a second name for the very same file`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let (publication, blob) = try fixture.store(bytes(1), way.method, fileExtension: "keras")
            #expect(try #require(publication.published).path.hasSuffix("/\(blob.digest.hex).keras"))
            let shard = try fixture.shard(of: blob.digest)
            let plain = try #require(try shard.status(of: fixture.name(of: blob.digest)))
            let second = try #require(try shard.status(of: fixture.name(of: blob.digest, "keras")))
            #expect(second.isSameFile(as: plain))
            #expect(try fixture.expectEveryNameIsTrue() == 2)
        }
    }

    @Test(arguments: Way.all)
    func `the same bytes are kept once`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let content = bytes(1)
            let first = try fixture.store(content, .copy)
            let inode = try fixture.shard(of: first.blob.digest).status(of: fixture.name(of: first.blob.digest))
            for isNewProcess in [false, true] {
                if isNewProcess { try fixture.reopen() }
                let again = try fixture.store(content, way.method, fileExtension: isNewProcess ? "pkl" : nil)
                let published = try #require(again.publication.published)
                #expect(published.wasPresent && published.healed == nil)
                #expect(again.blob.digest == first.blob.digest)
                let now = try fixture.shard(of: first.blob.digest).status(of: fixture.name(of: first.blob.digest))
                #expect(try #require(now).isSameFile(as: #require(inode)))
            }
            #expect(try fixture.expectEveryNameIsTrue() == 2)
            #expect(try fixture.names(in: "tmp").isEmpty)
        }
    }

    @Test(arguments: [2, 9, 40])
    func `a group is published together, doubles and all`(count: Int) throws {
        try StoreFixture.with(on: .ext4) { fixture in
            let blobs = try (0..<count).map { number in
                try fixture.take(.copy, fixture.drop(bytes(number / 2)), fileExtension: "bin")
            }
            let publications = fixture.store.publish(blobs)
            #expect(publications.count == count)
            for (number, publication) in publications.enumerated() {
                let published = try #require(publication.published)
                #expect(published.digest == blobs[number].digest)
                #expect(published.wasPresent == (number % 2 == 1))
            }
            #expect(try fixture.expectEveryNameIsTrue() == 2 * ((count + 1) / 2))
        }
    }

    @Test func `an empty group is an empty answer`() throws {
        try StoreFixture.with(on: .host) { #expect($0.store.publish([]).isEmpty) }
    }

    /// P3, and the order that no code may change: bytes durable, then named, then the names durable.
    @Test(.requiresFaultInjection, arguments: Way.all)
    func `bytes are synced before they are named, and names before anybody hears of them`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let blob = try fixture.take(way.method, fixture.drop(bytes(1)), fileExtension: "pkl")
            let (result, trace) = FaultInjection.trace { try fixture.publish(blob) }
            _ = try #require(try result.get().published)
            let order = trace.calls.filter { Self.ordering.contains($0.call) }
            let isOrdered = try fixture.scratch.directory.fileSystemKind().keepsOrder
            let first = try #require(order.first).subject
            #expect(way.method == .move ? first.hasSuffix("/claim/model.pkl") : first.contains("/store/tmp/"))
            let last = try #require(order.last).subject
            if isOrdered {
                #expect(order.map(\.call) == [.syncFileRange, .linkat, .linkat, .futimens, .fsync])
                #expect(last.hasSuffix("/store/tmp"))
            } else {
                #expect(order.map(\.call) == [.fsync, .linkat, .linkat, .fsync])
                #expect(last.hasSuffix("/store/sha256/\(blob.digest.hex.prefix(2))"))
            }
        }
    }

    /// The calls whose order is the promise.
    private static let ordering: Set<SystemCall> = [.fsync, .syncfs, .syncFileRange, .futimens, .linkat, .renameat2]

    @Test(.requiresFaultInjection, arguments: [FileSystemType.ext4, .xfs, .btrfs])
    func `a large group shares its syncs, in the same order`(kind: FileSystemType) throws {
        try StoreFixture.with(on: kind) { fixture in
            let blobs = try (0..<40).map { try fixture.take(.copy, fixture.drop(bytes($0))) }
            let (result, trace) = FaultInjection.trace { fixture.store.publish(blobs) }
            #expect(try result.get().count { $0.published != nil } == 40)
            let order = trace.calls.map(\.call).filter(Self.ordering.contains)
            let named = [SystemCall](repeating: .linkat, count: 40)
            if kind == .btrfs {
                #expect(order == [.syncfs] + named + [.syncfs])
            } else {
                #expect(order == [SystemCall](repeating: .syncFileRange, count: 40) + named + [.futimens, .fsync])
            }
        }
    }

    @Test(.requiresFaultInjection) func `without that order a group over few directories syncs each`() throws {
        try StoreFixture.with(on: .btrfs) { fixture in
            let blobs = try (0..<5).map { try fixture.take(.copy, fixture.drop(bytes($0))) }
            let (result, trace) = FaultInjection.trace { fixture.store.publish(blobs) }
            #expect(try result.get().count { $0.published != nil } == 5)
            let synced = Set(trace.calls.filter { $0.call == .fsync }.map { String($0.subject.suffix(2)) })
            for blob in blobs { #expect(synced.contains(String(blob.digest.hex.prefix(2)))) }
        }
    }
}

@Suite struct `A name that is taken` {
    /// Makes a blob of these bytes and puts something else under its name, as a failing disk or a stranger would.
    private func corrupt(
        _ fixture: StoreFixture, _ content: [UInt8], fileExtension: String? = nil,
        _ damage: (Descriptor, FileName) throws -> Void
    ) throws -> Digest {
        let (publication, blob) = try fixture.store(content, .copy, fileExtension: fileExtension)
        _ = try #require(publication.published)
        try damage(fixture.shard(of: blob.digest), fixture.name(of: blob.digest))
        return blob.digest
    }

    @Test(arguments: Way.all, [false, true])
    func `by damaged bytes is healed, and the damage is kept aside`(way: Way, isNewProcess: Bool) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let content = bytes(1)
            let digest = try corrupt(fixture, content, fileExtension: "pkl") { shard, name in
                // The size stays: only hashing tells.
                try shard.open(name, .writeOnly).write([0x21])
            }
            if isNewProcess { try fixture.reopen() }
            let again = try fixture.store(content, way.method, fileExtension: "bin")
            let published = try #require(again.publication.published)
            #expect(!published.wasPresent)
            #expect(try #require(published.healed).hasPrefix("quarantine/\(digest.hex)."))
            // Also the other extension's name, which a row may point at.
            #expect(try fixture.expectEveryNameIsTrue() == 3)
            #expect(try fixture.names(in: "quarantine").count == 1)
            #expect(try fixture.names(in: "tmp").isEmpty)
            let healthy = try fixture.store(content, .copy)
            #expect(healthy.publication.published?.wasPresent == true)
        }
    }

    @Test func `by something that is no file is healed too`() throws {
        try StoreFixture.with(on: .host) { fixture in
            for (number, kind) in ["directory", "link", "fifo", "empty"].enumerated() {
                let content = bytes(number)
                let digest = try corrupt(fixture, content) { shard, name in
                    try shard.unlink(name)
                    switch kind {
                    case "directory": try shard.makeDirectory(name, mode: 0o755)
                    case "link": try shard.leaveNote(Array("/etc/passwd".utf8), as: name)
                    case "fifo": #expect(unsafe mkfifo("\(try shard.path())/\(name)", 0o600) == 0)
                    default: _ = try shard.open(name, [.writeOnly, .create])
                    }
                }
                let again = try fixture.store(content, .copy)
                #expect(again.publication.published?.healed?.hasPrefix("quarantine/\(digest.hex).") == true, "\(kind)")
            }
            #expect(try fixture.expectEveryNameIsTrue() == 4)
            #expect(try fixture.names(in: "quarantine").count == 4)
        }
    }

    @Test(.requiresFaultInjection) func `by a file that the disk cannot read is healed`() throws {
        try StoreFixture.with(on: .ext4) { fixture in
            let content = bytes(1)
            let digest = try corrupt(fixture, content) { _, _ in }
            try fixture.reopen()
            let blob = try fixture.take(.copy, fixture.drop(content))
            let (result, trace) = FaultInjection.trace(.init(.pread, at: 1, effect: .fail(EIO))) {
                try fixture.publish(blob)
            }
            #expect(trace.hits == 1)
            #expect(try #require(try result.get().published).healed?.hasPrefix("quarantine/\(digest.hex).") == true)
            #expect(try fixture.expectEveryNameIsTrue() == 1)
        }
    }

    @Test(.requiresFaultInjection) func `by a file whose sync failed is never trusted again`() throws {
        try StoreFixture.with(on: .btrfs) { fixture in
            let content = bytes(1)
            let digest = try corrupt(fixture, content) { _, _ in }
            let old = try #require(try fixture.shard(of: digest).status(of: fixture.name(of: digest)))
            try fixture.reopen()
            // The first sync is of the new bytes, the second of the file that was found.
            let blob = try fixture.take(.copy, fixture.drop(content))
            let (result, trace) = FaultInjection.trace(.init(.fsync, at: 2, effect: .fail(EIO))) {
                try fixture.publish(blob)
            }
            #expect(trace.hits == 1)
            #expect(try result.get().published == nil)
            #expect(try !fixture.store.verify(digest, tools: fixture.tools) { (_) throws(TakeError) in })
            let again = try fixture.store(content, .copy)
            #expect(again.publication.published?.healed != nil)
            let new = try #require(try fixture.shard(of: digest).status(of: fixture.name(of: digest)))
            #expect(!new.isSameFile(as: old))
        }
    }

    @Test(arguments: FileSystemType.local)
    func `by good bytes that nobody vouched for is hashed, synced and trusted`(kind: FileSystemType) throws {
        try StoreFixture.with(on: kind) { fixture in
            let content = bytes(1)
            let digest = try corrupt(fixture, content) { _, _ in }
            try fixture.reopen()
            let blob = try fixture.take(.copy, fixture.drop(content))
            let (result, trace) = FaultInjection.trace { try fixture.publish(blob) }
            #expect(try #require(try result.get().published).wasPresent)
            #expect(trace.calls.contains { $0.call == .pread })
            if FaultInjection.isAvailable {
                let synced = trace.calls.filter { $0.call == .fsync }.map(\.subject)
                #expect(synced.contains { $0.hasSuffix(digest.hex) })
                let isOrdered = try fixture.scratch.directory.fileSystemKind().keepsOrder
                let last = isOrdered ? "/store/tmp" : "/sha256/\(digest.hex.prefix(2))"
                #expect(synced.last?.hasSuffix(last) == true)
            }
            // The second time this process knows it.
            let second = try fixture.take(.copy, fixture.drop(content))
            let (_, quick) = FaultInjection.trace { try fixture.publish(second) }
            #expect(!quick.calls.contains { $0.call == .pread })
        }
    }

    @Test func `a stale name with the extension is renewed`() throws {
        try StoreFixture.with(on: .host) { fixture in
            let (_, blob) = try fixture.store(bytes(1), .copy, fileExtension: "pkl")
            let shard = try fixture.shard(of: blob.digest)
            let second = try fixture.name(of: blob.digest, "pkl")
            try shard.unlink(second)
            try shard.open(second, [.writeOnly, .create], mode: 0o440).write([1])
            _ = try fixture.store(bytes(1), .copy, fileExtension: "pkl")
            #expect(try fixture.expectEveryNameIsTrue() == 2)
        }
    }
}

@Suite struct `Verifying a blob` {
    private func verify(_ fixture: StoreFixture, _ digest: Digest) throws -> Bool {
        try fixture.store.verify(digest, tools: fixture.tools) { (_) throws(TakeError) in }
    }

    @Test(arguments: FileSystemType.local)
    func `a blob is what it is called, or it is not a blob`(kind: FileSystemType) throws {
        try StoreFixture.with(on: kind) { fixture in
            let (_, blob) = try fixture.store(bytes(1))
            #expect(try verify(fixture, blob.digest))
            try fixture.reopen()
            #expect(fixture.store.contains(blob.digest))
            #expect(try verify(fixture, blob.digest))
            let shard = try fixture.shard(of: blob.digest)
            try shard.open(fixture.name(of: blob.digest), .writeOnly).write([0x21])
            #expect(try !verify(fixture, blob.digest))
            try shard.unlink(fixture.name(of: blob.digest))
            #expect(try !verify(fixture, blob.digest))
            #expect(!fixture.store.contains(blob.digest))
            try shard.makeDirectory(fixture.name(of: blob.digest), mode: 0o755)
            #expect(try !verify(fixture, blob.digest))
        }
    }

    @Test func `a stop is a stop and not a verdict`() throws {
        try StoreFixture.with(on: .host) { fixture in
            let (_, blob) = try fixture.store(bytes(1))
            try fixture.reopen()
            #expect(throws: TakeError.self) {
                try fixture.store.verify(blob.digest, tools: fixture.tools) { (_) throws(TakeError) in throw .stopped }
            }
            #expect(try verify(fixture, blob.digest))
        }
    }
}

@Suite struct `Probing` {
    @Test(arguments: FileSystemType.local)
    func `what a file system can do is found out by trying, and leaves nothing`(kind: FileSystemType) throws {
        try StoreFixture.with(on: kind) { fixture in
            let file = try fixture.drop([0x49])
            let ways = fixture.store.probe(file, in: fixture.claim, name: "model.pkl")
            #expect(ways.canClone == [.xfs, .btrfs].contains(kind))
            #expect(ways.canLink)
            let elsewhere = try Scratch()
            try elsewhere.write([0x49], to: "model.pkl")
            let other = try elsewhere.directory.open("model.pkl")
            let far = fixture.store.probe(other, in: elsewhere.directory, name: "model.pkl")
            #expect(!far.canClone && !far.canLink)
            #expect(try fixture.names(in: "tmp").isEmpty)
        }
    }
}
