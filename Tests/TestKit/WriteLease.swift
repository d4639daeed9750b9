internal import Glibc
public import LinuxSystem

/// A write lease, fcntl(2) F_SETLEASE with F_WRLCK: whoever opens the file meanwhile waits, or gets EAGAIN.
public struct WriteLease: Sendable {
    // F_SETLEASE is F_LINUX_SPECIFIC_BASE, a macro that Swift does not import.
    private static let command: Int32 = 1024
    private let file: Descriptor

    /// Takes it on a file that nobody else has open; `nil` when it is not granted.
    public init?(on file: Descriptor) {
        guard fcntl(file.number, Self.command, Int32(F_WRLCK)) == 0 else { return nil }
        self.file = file
    }

    /// Gives it back.
    public func release() { _ = fcntl(file.number, Self.command, Int32(F_UNLCK)) }
}
