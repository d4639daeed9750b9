import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

/// An unprivileged user who does everything that can be done in a drop directory, beside an honest one.
@Suite(.requiresPostgres, .requiresRoot, .requiresTool("python3"), .serialized, .runsApart) struct `Hostile producers` {
    private let daemon: Daemon
    private let foreign: String

    init() throws {
        // Payloads are limited so that what is sparse is refused and not hashed for hours.
        daemon = try Daemon(
            dropOptions: ["producers: hostile", "max_payload: 1MiB", "settle: 1s"],
            options: ["rescan: 1s", "reserve: 0"])
        // As tmpfiles.d makes it for the service: sticky, and everybody of the group may write.
        try daemon.drop.setMode(0o3777)
        let (directory, path) = try daemon.scratch.makeDirectory("foreign")
        foreign = path
        try directory.setMode(0o755)
        try directory.open("secret.bin", [.writeOnly, .create], mode: 0o600).write(Self.secret)
        try directory.open("public.bin", [.writeOnly, .create], mode: 0o644).write(Self.publicBytes)
    }

    /// Unoptimised code takes seconds for a mebibyte of malice, which says nothing about what is shipped: `scripts/faults --long` takes
    /// the optimised daemon.
    private static let bombSize = Depth.isLong ? 1_000_000 : 20_000
    private static let secret = payload(666, size: 5_000)
    private static let publicBytes = payload(667, size: 5_000)

    private func attack(forSeconds seconds: Int, seed: Int) throws -> ChildProcess {
        let script = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/hostile.py"
        // A copy, because the attacker may not be let into the directory of the original.
        try daemon.scratch.write(Descriptor.openFile(path: script).readAll(limit: 1 << 20), to: "hostile.py")
        return try attacker(
            [
                "\(daemon.scratch.path)/hostile.py", daemon.dropPath, foreign, "\(seconds)", "\(seed)",
                "\(Self.bombSize)",
            ])
    }

    /// Python as a user who has no rights but those of everybody.
    private func attacker(_ arguments: [String]) throws -> ChildProcess {
        let python = try #require(Tool("python3")).path
        return try Tool.background(
            "setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", python] + arguments)
    }

    /// Drops one small model after the other until the attacker is done.
    ///
    /// - Returns: what was dropped, and how long each took to its receipt.
    private func dropHonestly(until attacker: ChildProcess) throws -> (submissions: [Submission], times: [Duration]) {
        var submissions: [Submission] = []
        var times: [Duration] = []
        while true {
            if let ending = attacker.wait(until: .now + .milliseconds(50)) {
                try #require(ending == .exited(0) && !submissions.isEmpty, "the attacker gave up: \(ending)")
                return (submissions, times)
            }
            let number = submissions.count
            let submission = Submission(
                try #require(FileName(Array("honest\(number).bin".utf8))), payload(number), id: "honest\(number)")
            submissions.append(submission)
            let start = ContinuousClock.now
            try daemon.drop(submission)
            daemon.await("registered", submission.name)
            times.append(ContinuousClock.now - start)
        }
    }

    /// The attacker got nothing that was not its own, and everybody else what is theirs.
    private func check(_ submissions: [Submission]) throws {
        #expect(daemon.process?.ending == nil, "the daemon died: \(daemon.log.suffix(3000))")
        try daemon.expectSettled(submissions, "beside a hostile producer", within: .seconds(120)) {
            $0.isOurs = { !$0.hasPrefix("hostile/") }
        }
        let stored = Set(
            try Tool.run("find", ["\(daemon.storePath)/sha256", "-type", "f", "-printf", "%f\\n"])
                .split(separator: "\n").map { String($0.prefix(64)) })
        for bytes in [Self.secret, Self.publicBytes] {
            let submission = Submission("x", bytes, id: "x")
            #expect(!stored.contains(submission.digest ?? ""), "a file that was not its producer's is in the store")
        }
        let directory = try Descriptor.openDirectory(path: foreign)
        #expect(try directory.entries().count == 2)
        for (name, mode, bytes) in [
            ("secret.bin", 0o600 as UInt32, Self.secret), ("public.bin", 0o644, Self.publicBytes),
        ] as [(FileName, UInt32, [UInt8])] {
            let status = try #require(try directory.status(of: name))
            #expect(status.mode == mode && status.owner == 0 && status.sizeInBytes == Int64(bytes.count))
            #expect(try directory.open(name).readAll(limit: 1 << 20) == bytes)
        }
    }

    @Test func `keep nobody else from being served`() throws {
        try daemon.start()
        let (submissions, times) = try dropHonestly(until: attack(forSeconds: Depth.isLong ? 120 : 12, seed: 1))
        try check(submissions)
        expectSoon(times, beside: "a hostile producer")
    }

    private func expectSoon(_ times: [Duration], beside what: String) {
        let worst = times.sorted()[times.count * 99 / 100]
        Figures.add("milliseconds, 99th percentile beside \(what)", Int(worst / .milliseconds(1)))
        // Beside other tests on the same processors a bound on time says nothing; the long run is made alone.
        if Depth.isLong { #expect(worst < .seconds(1), "\(times.sorted().suffix(10))") }
    }

    /// The most memory that the daemon has held, proc_pid_status(5).
    private func peakKibibytes() throws -> Int {
        let number = try #require(daemon.process?.processID)
        let text = try Descriptor.openFile(path: "/proc/\(number)/status").readAll(limit: 1 << 16)
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return try #require(line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }

    /// Each of them waits for a manifest; what is remembered of them is bounded.
    @Test func `may leave tiny files without end`() throws {
        let count = Depth.isLong ? 1_000_000 : 1_000
        try daemon.start()
        let script = """
            import os, sys
            for number in range(int(sys.argv[2])):
                file = os.open(f"{sys.argv[1]}/tiny{number}.bin", os.O_CREAT | os.O_WRONLY)
                os.write(file, b"x")
                os.close(file)
            """
        let (submissions, times) = try dropHonestly(until: attacker(["-c", script, daemon.dropPath, "\(count)"]))
        #expect(daemon.process?.ending == nil, "the daemon died: \(daemon.log.suffix(3000))")
        #expect(try daemon.column("SELECT count(*) FROM registry.models") == ["\(submissions.count)"])
        #expect(try peakKibibytes() < 100_000)
        Figures.add("tiny files of a hostile producer", count)
        expectSoon(times, beside: "a million tiny files")
    }

    /// Every file that the daemon opened, as the kernel saw it.
    @Test(.requiresStrace) func `lead it to no file outside its own directories`() throws {
        let trace = "\(daemon.scratch.path)/trace"
        let calls = "trace=openat,open,openat2,linkat,link,rename,renameat,renameat2,unlinkat,mkdirat,fchmodat,fchownat"
        try daemon.start(under: ["strace", "-D", "-f", "-y", "-qq", "-o", trace, "-e", calls])
        let (submissions, _) = try dropHonestly(until: attack(forSeconds: Depth.isLong ? 60 : 8, seed: 2))
        try check(submissions)
        daemon.kill()
        let text = try Descriptor.openFile(path: trace).readAll(limit: 1 << 30)
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.count > 1_000)
        // A descriptor is shown with the path that it leads to; a name that was only tried is not.
        let strays = lines.filter { $0.contains("<\(foreign)") }
        #expect(strays.isEmpty, "\(strays.prefix(5))")
        Figures.add("system calls watched beside a hostile producer", lines.count)
    }
}
