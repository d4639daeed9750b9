import LinuxSystem
import Synchronization

/// Files whose fsync(2) has failed in this process and that outlive it: producers' own, and blobs.
///
/// The kernel marks pages clean that it could not write, so that the next fsync of the file succeeds with nothing on disk. Such a file is
/// never asked again: a producer's is copied instead of moved, a blob is replaced. Inode numbers are given out again, so the time of birth
/// tells a file from a later one with its number; where the file system keeps none, the later one is not believed either.
final class SuspectFiles: Sendable {
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: FileStatus) {
            device = status.device
            inode = status.inode
        }
    }

    private let births = Mutex<[Identity: UInt64]>([:])

    /// Whether a file has the number of one of them; costs no system call.
    func mayContain(_ status: FileStatus) -> Bool { births.withLock { $0[Identity(status)] != nil } }

    /// Whether a file is one of them.
    func contains(_ file: Descriptor) throws(SystemError) -> Bool {
        let status = try file.status()
        return births.withLock { $0[Identity(status)] } == .some(file.born)
    }

    /// Syncs a file that will still be there if that fails, and remembers the failure.
    func sync(_ file: Descriptor) throws(SystemError) {
        do { try file.sync() } catch {
            insert(file)
            throw error
        }
    }

    /// Notes a file whose bytes may have been lost.
    func insert(_ file: Descriptor) {
        guard let status = try? file.status() else { return }
        births.withLock { $0[Identity(status)] = file.born }
    }
}
