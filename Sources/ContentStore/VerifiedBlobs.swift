import LinuxSystem
import Synchronization
import Vocabulary

/// Which blobs this process has itself published or hashed, so that a de-duplication hit need not be hashed twice.
///
/// A blob counts only while it is the same inode with the same size and times; the set is bounded and simply forgets.
final class VerifiedBlobs: Sendable {
    private static let capacity = 8192

    private let seen = Mutex<[Digest: FileStatus]>([:])

    func contains(_ digest: Digest, _ status: FileStatus) -> Bool {
        guard let known = seen.withLock({ $0[digest] }) else { return false }
        return known.hasSameContent(as: status)
    }

    func insert(_ digest: Digest, _ status: FileStatus) {
        seen.withLock { seen in
            if seen.count >= Self.capacity { seen.removeAll(keepingCapacity: true) }
            seen[digest] = status
        }
    }

    func remove(_ digest: Digest) {
        seen.withLock { _ = $0.removeValue(forKey: digest) }
    }
}
