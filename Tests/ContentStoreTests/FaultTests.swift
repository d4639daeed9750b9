import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

@testable import ContentStore

/// Every call of every kind is made to fail, the first, the second and so on, until the operation gets through untouched.
@Suite(.requiresFaultInjection) struct `A system that fails` {
    @Test(arguments: Way.some)
    func `costs no submission its bytes and no blob its truth`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            var seed = 0
            for call in SystemCall.allCases {
                for (error, isForever) in [(EIO, false), (EIO, true), (ENOSPC, false), (ENOSPC, true)] {
                    var ordinal = 1
                    while true {
                        let plan = FaultInjection.Plan(call, at: ordinal, forever: isForever, effect: .fail(error))
                        seed += 1
                        guard try attempt(fixture, way, plan, content: bytes(seed)) else { break }
                        ordinal += 1
                        try #require(ordinal < 100)
                    }
                }
            }
            try fixture.reopen()
            #expect(try fixture.names(in: "tmp").isEmpty)
            #expect(try fixture.expectEveryNameIsTrue() == 2 * seed)
        }
    }

    /// The file system gives the number of a temporary file that is gone to the next one.
    @Test func `blames no blob for a temporary file that had its number`() throws {
        try StoreFixture.with(on: .ext4) { fixture in
            for round in 1...10 {
                do {
                    let lost = try fixture.take(.copy, fixture.drop(bytes(round)))
                    let plan = FaultInjection.Plan(.syncFileRange, at: 1, effect: .fail(EIO))
                    let (result, trace) = FaultInjection.trace(plan) { try fixture.publish(lost) }
                    #expect(try result.get().published == nil && trace.hits == 1)
                }
                _ = try #require(try fixture.store(bytes(round), .copy).publication.published)
                let again = try #require(try fixture.store(bytes(round), .copy).publication.published)
                #expect(again.wasPresent && again.healed == nil, "\(again.healed ?? "")")
            }
        }
    }

    @Test func `does not mistake a file for one that had its number`() throws {
        let scratch = try Scratch(on: .shared(.ext4))
        let suspects = SuspectFiles()
        func make() throws -> Descriptor { try scratch.directory.open("file", [.readWrite, .create]) }
        let numbers = try (1...20).map { _ in
            let file = try make()
            #expect(try !suspects.contains(file))
            suspects.insert(file)
            #expect(try suspects.contains(make()))
            try scratch.directory.unlink("file")
            return try file.status().inode
        }
        #expect(Set(numbers).count < numbers.count, "no number was used twice")
    }

    /// The same with a name that is taken by damaged bytes, and by good ones that this process does not know.
    @Test(
        arguments: [SystemCall.openat, .fsync, .linkat, .renameat2, .pread, .fstatat, .fstat, .unlinkat],
        [true, false])
    func `heals no blob half`(call: SystemCall, isDamaged: Bool) throws {
        try StoreFixture.with(on: .ext4) { fixture in
            var ordinal = 1
            while true {
                let content = bytes(ordinal)
                let (_, blob) = try fixture.store(content, .copy, fileExtension: "pkl")
                if isDamaged {
                    try fixture.shard(of: blob.digest).open(fixture.name(of: blob.digest), .writeOnly).write([0x21])
                }
                try fixture.reopen()
                let plan = FaultInjection.Plan(call, at: ordinal, effect: .fail(EIO))
                let again = try fixture.take(.copy, fixture.drop(content), fileExtension: "bin")
                let (result, trace) = FaultInjection.trace(plan) { try fixture.publish(again) }
                let isPublished = try result.get().published != nil
                if isPublished { try fixture.expectEveryNameIsTrue(in: blob.digest) }
                _ = try #require(try fixture.store(content, .copy, fileExtension: "bin").publication.published)
                try fixture.expectEveryNameIsTrue(in: blob.digest)
                #expect(fixture.store.contains(blob.digest))
                if trace.hits == 0 {
                    #expect(isPublished)
                    break
                }
                ordinal += 1
                try #require(ordinal < 100)
            }
        }
    }

    /// One take and publish under a plan, what must hold after it, and another try that has to succeed.
    ///
    /// - Returns: whether the plan hit anything.
    private func attempt(
        _ fixture: StoreFixture, _ way: Way, _ plan: FaultInjection.Plan, content: [UInt8]
    ) throws -> Bool {
        let digest = fixture.tools.digest(of: content)
        let payload = try fixture.drop(content)
        let (result, trace) = FaultInjection.trace(plan) {
            try fixture.publish(fixture.take(way.method, payload, fileExtension: "pkl"))
        }
        let published = (try? result.get())?.published
        if let published {
            #expect(published.digest == digest)
            #expect(fixture.store.contains(digest))
            // A failed sync is never a success, neither at once nor by asking again.
            #expect(trace.hits == 0 || !isSync(plan), "\(plan)")
        } else if trace.hits == 0 {
            Issue.record("failed without a fault: \(result)")
        }
        try fixture.expectEveryNameIsTrue(in: digest)
        #expect(try fixture.claim.open("model.pkl").readAll(limit: 10_000) == content)
        payload.releaseLease()
        let again = try fixture.take(way.method, payload, fileExtension: "pkl")
        _ = try #require(try fixture.publish(again).published)
        #expect(try fixture.names(in: "tmp").isEmpty)
        payload.releaseLease()
        return trace.hits > 0
    }

    private func isSync(_ plan: FaultInjection.Plan) -> Bool {
        !plan.calls.isDisjoint(with: [.fsync, .syncfs, .syncFileRange, .futimens])
    }
}

@Suite(.requiresFaultInjection) struct `A sync that fails` {
    @Test(arguments: [
        (FileSystemType.btrfs, SystemCall.syncfs, 1), (.btrfs, .syncfs, 2), (.ext4, .fsync, 1), (.ext4, .futimens, 1),
        (.xfs, .fsync, 1),
    ]) func `shared by a large group publishes none of it`(kind: FileSystemType, call: SystemCall, ordinal: Int) throws
    {
        try StoreFixture.with(on: kind) { fixture in
            let blobs = try (0..<30).map { try fixture.take(.copy, fixture.drop(bytes($0))) }
            let (result, trace) = FaultInjection.trace(.init(call, at: ordinal, effect: .fail(EIO))) {
                fixture.store.publish(blobs)
            }
            #expect(trace.hits == 1)
            #expect(try result.get().allSatisfy { $0.error?.code == EIO })
            // No name is left whose directory was not synced: the next try has to make it anew.
            #expect(try fixture.expectEveryNameIsTrue() == 0)
            for blob in blobs { #expect(!fixture.store.contains(blob.digest)) }
            let again = try (0..<30).map { try fixture.take(.copy, fixture.drop(bytes($0))) }
            #expect(fixture.store.publish(again).allSatisfy { $0.published?.wasPresent == false })
        }
    }

    @Test(arguments: [(FileSystemType.btrfs, SystemCall.fsync), (.ext4, .syncFileRange), (.xfs, .syncFileRange)])
    func `of one file costs only that file`(kind: FileSystemType, call: SystemCall) throws {
        try StoreFixture.with(on: kind) { fixture in
            let blobs = try (0..<5).map { try fixture.take(.copy, fixture.drop(bytes($0))) }
            let (result, _) = FaultInjection.trace(.init(call, at: 3, effect: .fail(EIO))) {
                fixture.store.publish(blobs)
            }
            #expect(try result.get().map { $0.published != nil } == [true, true, false, true, true])
            #expect(try fixture.expectEveryNameIsTrue() == 4)
        }
    }

    @Test(arguments: [(FileSystemType.btrfs, 2), (.ext4, 1)])
    func `of a directory takes back the new names and leaves the old`(kind: FileSystemType, ordinal: Int) throws {
        try StoreFixture.with(on: kind) { fixture in
            let old = bytes(1)
            _ = try fixture.store(old, .copy, fileExtension: "pkl")
            for (content, names) in [(old, 2), (bytes(2), 0)] {
                let blob = try fixture.take(.copy, fixture.drop(content), fileExtension: "pkl")
                let (result, trace) = FaultInjection.trace(.init(.fsync, at: ordinal, effect: .fail(EIO))) {
                    try fixture.publish(blob)
                }
                #expect(trace.hits == 1)
                #expect(try result.get().error?.code == EIO)
                #expect(try fixture.expectEveryNameIsTrue(in: blob.digest) == names)
            }
        }
    }
}
