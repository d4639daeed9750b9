internal import Vocabulary

/// Why something that was asked of PostgreSQL did not happen.
///
/// A description names the operation, the server's message and the SQLSTATE; it never holds a statement's parameters,
/// and a password that libpq repeats is taken out before the error is made.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Hashable, Sendable {
        /// The server's own code, five characters (PostgreSQL, appendix A).
        case sqlState(String)
        /// No server could be reached.
        case unreachable
        /// The server is reachable but not the kind that was asked for, such as a standby where a primary is needed.
        case unsuitableServer
        /// The connection broke.
        case connectionLost
        /// The deadline passed; the connection was closed.
        case deadlineExceeded
        /// libpq does not understand the connection string.
        case connectionString
        /// What the connection string asks for cannot be had: a password, a certificate, a TLS mode.
        case connectionSetup
        /// A parameter cannot be sent.
        case parameter
        /// Server or libpq did something that the protocol does not allow here.
        case protocolViolation
    }

    /// What kind of failure it is.
    public var code: Code
    /// What was being done, such as `connecting to "ingot" on /run/postgresql`.
    public var operation: String
    /// `ERROR`, `FATAL` or `PANIC`, when the server said so.
    public var severity: String?
    /// The message: what is wrong, in one line.
    public var primary: String
    /// The server's detail. It may quote values of rows, so it is no part of the description.
    public var detail: String?
    /// The server's advice.
    public var hint: String?
    /// The constraint at fault.
    public var constraint: String?
    /// The table at fault, with its schema.
    public var table: String?
    /// The column at fault.
    public var column: String?
    /// The name of the statement that failed.
    public var statement: String?

    /// An error.
    public init(
        code: Code, operation: String, severity: String? = nil, primary: String, detail: String? = nil,
        hint: String? = nil, constraint: String? = nil, table: String? = nil, column: String? = nil,
        statement: String? = nil
    ) {
        self.code = code
        self.operation = operation
        self.severity = severity
        self.primary = primary
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
        self.table = table
        self.column = column
        self.statement = statement
    }

    /// The SQLSTATE, when the server gave one.
    public var sqlState: String? {
        if case .sqlState(let state) = code { state } else { nil }
    }

    /// One line for a person: operation, message, where, code, advice.
    public var description: String {
        var facts: [String] = []
        if let sqlState { facts.append("SQLSTATE \(sqlState)") }
        if let statement { facts.append("statement \(statement)") }
        if let table { facts.append("table \(table)") }
        if let column { facts.append("column \(column)") }
        if let constraint { facts.append("constraint \(constraint)") }
        var text = "\(operation): \(primary)"
        if !facts.isEmpty { text += " (\(facts.joined(separator: ", ")))" }
        if let hint { text += ". \(hint)" }
        return escaped(text)
    }
}
