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
