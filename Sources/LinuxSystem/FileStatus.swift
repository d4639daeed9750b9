import Glibc

/// What fstat(2) says of a file.
public struct FileStatus: Sendable, Hashable {
    /// The kind of a file.
    public enum Kind: Sendable {
        case regular, directory, symbolicLink, fifo, socket, device
    }

    /// A point in time, nanoseconds since 1970-01-01 UTC, saturated.
    public typealias Nanoseconds = Int64

    /// The device number of its file system; bind mounts of one share it.
    public let device: UInt64
    /// Its number there.
    public let inode: UInt64
    /// What it is; a symbolic link is one only when it was not followed.
    public let kind: Kind
    /// The permission bits with set-id and sticky, 0o0000 to 0o7777.
    public let mode: UInt32
    /// The user id of its owner.
    public let owner: UInt32
    /// The id of its group.
    public let group: UInt32
    /// How many names it has; 0 for one that is open and unlinked.
    public let linkCount: UInt64
    /// The bytes up to its end, holes included.
    public let sizeInBytes: Int64
    /// When the content changed last.
    public let modified: Nanoseconds
    /// When anything changed last: content, name, owner, mode. Nobody can set it back.
    public let changed: Nanoseconds

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        mode = status.st_mode & 0o7777
        owner = status.st_uid
        group = status.st_gid
        linkCount = UInt64(status.st_nlink)
        sizeInBytes = Int64(status.st_size)
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .symbolicLink
        case S_IFIFO: kind = .fifo
        case S_IFSOCK: kind = .socket
        default: kind = .device
        }
    }

    /// Whether both are the same file: one inode of one device.
    public func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }

    /// Whether the bytes are the same as far as the file system tells: same file, size and times of content.
    public func hasSameContent(as other: FileStatus) -> Bool {
        isSameFile(as: other) && sizeInBytes == other.sizeInBytes && modified == other.modified
    }

    // A producer may set any time that the file system holds (1901, 2446 ...), so this must not trap.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        let (seconds, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return time.tv_sec < 0 ? .min : .max }
        let (sum, carried) = seconds.addingReportingOverflow(Int64(time.tv_nsec))
        return carried ? .max : sum
    }
}
