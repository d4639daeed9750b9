import LinuxSystem
import Synchronization

/// Files whose fsync(2) has failed in this process.
///
/// The kernel marks pages clean that it could not write, so that the next fsync of the file succeeds with nothing on disk. Such a file is
/// never asked again: a producer's is copied instead of moved, a blob is replaced.
final class SuspectFiles: Sendable {
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: FileStatus) {
            device = status.device
            inode = status.inode
        }
    }

    private let files = Mutex(Set<Identity>())

    func contains(_ status: FileStatus) -> Bool { files.withLock { $0.contains(Identity(status)) } }

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
        files.withLock { _ = $0.insert(Identity(status)) }
    }
}
