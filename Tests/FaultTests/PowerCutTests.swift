import LinuxSystem
import TestKit
import Testing
import Vocabulary

/// Drop directory and store on one disk, and how payloads get into the store there.
enum PowerCutSetup: String, CaseIterable, CustomTestStringConvertible {
    case moveOnExt4 = "ext4"
    case copyOnExt4 = "ext4, copied"
    case cloneOnXFS = "xfs"
    case cloneOnBtrfs = "btrfs"

    var testDescription: String { rawValue }

    var kind: FileSystemType {
        switch self {
        case .moveOnExt4, .copyOnExt4: .ext4
        case .cloneOnXFS: .xfs
        case .cloneOnBtrfs: .btrfs
        }
    }

    /// All images of a run have one identity, which XFS would refuse while another is still being unmounted.
    var mountOptions: [String] { self == .cloneOnXFS ? ["nouuid"] : [] }

    func daemon(in bay: Bay, database: String) throws -> Daemon {
        try Daemon(
            drop: "\(bay.path)/drop", store: "\(bay.path)/store",
            dropOptions: self == .copyOnExt4 ? ["take: copy"] : [], database: database)
    }
}

/// The power fails while the daemon works: at every moment, what the disk and the registry have keep the promises, and the
/// daemon takes it from there.
///
/// Each run is recorded once, and many images are made of the record. `INGOT_SEED` repeats the choice of moments and of what the disk kept; what the
/// daemon and the file system did in which order is another every time, so a rare failure takes several runs to see again.
@Suite(.requiresPostgres, .requiresRoot, .requiresRecordedDisk, .serialized, .runsApart)
struct `Power cuts` {
    private static let imagesPerSetup = Depth.isLong ? 320 : 9

    @Test(arguments: PowerCutSetup.allCases)
    func `take nothing that was promised, and the daemon puts the rest in order`(setup: PowerCutSetup) throws {
        let seed = SeededGenerator.seed()
        var generator = SeededGenerator(seed: seed)
        let bay = Bay()
        let name = "power_\(setup)".lowercased()
        let run = try RecordedRun(on: setup.kind, in: bay, setup: setup, name: name)
        #expect(run.cuts.count > 50, "the load flushes less often than it used to")
        let cuts = PowerCut.choose(Self.imagesPerSetup, of: run.cuts, commits: run.commits, &generator)
        let images = try Images(of: run, setup: setup, bay: bay)
        for cut in cuts { try images.check(cut, "\(setup.rawValue), INGOT_SEED=\(seed), \(cut)") }
        Figures.add("power-cut images, \(setup.rawValue)", cuts.count)
        withExtendedLifetime(bay) {}
    }
}

/// Makes the images of a run, one after the other, and starts the daemon on each.
private final class Images {
    private let run: RecordedRun
    private let setup: PowerCutSetup
    private let bay: Bay
    private let scratch: Scratch
    /// The disk as far as everything is certain; it only ever goes on.
    private let prefix: Descriptor
    private var applied = 0
    private var count = 0

    init(of run: RecordedRun, setup: PowerCutSetup, bay: Bay) throws {
        self.run = run
        self.setup = setup
        self.bay = bay
        scratch = try Volume.scratchInMemory()
        try Tool.run("cp", ["--sparse=always", run.blankImage, "\(scratch.path)/prefix"])
        prefix = try scratch.directory.open("prefix", [.readWrite])
    }

    func check(_ cut: PowerCut, _ context: String) throws {
        while applied < cut.certain {
            try run.log.apply(applied, to: prefix)
            applied += 1
        }
        count += 1
        try Tool.run("cp", ["--sparse=always", "\(scratch.path)/prefix", "\(scratch.path)/image"])
        let image = try scratch.directory.open("image", [.readWrite])
        try cut.applyLoose(of: run.log, to: image)
        let copy = "\(run.database)_\(count)"
        try recover(at: cut, registry: run.registry(at: cut.time, named: copy), context)
        bay.clear()
        try run.forget(copy)
        // Two images of one identity must not be mounted side by side. A lease tells when the loop device has let go.
        let isFree = eventually { WriteLease(on: image) != nil }
        #expect(isFree, "\(context): the image is still mounted")
        try scratch.directory.unlink("image")
    }

    private func recover(at cut: PowerCut, registry: String, _ context: String) throws {
        let volume = try Volume(
            mounting: "\(scratch.path)/image", as: setup.kind, options: setup.mountOptions)
        bay.insert(volume)
        let daemon = try setup.daemon(in: bay, database: registry)
        let (certain, possible) = run.submissions(at: cut.time)
        var checker = daemon.checker
        checker.possible = possible
        // Names and links of files, for whoever has to find out what went wrong.
        let found = try Tool.run(
            "find", ["\(bay.path)/drop", "-printf", "%i %n %P %l\n"])
        let context = "\(context); on the disk was:\n\(found)"
        let wrong = try checker.whole(certain)
        #expect(wrong.isEmpty, "before the daemon starts: \(wrong), \(context)")
        guard wrong.isEmpty else { return }
        try daemon.start()
        try daemon.expectSettled(certain, context) { checker in
            checker.expectsReceipts = false
            checker.allowsRepeats = true
            checker.possible = possible
        }
        daemon.kill()
        daemon.disconnect()
    }
}
