internal import Glibc
public import LinuxSystem
internal import Synchronization

/// A directory for one test, which removes itself when the test is over, however it ends.
///
/// ``with(on:_:)`` keeps it for as long as a closure runs: without that, the compiler may let go of an object right after its last
/// use, which can be before the test is done with the path. As a stored property of a suite it lives as long as the suite's instance.
///
/// A process that dies by a signal leaves its directories behind; the first scratch of the next run removes those of dead processes.
public final class Scratch: Sendable {
    /// The absolute path.
    public let path: String
    /// The directory, open.
    public let directory: Descriptor
    private let place: (parent: Descriptor, name: FileName)?

    /// A new, empty directory in `/tmp`.
    public convenience init() throws {
        try self.init(in: Descriptor.openDirectory(path: "/tmp"), path: "/tmp")
    }

    /// A new, empty directory on a volume.
    public convenience init(on volume: Volume) throws { try self.init(in: volume.root, path: volume.path) }

    /// A directory that another process made, which is left to its owner.
    public init(at path: String) throws {
        self.path = path
        directory = try Descriptor.openDirectory(path: path)
        place = nil
    }

    private init(in parent: Descriptor, path: String) throws {
        Litter.prepare()
        let name = Litter.newName()
        place = (parent, name)
        self.path = "\(path)/\(name)"
        try parent.makeDirectory(name, mode: 0o755)
        directory = try parent.openDirectory(name)
        if path == "/tmp" { Litter.add(self.path) }
    }

    deinit {
        guard let place else { return }
        removeTree(place.name, in: place.parent)
        Litter.remove(path)
    }

    /// Runs a test in a new directory on a file system of a kind; a kind that cannot be had here cancels the test, with the reason.
    public static func with<Value>(
        on kind: FileSystemType = .host, _ body: (Scratch) throws -> Value
    ) throws -> Value {
        let scratch = try kind == .host ? Scratch() : Scratch(on: Volume.shared(kind))
        defer { withExtendedLifetime(scratch) {} }
        return try body(scratch)
    }

    /// A file with this content, replacing one that is there.
    @discardableResult
    public func write(_ content: [UInt8], to name: FileName, mode: UInt32 = 0o644) throws -> Descriptor {
        let file = try directory.open(name, [.writeOnly, .create, .truncate], mode: mode)
        try file.setMode(mode)
        try file.write(content)
        return file
    }

    /// A file with this content, replacing one that is there.
    public func write(_ content: String, to name: FileName, mode: UInt32 = 0o644) throws {
        _ = try write(Array(content.utf8), to: name, mode: mode)
    }

    /// A new directory in it.
    public func makeDirectory(_ name: FileName) throws -> (directory: Descriptor, path: String) {
        (try directory.makeOrOpenDirectory(name, mode: 0o755), "\(path)/\(name)")
    }

    /// A whole file.
    public func content(of name: FileName) throws -> [UInt8] { try directory.open(name).readAll(limit: 256 << 20) }
}

/// Removes a directory and everything below it, and stays on its file system; what cannot be removed stays for the sweep.
func removeTree(_ name: FileName, in parent: Descriptor) {
    if let directory = try? parent.openDirectory(name), directory.mountIdentity == parent.mountIdentity {
        for entry in (try? directory.entries()) ?? [] {
            if entry.kind == .directory {
                removeTree(entry.name, in: directory)
            } else {
                _ = try? directory.unlink(entry.name)
            }
        }
    }
    if (try? parent.removeDirectory(name)) == nil { _ = try? parent.unlink(name) }
}
