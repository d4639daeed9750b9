import LinuxSystem
import TestKit
import Testing
import Vocabulary

/// The connection is cut at one message after the other, in both directions, until a run is over before it comes to the message. Whatever
/// was lost on the way, and above all the answer to a COMMIT, everything is registered once.
@Suite(.requiresPostgres) struct `The connection to PostgreSQL is cut` {
    /// Every how-many-th message is tried.
    private static let step = Depth.isLong ? 1 : 7

    /// Alternately closed and reset: an end that is announced takes another way through libpq than an error.
    private static func cut(_ point: Int) -> PostgresProxy.Fate {
        (Depth.isLong ? point : point / step) % 2 == 0 ? .cut() : .reset()
    }

    @Test func `at every message of recording`() async throws {
        try await onOwnThread {
            let it = try Proxied()
            try it.daemon.start()
            it.daemon.expectDatabase()
            var all: [Submission] = []
            var point = 1
            while true {
                let (load, number) = (Workload.round(point), point)
                it.proxy.strike(Self.cut(point)) { $0.ordinal == number }
                try it.daemon.drop(load)
                it.daemon.expectAnswers(load, "message \(point)")
                all += load
                guard it.proxy.struck != nil else { break }
                Figures.add("messages of recording at which the connection was cut")
                point += Self.step
            }
            #expect(point > 40, "recording takes fewer messages than it used to")
            try it.daemon.expectSettled(all, "recording")
        }
    }

    @Test func `at every message of opening a session`() async throws {
        try await onOwnThread {
            let it = try Proxied()
            try it.daemon.start()
            it.daemon.expectDatabase()
            var all: [Submission] = []
            var point = 1
            while true {
                let number = point
                let load = [Submission(name(point), payload(point), id: "opening", version: "\(point)")]
                it.proxy.cutAll()
                it.proxy.strike(Self.cut(point)) { $0.ordinal == number }
                try it.daemon.drop(load)
                it.daemon.expectAnswers(load, "message \(point)")
                all += load
                guard it.proxy.struck != nil else { break }
                Figures.add("messages of opening a session at which the connection was cut")
                point += Depth.isLong ? 1 : 9
            }
            #expect(point > 60, "opening a session takes fewer messages than it used to")
            try it.daemon.expectSettled(all, "opening")
        }
    }

    /// Making the schema takes many messages; each cut has to leave an empty database, a whole schema, or whole steps of it.
    @Test func `at every message of the first session, which makes the schema`() async throws {
        try await onOwnThread {
            var point = Depth.isLong ? 1 : 12
            while true {
                let it = try Proxied()
                let number = point
                it.proxy.strike(Self.cut(point)) { $0.ordinal == number }
                try it.daemon.launch()
                let load = Workload.round(point)
                try it.daemon.drop(load)
                it.daemon.expectAnswers(load, "message \(point)")
                try it.daemon.expectSettled(load, "message \(point)")
                guard it.proxy.struck != nil else { break }
                Figures.add("messages of the first session at which the connection was cut")
                point += Depth.isLong ? 1 : 43
            }
            #expect(point > 90, "the first session takes fewer messages than it used to")
        }
    }

    /// The one cut after which nobody knows: the request is 10 bytes long, the reply 12.
    @Test func `within every byte of COMMIT and of its reply`() async throws {
        try await onOwnThread {
            let it = try Proxied()
            try it.daemon.start()
            it.daemon.expectDatabase()
            let fates: [(PostgresProxy.Fate, Bool)] =
                (0...10).flatMap { [(.cut(afterBytes: $0), true), (.reset(afterBytes: $0), true)] }
                + (0...12).flatMap { [(.cut(afterBytes: $0), false), (.reset(afterBytes: $0), false)] }
            var all: [Submission] = []
            for (number, (fate, isRequest)) in fates.enumerated() {
                let submission = Submission(name(number), payload(number), id: "commit", version: "\(number)")
                it.proxy.strike(fate) { isRequest ? $0.isCommit : $0.isCommitReply }
                try it.daemon.drop(submission)
                // It is told that it is registered, and not that somebody else has been before.
                it.daemon.await("registered", submission.name)
                #expect(it.proxy.struck != nil, "\(number)")
                all.append(submission)
            }
            try it.daemon.expectSettled(all, "COMMIT")
            Figures.add("cuts within COMMIT and its reply", fates.count)
        }
    }

    private func name(_ number: Int) -> FileName { FileName(Array("m\(number).bin".utf8)) ?? "m" }
}
