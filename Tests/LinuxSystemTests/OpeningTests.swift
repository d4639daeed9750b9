import Glibc
import LinuxSystem
import Synchronization
import TestKit
import Testing

@Suite struct `Opening what producers made` {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func error(_ body: () throws -> Void) -> Int32? {
        do {
            try body()
            return nil
        } catch { return (error as? SystemError)?.code }
    }

    @Test func `a symbolic link is never followed, not to a file and not to a directory`() throws {
        try scratch.write("secret", to: "target")
        let inner = try scratch.makeDirectory("inner").directory
        try inner.open("file", [.writeOnly, .create]).write([1])
        for (name, target) in [("to-file", "target"), ("to-directory", "inner"), ("dangling", "nowhere")] {
            #expect(unsafe symlink(target, "\(scratch.path)/\(name)") == 0)
        }
        #expect(error { _ = try scratch.directory.open("to-file") } == ELOOP)
        #expect(error { _ = try scratch.directory.open("to-file", [.writeOnly, .truncate]) } == ELOOP)
        #expect(error { _ = try scratch.directory.open("dangling", [.writeOnly, .create]) } == ELOOP)
        #expect(error { _ = try scratch.directory.openDirectory("to-directory") } == ENOTDIR)
        let path = RelativePath(["to-directory", "file"])
        #expect(error { _ = try scratch.directory.openDirectory(path) } == ENOTDIR)
        #expect(try scratch.directory.status(of: "to-file")?.kind == .symbolicLink)
        #expect(try scratch.content(of: "target") == Array("secret".utf8))
    }

    @Test func `a FIFO without a peer stops nobody`() throws {
        #expect(unsafe mkfifo("\(scratch.path)/fifo", 0o600) == 0)
        let fifo = try scratch.directory.open("fifo")
        #expect(try fifo.status().kind == .fifo)
        #expect(error { _ = try fifo.readAll(limit: 10) } == ESPIPE)
        let other = try Scratch()
        #expect(unsafe mkfifo("\(other.path)/fifo", 0o600) == 0)
        #expect(error { _ = try other.directory.open("fifo", .writeOnly) } == ENXIO)
    }

    @Test func `somebody's write lease answers at once and stops nobody`() throws {
        ignoreLeaseSignals()
        try scratch.write("x", to: "leased")
        let owner = try scratch.directory.open("leased", .readWrite)
        let lease = try #require(WriteLease(on: owner))
        #expect(error { _ = try scratch.directory.open("leased") } == EAGAIN)
        lease.release()
        #expect(throws: Never.self) { try scratch.directory.open("leased") }
    }

    @Test func `every descriptor is closed in a child`() throws {
        let file = try scratch.write([1], to: "file")
        let unnamed = try scratch.directory.openUnnamed(mode: 0o600)
        let again = try scratch.directory.openDirectorySelf()
        let bell = try Doorbell()
        let events = try Inotify()
        for descriptor in [scratch.directory, file, unnamed, again, bell.descriptor, events.descriptor] {
            #expect(fcntl(descriptor.number, F_GETFD) & FD_CLOEXEC != 0)
        }
    }

    @Test func `a descriptor that somebody else closed ends the process before it can hit a stranger's file`() async {
        await #expect(processExitsWith: .failure) {
            let descriptor = try Descriptor.openDirectory(path: "/")
            close(descriptor.number)
            withExtendedLifetime(descriptor) {}
        }
    }
}

@Suite struct `Small files` {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test(arguments: [(0, 0), (5, 6), (9, 10), (10, 10), (11, 10), (1 << 20, 10)])
    func `a reader can tell a file at its limit from one beyond it`(limit: Int, count: Int) throws {
        let content = (0..<10).map { UInt8($0) }
        try scratch.write(content, to: "file")
        #expect(try scratch.directory.open("file").readAll(limit: limit).count == (limit == 0 ? 1 : count))
    }

    @Test func `a file larger than the buffer is read whole`() throws {
        let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try scratch.write(content, to: "file")
        #expect(try scratch.content(of: "file") == content)
        let copy = try scratch.directory.open("copy", [.writeOnly, .create])
        try copy.copyBytes(from: scratch.directory.open("file"))
        #expect(try scratch.content(of: "copy") == content)
    }

    @Test func `a lock is exclusive and ends with its descriptor`() throws {
        try scratch.write("", to: "lock")
        var first: Descriptor? = try scratch.directory.open("lock", .readWrite)
        let second = try scratch.directory.open("lock", .readWrite)
        #expect(try first?.tryLock() == true)
        #expect(try !second.tryLock())
        // A program that is being started has a copy of every descriptor until it is executed.
        let copy = Descriptor(owning: dup(try #require(first).number))
        first = nil
        #expect(try second.tryLock())
        withExtendedLifetime(copy) {}
    }

    @Test func `times beyond what 64 bits of nanoseconds hold are saturated`() throws {
        for (seconds, expected) in [(Int(1) << 40, Int64.max), (-(Int(1) << 40), Int64.min), (-1, -1_000_000_000)] {
            try Scratch.with(on: .tmpfs) { scratch in
                let file = try scratch.write([], to: "old")
                let times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
                #expect(unsafe futimens(file.number, times) == 0)
                #expect(try file.status().modified == expected)
            }
        }
    }

    @Test func `reserving space where it is not to be had is found before the copy`() throws {
        let volume = try Volume(.tmpfs, sizeInMiB: 1)
        let file = try volume.root.openUnnamed(mode: 0o600)
        #expect(throws: SystemError.self) { try file.reserve(sizeInBytes: 4 << 20) }
        try file.reserve(sizeInBytes: 4096)
        try file.reserve(sizeInBytes: 0)
        #expect(try file.status().sizeInBytes == 0)
    }
}
