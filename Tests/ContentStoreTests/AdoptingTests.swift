import ContentStore
import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

@Suite struct `Adopting a producer's file` {
    private func expectChanged(_ body: () throws -> Void) {
        let error = #expect(throws: TakeError.self) { try body() }
        guard case .changed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: Way.moves)
    func `without a lease nothing is adopted, and nothing is changed on the file`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let payload = try fixture.drop(bytes(1))
            expectChanged {
                _ = try fixture.store.adopt(payload, in: fixture.claim, name: "model.pkl", tools: fixture.tools) {
                    (_) throws(TakeError) in
                }
            }
            #expect(try payload.status().mode == 0o644)
        }
    }

    @Test(arguments: Way.moves)
    func `a writer who comes while it is hashed is noticed`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let payload = try fixture.drop(bytes(1, count: 600_000))
            expectChanged {
                _ = try fixture.take(.move, payload) { (_) throws(TakeError) in
                    _ = try? fixture.claim.open("model.pkl", .writeOnly)
                }
            }
        }
    }

    /// What a stacked or remote file system would let happen: the bytes change while the lease seems whole.
    @Test(arguments: Way.moves)
    func `bytes that change under a whole lease are noticed by the file's times`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let payload = try fixture.drop(bytes(1, count: 600_000))
            expectChanged {
                _ = try fixture.take(.move, payload) { (_) throws(TakeError) in
                    let times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
                    _ = unsafe futimens(payload.number, times)
                }
            }
        }
    }

    @Test(arguments: Way.moves)
    func `a lease that breaks before the name is given gives no name`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let blob = try fixture.take(.move, fixture.drop(bytes(1)))
            #expect(blob.needsLease && blob.holdsLease)
            #expect(throws: SystemError.self) { try fixture.claim.open("model.pkl", .writeOnly) }
            #expect(!blob.holdsLease)
            #expect(try fixture.publish(blob).isLeaseBroken)
            #expect(try fixture.expectEveryNameIsTrue() == 0)
            #expect(!fixture.store.contains(blob.digest))
        }
    }

    @Test(arguments: Way.moves)
    func `what was published can be withdrawn until its row is committed`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let content = bytes(1)
            let (publication, blob) = try fixture.store(content, .move, fileExtension: "pkl")
            _ = try #require(publication.published)
            #expect(try fixture.expectEveryNameIsTrue() == 2)
            try fixture.store.withdraw(blob)
            #expect(try fixture.expectEveryNameIsTrue() == 0)
            #expect(!fixture.store.contains(blob.digest))
            #expect(try fixture.claim.open("model.pkl").readAll(limit: 10_000) == content)
            // And again, as after a crash in between.
            try fixture.store.withdraw(blob)
            let again = try fixture.store(content, .copy)
            #expect(again.publication.published?.wasPresent == false)
        }
    }

    @Test(arguments: Way.moves)
    func `withdrawing takes no name away that is another file's`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let content = bytes(1)
            let first = try fixture.store(content, .copy, fileExtension: "pkl")
            let second = try fixture.store(content, .move, fileExtension: "pkl")
            #expect(second.publication.published?.wasPresent == true)
            try fixture.store.withdraw(second.blob)
            try fixture.store.withdraw(first.blob)
            #expect(try fixture.expectEveryNameIsTrue() == 2)
        }
    }

    @Test(arguments: Way.moves)
    func `a replay after a crash finds its own file and is the same blob`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let content = bytes(1)
            let before = try fixture.drop(content)
            let first = try fixture.take(.move, before, fileExtension: "pkl")
            _ = try #require(try fixture.publish(first).published)
            let inode = try #require(try fixture.claim.status(of: "model.pkl"))
            before.releaseLease()
            try fixture.reopen()
            let payload = try fixture.claim.open("model.pkl")
            let blob = try fixture.take(.move, payload, fileExtension: "pkl")
            let published = try #require(try fixture.publish(blob).published)
            #expect(published.digest == first.digest && published.healed == nil)
            let shard = try fixture.shard(of: blob.digest)
            for name in [try fixture.name(of: blob.digest), try fixture.name(of: blob.digest, "pkl")] {
                #expect(try shard.status(of: name)?.isSameFile(as: inode) == true)
            }
            #expect(try fixture.names(in: "quarantine").isEmpty)
        }
    }

    @Test(.requiresFaultInjection, arguments: Way.moves, [5000, Int(ContentStore.largeFileSize)])
    func `a file whose sync failed once is copied and never adopted`(way: Way, count: Int) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let content = bytes(1, count: count)
            let payload = try fixture.drop(content)
            // The kernel marks the pages clean when it could not write them, so the second sync would succeed with nothing on disk.
            let (result, trace) = FaultInjection.trace(.init(.fsync, at: 1, effect: .fail(EIO))) {
                try fixture.publish(fixture.take(.move, payload))
            }
            #expect(trace.hits == 1)
            #expect((try? result.get())?.published == nil)
            payload.releaseLease()
            let blob = try fixture.take(.move, payload)
            _ = try #require(try fixture.publish(blob).published)
            let name = try fixture.name(of: blob.digest)
            let status = try #require(try fixture.shard(of: blob.digest).status(of: name))
            #expect(try !status.isSameFile(as: payload.status()))
            #expect(!blob.needsLease)
            #expect(try fixture.expectEveryNameIsTrue() == 1)
        }
    }
}
