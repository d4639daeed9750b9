import Glibc
import LocalPostgres
import PostgresClient
import Registry
import Synchronization
import TestKit
import Testing
import Vocabulary

@Suite(.requiresPostgres) struct `Several daemons on one registry` {
    @Test func `sixteen start at once on an empty database`() async throws {
        let registry = try SampleRegistry()
        let remarks = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<16 {
                group.addTask { try await onThread { try registry.session().remarks } }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(remarks.filter { $0.hasPrefix("Made step 1 ") }.count == 1)
        #expect(try registry.column("SELECT version FROM registry.schema_version") == ["1"])
    }

    @Test func `of two that race for one version exactly one wins each time`() async throws {
        let registry = try SampleRegistry()
        _ = try registry.session()
        let rounds = 40
        let answers = try await withThrowingTaskGroup(of: [Verdict].self) { group in
            for content in 1...2 {
                group.addTask {
                    try await onThread {
                        let session = try registry.session()
                        return try (0..<rounds).map {
                            try session.record(registration("raced", "\($0)", content: content))
                        }
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for round in 0..<rounds {
            let winners = answers.filter { $0[round].isRegistered }
            #expect(winners.count == 1)
        }
        #expect(try registry.row("SELECT count(*) FROM registry.models") == ["\(rounds)"])
    }

    @Test func `no row shows up with a number below one that has shown up`() async throws {
        let registry = try SampleRegistry()
        _ = try registry.session()
        let isDone = Atomic<Bool>(false)
        let watcher = Task.detached {
            try await onThread {
                let connection = try registry.connection()
                var highest: Int64 = 0
                var lateCount: Int64 = 0
                var seenCount: Int64 = 0
                while true {
                    let isLast = isDone.load(ordering: .sequentiallyConsistent)
                    let rows = try connection.query(
                        "SELECT count(*) FILTER (WHERE seq <= $1), count(*), max(seq) FROM registry.models",
                        [.text("\(highest)")], deadline: soon)
                    lateCount += (rows.integer(0, 0) ?? 0) - seenCount
                    seenCount = rows.integer(0, 1) ?? 0
                    highest = rows.integer(0, 2) ?? 0
                    if isLast { return (lateCount, seenCount) }
                }
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for daemon in 0..<4 {
                group.addTask {
                    try await onThread {
                        let session = try registry.session()
                        for round in 0..<30 {
                            let entries = (0..<(round % 7 + 1)).map {
                                Entry.registration(registration("daemon-\(daemon)", "\(round).\($0)", content: $0))
                            }
                            _ = try session.record(entries)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        isDone.store(true, ordering: .sequentiallyConsistent)
        let (late, seen) = try await watcher.value
        #expect(late == 0)
        #expect(seen == 460)
    }
}

/// Runs something that blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let work = ThreadWork { continuation.resume(with: Result(catching: body)) }
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(work).toOpaque()
        let failure = unsafe pthread_create(
            &thread, nil,
            { context in
                if let context = unsafe context {
                    unsafe Unmanaged<ThreadWork>.fromOpaque(context).takeRetainedValue().body()
                }
                return nil
            }, context)
        precondition(failure == 0, "no thread")
        pthread_detach(thread)
    }
}

private final class ThreadWork: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}
