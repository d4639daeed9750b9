import Glibc
public import LinuxSystem

/// A drop directory that is open and ours.
///
/// Invariants:
/// 1. Everything below is reached from `directory`, never by the path again: the path is only looked at to see whether it still
///    leads here.
/// 2. `claims` is the daemon's alone (mode 0700, owned by it), checked when the root is opened.
/// 3. One process at a time: it holds the lock in `claims`.
public final class DropRoot: Sendable {
    /// The path in the configuration.
    public let path: String
    /// The drop directory.
    public let directory: Descriptor
    /// `.claims/`: what has been taken from the producers and is not yet registered.
    public let claims: Descriptor
    /// `receipts/`.
    public let receipts: Descriptor
    /// `rejected/`.
    public let rejected: Descriptor
    /// The kind of file system, which decides whether events and leases are believed.
    public let fileSystem: FileSystemKind
    /// The mount that the directory was opened on.
    public let mountIdentity: UInt64
    private let status: FileStatus
    private let lock: Descriptor

    /// The names that producers cannot use at the top of a drop directory.
    public static let reservedNames: Set<FileName> = [".claims", "rejected", "receipts"]

    /// Opens a drop directory and makes what the daemon needs in it. The directory itself is never made.
    public init(path: String) throws(DropError) {
        self.path = path
        do {
            directory = try Descriptor.openDirectory(path: path)
            status = try directory.status()
            fileSystem = try directory.fileSystemKind()
            mountIdentity = directory.mountIdentity
            claims = try Self.openOwn(".claims", in: directory, mode: 0o700)
            receipts = try Self.openOwn("receipts", in: directory, mode: 0o755)
            rejected = try Self.openOwn("rejected", in: directory, mode: 0o775)
            lock = try claims.open(".lock", [.readWrite, .create], mode: 0o600)
            guard try lock.tryLock() else { throw DropError.inUse(path) }
        } catch let error as SystemError {
            throw .system(error, path: path)
        } catch let error as DropError {
            throw error
        } catch { preconditionFailure("\(error)") }
    }

    /// Whether the configured path still leads to this very directory on this very mount.
    public func isInPlace() -> Bool {
        do throws(SystemError) {
            let now = try Descriptor.openDirectory(path: path)
            return try now.status().isSameFile(as: status) && now.mountIdentity == mountIdentity
        } catch {
            // Out of descriptors and the like tells nothing of the directory.
            return ![ENOENT, ENOTDIR, ELOOP, EACCES].contains(error.code)
        }
    }

    /// Whether a directory below is part of this drop, and not another file system mounted there.
    public func contains(_ other: Descriptor) -> Bool { other.mountIdentity == mountIdentity }

    // A producer could have made it first: then it is not ours, and nothing in it can be believed.
    // The group and the set-gid bit come from the drop directory by inheritance: asking for the bit is refused under the unit's
    // RestrictSUIDSGID=, and a chmod(2) without it would take it away.
    private static func openOwn(
        _ name: FileName, in directory: Descriptor, mode: UInt32
    ) throws -> Descriptor {
        let own = try directory.makeOrOpenDirectory(name, mode: mode)
        let status = try own.status()
        guard status.owner == Identity.user else { throw DropError.foreign(name, owner: status.owner) }
        if mode == 0o700 && status.mode & 0o777 != mode { try own.setMode(mode) }
        return own
    }
}

/// Why a drop directory cannot be watched.
public enum DropError: Error, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError, path: String)
    /// Another daemon holds it.
    case inUse(String)
    /// One of the daemon's own directories in it belongs to somebody else.
    case foreign(FileName, owner: UInt32)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .system(let error, let path) where error.code == ENOENT && error.subject == path:
            "\(path) does not exist; make it (it is never made behind your back), owned by the user that ingotd runs as"
        case .system(let error, let path) where error.code == EACCES || error.code == EPERM || error.code == EROFS:
            "\(path): \(error); the directory has to belong to the user that ingotd runs as, and under systemd the unit "
                + "has to show it: add ReadWritePaths=\(path) with systemctl edit ingotd"
        case .system(let error, let path):
            "\(path): \(error)"
        case .inUse(let path):
            "\(path) is in use by another ingotd; one drop directory has one daemon at a time"
        case .foreign(let name, let owner):
            "\(name) in the drop directory belongs to \(Identity.userName(owner) ?? "uid \(owner)"); "
                + "move it away, the daemon makes its own"
        }
    }
}
