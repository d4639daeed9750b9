import LinuxSystem
import LocalPostgres
import Manifest
import TestKit
import Testing
import Vocabulary

/// The daemon at work on a disk that remembers, and everything that was promised meanwhile, with the time.
///
/// The registry does not lie on the disk. It runs with `track_commit_timestamp`, so that it can be set back to what it had acknowledged at
/// any moment: rows committed later are deleted from a copy. All clocks are the same, CLOCK_REALTIME of this machine.
struct RecordedRun {
    /// A submission and what its producer knows about it.
    struct Dropped {
        var submission: Submission
        /// Since when it is on disk; `nil` for a producer who does not sync.
        var durableSince: Int64?
    }

    let blankImage: String
    let log: DiskLog
    let cuts: [PowerCut]
    let dropped: [Dropped]
    let commits: [Int64]
    let database: String
    private let disk: RecordedDisk

    static let clusterWithClock = Result {
        try PostgresFixture.throwawayCluster(named: "clock", settings: ["track_commit_timestamp": "on"])
    }

    /// Lets a daemon do the whole load.
    init(on kind: FileSystemType, in bay: Bay, setup: PowerCutSetup, name: String) throws {
        let cluster = try Self.clusterWithClock.get()
        try cluster.createDatabase(name)
        database = name
        disk = try RecordedDisk(kind, options: setup.mountOptions)
        blankImage = disk.blankImage
        let (begin, end, dropped, commits) = try Self.work(on: disk, in: bay, setup, cluster, name)
        self.dropped = dropped
        self.commits = commits
        log = try disk.log(upTo: end.position)
        cuts = PowerCut.all(in: log, from: log.index(at: begin), end: end.time)
        bay.clear()
        disk.takeOut()
    }

    private static func work(
        on disk: RecordedDisk, in bay: Bay, _ setup: PowerCutSetup, _ cluster: PrivateCluster, _ name: String
    ) throws -> (begin: Int64, end: (time: Int64, position: Int64), dropped: [Dropped], commits: [Int64]) {
        guard let volume = disk.volume else { preconditionFailure("the disk was just put in") }
        bay.insert(volume)
        for name: FileName in ["drop", "store"] { try volume.root.makeDirectory(name, mode: 0o755) }
        try volume.root.syncFileSystem()
        let begin = try disk.logSize()
        let daemon = try setup.daemon(in: bay, database: cluster.connectionString(database: name))
        // So few under way that folders of claims are used again, where the file system keeps the order of changes.
        try daemon.start(environment: volume.kind == .btrfs ? [:] : ["INGOT_WINDOW": "8"])
        let dropped = try drop(into: daemon, volume)
        let isOver = try eventually(within: .seconds(120)) {
            try daemon.claims().isEmpty
                && Load.all.allSatisfy { submission in
                    submission.fate == .waits || daemon.isAnswered(submission)
                }
        }
        #expect(isOver, "\(daemon.log.suffix(4000))")
        let time = WallClock.nanoseconds
        let end = (time: time, position: try disk.logSize())
        let commits = try daemon.column(
            "SELECT DISTINCT (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint FROM registry.submissions"
        )
        daemon.stop()
        daemon.disconnect()
        return (begin, end, dropped, commits.compactMap { $0.flatMap { Int64($0) } }.map { $0 * 1000 })
    }

    private static func drop(into daemon: Daemon, _ volume: Volume) throws -> [Dropped] {
        var dropped: [Dropped] = []
        for (index, submission) in Load.steady.enumerated() {
            // Every third comes from somebody who does not sync.
            let isCareless = index % 3 == 1 && submission.fate == .registered
            if isCareless { try daemon.dropCarelessly(submission) } else { try daemon.drop(submission, isSynced: true) }
            dropped.append(Dropped(submission: submission, durableSince: isCareless ? nil : WallClock.nanoseconds))
            // The first ones come one at a time, so that each is a group of its own; the rest comes as it can.
            guard index < Load.lonely else { continue }
            let isAnswered = eventually { daemon.isAnswered(submission) }
            #expect(isAnswered, "\(submission.source): \(daemon.log.suffix(4000))")
        }
        // And many at once, which share their syncs and their transaction, from somebody who syncs at the end.
        for submission in Load.burst { try daemon.dropCarelessly(submission) }
        try volume.root.syncFileSystem()
        let time = WallClock.nanoseconds
        return dropped + Load.burst.map { Dropped(submission: $0, durableSince: time) }
    }

    /// A copy of the registry as far as it was acknowledged at a moment.
    ///
    /// - Returns: its connection string.
    func registry(at time: Int64, named copy: String) throws -> String {
        let cluster = try Self.clusterWithClock.get()
        _ = try cluster.run("CREATE DATABASE \(copy) TEMPLATE \(database)")
        let isLater =
            "pg_xact_commit_timestamp(xmin) > timestamptz 'epoch' + \(time / 1000) * interval '1 microsecond'"
        for table in ["models", "submissions", "blobs"] {
            _ = try cluster.run("DELETE FROM registry.\(table) WHERE \(isLater)", database: copy)
        }
        return cluster.connectionString(database: copy)
    }

    /// Removes such a copy.
    func forget(_ copy: String) throws {
        _ = try Self.clusterWithClock.get().run("DROP DATABASE \(copy) WITH (FORCE)")
    }

    /// What was dropped and synced before a moment, and what may have been.
    func submissions(at time: Int64) -> (certain: [Submission], possible: [Submission]) {
        let certain = dropped.filter { $0.durableSince.map { $0 <= time } ?? false }
        let possible = dropped.filter { !($0.durableSince.map { $0 <= time } ?? false) }
        return (certain.map(\.submission), possible.map(\.submission))
    }
}

/// What is dropped in a recorded run: the mixed load, many small ones, one that no buffer holds, one that stays incomplete.
private enum Load {
    /// How many are dropped one at a time.
    static let lonely = 8

    static let steady: [Submission] =
        (0..<lonely).map(small) + [Submission("large.bin", large, id: "large")] + (lonely..<14).map(small)
        + [Submission("alone.bin", payload(98), id: "alone", fate: .waits)] + Workload.submissions

    static let burst = (14..<44).map(small)

    static let all = steady + burst

    /// Some of them nested, some to be refused.
    private static func small(_ number: Int) -> Submission {
        let name = FileName(Array("small\(number)\(number % 2 == 0 ? ".keras" : "")".utf8)) ?? "small"
        return Submission(
            name, payload(100 + number, size: 1 + number * number * 37), id: "small/\(number)",
            below: number % 4 == 1 ? ["team"] : [], fate: number % 7 == 3 ? .rejected("manifest_syntax") : .registered)
    }

    private static let large: [UInt8] = {
        let block = payload(99, size: 1 << 16)
        return (0..<275).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] + block }
    }()
}

extension Daemon {
    /// Drops a pair as `cp` does: nothing is synced, but the manifest says what the payload has to be.
    fileprivate func dropCarelessly(_ submission: Submission) throws {
        guard let content = submission.content, let digest = submission.digest else { return }
        let directory = try directory(submission.path)
        try put(content, as: submission.name, in: directory)
        let extra = "\"sha256\": \"\(digest)\", \"size_bytes\": \(content.count)"
        let manifest = manifest(submission.modelID, submission.version, extra)
        let isBad = submission.fate == .rejected("manifest_syntax")
        try put(isBad ? Array("{".utf8) : manifest, as: sidecar(submission.name), in: directory)
    }

    /// Whether a submission has its final receipt.
    fileprivate func isAnswered(_ submission: Submission) -> Bool {
        guard let status = receipt(submission.name, below: submission.path)?["status"] else { return false }
        return status != .string("accepted") && status != .string("waiting")
    }
}
