import ContentStore
import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

/// The process dies in place of a system call, and a new one opens what it left.
@Suite(.waitsApart, .requiresFaultInjection) struct `A daemon that is killed` {
    private static let calls: [SystemCall] = [
        .openat, .write, .fchmod, .syncFileRange, .futimens, .fsync, .linkat, .fstatat,
    ]

    @Test(arguments: [TakeMethod.copy, .move], calls)
    func `leaves a store that opens, holds only true names, and takes the submission again`(
        method: TakeMethod, call: SystemCall
    ) async throws {
        let scratch = try Scratch(on: .shared(.ext4))
        let content = bytes(1)
        var ordinal = 1
        while true {
            let name = try #require(FileName(Array("round-\(ordinal)".utf8)))
            let path = try scratch.makeDirectory(name).path
            let plan = [path, method.rawValue, call.rawValue, "\(ordinal)"]
            let result = await #expect(processExitsWith: .failure) { [plan = plan as [String]] in
                try takeAndDie(plan[0], plan[1], plan[2], Int(plan[3]) ?? 0)
            }
            let died = result?.exitStatus == .signal(SIGKILL)
            #expect(died || result?.exitStatus == .exitCode(survived))
            try expectRecovery(path, method, content)
            if !died { return }
            ordinal += 1
            try #require(ordinal < 20)
        }
    }

    private func expectRecovery(_ path: String, _ method: TakeMethod, _ content: [UInt8]) throws {
        let scratch = try Scratch(at: path)
        let fixture = try StoreFixture(scratch)
        #expect(try fixture.names(in: "tmp").isEmpty)
        try fixture.expectEveryNameIsTrue()
        let payload = try fixture.claim.open("model.pkl")
        #expect(try payload.readAll(limit: 10_000) == content)
        let blob = try fixture.take(method, payload, fileExtension: "pkl")
        #expect(try #require(try fixture.publish(blob).published).healed == nil)
        #expect(try fixture.expectEveryNameIsTrue() == 2)
    }
}

/// What the process returns when the plan did not hit.
private let survived: Int32 = 97

private func takeAndDie(_ path: String, _ method: String, _ call: String, _ ordinal: Int) throws {
    let fixture = try StoreFixture(Scratch(at: path))
    let payload = try fixture.drop(bytes(1))
    guard let method = TakeMethod(rawValue: method), let call = SystemCall(rawValue: call) else { exit(99) }
    FaultInjection.arm(.init(call, at: ordinal, effect: .kill))
    let blob = try fixture.take(method, payload, fileExtension: "pkl")
    guard try fixture.publish(blob).published != nil else { exit(98) }
    exit(survived)
}
