import Glibc
import LinuxSystem
import TestKit
import Testing

/// Who else has the file, and how.
private enum Holder: CaseIterable {
    case nobody, reader, writer, appender, writerOfAnotherName, mappedReader, mappedWriter, privateMapping

    /// Whether the bytes can change while the holder is there.
    var canWrite: Bool { [.writer, .appender, .writerOfAnotherName, .mappedWriter].contains(self) }
}

/// A holder at work; it lets go when it goes.
@safe private final class Hold {
    private var descriptor: Descriptor?
    private var mapping: UnsafeMutableRawPointer?

    init(_ holder: Holder, in directory: Descriptor) throws {
        switch holder {
        case .nobody: break
        case .reader: descriptor = try directory.open("file")
        case .writer: descriptor = try directory.open("file", .readWrite)
        case .appender: descriptor = try directory.open("file", [.writeOnly, .append])
        case .writerOfAnotherName: descriptor = try directory.open("other-name", .writeOnly)
        case .mappedReader: unsafe mapping = try Self.map(directory.open("file"), PROT_READ, MAP_SHARED)
        // The descriptor is closed as soon as the mapping stands: nothing in /proc/*/fd tells of this writer.
        case .mappedWriter:
            unsafe mapping = try Self.map(directory.open("file", .readWrite), PROT_READ | PROT_WRITE, MAP_SHARED)
        case .privateMapping:
            unsafe mapping = try Self.map(directory.open("file"), PROT_READ | PROT_WRITE, MAP_PRIVATE)
        }
    }

    private static func map(
        _ file: Descriptor, _ protection: Int32, _ flags: Int32
    ) throws -> UnsafeMutableRawPointer {
        let address = unsafe mmap(nil, 4096, protection, flags, file.number, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw SystemError(.openat, "mmap", code: errno)
        }
        return unsafe address
    }

    deinit { if let mapping = unsafe mapping { unsafe munmap(mapping, 4096) } }
}

@Suite struct `Read leases` {
    init() { ignoreLeaseSignals() }

    private func withFile(on kind: FileSystemType, _ body: (Scratch) throws -> Void) throws {
        try Scratch.with(on: kind) { scratch in
            try scratch.write([UInt8](repeating: 1, count: 4096), to: "file")
            try scratch.directory.link("file", to: scratch.directory, as: "other-name")
            try body(scratch)
        }
    }

    @Test(arguments: FileSystemType.local)
    func `a lease is granted exactly when nobody can change the bytes`(kind: FileSystemType) throws {
        try withFile(on: kind) { scratch in
            for holder in Holder.allCases {
                let hold = try Hold(holder, in: scratch.directory)
                let file = try scratch.directory.open("file")
                if holder.canWrite {
                    #expect(try file.requestLease() == .writerPresent, "\(holder)")
                } else {
                    // A child that another test starts has our descriptors until it executes its program, earlier holders' too.
                    #expect(try eventually { try file.requestLease() == .granted }, "\(holder)")
                }
                #expect(file.holdsLease == !holder.canWrite, "\(holder)")
                withExtendedLifetime(hold) {}
            }
        }
    }

    @Test(arguments: FileSystemType.local)
    func `whoever tries to write is seen at once, and may go on when the lease is given back`(
        kind: FileSystemType
    ) throws {
        let ways: [(FileName, OpenFlags)] = [
            ("file", .writeOnly), ("file", .readWrite), ("file", [.writeOnly, .append]),
            ("file", [.writeOnly, .truncate]), ("other-name", .writeOnly),
        ]
        try withFile(on: kind) { scratch in
            for (name, flags) in ways {
                let file = try scratch.directory.open("file")
                #expect(try eventually { try file.requestLease() == .granted })
                let error = #expect(throws: SystemError.self) { try scratch.directory.open(name, flags) }
                #expect(error?.code == EAGAIN)
                #expect(!file.holdsLease, "\(name) \(flags)")
                #expect(try file.status().sizeInBytes == 4096)
                file.releaseLease()
                _ = try scratch.directory.open(name, flags.subtracting(.truncate))
                #expect(try eventually { try scratch.directory.open("file").requestLease() == .granted })
            }
        }
    }

    @Test(arguments: FileSystemType.local)
    func `what does not touch the bytes leaves the lease whole`(kind: FileSystemType) throws {
        try withFile(on: kind) { scratch in
            let file = try scratch.directory.open("file")
            // A child that another test is starting may have a copy of the descriptor that the file was written through.
            #expect(try eventually { try file.requestLease() == .granted })
            _ = try scratch.directory.open("file").readAll(limit: 10)
            try scratch.directory.link("file", to: scratch.directory, as: "third-name")
            try scratch.directory.rename("file", to: scratch.directory, as: "renamed", replacing: false)
            try file.setMode(0o440)
            try scratch.directory.unlink("third-name")
            #expect(file.holdsLease)
            // A second look by the same process gets a lease of its own.
            #expect(try scratch.directory.open("renamed").requestLease() == .granted)
            #expect(file.holdsLease)
        }
    }

    @Test(arguments: FileSystemType.local)
    func `a writer that waits goes on as soon as the last holder's descriptor closes`(kind: FileSystemType) async throws
    {
        let scratch = kind == .host ? try Scratch() : try Scratch(on: Volume.shared(kind))
        try scratch.write("x", to: "file")
        var file: Descriptor? = try scratch.directory.open("file")
        #expect(try eventually { try file?.requestLease() == .granted })
        let path = "\(scratch.path)/file"
        let writer = Lane("writer") { close(unsafe open(path, O_WRONLY)) }
        #expect(eventually { file?.holdsLease == false })
        file = nil
        await writer.finished()
    }

    @Test(.requiresRoot)
    func `on a stacked file system a lease is granted in spite of a live mapping, so it is not believed`() throws {
        try withFile(on: .overlay) { scratch in
            let hold = try Hold(.mappedWriter, in: scratch.directory)
            let answer = try scratch.directory.open("file").requestLease()
            #expect(try answer == .writerPresent || !scratch.directory.fileSystemKind().tellsTheTruth)
            withExtendedLifetime(hold) {}
        }
    }

    @Test(.requiresRoot) func `a file of somebody else's needs the right to take leases`() async throws {
        let scratch = try Scratch()
        try scratch.write("x", to: "file", mode: 0o644)
        let path = scratch.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            guard setgid(65534) == 0, setuid(65534) == 0 else { exit(2) }
            let directory = try Descriptor.openDirectory(path: path)
            exit(try directory.open("file").requestLease() == .notPermitted ? 0 : 1)
        }
    }
}

@Suite struct `The signal of a broken lease` {
    private static func breakLease() throws {
        let scratch = try Scratch()
        try scratch.write("x", to: "file")
        let file = try scratch.directory.open("file")
        guard try file.requestLease() == .granted else { exit(3) }
        _ = try? scratch.directory.open("file", .writeOnly)
        exit(file.holdsLease ? 4 : 0)
    }

    @Test func `ignored, it is harmless`() async {
        await #expect(processExitsWith: .success) {
            ignoreLeaseSignals()
            try Self.breakLease()
        }
    }

    @Test func `not ignored, it would have killed the daemon`() async {
        await #expect(processExitsWith: .signal(SIGIO)) {
            signal(SIGIO, SIG_DFL)
            try Self.breakLease()
        }
    }
}
