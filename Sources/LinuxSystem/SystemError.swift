import Glibc
public import Vocabulary

/// A system call that failed: which one, on what, and why.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The system call, such as `fsync`.
    public var call: SystemCall
    /// What it was about: a name or a path, escaped; empty when the descriptor says it all.
    public var subject: String
    /// The value of errno(3).
    public var code: Int32

    /// An error.
    public init(_ call: SystemCall, _ subject: String, code: Int32) {
        self.call = call
        self.subject = subject
        self.code = code
    }

    /// The call, its subject and the system's own words for the error number (strerror(3)).
    public var description: String {
        let place = subject.isEmpty ? "" : " \(subject)"
        return "\(call.rawValue)\(place): \(Self.text(code))"
    }

    /// Whose turn it is.
    ///
    /// Space, quotas, descriptors, memory and I/O errors pass by themselves or by the operator's help and are never the
    /// fault of a submission. Missing rights and read-only file systems are the operator's.
    public var scope: ErrorScope {
        switch code {
        case EACCES, EPERM, EROFS, ELOOP, ENAMETOOLONG: .operatorSetup
        default: .transient
        }
    }

    /// Whether something ran out that comes back: space, quota, file nodes, descriptors or memory.
    public var isExhaustion: Bool {
        [ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, EFBIG].contains(code)
    }

    /// The system's words for an error number.
    public static func text(_ code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard unsafe strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// The system calls that can be made to fail in a test, by their own names.
public enum SystemCall: String, Sendable, CaseIterable {
    case openat, read, pread, write, fsync, syncfs, fstat, fstatat, linkat, renameat2, unlinkat, mkdirat, symlinkat
    case readlinkat, fchmod, fchown, fallocate, ficlone = "ioctl(FICLONE)", getdents64, flock, fcntl, fstatvfs
    case inotifyInit = "inotify_init1"
    case inotifyAddWatch = "inotify_add_watch"
    case poll, eventfd, ftruncate, futimens
    case syncFileRange = "sync_file_range"
    case posixSpawn = "posix_spawn"
    case waitpid, pipe2, kill
    case socketpair, sendmsg, recvmsg
}
