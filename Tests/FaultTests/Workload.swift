import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// A small mixed load, of every kind of ending: good, nested, bad, twice the same, in conflict.
enum Workload {
    static let submissions: [Submission] = [
        Submission("a.bin", payload(1), id: "a"),
        Submission("n.bin", payload(2, size: 70_000), id: "n", below: ["team"]),
        Submission("bad.bin", payload(3), id: "bad", fate: .rejected("manifest_syntax")),
        Submission("again.bin", payload(1), id: "a"),
        Submission("other.bin", payload(4), id: "n", fate: .contends),
    ].map { submission in
        // Whichever of the two comes first has the version.
        var submission = submission
        if submission.modelID == "n" { submission.fate = .contends }
        return submission
    }

    static func drop(into daemon: Daemon) throws {
        for submission in submissions { try daemon.drop(submission) }
    }

    /// Whether every submission has an answer.
    static func isAnswered(_ daemon: Daemon) -> Bool {
        submissions.allSatisfy { submission in
            guard let status = daemon.receipt(submission.name, below: submission.path)?["status"] else { return false }
            return status != .string("accepted") && status != .string("waiting")
        }
    }
}

extension Daemon {
    /// Waits until nothing is left to do, then has everything checked.
    func expectSettled(
        _ submissions: [Submission], _ context: String, within limit: Duration = .seconds(60),
        configure: (inout Checker) -> Void = { _ in }, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var checker = checker
        configure(&checker)
        var wrong: [String] = []
        _ = try eventually(within: limit) {
            guard try claims().isEmpty else { return false }
            // Reading everything while the daemon still moves files can fail, and then it has not come to rest.
            do { wrong = try checker.settled(submissions) } catch { wrong = ["\(error)"] }
            return wrong.isEmpty
        }
        if try !claims().isEmpty { wrong = try checker.settled(submissions) }
        #expect(wrong.isEmpty, "\(context): \(wrong)\n\(log.suffix(3000))", sourceLocation: sourceLocation)
    }

    /// Has everything checked that holds at any moment; the daemon must not run.
    func expectWhole(
        _ submissions: [Submission], _ context: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let wrong = try checker.whole(submissions)
        #expect(wrong.isEmpty, "\(context): \(wrong)\n\(log.suffix(3000))", sourceLocation: sourceLocation)
    }
}
