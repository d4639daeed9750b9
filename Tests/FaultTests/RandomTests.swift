import Glibc
import LinuxSystem
import LocalPostgres
import TestKit
import Testing
import Vocabulary

/// Random producers, faults and restarts, against a model of what must result. One seed is one run.
///
/// `INGOT_SEED=N` runs that one alone.
@Suite(.requiresPostgres, .requiresRoot, .serialized, .runsApart) struct `Random histories` {
    private static let seeds: [UInt64] = {
        if let text = unsafe getenv("INGOT_SEED"), let seed = unsafe UInt64(String(cString: text)) { return [seed] }
        return Array(1...(Depth.isLong ? 200 : 6))
    }()

    @Test(arguments: seeds) func `end as the model says`(seed: UInt64) throws {
        var history = try History(seed: seed)
        for _ in 0..<(Depth.isLong ? 120 : 50) { try history.step() }
        try history.end()
        Figures.add("random histories")
        Figures.add("steps of random histories", history.steps)
    }
}

/// One run: a daemon, its database, and what producers did so far.
private struct History {
    let seed: UInt64
    let cluster: PrivateCluster
    let daemon: Daemon
    var random: SeededGenerator
    var submissions: [Submission] = []
    /// Manifests that are still to be dropped, payloads first, and the other way round.
    var halves: [() throws -> Void] = []
    var isRunning = false
    var hasDatabase = true
    var steps = 0
    var log: [String] = []

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        cluster = try PostgresFixture.throwawayCluster(named: "random")
        try cluster.createDatabase("ingot")
        let ways: [Way] = [.clone, .move, .copy]
        let way = ways[Int.random(in: 0..<3, using: &random)]
        daemon = try way.daemon(options: ["rescan: 2s"], database: cluster.connectionString(database: "ingot"))
    }

    mutating func step() throws {
        steps += 1
        switch Int.random(in: 0..<24, using: &random) {
        case 0..<12: try dropOne()
        case 12..<15: try dropHalf()
        case 15..<18: try finishHalf()
        case 18: try toggle(by: SIGKILL)
        case 19: try toggle(by: SIGTERM)
        case 20: try toggleDatabase()
        case 21: if isRunning { daemon.process?.signal(SIGHUP) }
        case 22: if hasDatabase { try cluster.restart(.immediate) }
        default: try crashSomewhere()
        }
    }

    /// Everything is completed and running: then everything has to be in its place.
    mutating func end() throws {
        while !halves.isEmpty { try finishHalf() }
        if !hasDatabase { try toggleDatabase() }
        if isRunning && daemon.process?.ending != nil { stop(by: SIGKILL) }
        if !isRunning { try toggle(by: SIGTERM) }
        try daemon.expectSettled(submissions, "seed \(seed): \(log)", within: .seconds(120))
        daemon.kill()
        try cluster.stop(.immediate)
    }

    // MARK: Producers

    private mutating func next() throws -> Submission {
        let number = submissions.count
        let name = try #require(FileName(Array("p\(number).bin".utf8)))
        let below: [FileName] = Bool.random(using: &random) ? [] : ["team", "a"]
        let size = [0, 10, 1_000, 70_000, 300_000][Int.random(in: 0..<5, using: &random)]
        // Empty payloads are all the same bytes, which is another story.
        let content = payload(Int(seed) &* 1_000 + number, size: max(1, size))
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return Submission(name, content, id: "bad", below: below, fate: .rejected("manifest_syntax"))
        case 1: return Submission(name, content, id: "lone\(number)", below: below, fate: .waits)
        case 2, 3:
            return Submission(name, content, id: "contested", version: "\(number % 3)", below: below, fate: .contends)
        case 4:
            if let twin = submissions.last(where: { $0.fate == .registered }) {
                return Submission(name, twin.content, id: twin.modelID, version: twin.version, below: below)
            }
            fallthrough
        default: return Submission(name, content, id: "m\(number)", below: below)
        }
    }

    private mutating func dropOne() throws {
        let submission = try next()
        submissions.append(submission)
        log.append("drop \(submission.source) \(submission.fate)")
        try daemon.drop(submission)
    }

    /// A pair whose two files come at different times, in either order.
    private mutating func dropHalf() throws {
        var submission = try next()
        if submission.fate == .waits { submission.fate = .registered }
        guard submission.fate == .registered, let content = submission.content else { return }
        submissions.append(submission)
        let (daemon, directory) = (daemon, try daemon.directory(submission.path))
        let manifest = daemon.manifest(submission.modelID, submission.version)
        let isPayloadFirst = Bool.random(using: &random)
        log.append("half of \(submission.source), payload first: \(isPayloadFirst)")
        let name = submission.name
        if isPayloadFirst {
            try daemon.put(content, as: name, in: directory)
            halves.append { try daemon.put(manifest, as: daemon.sidecar(name), in: directory) }
        } else {
            try daemon.put(manifest, as: daemon.sidecar(name), in: directory)
            halves.append { try daemon.put(content, as: name, in: directory) }
        }
    }

    private mutating func finishHalf() throws {
        guard !halves.isEmpty else { return }
        log.append("the other half")
        try halves.remove(at: Int.random(in: 0..<halves.count, using: &random))()
    }

    // MARK: Faults

    private mutating func stop(by signal: Int32) {
        if signal == SIGKILL { daemon.kill() } else { daemon.stop() }
        isRunning = false
    }

    private mutating func toggle(by signal: Int32) throws {
        log.append(isRunning ? "signal \(signal)" : "start")
        if isRunning { return stop(by: signal) }
        try daemon.start(withDatabase: false)
        isRunning = true
    }

    private mutating func toggleDatabase() throws {
        log.append(hasDatabase ? "database away" : "database back")
        daemon.disconnect()
        if hasDatabase { try cluster.stop(.immediate) } else { try cluster.start() }
        hasDatabase.toggle()
    }

    /// Kills the daemon in place of one of its next calls, or has one fail.
    private mutating func crashSomewhere() throws {
        guard FaultInjection.isAvailable else { return }
        if isRunning { stop(by: SIGKILL) }
        let effect = ["kill", "trap", "\(EIO)", "\(ENOSPC)"][Int.random(in: 0..<4, using: &random)]
        let plan = "changing:\(Int.random(in: 1...60, using: &random)):\(effect):ready"
        log.append("start with \(plan)")
        try daemon.launch(environment: ["INGOT_FAULT": plan])
        isRunning = true
        for _ in 0..<3 { try dropOne() }
        _ = eventually(within: .seconds(2)) { daemon.process?.ending != nil }
        if daemon.process?.ending != nil { stop(by: SIGKILL) }
    }
}
