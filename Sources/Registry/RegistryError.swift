public import PostgresClient
public import Vocabulary

/// Why the registry could not be opened, read or written.
public struct RegistryError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Hashable, Sendable {
        /// PostgreSQL said so; see `cause`.
        case database
        /// The server takes no writes: a standby, or set to read only.
        case readOnly
        /// The server or the database is of a kind that cannot hold a registry.
        case unsupportedServer
        /// The schema was made by a newer Ingot.
        case newerSchema
        /// The schema is not what its version says.
        case damagedSchema
    }

    /// What kind of failure it is.
    public var code: Code
    /// What was being done.
    public var operation: String
    /// What is wrong, in one sentence.
    public var message: String
    /// What to do about it.
    public var hint: String?
    /// PostgreSQL's error.
    public var cause: PostgresError?

    /// An error.
    public init(
        code: Code, operation: String, message: String, hint: String? = nil, cause: PostgresError? = nil
    ) {
        self.code = code
        self.operation = operation
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    /// Whose turn it is. A submission's own fault is never thrown by `record`; elsewhere it is a fault of the set-up.
    public var scope: ErrorScope {
        switch code {
        case .database:
            switch cause?.scope {
            case .transient: .transient
            default: .operatorSetup
            }
        case .readOnly: .transient
        case .unsupportedServer, .newerSchema, .damagedSchema: .operatorSetup
        }
    }

    /// Whether the session is of no use any more and a new one has to be opened.
    public var invalidatesSession: Bool {
        // Opening it anew also mends what can be mended: missing steps of the schema, the store's own row.
        code == .damagedSchema || cause?.invalidatesConnection ?? true
    }

    /// One line for a person.
    public var description: String {
        "\(operation): \(message)" + (hint.map { " \($0)" } ?? "")
    }
}
