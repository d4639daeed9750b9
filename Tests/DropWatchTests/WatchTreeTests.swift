import DropWatch
import Glibc
import LinuxSystem
import TestKit
import Testing

@Suite struct `Watched directories` {
    private let sub = RelativePath(["sub"])

    @Test(arguments: FileSystemType.local)
    func `a directory below tells of its files once it is watched`(kind: FileSystemType) throws {
        try Watched.with(on: kind) { watched in
            let directory = try watched.drop.makeOrOpenDirectory("sub", mode: 0o755)
            #expect(try watched.hints() == [Watched.directory("sub")])
            try watched.watch(sub)
            try directory.leaveNote([0x78], as: "file")
            #expect(try watched.hints() == [Watched.name("file", in: sub)])
        }
    }

    @Test(arguments: FileSystemType.local)
    func `a directory moved within is told of under both paths, and tells under the new one`(kind: FileSystemType)
        throws
    {
        try Watched.with(on: kind) { watched in
            let directory = try watched.drop.makeOrOpenDirectory("sub", mode: 0o755)
            try watched.watch(sub)
            _ = try watched.hints()
            try watched.drop.rename("sub", to: watched.drop, as: "new", replacing: false)
            #expect(Set(try watched.hints()) == [Watched.directory("new"), Watched.directory("sub")])
            // Until it is listed again, nothing is told under a path that is no longer true.
            try directory.leaveNote([0x78], as: "early")
            #expect(try watched.hints().isEmpty)
            try watched.watch(RelativePath(["new"]))
            try directory.leaveNote([0x78], as: "late")
            #expect(try watched.hints() == [Watched.name("late", in: RelativePath(["new"]))])
            #expect(watched.tree.count == 2)
        }
    }

    @Test(arguments: FileSystemType.local)
    func `a directory moved out and back is listed again`(kind: FileSystemType) throws {
        try Watched.with(on: kind) { watched in
            let directory = try watched.drop.makeOrOpenDirectory("sub", mode: 0o755)
            try watched.watch(sub)
            _ = try watched.hints()
            try watched.drop.rename("sub", to: watched.outside, as: "sub", replacing: false)
            try directory.leaveNote([0x78], as: "file")
            try watched.outside.rename("sub", to: watched.drop, as: "sub", replacing: false)
            #expect(try watched.hints().contains(Watched.directory("sub")))
            try watched.watch(sub)
            try directory.leaveNote([0x78], as: "later")
            #expect(try watched.hints() == [Watched.name("later", in: sub)])
        }
    }

    @Test func `a directory that is gone is no longer watched`() throws {
        try Watched.with(on: .host) { watched in
            try watched.drop.makeDirectory("sub", mode: 0o755)
            try watched.watch(sub)
            #expect(watched.tree.count == 2)
            try watched.drop.removeDirectory("sub")
            #expect(Set(try watched.hints()) == [Watched.directory("sub")])
            #expect(watched.tree.count == 1)
        }
    }

    @Test func `watching twice is watching once, under the path that was told last`() throws {
        try Watched.with(on: .host) { watched in
            let directory = try watched.drop.makeOrOpenDirectory("sub", mode: 0o755)
            _ = try watched.hints()
            #expect(watched.tree.add(Watched.key, RelativePath(["old"]), directory))
            #expect(watched.tree.add(Watched.key, sub, directory))
            #expect(watched.tree.count == 2)
            try directory.leaveNote([0x78], as: "file")
            #expect(try watched.hints() == [Watched.name("file", in: sub)])
        }
    }

    @Test func `a drop that is given up tells nothing more`() throws {
        try Watched.with(on: .host) { watched in
            let other = DropKey(path: "other")
            #expect(watched.tree.add(other, RelativePath(), watched.outside))
            let inner = try watched.outside.makeOrOpenDirectory("inner", mode: 0o755)
            #expect(watched.tree.add(other, RelativePath(["inner"]), inner))
            try watched.outside.leaveNote([0x78], as: "pending")
            watched.tree.remove(other)
            #expect(watched.tree.count == 1)
            try watched.outside.leaveNote([0x78], as: "file")
            try inner.leaveNote([0x78], as: "file")
            #expect(try watched.hints().isEmpty)
        }
    }

    @Test(.requiresFaultInjection) func `a limit of the kernel's is counted and said, and costs no more`() throws {
        try Watched.with(on: .host) { watched in
            let directory = try watched.drop.makeOrOpenDirectory("sub", mode: 0o755)
            let plan = FaultInjection.Plan(.inotifyAddWatch, at: 1, forever: true, effect: .fail(ENOSPC))
            let (answers, _) = FaultInjection.trace(plan) {
                (0..<3).map { _ in watched.tree.add(Watched.key, sub, directory) }
            }
            #expect(try answers.get() == [false, false, false])
            #expect(watched.tree.unwatched == 3)
            #expect(watched.tree.lastFailure?.code == ENOSPC)
            watched.tree.forgetFailures()
            #expect(watched.tree.unwatched == 0 && watched.tree.lastFailure == nil)
            #expect(watched.tree.add(Watched.key, sub, directory))
            let (instance, _) = FaultInjection.trace(.init(.inotifyInit, at: 1, effect: .fail(EMFILE))) {
                _ = try WatchTree()
            }
            #expect(throws: SystemError.self) { try instance.get() }
        }
    }

    @Test func `lost events are told`() throws {
        try Watched.with(on: .host) { watched in
            let limit = try Descriptor.openFile(path: "/proc/sys/fs/inotify/max_queued_events").readAll(limit: 20)
            let count = try #require(Int(String(decoding: limit.dropLast(), as: UTF8.self)))
            try watched.outside.leaveNote([0x78], as: "file")
            // Two names in turn: the kernel merges an event with an equal one before it.
            for number in 0..<count + 100 {
                let name: FileName = number % 2 == 0 ? "even" : "odd"
                try watched.outside.link("file", to: watched.drop, as: name)
                try watched.drop.unlink(name)
            }
            #expect(try watched.hints().contains(.eventsLost))
            _ = try eventually { try watched.tree.hints().isEmpty }
            try watched.drop.leaveNote([0x78], as: "afterwards")
            #expect(try watched.hints() == [Watched.name("afterwards")])
        }
    }
}

@Suite struct `The drop directory itself` {
    private func expectRootGone(_ act: (Watched) throws -> Void) throws {
        try Scratch.with { scratch in
            let watched = try Watched(scratch)
            try act(watched)
            #expect(try watched.tree.hints() == [.rootGone(Watched.key)])
            #expect(watched.tree.count == 0)
        }
    }

    @Test func `is told of when it is moved`() throws {
        try expectRootGone { try $0.scratch.directory.rename("drop", to: $0.outside, as: "moved", replacing: false) }
    }

    @Test func `is told of when another one takes its name`() throws {
        try expectRootGone { watched in
            let path = watched.scratch.path
            #expect(unsafe renameat(AT_FDCWD, "\(path)/drop", AT_FDCWD, "\(path)/outside/old") == 0)
            _ = try watched.scratch.makeDirectory("drop")
        }
    }

    @Test func `is told of when it is deleted`() throws {
        try Scratch.with { scratch in
            let tree = try WatchTree()
            #expect(try tree.add(Watched.key, RelativePath(), scratch.makeDirectory("drop").directory))
            try scratch.directory.removeDirectory("drop")
            #expect(try tree.hints() == [.rootGone(Watched.key)])
            #expect(tree.count == 0)
        }
    }

    @Test(.requiresRoot) func `is told of when it is unmounted`() throws {
        try Scratch.with { scratch in
            let path = try scratch.makeDirectory("drop").path
            let mount = try MountPoint(over: path)
            let tree = try WatchTree()
            #expect(try tree.add(Watched.key, RelativePath(), Descriptor.openDirectory(path: path)))
            // A child that another test starts has the directory open until it executes its program.
            #expect(eventually { (try? mount.unmount()) != nil })
            #expect(try tree.hints() == [.rootGone(Watched.key)])
            #expect(tree.count == 0)
        }
    }
}
