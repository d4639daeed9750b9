private import CLibpq
private import Vocabulary

extension Connection {
    /// Connects and logs in.
    ///
    /// The string is any that libpq takes: a URI, `key=value` pairs, a service, several hosts. With several hosts one that
    /// accepts writes is looked for, each gets its share of the time, and the string may say otherwise with
    /// `target_session_attrs`. Names are looked up by libpq without a deadline of ours, getaddrinfo(3); resolv.conf(5)
    /// has one.
    ///
    /// - Parameters:
    ///   - connectionString: the string; it is parsed again at each call, and password and service files are read again.
    ///   - applicationName: what `pg_stat_activity` shows, unless the string says otherwise.
    ///   - deadline: when to give up.
    ///   - onNotice: takes the server's notices, one line each; they are dropped without it.
    /// - Throws: `connectionString`, `connectionSetup`, the server's refusal, `unreachable`, `deadlineExceeded`.
    public static func open(
        _ connectionString: String, applicationName: String = "ingotd", deadline: ContinuousClock.Instant,
        onNotice: (@Sendable (String) -> Void)? = nil
    ) throws(PostgresError) -> Connection {
        let string = try ConnectionString(connectionString)
        let candidates = string.candidates
        var failures: [PostgresError] = []
        for (index, candidate) in candidates.enumerated() {
            let now = ContinuousClock.now
            let share = now + (deadline - now) / (candidates.count - index)
            let keywords = string.keywords(
                applicationName: applicationName, candidate: candidate, isOneOfSeveral: candidates.count > 1)
            do {
                return try open(
                    keywords, notices: NoticeHandler(onNotice), secrets: string.secrets, deadline: share)
            } catch {
                failures.append(error)
            }
        }
        throw combined(failures)
    }

    /// Several hosts' errors as one: if one of them passes by itself, so does the whole.
    private static func combined(_ failures: [PostgresError]) -> PostgresError {
        let leading = failures.first { $0.scope == .transient } ?? failures.first
        guard var error = leading, failures.count > 1 else {
            return leading ?? PostgresError(code: .unreachable, operation: "connecting", primary: "no host is named")
        }
        error.primary = failures.map { "\($0.operation): \($0.primary)" }.joined(separator: "; ")
        error.operation = "connecting to one of \(failures.count) hosts"
        return error
    }

    /// Connects to one host, PQconnectStartParams() and PQconnectPoll().
    private static func open(
        _ keywords: [(String, String)], notices: NoticeHandler, secrets: [String], deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> Connection {
        guard let handle = unsafe start(keywords) else {
            throw PostgresError(code: .unreachable, operation: "connecting", primary: "out of memory")
        }
        let connection = unsafe Connection(owning: handle, notices: notices, secrets: secrets)
        unsafe notices.attach(to: handle)
        // The only way to learn the SQLSTATE of a refused log-in is to have it printed.
        _ = unsafe PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        try connection.poll(deadline: deadline)
        _ = unsafe PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
        guard unsafe PQsetnonblocking(handle, 1) == 0 else { throw connection.lost(operation: "connecting") }
        return connection
    }

    /// Starts connecting; libpq copies the strings.
    private static func start(_ keywords: [(String, String)]) -> OpaquePointer? {
        var text: [CChar] = []
        let offsets = keywords.map { keyword, value in
            let start = text.count
            text += keyword.utf8CString
            let middle = text.count
            text += value.utf8CString
            return (start, middle)
        }
        return unsafe text.withUnsafeBufferPointer { buffer in
            let base = buffer.baseAddress
            let names = unsafe offsets.map { pair in unsafe base?.advanced(by: pair.0) } + [nil]
            let values = unsafe offsets.map { pair in unsafe base?.advanced(by: pair.1) } + [nil]
            return unsafe PQconnectStartParams(names, values, 1)
        }
    }

    /// Drives the log-in to its end.
    ///
    /// libpq may move to another socket between two calls (the next address of a host), so that it is asked for each time.
    private func poll(deadline: ContinuousClock.Instant) throws(PostgresError) {
        var readiness = Readiness.writing
        while true {
            let handle = try unsafe openHandle(operation: "connecting")
            guard unsafe PQstatus(handle) != CONNECTION_BAD else { throw refused() }
            let socket = unsafe PQsocket(handle)
            guard socket >= 0 else { throw refused() }
            guard waitForSocket(socket, until: readiness, deadline: deadline) != nil else {
                let operation = target
                close()
                throw PostgresError(
                    code: .deadlineExceeded, operation: operation, primary: "PostgreSQL did not answer in time")
            }
            switch unsafe PQconnectPoll(handle) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: readiness = .reading
            case PGRES_POLLING_WRITING: readiness = .writing
            default: throw refused()
            }
        }
    }

    /// What is being connected to, without secrets.
    private var target: String {
        guard let handle = unsafe handle else { return "connecting" }
        let field = { (text: UnsafePointer<CChar>?) in unsafe text.map { unsafe String(cString: $0) } ?? "" }
        let database = unsafe field(PQdb(handle))
        let host = unsafe field(PQhost(handle))
        let port = unsafe field(PQport(handle))
        let place = host.hasPrefix("/") || port.isEmpty ? host : "\(host):\(port)"
        return redacted("connecting to database \"\(database)\" on \(place)", secrets: secrets)
    }

    /// Closes the connection and says why nobody let us in.
    private func refused() -> PostgresError {
        let operation = target
        let message = unsafe handle.flatMap { unsafe PQerrorMessage($0) }.map { unsafe String(cString: $0) } ?? ""
        let needsPassword = unsafe handle.map { unsafe PQconnectionNeedsPassword($0) == 1 } ?? false
        close()
        return LoginRefusal(message: redacted(message, secrets: secrets), needsPassword: needsPassword)
            .error(operation: operation)
    }
}
