private import CLibpq

extension Connection {
    /// Runs statements one after the other in one round trip, libpq's pipeline mode.
    ///
    /// With a BEGIN first and a COMMIT last they are one transaction; without, they are one implicit transaction. Either
    /// way the first error undoes all of it, and a transaction that stayed open because of it is rolled back.
    ///
    /// - Parameters:
    ///   - statements: what to run, in order; each is one command.
    ///   - operation: what an error says was being done.
    ///   - deadline: when to give up and close the connection. Whether a COMMIT got through is unknown then.
    /// - Returns: one result for each statement.
    /// - Throws: the error of the first statement that failed, or why the connection was lost.
    public func pipeline(
        _ statements: [Statement], operation: String = "running a pipeline", deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> [QueryResult] {
        let handle = try unsafe openHandle(operation: operation)
        guard unsafe PQenterPipelineMode(handle) == 1 else { throw lost(operation: operation) }
        do {
            for statement in statements { try send(statement, operation: operation) }
        } catch {
            // Half of a pipeline must not reach the server: without its sync point it is never executed.
            close()
            throw error
        }
        guard unsafe PQpipelineSync(handle) == 1 else { throw lost(operation: operation) }
        try flush(operation: operation, deadline: deadline)
        var results: [QueryResult] = []
        var failure: PostgresError?
        for statement in statements {
            let result = try pipelineResult(operation: operation, deadline: deadline)
            if result.status == .failure, failure == nil {
                failure = serverError(result, operation: operation, statement: statement.name)
            }
            results.append(result)
        }
        try leavePipeline(operation: operation, deadline: deadline)
        if let failure { throw settled(failure, deadline: deadline) }
        return results
    }

    /// The result of one statement and the NULL that follows it.
    private func pipelineResult(
        operation: String, deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> QueryResult {
        guard let result = try nextResult(operation: operation, deadline: deadline) else {
            throw lost(operation: operation)
        }
        switch result.status {
        case .success, .aborted: break
        case .failure:
            // A server that ends the session (57P01) sends its reason and no more: the reason is worth keeping.
            let reason = serverError(result, operation: operation, statement: nil)
            if reason.invalidatesConnection { throw settled(reason, deadline: deadline) }
        case .pipelineSync, .copy: throw unexpected("a result out of turn", operation: operation)
        }
        guard try nextResult(operation: operation, deadline: deadline) == nil else {
            throw unexpected("two results for one statement", operation: operation)
        }
        return result
    }

    /// Reads the sync point, which no NULL follows, and goes back to one statement at a time.
    private func leavePipeline(operation: String, deadline: ContinuousClock.Instant) throws(PostgresError) {
        let sync = try nextResult(operation: operation, deadline: deadline)
        guard sync?.status == .pipelineSync else { throw unexpected("no sync point", operation: operation) }
        let handle = try unsafe openHandle(operation: operation)
        guard unsafe PQexitPipelineMode(handle) == 1 else { throw lost(operation: operation) }
    }
}
