import Glibc
public import LinuxSystem
public import Vocabulary

/// The content-addressed store on disk; `docs/format.md` describes its layout.
///
/// Invariants:
/// 1. A name `sha256/ab/<64 hex>` only ever appears for an inode whose bytes were synced before and hash to that name (P3).
/// 2. No file below `sha256/` is ever opened for writing.
/// 3. A name that is there already is trusted only after its bytes were hashed, or when this process published or hashed this very
///    inode and it has not changed since (P3).
/// 4. One process at a time: it holds the lock on `ingot-store.lock`.
///
/// After a crash at any point a blob is there whole or not at all; what is left in `tmp/` is removed at the next start.
public final class ContentStore: Sendable {
    /// Who the store is: survives a move to another path.
    public let identity: String
    /// The absolute path it was opened under.
    public let root: String
    /// Things an operator should know of this store, such as a file system that forgets.
    public let remarks: [String]

    let directory: Descriptor
    let temporary: Descriptor
    let quarantine: Descriptor
    let shards: [Descriptor]
    /// The group of the store's directory: readers of blobs.
    let readers: UInt32
    let verified = VerifiedBlobs()
    let suspects = SuspectFiles()
    /// Whether changes reach the disk in the order in which they were made.
    let keepsOrder: Bool
    private let lock: Descriptor

    /// Opens a store, and makes one in an empty directory.
    ///
    /// - Parameters:
    ///   - path: an absolute path; the directory must exist.
    ///   - newIdentity: a UUID for a store that is made now.
    /// - Throws: ``StoreError`` when the directory is missing or not ours to write, when another process has the store, or when its format is
    ///   newer than this program.
    public init(path: String, newIdentity: @autoclosure () -> String) throws(StoreError) {
        root = path
        do {
            directory = try Descriptor.openDirectory(path: path)
            lock = try directory.open("ingot-store.lock", [.readWrite, .create], mode: 0o640)
            guard try lock.tryLock() else { throw StoreError.inUse(path) }
            let format = try StoreFormat.readOrCreate(in: directory, path: path, newIdentity: newIdentity())
            identity = format.identity
            let status = try directory.status()
            readers = status.group
            temporary = try directory.makeOrOpenDirectory("tmp", mode: 0o700)
            quarantine = try directory.makeOrOpenDirectory("quarantine", mode: 0o700)
            shards = try Self.openShards(in: directory, mode: status.mode)
            try Self.empty(temporary)
            let kind = try directory.fileSystemKind()
            keepsOrder = kind.keepsOrder
            remarks = kind.isVolatile ? ["the store is on \(kind.name): a reboot empties it"] : []
        } catch let error as SystemError {
            throw .system(error, path: path)
        } catch let error as StoreError {
            throw error
        } catch {
            throw .damaged(path, "\(error)")
        }
    }

    /// The path under which consumers find a blob.
    public func path(of digest: Digest, fileExtension: String?) -> String {
        let hex = digest.hex
        let name = fileExtension.map { "\(hex).\($0)" } ?? hex
        return "\(root)/sha256/\(hex.prefix(2))/\(name)"
    }

    /// A blob, opened for reading; whether it is whole is another question, ``verify(_:tools:checkpoint:)``.
    public func reader(of digest: Digest) throws(SystemError) -> Descriptor {
        try shard(of: digest).open(blobName(of: digest))
    }

    /// The room on the store's file system.
    public func space() throws(SystemError) -> Space { try directory.space() }

    func shard(of digest: Digest) -> Descriptor { shards[digest.firstByte] }

    func blobName(of digest: Digest) -> FileName {
        guard let name = FileName(Array(digest.hex.utf8)) else { preconditionFailure("64 digits are a name") }
        return name
    }

    /// A name that nothing else has.
    func randomName(_ prefix: String) -> FileName {
        var generator = SystemRandomNumberGenerator()
        guard let name = FileName(Array((prefix + String(generator.next(), radix: 16)).utf8)) else {
            preconditionFailure("a prefix of ours and hexadecimal digits are a name")
        }
        return name
    }

    // All 256 shards are made once, and made durable once, so that publishing never has to sync their parent.
    private static func openShards(
        in directory: Descriptor, mode: UInt32
    ) throws(SystemError) -> [Descriptor] {
        // Set-gid and group are inherited; asking for the bit is refused under the unit's RestrictSUIDSGID=.
        let parent = try directory.makeOrOpenDirectory("sha256", mode: mode & 0o777)
        var shards: [Descriptor] = []
        for byte in 0..<256 {
            let text = String(byte, radix: 16)
            guard let name = FileName(Array((byte < 16 ? "0" + text : text).utf8)) else { continue }
            if try parent.status(of: name) == nil {
                try parent.makeDirectory(name, mode: mode & 0o777)
            }
            shards.append(try parent.openDirectory(name))
        }
        // Also when all of them are there: a process may have been killed after it made them and before it synced them.
        try parent.sync()
        try directory.sync()
        return shards
    }

    // What a killed process left in tmp/ has no name in the store yet, and its source is still in a claim.
    private static func empty(_ directory: Descriptor) throws(SystemError) {
        for entry in try directory.entries() where entry.kind != .directory { try directory.unlink(entry.name) }
    }
}

/// Why a store cannot be used.
public enum StoreError: Error, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError, path: String)
    /// Another process holds the store.
    case inUse(String)
    /// The store's format is newer than this program knows.
    case newerFormat(String, version: Int)
    /// The store's own file cannot be read.
    case damaged(String, String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .system(let error, let path):
            error.code == ENOENT && error.call == .openat && error.subject == path
                ? "the store \(path) does not exist; make the directory, owned by the user that ingotd runs as"
                : "the store \(path) cannot be used: \(error)"
        case .inUse(let path):
            "the store \(path) is in use by another ingotd; one store has one daemon at a time"
        case .newerFormat(let path, let version):
            "the store \(path) has format version \(version), newer than this ingotd knows; upgrade ingotd"
        case .damaged(let path, let why):
            "\(path)/ingot-store.json cannot be read: \(why); restore it from a backup, it names the store"
        }
    }
}
