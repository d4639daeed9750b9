/// A value that goes with a statement.
public enum Parameter: Sendable {
    /// SQL NULL.
    case null
    /// Text, which the server converts to the type that the statement gives the parameter.
    case text(String)
    /// A `bytea`.
    case bytes([UInt8])
    /// A `text[]` of one dimension; `nil` is a NULL element.
    ///
    /// Sent in PostgreSQL's binary format: nothing is quoted, so nothing can be unquoted wrongly.
    case texts([String?])
}

extension Parameter: ExpressibleByStringLiteral, ExpressibleByNilLiteral {
    /// Text.
    public init(stringLiteral value: String) { self = .text(value) }

    /// SQL NULL.
    public init(nilLiteral: ()) { self = .null }

    /// Text, or SQL NULL for `nil`.
    public init(_ text: String?) {
        self = text.map(Parameter.text) ?? .null
    }
}

/// One statement with its parameters.
public struct Statement: Sendable {
    /// What errors call it; not a prepared statement's name.
    public var name: String
    /// One SQL command with `$1`, `$2` … for its parameters.
    public var sql: String
    /// The parameters, in order.
    public var parameters: [Parameter]

    /// A statement.
    public init(_ name: String, _ sql: String, _ parameters: [Parameter] = []) {
        self.name = name
        self.sql = sql
        self.parameters = parameters
    }
}
