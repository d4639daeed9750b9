public import LinuxSystem

/// Why a payload could not be brought into the store.
public enum TakeError: Error, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(SystemError)
    /// The file changed while it was read, or somebody asked to write to it: these bytes prove nothing.
    case changed
    /// The store's reserve would be used up: how many bytes are missing.
    case noRoom(missingBytes: UInt64)
    /// The daemon is stopping.
    case stopped

    /// What happened.
    public var description: String {
        switch self {
        case .system(let error): error.description
        case .changed: "the payload changed while it was read"
        case .noRoom(let missing): "the store needs \(missing) bytes more to keep its reserve"
        case .stopped: "the daemon is stopping"
        }
    }
}
