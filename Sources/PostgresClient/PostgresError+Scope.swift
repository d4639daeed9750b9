public import Vocabulary

extension PostgresError {
    /// Whose turn it is now: wait, set the submission aside, or call the operator.
    public var scope: ErrorScope {
        switch code {
        case .sqlState(let state): Self.scope(ofSQLState: state)
        case .unreachable, .unsuitableServer, .connectionLost, .deadlineExceeded, .protocolViolation: .transient
        case .connectionString, .connectionSetup: .operatorSetup
        case .parameter: .submission
        }
    }

    /// Whether the connection cannot be used any more and a new one has to be opened.
    ///
    /// A demoted primary keeps its old sessions and answers 25006 to each write, so that one leads to a new
    /// connection too: only a new one asks the name service again where the primary is.
    public var invalidatesConnection: Bool {
        if severity == "FATAL" || severity == "PANIC" { return true }
        return switch code {
        case .sqlState(let state):
            ["08", "57P", "25"].contains { state.hasPrefix($0) }
        case .parameter: false
        default: true
        }
    }

    /// The scope of a server's code (PostgreSQL, appendix A).
    ///
    /// `XX000` is an assertion about one statement's data far more often than anything else, and treating it as
    /// passing would let one submission hold up all others for ever. Class P0 is what triggers raise: a policy of the operator's
    /// on certain rows.
    private static func scope(ofSQLState state: String) -> ErrorScope {
        switch state {
        case "57014", "57P01", "57P02", "57P03", "57P05": return .transient
        case "55P03", "55006", "25006", "25P03": return .transient
        case "XX000": return .submission
        default: break
        }
        switch state.prefix(2) {
        case "08", "40", "53", "58": return .transient
        case "21", "22", "23", "44", "54", "P0": return .submission
        default: return .operatorSetup
        }
    }
}
