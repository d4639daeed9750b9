private import CLibpq

/// The rows that a statement returned; frees them when it goes.
@safe public final class QueryResult {
    /// The result of libpq, ours alone.
    private let handle: OpaquePointer

    /// Takes over a `PGresult`.
    init(owning handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    deinit {
        unsafe PQclear(handle)
    }

    /// The number of rows.
    public var rowCount: Int { Int(unsafe PQntuples(handle)) }

    /// The number of columns.
    public var columnCount: Int { Int(unsafe PQnfields(handle)) }

    /// The number of rows that an INSERT, UPDATE or DELETE changed, PQcmdTuples().
    public var affectedRowCount: Int { unsafe Int(String(cString: PQcmdTuples(handle))) ?? 0 }

    /// A value as the text that PostgreSQL prints; `nil` for NULL.
    ///
    /// - Precondition: row and column exist, both counted from 0.
    public func text(_ row: Int, _ column: Int) -> String? {
        guard let (start, count) = unsafe value(row, column) else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// A value's bytes as they came: for a text column its UTF-8; `nil` for NULL.
    ///
    /// - Precondition: row and column exist, both counted from 0.
    public func bytes(_ row: Int, _ column: Int) -> [UInt8]? {
        guard let (start, count) = unsafe value(row, column) else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: start, count: count))
    }

    /// A value as an integer; `nil` for NULL and for what is none.
    public func integer(_ row: Int, _ column: Int) -> Int64? { text(row, column).flatMap { Int64($0) } }

    /// A value as a truth value; `nil` for NULL and for what is none.
    public func bool(_ row: Int, _ column: Int) -> Bool? {
        switch text(row, column) {
        case "t": true
        case "f": false
        default: nil
        }
    }

    /// A value's bytes, which live as long as the result.
    private func value(_ row: Int, _ column: Int) -> (UnsafePointer<UInt8>, Int)? {
        precondition(row >= 0 && row < rowCount && column >= 0 && column < columnCount, "no such row or column")
        let (row, column) = (Int32(row), Int32(column))
        guard unsafe PQgetisnull(handle, row, column) == 0, let start = unsafe PQgetvalue(handle, row, column)
        else { return nil }
        let count = unsafe Int(PQgetlength(handle, row, column))
        return unsafe (UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count)
    }

    /// Whether the statement succeeded, and if not, how.
    enum Status {
        case success, failure, aborted, pipelineSync, copy
    }

    /// What PQresultStatus() says.
    var status: Status {
        switch unsafe PQresultStatus(handle) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE, PGRES_EMPTY_QUERY: .success
        case PGRES_PIPELINE_SYNC: .pipelineSync
        case PGRES_PIPELINE_ABORTED: .aborted
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: .copy
        default: .failure
        }
    }

    /// One field of the server's error, PQresultErrorField().
    func errorField(_ field: ErrorField) -> String? {
        guard let text = unsafe PQresultErrorField(handle, field.rawValue) else { return nil }
        return unsafe String(cString: text)
    }

    /// Field codes of the protocol's ErrorResponse (PostgreSQL, 55.8; the PG_DIAG_ macros).
    enum ErrorField: Int32 {
        case severity = 0x56
        case sqlState = 0x43
        case primary = 0x4D
        case detail = 0x44
        case hint = 0x48
        case schema = 0x73
        case table = 0x74
        case column = 0x63
        case constraint = 0x6E
    }
}
