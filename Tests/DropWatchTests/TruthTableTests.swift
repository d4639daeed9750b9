import DropWatch
import Glibc
import LinuxSystem
import TestKit
import Testing

/// What producers do, and what has to be noticed of it.
private struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let expected: Set<Hint>
    /// What is there before the watch.
    var prepare: @Sendable (Watched) throws -> Void = { _ in }
    let act: @Sendable (Watched) throws -> Void

    init(
        _ description: String, _ expected: Set<Hint>, prepare: @escaping @Sendable (Watched) throws -> Void = { _ in },
        act: @escaping @Sendable (Watched) throws -> Void
    ) {
        testDescription = description
        self.expected = expected
        self.prepare = prepare
        self.act = act
    }

    private static let file = Watched.name("file")

    private static func make(_ name: FileName, in directory: Descriptor) throws {
        try directory.open(name, [.writeOnly, .create]).write([1, 2, 3])
    }

    static let arrivals = [
        Row("write and close", [file]) { try make("file", in: $0.drop) },
        Row("an empty file", [file]) { _ = try $0.drop.open("file", [.writeOnly, .create]) },
        Row("a rename into the directory", [file], prepare: { try make("file", in: $0.outside) }) {
            try $0.outside.rename("file", to: $0.drop, as: "file", replacing: false)
        },
        Row("a link of a finished file", [file], prepare: { try make("file", in: $0.outside) }) {
            try $0.outside.link("file", to: $0.drop, as: "file")
        },
        Row(
            "an SFTP rename: link, then unlink", [file, Watched.name("part"), Watched.gone("part")],
            prepare: { try make("part", in: $0.drop) }
        ) {
            try $0.drop.open("part", [.writeOnly, .append]).write([4])
            try $0.drop.link("part", to: $0.drop, as: "file")
            try $0.drop.unlink("part")
        },
        Row("an unnamed file that gets its name", [file]) {
            let unnamed = try $0.drop.openUnnamed(mode: 0o644)
            try unnamed.write([1])
            try unnamed.linkDescriptor(to: $0.drop, as: "file")
            try unnamed.write([2])
        },
        Row(
            "a rename over another name", [file, Watched.gone("temporary")],
            prepare: {
                try make("file", in: $0.drop)
                try make("temporary", in: $0.drop)
            }
        ) { try $0.drop.rename("temporary", to: $0.drop, as: "file", replacing: true) },
        Row("a symbolic link", [file]) { try $0.drop.leaveNote([0x78], as: "file") },
        Row("fifty writes", [file]) {
            let file = try $0.drop.open("file", [.writeOnly, .create])
            for number in 0..<50 { try file.write([UInt8(number)]) }
        },
    ]

    static let changes = [
        Row("a writer that opens it again", [file], prepare: { try make("file", in: $0.drop) }) {
            try $0.drop.open("file", [.writeOnly, .append]).write([4])
        },
        Row("a deleted file", [Watched.gone("file")], prepare: { try make("file", in: $0.drop) }) {
            try $0.drop.unlink("file")
        },
        Row("a rename out of the directory", [Watched.gone("file")], prepare: { try make("file", in: $0.drop) }) {
            try $0.drop.rename("file", to: $0.outside, as: "file", replacing: false)
        },
        Row("a new directory", [Watched.directory("directory")]) {
            try $0.drop.makeDirectory("directory", mode: 0o755)
        },
        Row(
            "a directory renamed into it", [Watched.directory("directory")],
            prepare: { try $0.outside.makeDirectory("directory", mode: 0o755) }
        ) { try $0.outside.rename("directory", to: $0.drop, as: "directory", replacing: false) },
    ]

    static let silent = [
        Row("a reader", [], prepare: { try make("file", in: $0.drop) }) {
            _ = try $0.drop.open("file").readAll(limit: 9)
        },
        Row("a listing", []) { _ = try $0.drop.entries() },
        Row("another mode", [], prepare: { try make("file", in: $0.drop) }) { try $0.drop.open("file").setMode(0o600) },
        // Only a listing tells of it: that is why there is one from time to time.
        Row(
            "a write through a link outside", [],
            prepare: {
                try make("file", in: $0.drop)
                try $0.drop.link("file", to: $0.outside, as: "link")
            }
        ) { try $0.outside.open("link", [.writeOnly, .append]).write([4]) },
        Row("a truncation by path", [], prepare: { try make("file", in: $0.drop) }) {
            #expect(unsafe truncate("\($0.scratch.path)/drop/file", 0) == 0)
        },
    ]
}

@Suite struct `What events tell` {
    private func expect(_ row: Row, on kind: FileSystemType) throws {
        try Watched.with(on: kind) { watched in
            try row.prepare(watched)
            _ = try watched.hints()
            try row.act(watched)
            // A writer's descriptor may live a little longer in a child that another test is starting.
            var found = Set(try watched.hints())
            _ = try eventually(within: .seconds(2)) {
                if found != row.expected { found.formUnion(try watched.hints()) }
                return found == row.expected
            }
            #expect(found == row.expected)
        }
    }

    @Test(arguments: FileSystemType.local, Row.arrivals)
    fileprivate func `whatever way a file arrives, its name is told`(kind: FileSystemType, row: Row) throws {
        try expect(row, on: kind)
    }

    @Test(arguments: FileSystemType.local, Row.changes)
    fileprivate func `changes of names and new directories are told`(kind: FileSystemType, row: Row) throws {
        try expect(row, on: kind)
    }

    @Test(arguments: FileSystemType.local, Row.silent)
    fileprivate func `what completes nothing is not told, our own reading least of all`(
        kind: FileSystemType, row: Row
    ) throws {
        try expect(row, on: kind)
    }

    @Test(arguments: FileSystemType.local)
    func `a mapped writer is told of when the mapping goes, not when the descriptor closes`(kind: FileSystemType) throws
    {
        try Watched.with(on: kind) { watched in
            try watched.drop.open("file", [.writeOnly, .create]).write([UInt8](repeating: 1, count: 4096))
            _ = try eventually { try watched.hints().isEmpty }
            var file: Descriptor? = try watched.drop.open("file", .readWrite)
            let mapping = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, try #require(file).number, 0)
            file = nil
            #expect(try watched.hints().isEmpty)
            unsafe munmap(mapping, 4096)
            #expect(try eventually { try watched.hints() == [Watched.name("file")] })
        }
    }

    @Test func `the first of two writers is told of while the second still writes`() throws {
        try Watched.with(on: .host) { watched in
            let second = try watched.drop.open("file", [.writeOnly, .create])
            _ = try watched.hints()
            try watched.drop.open("file", .writeOnly).write([1])
            #expect(try eventually { try watched.hints().contains(Watched.name("file")) })
            try second.write([2])
        }
    }

    @Test func `a name is told once however often it changed`() throws {
        try Watched.with(on: .host) { watched in
            for _ in 0..<100 { try watched.drop.open("file", [.writeOnly, .create]).write([1]) }
            let hints = try watched.hints()
            #expect(hints.count { $0 == Watched.name("file") } == 1)
        }
    }

    @Test func `names of any bytes are told as they are`() throws {
        try Watched.with(on: .host) { watched in
            for byte in UInt8.min ... .max {
                if let name = FileName([0x6D, byte]) { try watched.drop.leaveNote([0x78], as: name) }
            }
            let told = Set(try watched.hints())
            for byte in UInt8.min ... .max {
                if let name = FileName([0x6D, byte]) { #expect(told.contains(Watched.name(name)), "\(name)") }
            }
            let longest = try #require(FileName([UInt8](repeating: 0xFF, count: 255)))
            try watched.drop.leaveNote([0x78], as: longest)
            #expect(try watched.hints() == [Watched.name(longest)])
        }
    }
}
