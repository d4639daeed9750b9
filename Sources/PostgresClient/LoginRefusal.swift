/// What libpq prints when nobody lets us in, understood.
///
/// libpq has no SQLSTATE for a connection that failed; at full verbosity the server's is in the text:
/// `connection to server on socket "…" failed: FATAL:  3D000: database "x" does not exist`, then `LOCATION:  …`.
struct LoginRefusal {
    let message: String
    let needsPassword: Bool

    /// The refusal as an error.
    func error(operation: String) -> PostgresError {
        let lines = message.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("LOCATION:") }.map(String.init)
        let text = oneLine(lines.joined(separator: "\n"))
        for line in lines.reversed() {
            guard let (severity, state, primary) = Self.serverMessage(in: line) else { continue }
            let hint = lines.first { $0.hasPrefix("HINT:") }.map { oneLine(String($0.dropFirst(5))) }
            return PostgresError(
                code: .sqlState(state), operation: operation, severity: severity, primary: primary, hint: hint)
        }
        return PostgresError(code: code, operation: operation, primary: text.isEmpty ? "no reason was given" : text)
    }

    /// The severity, SQLSTATE and message in a line of the server's.
    static func serverMessage(in line: String) -> (severity: String, state: String, primary: String)? {
        for severity in ["FATAL", "ERROR", "PANIC"] {
            guard let range = line.firstRange(of: "\(severity):  ") else { continue }
            let rest = line[range.upperBound...]
            let state = rest.prefix(5)
            let isState = state.count == 5 && state.allSatisfy { $0.isASCII && ($0.isNumber || $0.isUppercase) }
            guard isState, rest.dropFirst(5).hasPrefix(": ") else { continue }
            return (severity, String(state), String(rest.dropFirst(7)))
        }
        return nil
    }

    /// What kind of failure it is when no server gave a code.
    ///
    /// Words of libpq 13 to 18, untranslated: nothing here calls setlocale(3). An unknown one passes for an unreachable
    /// server, which is tried again and reported all the same.
    private var code: PostgresError.Code {
        let says = { (words: String...) in words.contains { message.contains($0) } }
        if says("session is read-only", "session is not read-only", "hot standby mode", "server is not in") {
            return .unsuitableServer
        }
        if says("SSL SYSCALL error", "closed the connection unexpectedly", "SSL connection has been closed") {
            return .unreachable
        }
        if needsPassword || says("SSL", "certificate", "password", "authentication", "GSSAPI", "private key") {
            return .connectionSetup
        }
        if says("invalid ", "definition of service", "service file", "could not match") { return .connectionString }
        return .unreachable
    }
}
