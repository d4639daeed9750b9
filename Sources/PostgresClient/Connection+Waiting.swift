private import CLibpq
private import Glibc

/// What a socket is waited for.
enum Readiness {
    case reading, writing, both

    fileprivate var events: Int16 {
        switch self {
        case .reading: Int16(POLLIN)
        case .writing: Int16(POLLOUT)
        case .both: Int16(POLLIN) | Int16(POLLOUT)
        }
    }
}

/// Waits until a socket is ready, poll(2).
///
/// - Returns: whether it can be read and whether it can be written; `nil` when the deadline came first. An error or a
///   hang-up counts as both: the next read tells.
func waitForSocket(
    _ socket: Int32, until readiness: Readiness, deadline: ContinuousClock.Instant
) -> (canRead: Bool, canWrite: Bool)? {
    var request = pollfd(fd: socket, events: readiness.events, revents: 0)
    while true {
        let left = deadline - ContinuousClock.now
        guard left > .zero else { return nil }
        // Rounded up: a wait that ends early would turn into a busy loop for the last millisecond.
        let milliseconds = left.components.seconds > 86_400 ? 86_400_000 : Int32(left / .milliseconds(1)) + 1
        switch unsafe poll(&request, 1, milliseconds) {
        case 1...:
            let broken = request.revents & ~(Int16(POLLIN) | Int16(POLLOUT)) != 0
            return (broken || request.revents & Int16(POLLIN) != 0, broken || request.revents & Int16(POLLOUT) != 0)
        case 0: continue
        default: if errno != EINTR { return (true, true) }
        }
    }
}

extension Connection {
    /// Sends everything that is in libpq's buffer.
    ///
    /// While it waits to write it also reads: a server that is itself stuck writing would never read otherwise
    /// (libpq, 34.4; 34.5.1.1).
    func flush(operation: String, deadline: ContinuousClock.Instant) throws(PostgresError) {
        while true {
            let handle = try unsafe openHandle(operation: operation)
            switch unsafe PQflush(handle) {
            case 0: return
            case 1:
                let ready = try wait(until: .both, operation: operation, deadline: deadline)
                if ready.canRead, unsafe PQconsumeInput(handle) == 0 { throw lost(operation: operation) }
            default: throw lost(operation: operation)
            }
        }
    }

    /// The next result, or `nil` when the statement has no more, PQgetResult() without its wait.
    func nextResult(operation: String, deadline: ContinuousClock.Instant) throws(PostgresError) -> QueryResult? {
        let handle = try unsafe openHandle(operation: operation)
        while unsafe PQisBusy(handle) == 1 {
            _ = try wait(until: .reading, operation: operation, deadline: deadline)
            // A connection that ends here leaves the server's last words in the buffer: PQgetResult hands them out.
            if unsafe PQconsumeInput(handle) == 0 { break }
        }
        return unsafe PQgetResult(handle).map { unsafe QueryResult(owning: $0) }
    }

    private func wait(
        until readiness: Readiness, operation: String, deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> (canRead: Bool, canWrite: Bool) {
        let handle = try unsafe openHandle(operation: operation)
        let socket = unsafe PQsocket(handle)
        guard socket >= 0 else { throw lost(operation: operation) }
        guard let ready = waitForSocket(socket, until: readiness, deadline: deadline) else {
            close()
            throw PostgresError(
                code: .deadlineExceeded, operation: operation, primary: "PostgreSQL did not answer in time")
        }
        return ready
    }
}
