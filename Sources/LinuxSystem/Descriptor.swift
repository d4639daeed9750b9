import Glibc
import Synchronization

/// An open file or directory that closes itself when the last holder lets go.
///
/// A class and not a `~Copyable` struct: descriptors travel in arrays between threads as a part of a submission, and the last of
/// several holders (hash, publish, commit) differs from case to case. The number never changes, so it may be shared.
public final class Descriptor: Sendable {
    /// The number that the kernel gave, for calls that this module does not wrap.
    public let number: Int32
    /// Whether ``tryLock()`` was granted.
    let holdsLock = Atomic(false)

    /// Takes over an open descriptor.
    public init(owning number: Int32) { self.number = number }

    deinit {
        // A lock belongs to the open file, flock(2), and another thread may be starting a program right now: until that is executed, the new
        // process has a copy of every descriptor.
        if holdsLock.load(ordering: .relaxed) { _ = flock(number, LOCK_UN) }
        // A close that fails with EBADF means that somebody else closed our descriptor and may by now have closed a stranger's file.
        // No data hangs on close(2): whatever has to be durable was synced before, so other errors mean nothing here.
        if close(number) != 0 && errno == EBADF {
            fatalError("descriptor \(number) was closed behind its owner's back")
        }
    }
}

/// How to open a file; see open(2).
public struct OpenFlags: OptionSet, Sendable {
    /// The bits as open(2) takes them.
    public let rawValue: Int32

    /// Flags from their bits.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// O_WRONLY.
    public static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    /// O_RDWR.
    public static let readWrite = OpenFlags(rawValue: O_RDWR)
    /// O_CREAT.
    public static let create = OpenFlags(rawValue: O_CREAT)
    /// O_EXCL.
    public static let exclusive = OpenFlags(rawValue: O_EXCL)
    /// O_TRUNC.
    public static let truncate = OpenFlags(rawValue: O_TRUNC)
    /// O_APPEND.
    public static let append = OpenFlags(rawValue: O_APPEND)
}
