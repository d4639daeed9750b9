import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

/// A kind of failure, at one call or at every call from one on.
struct Fault: CustomTestStringConvertible {
    /// `changing` or `any`; see `FaultInjection.Plan`.
    var calls: String
    var name: String
    var effect: String
    var isForever: Bool

    var testDescription: String { "\(name)\(isForever ? " from there on" : "")" }

    /// At calls that change something.
    static let changing: [Fault] =
        [("EIO", EIO), ("ENOSPC", ENOSPC), ("EDQUOT", EDQUOT)].flatMap { name, code in
            [false, true].map { Fault(calls: "changing", name: name, effect: "\(code)", isForever: $0) }
        }

    /// At calls of all kinds, of which there are many more.
    static let anywhere: [Fault] =
        [("EMFILE", EMFILE), ("EIO", EIO)].flatMap { name, code in
            [false, true].map { Fault(calls: "any", name: "\(name) anywhere", effect: "\(code)", isForever: $0) }
        } + [
            Fault(calls: "any", name: "half a read or write", effect: "short", isForever: true),
            Fault(calls: "any", name: "EINTR", effect: "\(EINTR)", isForever: true),
            // A claim that fails half-way gives both files back, and into the directory that they came from.
            Fault(calls: "fstatat@n.bin", name: "EIO at a look at one pair", effect: "\(EIO)", isForever: false),
        ]

    /// How many calls are passed over between two that are hit.
    func stride(_ way: Way) -> Int {
        if Depth.isLong || calls.contains("@") { return 1 }
        return calls == "any" ? 211 : 23
    }
}

/// Calls fail, one after the other: once, and the daemon gets over it by itself; or all from one on, and nothing is lost.
@Suite(.waitsApart, .requiresPostgres, .requiresFaultInjection, .requiresRoot) struct `Failing at every call` {
    @Test(arguments: Way.allCases, Fault.changing)
    func `that changes anything loses nothing and registers nothing twice`(way: Way, fault: Fault) throws {
        try sweep(way, fault)
    }

    @Test(arguments: Way.allCases, Fault.anywhere)
    func `of any kind loses nothing and registers nothing twice`(way: Way, fault: Fault) throws {
        try sweep(way, fault)
    }

    private func sweep(_ way: Way, _ fault: Fault) throws {
        // Each combination begins elsewhere, so that together they see more than one stride.
        let stride = fault.stride(way)
        var ordinal = 1 + abs("\(way)\(fault.testDescription)".utf8.reduce(0) { $0 &* 31 &+ Int($1) }) % stride
        var count = 0
        while try isHit(at: ordinal, way, fault), !(fault.isForever && fault.effect == "short") {
            ordinal += stride
            count += 1
        }
        let kind = fault.calls == "any" ? "of any kind" : "that change something"
        Figures.add("errors injected into calls \(kind)", count)
    }

    /// - Returns: whether the run was long enough to be hit there.
    private func isHit(at ordinal: Int, _ way: Way, _ fault: Fault) throws -> Bool {
        let context = "\(way), \(fault.testDescription), call \(ordinal)"
        let daemon = try way.daemon(options: ["rescan: 2s"])
        let plan = "\(fault.calls):\(ordinal)\(fault.isForever ? "+" : ""):\(fault.effect):ready"
        try daemon.launch(environment: ["INGOT_FAULT": plan])
        try Workload.drop(into: daemon)
        #expect(
            eventually { (try? daemon.claims()) != nil || daemon.process?.ending != nil }, "\(context): \(daemon.log)")
        let isHarmless = fault.effect == "short" || fault.effect == "\(EINTR)"
        if !fault.isForever || isHarmless {
            try daemon.expectSettled(Workload.submissions, context)
            #expect(daemon.process?.ending == nil, "\(context): \(daemon.log.suffix(3000))")
            return daemon.log.contains("fault: ")
        }
        let isOver = eventually {
            daemon.log.split(separator: "fault: ").count > 10 || Workload.isAnswered(daemon)
        }
        #expect(isOver, "\(context): \(daemon.log.suffix(3000))")
        let wasHit = daemon.log.contains("fault: ")
        daemon.kill()
        if try daemon.column("SELECT to_regclass('registry.submissions')") != [nil] {
            try daemon.expectWhole(Workload.submissions, context)
        }
        try daemon.start()
        try daemon.expectSettled(Workload.submissions, context)
        return wasHit
    }

    /// The kernel's own EINTR, where it comes from: each third call of a kind is interrupted.
    @Test(.requiresStrace) func `interrupted calls are made again`() throws {
        let calls = [
            "fsync", "linkat", "renameat2", "unlinkat", "mkdirat", "symlinkat", "fchmod", "fchown", "fallocate",
            "getdents64", "syncfs",
        ]
        let daemon = try Daemon(on: .ext4)
        let inject = "inject=\(calls.joined(separator: ",")):error=EINTR:when=3+3"
        try daemon.start(under: ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", inject])
        try Workload.drop(into: daemon)
        try daemon.expectSettled(Workload.submissions, "EINTR")
    }
}
