import Glibc
import LinuxSystem
import TestKit
import Testing

@Suite struct `Listings` {
    @Test(arguments: [FileSystemType.ext4, .xfs, .btrfs, .tmpfs])
    func `ten thousand names are each told once, piece by piece`(kind: FileSystemType) throws {
        try Scratch.with(on: kind) { scratch in
            var expected = Set<FileName>()
            for number in 0..<10_000 {
                let name = try #require(FileName(Array("model-\(number).safetensors".utf8)))
                try scratch.directory.leaveNote([0x78], as: name)
                expected.insert(name)
            }
            var reader = DirectoryReader(try scratch.directory.openDirectorySelf())
            var found: [FileName] = []
            var pieces = 0
            while let entries = try reader.next() {
                pieces += 1
                found += entries.map(\.name)
            }
            #expect(found.count == 10_000)
            #expect(Set(found) == expected)
            #expect(pieces > 3)
            // The shared descriptor's own position was not moved.
            #expect(try scratch.directory.entries().count == 10_000)
        }
    }

    @Test(arguments: FileSystemType.allCases)
    func `the kind of an entry is the truth or is not told`(kind: FileSystemType) throws {
        try Scratch.with(on: kind) { scratch in
            try scratch.write("", to: "file")
            _ = try scratch.makeDirectory("directory")
            try scratch.directory.leaveNote([0x78], as: "link")
            #expect(unsafe mkfifo("\(scratch.path)/fifo", 0o600) == 0)
            let truth: [FileName: FileStatus.Kind] = [
                "file": .regular, "directory": .directory, "link": .symbolicLink, "fifo": .fifo,
            ]
            let entries = try scratch.directory.entries()
            #expect(Set(entries.map(\.name)) == Set(truth.keys))
            for entry in entries { #expect(entry.kind == nil || entry.kind == truth[entry.name]) }
        }
    }

    @Test func `a directory that vanishes while it is listed is an error that can be told from its end`() throws {
        try Scratch.with { scratch in
            let (directory, _) = try scratch.makeDirectory("gone")
            try scratch.directory.removeDirectory("gone")
            var reader = DirectoryReader(directory)
            var result: Int32?
            do throws(SystemError) { _ = try reader.next() } catch { result = error.code }
            #expect(result == ENOENT)
        }
    }
}

@Suite struct `Kinds of file system` {
    @Test(arguments: [FileSystemType.ext4, .xfs, .btrfs, .tmpfs, .overlay])
    func `each is known by name, and believed as far as it tells the truth`(kind: FileSystemType) throws {
        try Scratch.with(on: kind) { scratch in
            let found = try scratch.directory.fileSystemKind()
            #expect(found.name == (kind == .overlay ? "overlayfs" : kind.rawValue))
            #expect(found.tellsTheTruth == (kind != .overlay))
            #expect(found.isVolatile == (kind == .tmpfs))
            #expect(found.keepsOrder == [.ext4, .xfs, .tmpfs].contains(kind))
        }
    }

    @Test func `without a journal ext4 keeps no order`() throws {
        let volume = try Volume(.ext4, options: ["-O", "^has_journal"])
        let found = try volume.root.fileSystemKind()
        #expect(found.name == "ext4" && !found.keepsOrder)
    }

    @Test func `room is that of this file system`() throws {
        let volume = try Volume(.tmpfs, sizeInMiB: 3)
        let space = try volume.root.space()
        #expect(space.totalBytes == 3 << 20)
        try volume.root.openUnnamed(mode: 0o600).write([UInt8](repeating: 1, count: 1 << 20))
        let file = try volume.root.open("kept", [.writeOnly, .create])
        try file.write([UInt8](repeating: 1, count: 1 << 20))
        // A child that another test starts keeps the unnamed file until it executes its program.
        #expect(try eventually { try volume.root.space().freeBytes == 2 << 20 })
    }

    @Test(.requiresRoot) func `a mount inside a directory has another identity than the directory`() throws {
        let first = try Volume(.tmpfs, sizeInMiB: 1)
        let second = try Volume(.tmpfs, sizeInMiB: 1)
        #expect(first.root.mountIdentity != second.root.mountIdentity)
        #expect(first.root.mountIdentity == (try first.root.openDirectorySelf().mountIdentity))
        #expect(first.root.mountIdentity != 0)
    }
}
