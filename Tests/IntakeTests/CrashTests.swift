import Glibc
import LinuxSystem
import Manifest
import TestKit
import Testing

/// The daemon is killed at every call that changes something, one after the other, and started again: nothing is lost, nothing is there twice.
@Suite(.requiresPostgres, .requiresFaultInjection, .serialized) struct `Crashes` {
    private static let changing: [SystemCall] = [
        .mkdirat, .renameat2, .linkat, .unlinkat, .symlinkat, .fsync, .fchmod, .write, .openat,
    ]

    /// A small mixed load: good, nested, bad, duplicate, conflicting.
    private func load(_ daemon: Daemon) throws {
        try daemon.submit("a.bin", payload(1), id: "a")
        try daemon.submit("n.bin", payload(2), id: "n", below: ["team"])
        try daemon.put(payload(3), as: "bad.bin", in: daemon.drop)
        try daemon.put(Array("{".utf8), as: "bad.bin.manifest.json", in: daemon.drop)
    }

    private func settle(_ daemon: Daemon, _ context: String) throws {
        daemon.await("registered", "a.bin")
        daemon.await("registered", "n.bin", below: ["team"])
        daemon.await("rejected", "bad.bin")
        let isClean = try eventually(within: .seconds(60)) { try daemon.claims().isEmpty }
        #expect(isClean, "\(context): claims are left: \((try? daemon.claims()) ?? [])\n\(daemon.log.suffix(2000))")
        let outcomes = try daemon.column("SELECT outcome FROM registry.submissions ORDER BY outcome")
        #expect(outcomes == ["registered", "registered", "rejected"], "\(context)")
        for (path, digest) in zip(
            try daemon.column("SELECT file_path FROM registry.models ORDER BY model_id"),
            try daemon.column("SELECT sha256 FROM registry.models ORDER BY model_id"))
        {
            let sum = try Tool.run("sha256sum", [path ?? ""]).prefix(64)
            #expect(String(sum) == digest, "\(context)")
        }
        #expect(try daemon.names(["rejected"]).count == 1, "\(context)")
        #expect(try daemon.visibleNames().filter { $0 != "team" }.isEmpty, "\(context)")
        #expect(try daemon.names(["team"]).isEmpty, "\(context)")
    }

    @Test(arguments: changing) func `killed at every call of a kind`(call: SystemCall) throws {
        // The start makes directories of its own; the first calls of a kind are hit there, the later ones in the pipeline.
        for ordinal in stride(from: 1, to: 60, by: call == .openat || call == .write ? 11 : 3) {
            let daemon = try Daemon()
            try daemon.launch(environment: ["INGOT_FAULT": "\(call.rawValue):\(ordinal):kill"])
            try load(daemon)
            let wasKilled = eventually(within: .seconds(60)) {
                daemon.process?.ending != nil
                    || daemon.receipt("a.bin") != nil && daemon.receipt("bad.bin") != nil
                        && daemon.receipt("n.bin", below: ["team"]) != nil
            }
            #expect(wasKilled, "\(call) \(ordinal): \(daemon.log)")
            let survived = daemon.process?.ending == nil
            daemon.kill()
            try daemon.start()
            try settle(daemon, "\(call.rawValue) \(ordinal)")
            if survived { break }
        }
    }

    @Test(arguments: [SystemCall.fsync, .linkat, .renameat2, .mkdirat, .unlinkat, .fchmod, .symlinkat, .openat])
    func `failing once at every call of a kind`(call: SystemCall) throws {
        for code in [EIO, ENOSPC] {
            for ordinal in stride(from: call == .openat ? 530 : call == .mkdirat ? 262 : 1, to: 600, by: 3) {
                let daemon = try Daemon()
                try daemon.launch(environment: ["INGOT_FAULT": "\(call.rawValue):\(ordinal):\(code)"])
                try load(daemon)
                let isOver = eventually(within: .seconds(60)) {
                    daemon.process?.ending != nil || daemon.receipt("a.bin") != nil && daemon.receipt("bad.bin") != nil
                }
                #expect(isOver, "\(call) \(ordinal) \(code): \(daemon.log)")
                if daemon.process?.ending != nil { try daemon.start() }
                try settle(daemon, "\(call.rawValue) \(ordinal) errno \(code)")
                if ordinal > 24 { break }
            }
        }
    }
}
