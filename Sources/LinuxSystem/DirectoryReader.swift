import CLinux
import Glibc

/// One entry of a directory listing.
public struct DirectoryEntry: Sendable {
    /// The entry's name.
    public let name: FileName
    /// Its kind as the directory says, without a look at the file; `nil` when the file system does not tell.
    public let kind: FileStatus.Kind?
}

/// Reads a directory piece by piece, getdents64(2): memory stays the same for ten entries and for a million.
public struct DirectoryReader: ~Copyable {
    private let directory: Descriptor
    private var buffer: [UInt8]

    /// A reader at the start of an open directory. It needs the descriptor for itself: the position belongs to it.
    public init(_ directory: Descriptor) {
        self.directory = directory
        buffer = [UInt8](repeating: 0, count: 64 * 1024)
    }

    /// The next entries, without `.` and `..`; `nil` at the end.
    ///
    /// Every entry that was there from the first call to the last is reported; one that came or went in between may be or not.
    public mutating func next() throws(SystemError) -> [DirectoryEntry]? {
        let directory = directory
        let size = buffer.count
        let filled = try attempt(.getdents64, directory.place) {
            unsafe buffer.withUnsafeMutableBytes { unsafe ingot_getdents(directory.number, $0.baseAddress, size) }
        }
        guard filled > 0 else { return nil }
        var entries: [DirectoryEntry] = []
        var position = 0
        // struct linux_dirent64: inode (8), offset (8), record length (2), type (1), name with NUL.
        while position < filled {
            let length = Int(buffer[position + 16]) | Int(buffer[position + 17]) << 8
            let nameStart = position + 19
            let nameEnd = buffer[nameStart..<position + length].firstIndex(of: 0) ?? position + length
            if let name = FileName(Array(buffer[nameStart..<nameEnd])) {
                entries.append(DirectoryEntry(name: name, kind: Self.kind(buffer[position + 18])))
            }
            position += length
        }
        return entries
    }

    private static func kind(_ type: UInt8) -> FileStatus.Kind? {
        switch Int(type) {
        case Int(DT_REG): .regular
        case Int(DT_DIR): .directory
        case Int(DT_LNK): .symbolicLink
        case Int(DT_FIFO): .fifo
        case Int(DT_SOCK): .socket
        case Int(DT_BLK), Int(DT_CHR): .device
        default: nil
        }
    }
}

extension Descriptor {
    /// All entries of a directory that is known to be small, such as one of the daemon's own.
    public func entries() throws(SystemError) -> [DirectoryEntry] {
        // A new open file of the same directory: the listing position belongs to the open file.
        let fresh = try openDirectorySelf()
        var reader = DirectoryReader(fresh)
        var all: [DirectoryEntry] = []
        while let some = try reader.next() { all += some }
        return all
    }

    /// Opens the directory behind this descriptor once more, with a listing position of its own.
    public func openDirectorySelf() throws(SystemError) -> Descriptor {
        let flags = O_RDONLY | ingot_o_directory | O_CLOEXEC
        return Descriptor(owning: try attempt(.openat, ".") { unsafe ingot_openat(number, ".", flags, 0) })
    }
}
