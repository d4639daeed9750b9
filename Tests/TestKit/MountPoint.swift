internal import Glibc
internal import LinuxSystem
internal import Testing

/// A tmpfs that is mounted where everybody sees it, for tests about mounting and unmounting; unmounted when it goes.
///
/// A crashed run leaves it mounted in its scratch directory, where the next run's sweep finds it.
public final class MountPoint: Sendable {
    private let path: String

    /// Mounts an empty file system over a directory in a scratch directory on the host.
    public init(over path: String, sizeInMiB: Int = 1) throws {
        guard geteuid() == 0 else { try Test.cancel("Mounting needs root") }
        try Tool.run("mount", ["-t", "tmpfs", "-o", "size=\(sizeInMiB)m", "scratch", path])
        self.path = path
    }

    /// Unmounts it; fails while somebody has a file in it open.
    public func unmount() throws { try Tool.run("umount", [path]) }

    deinit { _ = try? Tool.run("umount", ["--lazy", path]) }
}
