import DropWatch
import Glibc
import LinuxSystem
import TestKit
import Testing

@Suite struct `Opening a drop directory` {
    private func failure(_ path: String) throws -> String {
        let error = #expect(throws: DropError.self) { try DropRoot(path: path) }
        return try #require(error).description
    }

    @Test(arguments: [FileSystemType.host, .xfs, .btrfs, .tmpfs, .overlay])
    func `the daemon makes what it needs, and only its claims are closed to others`(kind: FileSystemType) throws {
        try Scratch.with(on: kind) { scratch in
            let (directory, path) = try scratch.makeDirectory("drop")
            for _ in 0..<2 {
                let root = try DropRoot(path: path)
                #expect(Set(try directory.entries().map(\.name)) == DropRoot.reservedNames)
                #expect(try directory.status(of: ".claims")?.mode == 0o700)
                #expect(try directory.status(of: "receipts")?.mode ?? 0 & 0o755 == 0o755)
                #expect(root.isInPlace())
                #expect(root.contains(root.claims) && root.contains(root.receipts) && root.contains(root.rejected))
                #expect(root.fileSystem.tellsTheTruth == (kind != .overlay))
            }
        }
    }

    @Test func `claims that others may enter are closed`() throws {
        try Scratch.with { scratch in
            try scratch.makeDirectory(".claims").directory.setMode(0o755)
            _ = try DropRoot(path: scratch.path)
            #expect(try scratch.directory.status(of: ".claims")?.mode == 0o700)
        }
    }

    @Test func `a missing directory is never made`() throws {
        try Scratch.with { scratch in
            let told = try failure("\(scratch.path)/missing")
            #expect(told.hasPrefix("\(scratch.path)/missing does not exist; make it"))
            #expect(try scratch.directory.entries().isEmpty)
        }
    }

    @Test(.requiresRoot, arguments: [".claims", "receipts", "rejected"] as [FileName])
    func `a directory of somebody else's in its place is refused, by name and owner`(name: FileName) throws {
        try Scratch.with { scratch in
            try scratch.makeDirectory(name).directory.setOwner(1, group: 1)
            let told = try failure(scratch.path)
            #expect(told.contains("\(name) in the drop directory belongs to \(Identity.userName(1) ?? "uid 1")"))
        }
    }

    @Test(arguments: [".claims", "receipts", "rejected"] as [FileName])
    func `a link or a file in its place is refused and not followed`(name: FileName) throws {
        try Scratch.with { scratch in
            let (drop, path) = try scratch.makeDirectory("drop")
            let elsewhere = try scratch.makeDirectory("elsewhere").directory
            try drop.leaveNote(Array("../elsewhere".utf8), as: name)
            #expect(try failure(path).contains(path))
            #expect(try elsewhere.entries().isEmpty)
            try drop.unlink(name)
            _ = try drop.open(name, [.writeOnly, .create])
            #expect(try failure(path).contains(path))
        }
    }

    @Test func `a drop directory has one daemon at a time`() throws {
        try Scratch.with { scratch in
            let root = try DropRoot(path: scratch.path)
            let told = try failure(scratch.path)
            #expect(told == "\(scratch.path) is in use by another ingotd; one drop directory has one daemon at a time")
            withExtendedLifetime(root) {}
        }
    }
}

@Suite struct `A drop directory in its place` {
    private func with(_ body: (_ root: DropRoot, _ scratch: Scratch, _ path: String) throws -> Void) throws {
        try Scratch.with { scratch in
            let path = try scratch.makeDirectory("drop").path
            let root = try DropRoot(path: path)
            #expect(root.isInPlace())
            try body(root, scratch, path)
        }
    }

    @Test func `is missed when it was moved, and found when it is back`() throws {
        try with { root, scratch, _ in
            try scratch.directory.rename("drop", to: scratch.directory, as: "moved", replacing: false)
            #expect(!root.isInPlace())
            try scratch.directory.rename("moved", to: scratch.directory, as: "drop", replacing: false)
            #expect(root.isInPlace())
        }
    }

    @Test func `is missed when another one took its place`() throws {
        try with { root, scratch, _ in
            try scratch.directory.rename("drop", to: scratch.directory, as: "moved", replacing: false)
            _ = try scratch.makeDirectory("drop")
            #expect(!root.isInPlace())
        }
    }

    @Test func `is missed when it was deleted and made again`() throws {
        try with { root, _, path in
            try Tool.run("rm", ["-r", path])
            #expect(!root.isInPlace())
            try Tool.run("mkdir", [path])
            #expect(!root.isInPlace())
        }
    }

    @Test(.requiresRoot) func `is missed while something is mounted over it`() throws {
        try with { root, _, path in
            let mount = try MountPoint(over: path)
            #expect(!root.isInPlace())
            try mount.unmount()
            #expect(root.isInPlace())
        }
    }

    /// Inode and device are the same then, and yet no rename leads from one to the other.
    @Test(.requiresRoot) func `is missed while it is mounted over itself`() throws {
        try with { root, _, path in
            try Tool.run("mount", ["--bind", path, path])
            defer { _ = try? Tool.run("umount", ["--lazy", path]) }
            #expect(!root.isInPlace())
        }
    }

    @Test(.requiresRoot) func `does not contain what is mounted below it`() throws {
        try with { root, _, path in
            try root.directory.makeDirectory("inner", mode: 0o755)
            #expect(try root.contains(root.directory.openDirectory("inner")))
            let mount = try MountPoint(over: "\(path)/inner")
            #expect(try !root.contains(root.directory.openDirectory("inner")))
            try mount.unmount()
        }
    }

    @Test(.requiresRoot) func `is another one when the same directory is mounted elsewhere`() throws {
        try with { root, scratch, path in
            _ = try scratch.makeDirectory("bind")
            try Tool.run("mount", ["--bind", path, "\(scratch.path)/bind"])
            defer { _ = try? Tool.run("umount", ["\(scratch.path)/bind"]) }
            #expect(try !root.contains(Descriptor.openDirectory(path: "\(scratch.path)/bind")))
        }
    }
}
