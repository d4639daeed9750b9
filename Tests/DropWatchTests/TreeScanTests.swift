import DropWatch
import Glibc
import LinuxSystem
import TestKit
import Testing

@Suite struct `Listing drop directories` {
    private let drop = DropKey(path: "drop")

    /// Lists a tree as the daemon does, entering every directory that is found.
    private func everything(below root: Descriptor, _ scan: TreeScan) -> [RelativePath] {
        var found: [RelativePath] = []
        scan.enqueue(.init(drop: drop, path: RelativePath()))
        while let (job, _, entries) = scan.next(enter: { try? root.openDirectory($0.path) }) {
            for entry in entries {
                let path = job.path.appending(entry.name)
                if entry.kind == .directory { scan.enqueue(.init(drop: drop, path: path)) } else { found.append(path) }
            }
        }
        return found
    }

    @Test(arguments: FileSystemType.local)
    func `ten thousand files come in pieces, each once`(kind: FileSystemType) throws {
        try Scratch.with(on: kind) { scratch in
            for number in 0..<10_000 {
                try scratch.directory.leaveNote([0x78], as: #require(FileName(Array("file-\(number)".utf8))))
            }
            let scan = TreeScan()
            scan.enqueue(.init(drop: drop, path: RelativePath()))
            var found: [FileName] = []
            var pieces = 0
            while let (job, _, entries) = scan.next(enter: { _ in scratch.directory }) {
                #expect(job.path == RelativePath())
                // Something else may be asked for in between.
                if pieces == 0 { #expect(!scan.isIdle) }
                pieces += 1
                found += entries.map(\.name)
            }
            #expect(found.count == 10_000 && Set(found).count == 10_000)
            #expect(pieces > 3)
            #expect(scan.isIdle)
        }
    }

    @Test func `a tree is listed whole, down to the deepest directory`() throws {
        try Scratch.with { scratch in
            var expected = Set<RelativePath>()
            var path = RelativePath()
            var directory = scratch.directory
            for level in 0..<40 {
                let name = try #require(FileName(Array("level-\(level)".utf8)))
                directory = try directory.makeOrOpenDirectory(name, mode: 0o755)
                path = path.appending(name)
                try directory.leaveNote([0x78], as: "file")
                expected.insert(path.appending("file"))
            }
            let found = everything(below: scratch.directory, TreeScan())
            #expect(found.count == 40 && Set(found) == expected)
        }
    }

    @Test func `the directory is entered before its first entry is read, so that nothing arrives unseen`() throws {
        try Scratch.with { scratch in
            let scan = TreeScan()
            scan.enqueue(.init(drop: drop, path: RelativePath()))
            let piece = scan.next { _ in
                _ = try? scratch.directory.leaveNote([0x78], as: "arrived-with-the-watch")
                return scratch.directory
            }
            #expect(piece?.entries.map(\.name) == ["arrived-with-the-watch"])
        }
    }

    @Test func `asking twice before it begins is once, and afterwards is again`() throws {
        try Scratch.with { scratch in
            try scratch.write("", to: "file")
            let scan = TreeScan()
            let job = TreeScan.Job(drop: drop, path: RelativePath())
            var entered = 0
            func next() -> Int? {
                scan.next { _ in
                    entered += 1
                    return scratch.directory
                }?.entries.count
            }
            scan.enqueue(job)
            scan.enqueue(job)
            #expect(next() == 1)
            // It is being listed: what changed since then needs another listing.
            scan.enqueue(job)
            #expect(next() == 1)
            #expect(next() == nil)
            #expect(entered == 2)
            #expect(scan.isIdle)
        }
    }

    @Test func `directories that vanish or cannot be entered stop nothing`() throws {
        try Scratch.with { scratch in
            let scan = TreeScan()
            for name in ["first", "second", "third"] as [FileName] {
                let directory = try scratch.makeDirectory(name).directory
                try directory.leaveNote([0x78], as: "file")
                scan.enqueue(.init(drop: drop, path: RelativePath([name])))
            }
            var listed: [RelativePath] = []
            while let (job, _, _) = scan.next(enter: { job in
                if job.path.names == ["second"] { _ = try? Tool.run("rm", ["-r", "\(scratch.path)/second"]) }
                return try? scratch.directory.openDirectory(job.path)
            }) {
                listed.append(job.path)
            }
            #expect(Set(listed) == [RelativePath(["first"]), RelativePath(["third"])])
            scan.enqueue(.init(drop: drop, path: RelativePath(["first"])))
            let piece = scan.next { _ in
                let directory = try? scratch.directory.openDirectory("first")
                _ = try? Tool.run("rm", ["-r", "\(scratch.path)/first"])
                return directory
            }
            #expect(piece == nil)
            #expect(scan.isIdle)
        }
    }

    @Test func `a drop that is given up is forgotten, in the middle of a listing too`() throws {
        try Scratch.with { scratch in
            for number in 0..<5000 {
                try scratch.directory.leaveNote([0x78], as: #require(FileName(Array("file-\(number)".utf8))))
            }
            let scan = TreeScan()
            let other = DropKey(path: "other")
            for key in [drop, other] {
                for name in [[], ["a"], ["b"]] as [[FileName]] { scan.enqueue(.init(drop: key, path: .init(name))) }
            }
            _ = scan.next { _ in scratch.directory }
            _ = scan.next { _ in scratch.directory }
            scan.remove(drop)
            while let (job, _, _) = scan.next(enter: { _ in scratch.directory }) { #expect(job.drop == other) }
            scan.enqueue(.init(drop: drop, path: RelativePath()))
            #expect(!scan.isIdle)
            #expect(scan.next { _ in scratch.directory } != nil)
        }
    }

    /// P7: whoever makes directories faster than they are listed delays only his own.
    @Test func `a drop directory without end keeps no other waiting`() throws {
        try Scratch.with { scratch in
            try scratch.write("", to: "file")
            let scan = TreeScan()
            let endless = DropKey(path: "endless")
            scan.enqueue(.init(drop: drop, path: RelativePath()))
            scan.enqueue(.init(drop: endless, path: RelativePath()))
            var turns = 0
            while turns < 1000, let (job, _, _) = scan.next(enter: { _ in scratch.directory }) {
                if job.drop == drop { break }
                turns += 1
                for number in 0..<2 {
                    let name = try #require(FileName(Array("\(turns)-\(number)".utf8)))
                    scan.enqueue(.init(drop: endless, path: RelativePath([name])))
                }
            }
            #expect(turns < 5)
        }
    }
}
