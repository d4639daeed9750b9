import Glibc
import LinuxSystem
import Synchronization
import TestKit
import Testing

@Suite struct `Names in a directory` {
    @Test(arguments: FileSystemType.allCases)
    func `a name is given once, and never taken from a file that has it`(kind: FileSystemType) throws {
        try Scratch.with(on: kind) { scratch in
            let directory = scratch.directory
            try scratch.write("first", to: "first")
            try scratch.write("second", to: "second")
            let unnamed = try directory.openUnnamed(mode: 0o600)
            try unnamed.write(Array("third".utf8))
            for attempt in 0..<3 {
                let error = #expect(throws: SystemError.self) {
                    switch attempt {
                    case 0: try directory.rename("second", to: directory, as: "first", replacing: false)
                    case 1: try directory.link("second", to: directory, as: "first")
                    default: try unnamed.linkDescriptor(to: directory, as: "first")
                    }
                }
                #expect(error?.code == EEXIST)
            }
            #expect(try scratch.content(of: "first") == Array("first".utf8))
            try unnamed.linkDescriptor(to: directory, as: "third")
            #expect(try scratch.content(of: "third") == Array("third".utf8))
            try directory.rename("second", to: directory, as: "first", replacing: true)
            #expect(try scratch.content(of: "first") == Array("second".utf8))
        }
    }

    @Test func `what is missing is an answer and no error`() throws {
        try Scratch.with { scratch in
            let directory = scratch.directory
            #expect(try directory.status(of: "missing") == nil)
            #expect(try !directory.unlink("missing"))
            #expect(try !directory.removeDirectory("missing"))
            #expect(try directory.note("missing") == nil)
            try scratch.write("x", to: "file")
            #expect(throws: SystemError(.unlinkat, "file", code: ENOTDIR)) { try directory.removeDirectory("file") }
        }
    }

    @Test func `a name of any bytes can be made, found, linked, renamed and removed`() throws {
        try Scratch.with { scratch in
            let directory = scratch.directory
            for byte in UInt8.min ... .max {
                guard let name = FileName([0x78, byte]), let other = FileName([byte, byte, byte]) else { continue }
                try scratch.write([byte], to: name)
                try directory.rename(name, to: directory, as: other, replacing: false)
                try directory.link(other, to: directory, as: name)
                #expect(try scratch.content(of: name) == [byte])
                #expect(try directory.unlink(name))
            }
            let found = Set(try directory.entries().map(\.name.bytes))
            #expect(found == Set((UInt8.min ... .max).filter { $0 != 0 && $0 != 0x2F }.map { [$0, $0, $0] }))
        }
    }
}

@Suite struct `Notes` {
    static let contents: [[UInt8]] = [
        [0x20], Array("019f:1000:644".utf8), Array(1...UInt8.max),
        [UInt8](repeating: 0x61, count: 1000), [UInt8](repeating: 0x62, count: 1500),
        [UInt8](repeating: 0x63, count: 4096), [UInt8](repeating: 0x64, count: 32 * 256),
    ]

    @Test(arguments: [FileSystemType.ext4, .xfs, .btrfs, .tmpfs])
    func `a note comes back as it was left, whatever its bytes and its length`(kind: FileSystemType) throws {
        try Scratch.with(on: kind) { scratch in
            for content in Self.contents {
                try scratch.directory.leaveNote(content, as: ".from")
                #expect(try scratch.directory.note(".from") == content)
                let error = #expect(throws: SystemError.self) {
                    try scratch.directory.leaveNote([0x21], as: ".from")
                }
                #expect(error?.code == EEXIST)
                #expect(try scratch.directory.note(".from") == content)
                try scratch.directory.unlink(".from")
            }
        }
    }

    @Test func `a note leads nowhere`() throws {
        try Scratch.with { scratch in
            try scratch.directory.leaveNote(Array("/etc/passwd".utf8), as: ".from")
            #expect(throws: SystemError.self) { try scratch.directory.open(".from") }
        }
    }
}

@Suite struct `Replacing a file` {
    @Test func `a reader sees the old content or the new one, and nothing else`() async throws {
        let scratch = try Scratch()
        let contents = [[UInt8](repeating: 0x61, count: 20_000), [UInt8](repeating: 0x62, count: 90_000)]
        try scratch.directory.replaceFile("receipt", with: contents[0], mode: 0o644, durable: false)
        let isDone = Atomic<Bool>(false)
        let strange = Atomic<Int>(0)
        let seen = Atomic<Int>(0)
        let reader = Lane("reader") { [directory = scratch.directory] in
            while !isDone.load(ordering: .acquiring) {
                let content = try? directory.open("receipt").readAll(limit: 1 << 20)
                if let content, contents.contains(content) {
                    seen.add(1, ordering: .relaxed)
                } else {
                    strange.add(1, ordering: .relaxed)
                }
            }
        }
        for round in 1...400 {
            try scratch.directory.replaceFile("receipt", with: contents[round % 2], mode: 0o644, durable: false)
        }
        #expect(eventually { seen.load(ordering: .relaxed) > 0 })
        isDone.store(true, ordering: .releasing)
        await reader.finished()
        #expect(strange.load(ordering: .relaxed) == 0)
        #expect(try scratch.directory.entries().map(\.name) == ["receipt"])
    }

    @Test(.requiresFaultInjection) func `the mode is what was asked for and the bytes are synced before the name`()
        throws
    {
        try Scratch.with { scratch in
            for isDurable in [true, false] {
                let (result, trace) = FaultInjection.trace {
                    try scratch.directory.replaceFile("status", with: [1, 2], mode: 0o666, durable: isDurable)
                }
                try result.get()
                #expect(try scratch.directory.status(of: "status")?.mode == 0o666)
                let order = trace.calls.map(\.call).filter { [.write, .fsync, .renameat2].contains($0) }
                #expect(order == (isDurable ? [.write, .fsync, .renameat2] : [.write, .renameat2]))
            }
        }
    }

    @Test(.requiresFaultInjection, arguments: [SystemCall.openat, .write, .fchmod, .fsync, .renameat2])
    func `a failure leaves the old file, and nothing beside it`(call: SystemCall) throws {
        try Scratch.with { scratch in
            try scratch.write("old", to: "file")
            let (result, trace) = FaultInjection.trace(.init(call, at: 1, effect: .fail(ENOSPC))) {
                // A mode that the umask of most people cuts, so that it has to be set.
                try scratch.directory.replaceFile("file", with: [1, 2], mode: 0o666, durable: true)
            }
            #expect(throws: SystemError.self) { try result.get() }
            #expect(trace.hits == 1)
            #expect(try scratch.content(of: "file") == Array("old".utf8))
            #expect(try scratch.directory.entries().map(\.name) == ["file"])
            try scratch.directory.replaceFile("file", with: [3], mode: 0o644, durable: true)
            #expect(try scratch.content(of: "file") == [3])
        }
    }
}
