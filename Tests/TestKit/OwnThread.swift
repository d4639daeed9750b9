internal import LinuxSystem

/// Runs something that blocks for long on a thread of its own.
///
/// Tests share a thread for each processor: one that waits for half a minute until a daemon gives up would hold up the others, and they it.
/// What is expected inside still counts for the test.
public func onOwnThread(_ body: () throws -> Void) async throws {
    let executor = LaneExecutor()
    executor.start()
    defer { executor.close() }
    try await withTaskExecutorPreference(executor) { try await call(body) }
}

/// Asynchronous only so that it is called on the executor of its task.
private nonisolated func call(_ body: () throws -> Void) async throws { try body() }

/// One lane as the executor of a task; it lives until it is closed.
private final class LaneExecutor: TaskExecutor {
    private let jobs = Mailbox<UnownedJob>()

    func start() {
        _ = Lane("test") { [self] in
            while let some = jobs.receive() {
                for job in some { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
            }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { jobs.send(UnownedJob(job)) }

    func close() { jobs.close() }
}
