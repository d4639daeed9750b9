import CLinux
import Glibc

/// What kind of file system a directory is on, and what can be trusted there.
public struct FileSystemKind: Sendable, Hashable {
    /// How events and leases behave.
    public enum Trust: Sendable {
        /// Every change passes through this kernel's inodes: events and leases tell the truth.
        case local
        /// Others may change files without this kernel seeing it: no events, and a lease proves nothing.
        case remote
        /// A stacked file system: changes below it are not seen, and a lease is granted in spite of a live writable
        /// mapping (measured on overlayfs).
        case stacked
        /// Not known to be trustworthy.
        case unknown
    }

    /// The usual name, such as `ext4`, or the magic number in hexadecimal.
    public let name: String
    /// How far events and leases are to be believed.
    public let trust: Trust
    /// Whether a power cut or a reboot empties it.
    public let isVolatile: Bool

    /// Whether changes to metadata reach the disk in the order in which they were made, so that what syncs the last one has synced
    /// all: XFS and ext4 write all of them to one journal (ext4 can be made without one; and tmpfs has no disk).
    /// btrfs logs what an fsync(2) asks for, so that after a power cut a later change may be there without an earlier one.
    public let keepsOrder: Bool

    /// Whether changes made by others show up as inotify events, and leases as proof.
    public var tellsTheTruth: Bool { trust == .local }

    /// - Parameter hasJournal: for ext4, and those that share its magic number.
    init(magic: UInt64, hasJournal: @autoclosure () -> Bool) {
        let known: (name: String, trust: Trust) =
            switch magic & 0xFFFF_FFFF {
            case 0xEF53: ("ext4", .local)
            case 0x5846_5342: ("xfs", .local)
            case 0x9123_683E: ("btrfs", .local)
            case 0x0102_1994: ("tmpfs", .local)
            case 0xF2F5_2010: ("f2fs", .local)
            case 0x2FC1_2FC1: ("zfs", .unknown)
            case 0x6969: ("nfs", .remote)
            case 0xFF53_4D42: ("cifs", .remote)
            case 0xFE53_4D42: ("smb", .remote)
            case 0x6573_5546: ("fuse", .remote)
            case 0x0102_1997: ("9p", .remote)
            case 0x00C3_6400: ("ceph", .remote)
            case 0x5346_414F: ("afs", .remote)
            case 0x0BD0_0BD0: ("lustre", .remote)
            case 0x4750_4653: ("gpfs", .remote)
            case 0x794C_7630: ("overlayfs", .stacked)
            case 0xF15F: ("ecryptfs", .stacked)
            default: ("0x" + String(magic, radix: 16), .unknown)
            }
        name = known.name
        trust = known.trust
        keepsOrder = ["xfs", "tmpfs"].contains(name) || name == "ext4" && hasJournal()
        isVolatile = magic & 0xFFFF_FFFF == 0x0102_1994 || magic & 0xFFFF_FFFF == 0x8584_58F6
    }
}

/// Room on a file system; fstatvfs(3).
public struct Space: Sendable {
    /// Bytes that this process may still use.
    public let freeBytes: UInt64
    /// Bytes in all.
    public let totalBytes: UInt64
    /// Free file nodes; meaningless where `totalNodes` is 0 (btrfs makes them as needed).
    public let freeNodes: UInt64
    /// File nodes in all; 0 where they are made as needed.
    public let totalNodes: UInt64
}

extension Descriptor {
    /// The kind of file system this is on, fstatfs(2).
    public func fileSystemKind() throws(SystemError) -> FileSystemKind {
        var magic: UInt64 = 0
        _ = try attempt(.fstatvfs, "") { unsafe ingot_magic(number, &magic) }
        return FileSystemKind(magic: magic, hasJournal: hasJournal)
    }

    /// Whether the ext4 that this is on has a journal, as sysfs(5) tells; where it tells nothing there is none to rely on.
    ///
    /// `/sys/fs/ext4/<device>/journal_task` is `<none>` without one. ext2's own driver has no such entry.
    private var hasJournal: Bool {
        guard let device = try? status().device else { return false }
        // A symbolic link to the device's own directory, which is called as the device is.
        let link = "/sys/dev/block/\(ingot_major(device)):\(ingot_minor(device))"
        guard let name = try? Descriptor.openDirectory(path: link).path().split(separator: "/").last,
            let task = try? Descriptor.openFile(path: "/sys/fs/ext4/\(name)/journal_task").readAll(limit: 64)
        else { return false }
        return !task.isEmpty && !task.starts(with: Array("<none>".utf8))
    }

    /// The room on this file system that this process may use.
    public func space() throws(SystemError) -> Space {
        var freeBytes: UInt64 = 0
        var totalBytes: UInt64 = 0
        var freeNodes: UInt64 = 0
        var totalNodes: UInt64 = 0
        _ = try attempt(.fstatvfs, "") {
            unsafe ingot_space(number, &freeBytes, &totalBytes, &freeNodes, &totalNodes)
        }
        return Space(freeBytes: freeBytes, totalBytes: totalBytes, freeNodes: freeNodes, totalNodes: totalNodes)
    }

    /// The identity of the mount this is on (statx(2), Linux 5.8), 0 where the kernel does not tell: the device number alone does not
    /// show a bind mount.
    public var mountIdentity: UInt64 { ingot_mount_id(number) }

    /// When the file was made, in nanoseconds (statx(2) STATX_BTIME), 0 where the file system does not keep it: with its number it tells a
    /// file from all that had or will have the same number.
    public var born: UInt64 { ingot_birth_time(number) }
}
