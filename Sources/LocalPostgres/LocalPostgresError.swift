public import Vocabulary

/// Why a private cluster was not made, started or stopped.
public struct LocalPostgresError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Hashable, Sendable {
        /// No PostgreSQL server is installed, or not the one that made the cluster.
        case notInstalled
        /// The server refuses to run as root and there is nobody else to run it.
        case noUser
        /// The directory cannot be used.
        case directory
        /// Another server runs on this cluster.
        case alreadyRunning
        /// A program of PostgreSQL failed.
        case programFailed
        /// The server did not come up, or did not go down, in time.
        case timedOut
    }

    /// What kind of failure it is.
    public var code: Code
    /// What is wrong, in one sentence.
    public var message: String
    /// What to do about it.
    public var hint: String?

    /// An error.
    public init(code: Code, message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// Whose turn it is.
    public var scope: ErrorScope {
        code == .timedOut ? .transient : .operatorSetup
    }

    /// One line for a person.
    public var description: String { message + (hint.map { " \($0)" } ?? "") }
}
