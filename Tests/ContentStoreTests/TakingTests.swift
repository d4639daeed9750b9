import ContentStore
import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

@Suite struct `Taking a payload` {
    @Test(.requiresTool("sha256sum"), arguments: Way.all)
    func `the blob is named by what sha256sum says, read-only, and the source stays whole`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            for count in [0, 1, 4096, 262_144, 262_145, 1_000_000] {
                let content = bytes(count, count: count)
                let (publication, blob) = try fixture.store(content, way.method)
                let published = try #require(publication.published)
                let path = "/proc/\(getpid())/fd/\(fixture.claim.number)/model.pkl"
                let told = try Tool.run("sha256sum", [path]).prefix(64)
                #expect(blob.digest.hex == told)
                #expect(blob.sizeInBytes == count)
                #expect(blob.method == way.method)
                #expect(published.path == "\(fixture.scratch.path)/store/sha256/\(told.prefix(2))/\(told)")
                #expect(!published.wasPresent && published.healed == nil)
                let name = try fixture.name(of: blob.digest)
                let status = try #require(try fixture.shard(of: blob.digest).status(of: name))
                #expect(status.mode == 0o440)
                #expect(status.owner == Identity.user)
                #expect(status.sizeInBytes == count)
                #expect(try fixture.claim.open("model.pkl").readAll(limit: 2_000_000) == content)
                let source = try #require(try fixture.claim.status(of: "model.pkl"))
                #expect(status.isSameFile(as: source) == (way.method == .move))
            }
            #expect(try fixture.expectEveryNameIsTrue() == 6)
            #expect(try fixture.names(in: "tmp").isEmpty)
        }
    }

    @Test(.requiresRoot, arguments: Way.some)
    func `readers get the group of the store's directory, and set-id bits go`(way: Way) throws {
        try Scratch.with(on: way.kind) { scratch in
            let (directory, _) = try scratch.makeDirectory("store")
            try directory.setOwner(nil, group: 4321)
            try directory.setMode(0o2750)
            let fixture = try StoreFixture(scratch)
            let payload = try fixture.drop(bytes(1))
            try payload.setOwner(1234, group: 1234)
            try payload.setMode(0o6777)
            let blob = try fixture.take(way.method, payload)
            _ = try #require(try fixture.publish(blob).published)
            let shard = try fixture.shard(of: blob.digest)
            let status = try #require(try shard.status(of: fixture.name(of: blob.digest)))
            #expect(status.group == 4321)
            #expect(status.owner == Identity.user)
            #expect(status.mode == 0o440)
            let mode = try shard.status().mode
            #expect(mode & 0o777 == 0o750)
        }
    }

    @Test(arguments: Way.some)
    func `a large file is synced by the lane that took it`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let size = Int(ContentStore.largeFileSize)
            for count in [size - 1, size] {
                let payload = try fixture.drop(bytes(count, count: count))
                let (taken, taking) = FaultInjection.trace { try fixture.take(way.method, payload) }
                let blob = try taken.get()
                #expect(taking.calls.count { $0.call == .fsync } == (count == size ? 1 : 0))
                let (published, publishing) = FaultInjection.trace { try fixture.publish(blob) }
                _ = try #require(try published.get().published)
                let syncs = publishing.calls.count { [.fsync, .syncFileRange].contains($0.call) }
                #expect(syncs == (count == size ? 1 : 2))
            }
        }
    }

    @Test(arguments: Way.all.filter { $0.method == .clone })
    func `a clone is its own from the first moment, whatever becomes of the source`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let content = bytes(7, count: 600_000)
            let payload = try fixture.drop(content)
            let blob = try fixture.take(.clone, payload) { (_) throws(TakeError) in
                do throws(SystemError) {
                    try fixture.claim.open("model.pkl", .writeOnly).write([UInt8](repeating: 0, count: 600_000))
                } catch { throw .system(error) }
            }
            #expect(blob.digest == fixture.tools.digest(of: content))
            _ = try #require(try fixture.publish(blob).published)
            #expect(try fixture.expectEveryNameIsTrue() == 1)
        }
    }

    @Test(arguments: FileSystemType.local)
    func `a source that grows or shrinks while it is copied is not one version`(kind: FileSystemType) throws {
        try StoreFixture.with(on: kind) { fixture in
            for (announced, actual) in [(500_000, 600_000), (600_000, 500_000), (0, 1), (1, 0)] {
                let payload = try fixture.drop(bytes(1, count: actual))
                let error = #expect(throws: TakeError.self) {
                    try fixture.store.copy(
                        payload, sizeInBytes: Int64(announced), reserve: 0, tools: fixture.tools
                    ) { (_) throws(TakeError) in }
                }
                guard case .changed = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
            #expect(try fixture.names(in: "tmp").isEmpty)
            #expect(try fixture.expectEveryNameIsTrue() == 0)
        }
    }

    @Test func `a source that grows for ever does not fill the store`() throws {
        try StoreFixture.with(on: .tmpfs) { fixture in
            let payload = try fixture.drop(bytes(1, count: 1000))
            let writer = try fixture.claim.open("model.pkl", [.writeOnly, .append])
            let piece = bytes(2, count: ReadBuffer.size)
            var calls = 0
            let error = #expect(throws: TakeError.self) {
                try fixture.store.copy(payload, sizeInBytes: 1000, reserve: 0, tools: fixture.tools) {
                    (_) throws(TakeError) in
                    calls += 1
                    if calls > 10 { throw .stopped }
                    do throws(SystemError) { try writer.write(piece) } catch { throw .system(error) }
                }
            }
            guard case .changed = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(calls <= 1)
        }
    }

    @Test(arguments: Way.some)
    func `a stop in the middle leaves nothing`(way: Way) throws {
        try StoreFixture.with(on: way.kind) { fixture in
            let content = bytes(2, count: 600_000)
            let payload = try fixture.drop(content)
            let error = #expect(throws: TakeError.self) {
                try fixture.take(way.method, payload) { (size) throws(TakeError) in
                    if size > 300_000 { throw .stopped }
                }
            }
            guard case .stopped = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(try fixture.claim.open("model.pkl").readAll(limit: 1 << 20) == content)
            #expect(try fixture.names(in: "tmp").isEmpty)
            #expect(try fixture.expectEveryNameIsTrue() == 0)
        }
    }
}

@Suite struct `Room in the store` {
    @Test(.requiresRoot) func `the reserve is not touched, and what is missing is told`() throws {
        let volume = try Volume(.tmpfs, sizeInMiB: 8)
        let fixture = try StoreFixture(Scratch(on: volume))
        let free = try fixture.store.space().freeBytes
        #expect(throws: Never.self) { try fixture.store.checkRoom(for: 1 << 20, reserve: free - (1 << 20)) }
        let error = #expect(throws: TakeError.self) {
            try fixture.store.checkRoom(for: 1 << 20, reserve: free - (1 << 20) + 1)
        }
        guard case .noRoom(let missing) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(missing == 1)
        let payload = try fixture.drop(bytes(1, count: 1000))
        #expect(throws: TakeError.self) {
            try fixture.store.copy(payload, sizeInBytes: 1000, reserve: free, tools: fixture.tools) {
                (_) throws(TakeError) in
            }
        }
        #expect(throws: TakeError.self) { try fixture.store.checkRoom(for: .max, reserve: .max) }
    }

    @Test(arguments: [FileSystemType.ext4, .tmpfs])
    func `a full disk costs a submission nothing, and it goes on when there is room`(kind: FileSystemType) throws {
        let volume = try Volume(kind, sizeInMiB: kind == .ext4 ? 16 : 6)
        let other = try Scratch()
        let fixture = try StoreFixture(Scratch(on: volume))
        try other.write(bytes(3, count: 3 << 20), to: "payload")
        let payload = try other.directory.open("payload")
        let ballast = try fixture.scratch.directory.open("ballast", [.writeOnly, .create])
        let free = Int64(try fixture.store.space().freeBytes)
        try ballast.reserve(sizeInBytes: free - (1 << 20))
        let error = #expect(throws: TakeError.self) { try fixture.take(.copy, payload) }
        guard case .noRoom = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        try fixture.scratch.directory.unlink("ballast")
        #expect(ftruncate(ballast.number, 0) == 0)
        let blob = try fixture.take(.copy, payload)
        _ = try #require(try fixture.publish(blob).published)
        #expect(try fixture.expectEveryNameIsTrue() == 1)
    }
}

@Suite(.requiresFaultInjection) struct `A file system without unnamed files` {
    private let noUnnamed = FaultInjection.Plan(.openat, at: 1, effect: .fail(EOPNOTSUPP))

    @Test func `takes the same way under a name that goes away`() throws {
        try StoreFixture.with(on: .ext4) { fixture in
            for fileExtension in [nil, "pkl"] {
                let payload = try fixture.drop(bytes(1))
                let (result, trace) = FaultInjection.trace(noUnnamed) {
                    let blob = try fixture.take(.copy, payload, fileExtension: fileExtension)
                    #expect(try fixture.names(in: "tmp").count == 1)
                    return try fixture.publish(blob)
                }
                #expect(trace.hits == 1)
                #expect(try result.get().published?.wasPresent == (fileExtension != nil))
                #expect(try fixture.names(in: "tmp").isEmpty)
            }
            #expect(try fixture.expectEveryNameIsTrue() == 2)
        }
    }

    @Test func `keeps nothing of what was not published`() throws {
        try StoreFixture.with(on: .ext4) { fixture in
            let payload = try fixture.drop(bytes(1))
            let (stopped, _) = FaultInjection.trace(noUnnamed) {
                try fixture.take(.copy, payload) { (_) throws(TakeError) in throw .stopped }
            }
            #expect(throws: TakeError.self) { try stopped.get() }
            #expect(try fixture.names(in: "tmp").isEmpty)
            // Refused after all, by its manifest's digest for example.
            let (refused, _) = FaultInjection.trace(noUnnamed) { _ = try fixture.take(.copy, payload) }
            try refused.get()
            #expect(try fixture.names(in: "tmp").isEmpty)
        }
    }
}
