internal import Glibc
public import LinuxSystem
internal import Synchronization
public import Testing

/// The kinds of file system that the tests run on.
public enum FileSystemType: String, Sendable, CaseIterable, CustomTestStringConvertible {
    /// Whatever `/tmp` is on.
    case host
    case ext4, xfs, btrfs, tmpfs
    case overlay

    /// Those where a read lease tells the truth.
    public static let local: [FileSystemType] = [.ext4, .xfs, .btrfs, .tmpfs]

    /// The name, as a test's argument shows it.
    public var testDescription: String { rawValue }

    /// The smallest size that its mkfs takes, with room for the tests: sparse, so it costs nothing.
    fileprivate var usualSizeInMiB: Int {
        switch self {
        case .xfs: 320
        case .btrfs: 256
        default: 96
        }
    }
}

/// A file system of our own, on a loop device where it needs a disk.
///
/// It is mounted, opened, and taken out of the tree again at once (umount2(2) MNT_DETACH). From then on nothing but our descriptor
/// holds it: when the process ends, even by SIGKILL, the kernel unmounts it and frees the loop device, and there is nothing to clean up.
/// The price is its path: it goes through this process's descriptor.
public final class Volume: Sendable {
    /// Its kind.
    public let kind: FileSystemType
    /// Its root directory, open.
    public let root: Descriptor
    /// A path to its root, also for child processes.
    public let path: String
    /// For an overlay: the directory that its changes go to.
    public let upper: Descriptor?
    private let backing: Scratch?

    /// Makes and mounts one.
    ///
    /// - Parameters:
    ///   - sizeInMiB: its size, or what its kind usually gets.
    ///   - options: for mkfs; for a tmpfs and an overlay, for mount.
    public init(_ kind: FileSystemType, sizeInMiB: Int? = nil, options: [String] = []) throws {
        guard geteuid() == 0 else { try Test.cancel("Mounting \(kind.rawValue) needs root") }
        // Nothing can be mounted below a mount that is out of the tree itself, and neither can an overlay's layers lie there.
        let place = try Scratch()
        // Disks are in memory: what is tested is the file system, not the machine's patience with fsync(2).
        let scratch = try kind == .tmpfs || kind == .overlay ? Scratch() : Scratch(on: Self.memory.get())
        let point = place.path
        defer { withExtendedLifetime((place, scratch)) {} }
        let size = sizeInMiB ?? kind.usualSizeInMiB
        var upper: Descriptor?
        switch kind {
        case .host: preconditionFailure("the host's file system is not mounted by a test")
        case .tmpfs:
            let all = ["size=\(size)m"] + options
            try Tool.run("mount", ["-t", "tmpfs", "-o", all.joined(separator: ","), "scratch", point])
        case .overlay:
            for name: FileName in ["lower", "work"] { _ = try scratch.makeDirectory(name) }
            upper = try scratch.makeDirectory("upper").directory
            let layers = ["lowerdir", "upperdir", "workdir"].map { "\($0)=\(scratch.path)/\($0.dropLast(3))" }
            let all = (layers + options).joined(separator: ",")
            try Tool.run("mount", ["-t", "overlay", "-o", all, "scratch", point])
        case .ext4, .xfs, .btrfs:
            try Self.makeFileSystem(kind, size, options, scratch)
            try Tool.run("mount", ["-t", kind.rawValue, "-o", "loop", "\(scratch.path)/image", point])
        }
        let root = try Descriptor.openDirectory(path: point)
        try Tool.run("umount", ["--lazy", point])
        self.kind = kind
        self.root = root
        self.upper = upper
        path = "/proc/\(getpid())/fd/\(root.number)"
        // Only an overlay still needs its directories; an image lives on without its name.
        backing = kind == .overlay ? scratch : nil
    }

    /// Mounts an image that is there already; its name may be removed afterwards.
    public init(mounting image: String, as kind: FileSystemType, options: [String] = []) throws {
        let place = try Scratch()
        defer { withExtendedLifetime(place) {} }
        let all = (["loop"] + options).joined(separator: ",")
        try Tool.run("mount", ["-t", kind.rawValue, "-o", all, image, place.path])
        root = try Descriptor.openDirectory(path: place.path)
        try Tool.run("umount", ["--lazy", place.path])
        self.kind = kind
        path = "/proc/\(getpid())/fd/\(root.number)"
        upper = nil
        backing = nil
    }

    /// A directory for large files, in memory.
    public static func scratchInMemory() throws -> Scratch { try Scratch(on: memory.get()) }

    /// An empty file system of a kind as a file `image` in a scratch directory in memory.
    public static func image(of kind: FileSystemType) throws -> Scratch {
        let scratch = try scratchInMemory()
        try makeFileSystem(kind, kind.usualSizeInMiB, [], scratch)
        return scratch
    }

    private static func makeFileSystem(
        _ kind: FileSystemType, _ sizeInMiB: Int, _ options: [String], _ scratch: Scratch
    ) throws {
        let program = "mkfs.\(kind.rawValue)"
        guard Tool(program) != nil else { try Test.cancel("\(program) is not installed") }
        let image = try scratch.directory.open("image", [.readWrite, .create, .exclusive])
        guard ftruncate(image.number, off_t(sizeInMiB) << 20) == 0 else {
            throw SystemError(.ftruncate, "image", code: errno)
        }
        try Tool.run(program, ["-q"] + options + ["\(scratch.path)/image"])
    }

    private static let memory = Result { try Volume(.tmpfs, sizeInMiB: 4096) }

    private static let all = Mutex([FileSystemType: Volume]())

    /// The volume of a kind that all tests share, each in a directory of its own; made by the first who asks.
    public static func shared(_ kind: FileSystemType) throws -> Volume {
        try all.withLock { all in
            if let volume = all[kind] { return volume }
            let volume = try Volume(kind)
            all[kind] = volume
            return volume
        }
    }
}
