import CLinux
import Glibc

/// The answer to a request for a read lease; fcntl(2) F_SETLEASE.
public enum LeaseAnswer: Sendable, Equatable {
    /// Granted: nobody has the file open for writing or mapped writable, and whoever tries from now on waits and shows.
    case granted
    /// Somebody has the file open for writing, or mapped writable.
    case writerPresent
    /// The file belongs to somebody else and the daemon has no CAP_LEASE.
    case notPermitted
    /// This file system has no leases.
    case unsupported
}

extension Descriptor {
    /// Asks for a read lease on a file opened read-only.
    ///
    /// SIGIO must be ignored before the first call (``ignoreLeaseSignals()``): it announces a break, and by default it kills.
    public func requestLease() throws(SystemError) -> LeaseAnswer {
        do {
            _ = try attempt(.fcntl, "F_SETLEASE") { ingot_set_lease(number, ingot_f_rdlck) }
            return .granted
        } catch {
            switch error.code {
            case EAGAIN: return .writerPresent
            case EACCES, EPERM: return .notPermitted
            case EINVAL, EOPNOTSUPP, ENOLCK, ENOSYS, ENOTTY: return .unsupported
            default: throw error
            }
        }
    }

    /// Whether the lease is still whole: it reads as gone from the moment that somebody *tries* to open the file for writing.
    public var holdsLease: Bool { ingot_get_lease(number) == ingot_f_rdlck }

    /// Gives the lease back, so that a writer who waits may go on. Closing the descriptor does the same.
    public func releaseLease() {
        _ = ingot_set_lease(number, ingot_f_unlck)
    }
}

/// Ignores SIGIO for the whole process: a lease break is noticed by asking, never by dying.
public func ignoreLeaseSignals() {
    _ = signal(SIGIO, SIG_IGN)
}
