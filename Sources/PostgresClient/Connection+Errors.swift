private import CLibpq

extension Connection {
    /// The error of a failed result.
    func serverError(_ result: QueryResult, operation: String, statement: String?) -> PostgresError {
        guard let state = result.errorField(.sqlState) else {
            // Made by libpq itself, which it does when the connection breaks.
            return lostError(operation: operation)
        }
        let table = result.errorField(.table).map { name in
            result.errorField(.schema).map { "\($0).\(name)" } ?? name
        }
        return PostgresError(
            code: .sqlState(state), operation: operation, severity: result.errorField(.severity),
            primary: redacted(result.errorField(.primary) ?? "no message", secrets: secrets),
            detail: result.errorField(.detail).map { redacted($0, secrets: secrets) },
            hint: result.errorField(.hint), constraint: result.errorField(.constraint), table: table,
            column: result.errorField(.column), statement: statement)
    }

    /// Closes the connection and says why it was lost.
    func lost(operation: String) -> PostgresError {
        let error = lostError(operation: operation)
        close()
        return error
    }

    /// Closes the connection because of an answer that must not come.
    func unexpected(_ what: String, operation: String) -> PostgresError {
        close()
        return PostgresError(code: .protocolViolation, operation: operation, primary: what)
    }

    private func lostError(operation: String) -> PostgresError {
        let message = unsafe handle.flatMap { unsafe PQerrorMessage($0) }.map { unsafe String(cString: $0) } ?? ""
        let line = oneLine(redacted(message, secrets: secrets))
        return PostgresError(
            code: .connectionLost, operation: operation,
            primary: line.isEmpty ? "the connection to PostgreSQL was lost" : line)
    }
}

/// A message of several lines as one.
func oneLine(_ message: String) -> String {
    message.split(whereSeparator: \.isNewline)
        .map { $0.drop { $0.isWhitespace } }
        .filter { !$0.isEmpty }
        .joined(separator: " ")
}

/// A message without the secrets in it.
func redacted(_ message: String, secrets: [String]) -> String {
    secrets.filter { !$0.isEmpty }.reduce(message) { text, secret in
        text.replacing(secret, with: "…")
    }
}
