import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

/// Drop directory and store on which a payload gets into the store in one certain way.
enum Way: String, CaseIterable, CustomTestStringConvertible {
    case clone, move, copy

    var testDescription: String { rawValue }

    func daemon(options: [String] = [], database: String? = nil) throws -> Daemon {
        switch self {
        case .clone: try Daemon(on: .btrfs, options: options, database: database)
        case .move: try Daemon(on: .ext4, options: options, database: database)
        case .copy: try Daemon(on: .ext4, storeOn: .xfs, options: options, database: database)
        }
    }
}

/// The daemon is killed in place of every call that changes anything, one after the other, and started again.
@Suite(.runsApart, .requiresPostgres, .requiresFaultInjection, .requiresRoot) struct `Killed at every call` {
    @Test(arguments: Way.allCases) func `loses nothing and registers nothing twice`(way: Way) throws {
        var ordinal = 1
        while try killed(at: ordinal, way) { ordinal += 1 }
        #expect(ordinal > 100, "the load makes fewer calls than it used to")
        Figures.add("calls at which the daemon was killed", ordinal - 1)
    }

    /// More than the daemon takes at a time, of two owners, so that folders of claims that are over are used for others.
    private static let many: [(Submission, UInt32)] = (0..<12).compactMap { index in
        FileName(Array("m\(index).bin".utf8)).map { name in
            let submission = Submission(
                name, payload(20 + index), id: "m\(index)", below: index % 4 == 3 ? ["team"] : [],
                fate: index == 5 ? .rejected("manifest_syntax") : .registered)
            return (submission, index % 3 == 0 ? 1000 : 2000)
        }
    }

    @Test func `with folders that are used again`() throws {
        let stride = Depth.isLong ? 1 : 11
        var ordinal = 1
        while try killedOnMany(at: ordinal) { ordinal += stride }
        #expect(ordinal > 150, "the load makes fewer calls than it used to")
        Figures.add("calls at which the daemon was killed", ordinal / stride)
    }

    private func killedOnMany(at ordinal: Int) throws -> Bool {
        let context = "many, call \(ordinal)"
        let daemon = try Daemon(on: .ext4)
        for (submission, owner) in Self.many {
            try daemon.drop(submission)
            for name in [submission.name, daemon.sidecar(submission.name)] {
                try daemon.directory(submission.path).setOwner(of: name, owner, group: owner)
            }
        }
        let submissions = Self.many.map(\.0)
        try daemon.launch(environment: ["INGOT_WINDOW": "3", "INGOT_FAULT": "changing:\(ordinal):kill:ready"])
        let isOver = eventually {
            daemon.process?.ending != nil
                || (try? daemon.column("SELECT count(*) FROM registry.submissions")) == ["\(submissions.count)"]
                    && (try? daemon.claims().isEmpty) == true
        }
        #expect(isOver, "\(context): \(daemon.log)")
        let wasKilled = daemon.process?.ending != nil
        daemon.kill()
        if try daemon.column("SELECT to_regclass('registry.submissions')") != [nil] {
            try daemon.expectWhole(submissions, context)
        }
        try daemon.start()
        try daemon.expectSettled(submissions, context)
        let owners = try daemon.rows("SELECT source_name, submitted_uid FROM registry.models ORDER BY 1")
        for (submission, owner) in Self.many where submission.fate == .registered {
            #expect(owners.contains([submission.source, "\(owner)"]), "\(context): \(owners)")
        }
        return wasKilled
    }

    /// - Returns: whether the run was long enough to be killed there.
    private func killed(at ordinal: Int, _ way: Way) throws -> Bool {
        let context = "\(way), call \(ordinal)"
        let daemon = try way.daemon()
        try daemon.launch(environment: ["INGOT_FAULT": "changing:\(ordinal):kill:ready"])
        try Workload.drop(into: daemon)
        let isOver = eventually {
            daemon.process?.ending != nil || Workload.isAnswered(daemon) && (try? daemon.claims().isEmpty) == true
        }
        #expect(isOver, "\(context): \(daemon.log)")
        let wasKilled = daemon.process?.ending != nil
        daemon.kill()
        if try daemon.column("SELECT to_regclass('registry.submissions')") != [nil] {
            try daemon.expectWhole(Workload.submissions, context)
        }
        try daemon.start()
        try daemon.expectSettled(Workload.submissions, context)
        return wasKilled
    }
}
