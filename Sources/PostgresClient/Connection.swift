private import CLibpq
private import Glibc

/// One connection to PostgreSQL, driven through libpq without ever waiting past a deadline.
///
/// Invariants:
/// 1. One thread uses it: it is not `Sendable`, and neither is libpq's `PGconn`.
/// 2. The socket never blocks. Every wait is a poll(2) with a deadline; a query, a COMMIT or a log-in that is not done by
///    then closes the connection, because nothing else ends a wait for a server that accepts and never answers.
/// 3. Between two calls nothing is under way: all results are read, pipeline mode is left, and a transaction that a failed
///    call has opened is rolled back.
/// 4. Once broken it stays broken: every later call throws `connectionLost` at once.
///
/// ```
///              open                     failure of the connection, deadline, close
///   (nothing) ───────▶ idle ⇄ running ───────────────────────────────────────────────▶ closed
/// ```
@safe public final class Connection {
    /// libpq's connection; `nil` once closed.
    private(set) var handle: OpaquePointer?
    /// Takes what the server has to say beside results.
    private let notices: NoticeHandler
    /// Passwords and the like that no message may repeat.
    let secrets: [String]

    /// Takes over a connected, idle `PGconn`.
    init(owning handle: OpaquePointer, notices: NoticeHandler, secrets: [String]) {
        unsafe self.handle = handle
        self.notices = notices
        self.secrets = secrets
    }

    deinit {
        close()
    }

    /// Whether the connection can still be used.
    public var isOpen: Bool { unsafe handle != nil }

    /// The server's process that serves this connection, PQbackendPID().
    public var backendProcessID: Int32 { unsafe handle.map { unsafe PQbackendPID($0) } ?? 0 }

    /// The server's version as a number, such as 150018, PQserverVersion().
    public var serverVersion: Int { unsafe handle.map { unsafe Int(PQserverVersion($0)) } ?? 0 }

    /// Says good-bye and closes the socket. Does not wait, PQfinish() on a socket that does not block.
    public func close() {
        guard let open = unsafe handle else { return }
        unsafe PQfinish(open)
        unsafe handle = nil
    }

    /// Runs one statement and returns its rows.
    ///
    /// - Parameters:
    ///   - sql: one command, with `$1` … for parameters.
    ///   - parameters: the values, in order.
    ///   - deadline: when to give up and close the connection.
    /// - Throws: the server's error, or why the connection was lost.
    public func query(
        _ sql: String, _ parameters: [Parameter] = [], deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> QueryResult {
        let operation = "running a query"
        try send(Statement("query", sql, parameters), operation: operation)
        try flush(operation: operation, deadline: deadline)
        return try finish(operation: operation, statement: nil, deadline: deadline)
    }

    /// Runs several commands that are separated by semicolons, without parameters, and drops their rows.
    ///
    /// Without a BEGIN of its own all of it is one transaction (PostgreSQL, 55.2.2.1).
    ///
    /// - Parameters:
    ///   - sql: the commands.
    ///   - name: what an error calls them.
    ///   - deadline: when to give up and close the connection.
    /// - Throws: the first error of the server, or why the connection was lost.
    public func script(
        _ sql: String, name: String, deadline: ContinuousClock.Instant
    ) throws(PostgresError) {
        let operation = "running \(name)"
        let handle = try unsafe openHandle(operation: operation)
        guard unsafe PQsendQuery(handle, sql) == 1 else { throw lost(operation: operation) }
        try flush(operation: operation, deadline: deadline)
        _ = try finish(operation: operation, statement: name, deadline: deadline)
    }

    /// The handle, or why there is none.
    func openHandle(operation: String) throws(PostgresError) -> OpaquePointer {
        guard let handle = unsafe handle else {
            throw PostgresError(code: .connectionLost, operation: operation, primary: "the connection is closed")
        }
        return unsafe handle
    }

    /// Hands one statement to libpq's buffer, PQsendQueryParams().
    func send(_ statement: Statement, operation: String) throws(PostgresError) {
        let handle = try unsafe openHandle(operation: operation)
        let encoded = try EncodedParameters(statement.parameters, operation: operation)
        let sent = unsafe encoded.bytes.withUnsafeBufferPointer { buffer in
            let base = unsafe buffer.baseAddress.map { unsafe UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }
            let values = unsafe encoded.offsets.map { offset in unsafe offset.flatMap { unsafe base?.advanced(by: $0) }
            }
            return unsafe PQsendQueryParams(
                handle, statement.sql, Int32(values.count), encoded.types, values, encoded.lengths, encoded.formats, 0)
        }
        guard sent == 1 else { throw lost(operation: operation) }
    }

    /// Reads all results of what was sent, returns the last, throws the first error.
    private func finish(
        operation: String, statement: String?, deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> QueryResult {
        var last: QueryResult?
        var failure: PostgresError?
        while let result = try nextResult(operation: operation, deadline: deadline) {
            if result.status == .copy { throw unexpected("COPY is not possible here", operation: operation) }
            if result.status == .failure, failure == nil {
                failure = serverError(result, operation: operation, statement: statement)
            }
            last = result
        }
        if let failure { throw settled(failure, deadline: deadline) }
        guard let last else { throw lost(operation: operation) }
        return last
    }

    /// After an error: closes what cannot be used any more, rolls back what is still open (invariant 3).
    func settled(_ failure: PostgresError, deadline: ContinuousClock.Instant) -> PostgresError {
        guard let handle = unsafe handle else { return failure }
        guard !failure.invalidatesConnection, unsafe PQstatus(handle) == CONNECTION_OK else {
            close()
            return failure
        }
        if unsafe PQtransactionStatus(handle) != PQTRANS_IDLE {
            // Failing again closes the connection, and that rolls back as well.
            do { _ = try query("ROLLBACK", deadline: deadline) } catch { close() }
        }
        return failure
    }
}
