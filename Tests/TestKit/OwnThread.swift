internal import Glibc
internal import LinuxSystem
public import Testing

/// Runs something that blocks for long on a thread of its own.
///
/// Tests share a thread for each processor: one that waits for half a minute until a daemon gives up would hold up the others, and they it.
/// What is expected inside still counts for the test.
public func onOwnThread(_ body: () throws -> Void) async throws {
    let executor = LaneExecutor(lanes: 1)
    defer { executor.close() }
    try await withTaskExecutorPreference(executor) { try await call(body) }
}

/// Asynchronous only so that it is called on the executor of its task.
private nonisolated func call(_ body: () throws -> Void) async throws { try body() }

/// Where the tests of a suite run that wait more than they work; see ``Testing/Trait/waitsApart``.
public struct Threads: SuiteTrait, TestTrait, TestScoping {
    fileprivate let areShared: Bool

    /// Holds for nested suites too.
    public var isRecursive: Bool { true }

    /// Runs one test case.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let executor = areShared ? LaneExecutor.shared : LaneExecutor(lanes: 1)
        defer { if !areShared { executor.close() } }
        try await withTaskExecutorPreference(executor) { try await function() }
    }
}

extension Trait where Self == Threads {
    /// The tests wait for daemons and servers more than they work: they share some threads beside the one that there is for each processor.
    public static var waitsApart: Self { Threads(areShared: true) }

    /// The tests run one after the other and take long: each starts at once, on a thread of its own, and not behind everybody else's.
    public static var runsApart: Self { Threads(areShared: false) }
}

/// Lanes as the executor of tasks; they live until it is closed.
private final class LaneExecutor: TaskExecutor {
    /// As many tests as wait at the same time without being in each other's way.
    static let shared = LaneExecutor(lanes: sysconf(Int32(_SC_NPROCESSORS_ONLN)) + 2)

    private let jobs = Mailbox<UnownedJob>()

    init(lanes: Int) {
        for number in 0..<lanes {
            _ = Lane("test-\(number)") { [self] in
                while let some = jobs.receive(limit: 1) {
                    for job in some { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
                }
            }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { jobs.send(UnownedJob(job)) }

    func close() { jobs.close() }
}
