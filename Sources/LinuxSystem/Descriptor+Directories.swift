import CLinux
import Glibc

extension Descriptor {
    private static let always = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW

    /// Opens a directory by an absolute path of the operator's (symbolic links in it are followed: it is the operator's word).
    public static func openDirectory(path: String) throws(SystemError) -> Descriptor {
        let flags = O_RDONLY | ingot_o_directory | O_CLOEXEC
        return Descriptor(
            owning: try attempt(.openat, path) { unsafe ingot_openat(AT_FDCWD, path, flags, 0) })
    }

    /// Opens a file by a path of the operator's, for reading.
    public static func openFile(path: String) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try attempt(.openat, path) { unsafe ingot_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0) })
    }

    /// Makes a directory by a path of the operator's, unless it is there.
    public static func makeDirectory(path: String, mode: UInt32) throws(SystemError) {
        do {
            _ = try attempt(.mkdirat, path) { unsafe mkdir(path, mode) }
        } catch where error.code == EEXIST {}
    }

    /// The absolute path of an open directory, as the kernel knows it.
    public func path() throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try attempt(.readlinkat, "/proc/self/fd") {
            unsafe readlink("/proc/self/fd/\(number)", &buffer, buffer.count)
        }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Opens a name in this directory: never through a symbolic link, never waiting (FIFO, somebody's write lease), never
    /// getting a terminal.
    public func open(_ name: FileName, _ flags: OpenFlags = [], mode: UInt32 = 0o600) throws(SystemError) -> Descriptor
    {
        Descriptor(
            owning: try attempt(.openat, name.description) {
                unsafe name.withCString { unsafe ingot_openat(number, $0, flags.rawValue | Self.always, mode) }
            })
    }

    /// Opens a sub-directory for reading; a symbolic link is an error (ENOTDIR or ELOOP).
    public func openDirectory(_ name: FileName) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try attempt(.openat, name.description) {
                unsafe name.withCString { unsafe ingot_openat(number, $0, Self.always | ingot_o_directory, 0) }
            })
    }

    /// Walks down to a directory, one name at a time, through no symbolic link.
    public func openDirectory(_ path: RelativePath) throws(SystemError) -> Descriptor {
        var directory = self
        for name in path.names { directory = try directory.openDirectory(name) }
        return directory
    }

    /// An unnamed file in this directory's file system, O_TMPFILE: a crash leaves nothing behind.
    public func openUnnamed(mode: UInt32) throws(SystemError) -> Descriptor {
        let flags = O_RDWR | ingot_o_tmpfile | O_CLOEXEC
        return Descriptor(owning: try attempt(.openat, "O_TMPFILE") { unsafe ingot_openat(number, ".", flags, mode) })
    }

    /// fstatat(2) of a name, not following a symbolic link; `nil` when there is no such name.
    public func status(of name: FileName) throws(SystemError) -> FileStatus? {
        var raw = stat()
        do {
            _ = try attempt(.fstatat, name.description) {
                unsafe name.withCString { unsafe fstatat(number, $0, &raw, AT_SYMLINK_NOFOLLOW) }
            }
        } catch where error.code == ENOENT || error.code == ENOTDIR {
            return nil
        }
        return FileStatus(raw)
    }

    /// mkdirat(2). The mode is cut by umask(2); see ``setMode(_:)``.
    public func makeDirectory(_ name: FileName, mode: UInt32) throws(SystemError) {
        _ = try attempt(.mkdirat, name.description) { unsafe name.withCString { unsafe mkdirat(number, $0, mode) } }
    }

    /// Opens a sub-directory and makes it first when it is missing.
    public func makeOrOpenDirectory(_ name: FileName, mode: UInt32) throws(SystemError) -> Descriptor {
        do { try makeDirectory(name, mode: mode) } catch where error.code == EEXIST {}
        return try openDirectory(name)
    }

    /// renameat2(2); with `replacing: false` an existing target is an error (EEXIST).
    public func rename(
        _ name: FileName, to target: Descriptor, as newName: FileName, replacing: Bool
    ) throws(SystemError) {
        _ = try attempt(.renameat2, "\(name)") {
            unsafe name.withCString { old in
                unsafe newName.withCString { new in
                    unsafe ingot_renameat(number, old, target.number, new, replacing ? 0 : 1)
                }
            }
        }
    }

    /// linkat(2) of a name in this directory; an existing target is an error (EEXIST).
    public func link(_ name: FileName, to target: Descriptor, as newName: FileName) throws(SystemError) {
        _ = try attempt(.linkat, "\(name)") {
            unsafe name.withCString { old in
                unsafe newName.withCString { new in unsafe linkat(number, old, target.number, new, 0) }
            }
        }
    }

    /// Gives an open file (also an unnamed one) a name; an existing name is an error (EEXIST).
    public func linkDescriptor(to target: Descriptor, as name: FileName) throws(SystemError) {
        _ = try attempt(.linkat, "\(name)") {
            unsafe name.withCString { unsafe ingot_link_descriptor(number, target.number, $0) }
        }
    }

    /// unlinkat(2); `false` when there was no such name.
    @discardableResult
    public func unlink(_ name: FileName) throws(SystemError) -> Bool {
        do {
            _ = try attempt(.unlinkat, "\(name)") { unsafe name.withCString { unsafe unlinkat(number, $0, 0) } }
            return true
        } catch where error.code == ENOENT {
            return false
        }
    }

    /// unlinkat(2) AT_REMOVEDIR; `false` when there was no such directory.
    @discardableResult
    public func removeDirectory(_ name: FileName) throws(SystemError) -> Bool {
        do {
            _ = try attempt(.unlinkat, "\(name)") {
                unsafe name.withCString { unsafe unlinkat(number, $0, AT_REMOVEDIR) }
            }
            return true
        } catch where error.code == ENOENT {
            return false
        }
    }

    /// What a symbolic link holds on every file system: XFS takes 1,023 bytes, ext4 and btrfs 4,095.
    private static let longestLink = 1000

    /// symlinkat(2): the daemon's way of leaving a short note in a directory of its own, atomically and in one call.
    ///
    /// A note that no link can hold becomes a file, which gets its name when it is complete. An existing name is an error (EEXIST).
    public func leaveNote(_ content: [UInt8], as name: FileName) throws(SystemError) {
        if content.count > Self.longestLink {
            let file = try openUnnamed(mode: 0o600)
            try file.write(content)
            return try file.linkDescriptor(to: self, as: name)
        }
        let target = content.map { CChar(bitPattern: $0) } + [0]
        _ = try attempt(.symlinkat, "\(name)") {
            unsafe name.withCString { unsafe symlinkat(target, number, $0) }
        }
    }

    /// Longer than any path the daemon follows.
    private static let longestNote = 64 * 1024

    /// readlinkat(2) of such a note; `nil` when there is none.
    public func note(_ name: FileName) throws(SystemError) -> [UInt8]? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        do {
            let count = try attempt(.readlinkat, "\(name)") {
                unsafe name.withCString { unsafe readlinkat(number, $0, &buffer, buffer.count) }
            }
            return buffer[..<count].map { UInt8(bitPattern: $0) }
        } catch where error.code == EINVAL {
            return try open(name).readAll(limit: Self.longestNote)
        } catch where error.code == ENOENT {
            return nil
        }
    }

    /// Puts a small file in place atomically: written under a temporary name, then renamed over whatever is there.
    ///
    /// - Parameter durable: whether the content is synced before the rename. Readers never see half a file either way;
    ///   without it a power cut may leave the old file, or an empty one.
    public func replaceFile(
        _ name: FileName, with content: [UInt8], mode: UInt32, durable: Bool
    ) throws(SystemError) {
        guard
            let temporary = FileName(
                FileName.temporaryPrefix + Array(String(UInt32.random(in: 0 ... .max), radix: 16).utf8))
        else {
            throw SystemError(.openat, "\(name)", code: ENAMETOOLONG)
        }
        let file = try open(temporary, [.writeOnly, .create, .exclusive], mode: mode)
        do {
            // A default ACL or a umask may have taken bits away.
            if try file.status().mode != mode { try file.setMode(mode) }
            try file.write(content)
            if durable { try file.sync() }
            try rename(temporary, to: self, as: name, replacing: true)
        } catch {
            // On a full disk it would take the room that is missing.
            _ = try? unlink(temporary)
            throw error
        }
    }
}
