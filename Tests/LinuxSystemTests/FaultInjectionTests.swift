import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

@Suite(.requiresFaultInjection) struct `Injected faults` {
    private func failures(_ plan: FaultInjection.Plan, calls: Int) throws -> [Bool] {
        let directory = try Descriptor.openDirectory(path: "/")
        let (result, trace) = FaultInjection.trace(plan) {
            (0..<calls).map { _ in (try? directory.status(of: "etc")) == nil }
        }
        #expect(trace.calls.count { $0.call == .fstatat } == calls)
        #expect(trace.hits == (try result.get().count { $0 }))
        return try result.get()
    }

    @Test func `the N-th call of its kind fails, once or from then on`() throws {
        #expect(try failures(.init(.fstatat, at: 2, effect: .fail(EIO)), calls: 4) == [false, true, false, false])
        let forever = FaultInjection.Plan(.fstatat, at: 2, forever: true, effect: .fail(EIO))
        #expect(try failures(forever, calls: 4) == [false, true, true, true])
        #expect(try failures(.init(.fsync, at: 1, effect: .fail(EIO)), calls: 2) == [false, false])
    }

    @Test func `an error says which call failed, on what, and why`() throws {
        try Scratch.with { scratch in
            let file = try scratch.write([], to: "model.pkl")
            let (result, trace) = FaultInjection.trace(.init(.fsync, at: 1, effect: .fail(EIO))) { try file.sync() }
            let error = #expect(throws: SystemError.self) { try result.get() }
            #expect(error?.description == "fsync \(scratch.path)/model.pkl: Input/output error")
            #expect(trace.calls.map(\.subject) == ["\(scratch.path)/model.pkl"])
        }
    }

    @Test func `only the thread that asked for faults is hit`() async throws {
        let gate = Mailbox<Void>()
        let results = Mailbox<Bool>()
        let lane = Lane("bystander") {
            _ = gate.receive()
            results.send((try? Descriptor.openDirectory(path: "/")) != nil)
            results.close()
        }
        let plan = FaultInjection.Plan(.openat, at: 1, forever: true, effect: .fail(EMFILE))
        _ = FaultInjection.trace(plan) {
            #expect(throws: SystemError.self) { try Descriptor.openDirectory(path: "/") }
            gate.send(())
            #expect(results.receive() == [true])
        }
        await lane.finished()
    }

    @Test func `the environment can plan a fault for a whole process`() async {
        await #expect(processExitsWith: .success) {
            _ = unsafe setenv("INGOT_FAULT", "symlinkat:2+:28", 1)
            let scratch = try Scratch()
            try scratch.directory.leaveNote([0x78], as: "first")
            do throws(SystemError) {
                try scratch.directory.leaveNote([0x78], as: "second")
                exit(1)
            } catch {
                exit(error.code == ENOSPC && FaultInjection.hits == 1 ? 0 : 2)
            }
        }
    }

    @Test func `a plan can end the process in place of a call`() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            FaultInjection.arm(.init(.fstatat, at: 1, effect: .kill))
            _ = try Descriptor.openDirectory(path: "/").status(of: "etc")
        }
    }
}

@Suite struct `Errors of the system` {
    @Test(arguments: [
        (ENOSPC, true), (EDQUOT, true), (EMFILE, true), (ENFILE, true), (ENOMEM, true), (EIO, false), (EACCES, false),
    ])
    func `what runs out comes back`(code: Int32, isExhaustion: Bool) {
        let error = SystemError(.write, "file", code: code)
        #expect(error.isExhaustion == isExhaustion)
        #expect(error.scope == (code == EACCES ? .operatorSetup : .transient))
    }

    @Test func `an unknown number has words too`() {
        #expect(!SystemError.text(99_999).isEmpty)
        #expect(SystemError(.fsync, "", code: EIO).description == "fsync: Input/output error")
    }
}
