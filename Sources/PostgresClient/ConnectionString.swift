private import CLibpq

/// A connection string and what its options say, as far as it has any.
///
/// Nothing of it is kept after the connection is open: the next one parses again, so that a password file, a service
/// file or a name service that says something else by then is heard.
struct ConnectionString {
    /// As it was given.
    let text: String
    /// The options that the string itself gives, by libpq's keyword.
    private(set) var options: [String: String] = [:]

    /// Parses a string as libpq does, PQconninfoParse(). One that is neither a URI nor `key=value` is a database's name.
    ///
    /// - Throws: `connectionString`; with nothing that the string holds in the message, for that may be a password.
    init(_ text: String) throws(PostgresError) {
        self.text = text
        let isParsed = text.contains("=") || text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
        guard isParsed else { return }
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = unsafe PQconninfoParse(text, &message) else {
            defer { unsafe PQfreemem(message) }
            let reason = unsafe message.map { unsafe String(cString: $0) } ?? "out of memory"
            throw PostgresError(
                code: .connectionString, operation: "reading the connection string",
                primary: Self.withoutQuotations(oneLine(reason)),
                hint: "It is a libpq connection string: postgresql://user@host/name, or key=value pairs.")
        }
        defer { unsafe PQconninfoFree(parsed) }
        var option = unsafe parsed
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                options[unsafe String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe option += 1
        }
    }

    /// What no message may repeat. A host with an `@` is the rest of a password that was not percent-encoded.
    var secrets: [String] {
        let hosts = (options["host"] ?? "").split(separator: ",").map(String.init).filter { $0.contains("@") }
        return ["password", "sslpassword"].compactMap { options[$0] } + hosts
    }

    /// The hosts to try, one after the other, as options that override the string's; one empty set when there is no list.
    ///
    /// libpq would walk a list itself, but it has no time limit per host in its non-blocking interface: a first host that
    /// drops packets would use up the whole deadline.
    var candidates: [[String: String]] {
        let lists = ["host", "hostaddr", "port"].compactMap { key in
            options[key].map { (key, $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)) }
        }
        let count = lists.filter { $0.0 != "port" }.map(\.1.count).max() ?? 1
        guard count > 1, lists.allSatisfy({ $0.1.count == count || $0.0 == "port" && $0.1.count == 1 }) else {
            return [[:]]
        }
        return (0..<count).map { index in
            Dictionary(uniqueKeysWithValues: lists.map { ($0.0, $0.1.count == 1 ? $0.1[0] : $0.1[index]) })
        }
    }

    /// The options for libpq, in an order in which later ones win.
    func keywords(applicationName: String, candidate: [String: String], isOneOfSeveral: Bool) -> [(String, String)] {
        var all = [("fallback_application_name", applicationName)]
        // What a service file says is only filled in where nothing else is said, so with one these defaults are its.
        if options["service"] == nil {
            all += [
                ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
                ("tcp_user_timeout", "20000"),
            ]
        }
        if isOneOfSeveral { all.append(("target_session_attrs", "read-write")) }
        all.append(("dbname", text))
        all += candidate.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        // Everything we send and read is UTF-8, whatever the string or the environment prefer.
        all.append(("client_encoding", "UTF8"))
        return all
    }

    /// A message with everything between double quotes taken out.
    static func withoutQuotations(_ message: String) -> String {
        message.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .map { $0.offset % 2 == 0 ? String($0.element) : "…" }
            .joined(separator: "\"")
    }
}
