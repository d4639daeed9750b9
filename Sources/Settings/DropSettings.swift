/// The configuration of one drop directory.
public struct DropSettings: Sendable, Equatable {
    /// The directory, an absolute path.
    public var path: String
    /// Whether sub-directories are drop directories too.
    public var recursive: Bool
    /// What has to prove that a payload is complete.
    public var completeness: Completeness
    /// How long a payload has to be quiet where no lease is to be had.
    public var settle: Duration
    /// How a payload gets into the store.
    public var take: Take
    /// Whether producers may be expected to attack.
    public var producers: Producers
    /// The largest payload that is taken, in bytes.
    public var maxPayload: Int64
    /// Whether other hosts write here, so that leases prove nothing.
    public var remoteWriters: RemoteWriters
    /// How long after its last change a lone payload or manifest becomes a problem.
    public var manifestWait: Duration
    /// What happens to it then.
    public var orphans: Orphans
    /// Verdicts of the safety scan that reject a submission.
    public var rejectSafety: [String]
    /// Globs of the model ids that may be registered from here.
    public var modelIDs: [String]
    /// Who may drop here: `*`, user names, `@group` names, numeric user ids.
    public var owners: [String]
    /// Globs of names that are no submissions.
    public var ignore: [String]

    /// A drop directory from values that are known to be right, with the documented defaults.
    public init(
        path: String, recursive: Bool = true, completeness: Completeness = .auto,
        settle: Duration = Self.defaultSettle, take: Take = .auto, producers: Producers = .trusted,
        maxPayload: Int64 = Self.defaultMaxPayload, remoteWriters: RemoteWriters = .auto,
        manifestWait: Duration = Self.defaultManifestWait, orphans: Orphans = .leave,
        rejectSafety: [String] = [], modelIDs: [String] = ["*"], owners: [String] = ["*"],
        ignore: [String] = Self.defaultIgnore
    ) {
        self.path = path
        self.recursive = recursive
        self.completeness = completeness
        self.settle = settle
        self.take = take
        self.producers = producers
        self.maxPayload = maxPayload
        self.remoteWriters = remoteWriters
        self.manifestWait = manifestWait
        self.orphans = orphans
        self.rejectSafety = rejectSafety
        self.modelIDs = modelIDs
        self.owners = owners
        self.ignore = ignore
    }

    /// What has to prove that a payload is complete.
    public enum Completeness: String, Sendable, CaseIterable {
        /// The strongest proof to be had here.
        case auto
        /// Only the manifest's `sha256`.
        case digest
        /// A digest or a read lease, never quiet time.
        case lease
        /// Quiet time, without asking for leases.
        case settle
    }

    /// How a payload gets into the store; `auto` probes.
    public enum Take: String, Sendable, CaseIterable {
        case auto, clone, move, copy
    }

    /// Whether producers may be expected to attack; a hostile one's inode is never adopted.
    public enum Producers: String, Sendable, CaseIterable {
        case trusted, hostile
    }

    /// Whether other hosts write into the directory (NFS export, network file system).
    public enum RemoteWriters: String, Sendable, CaseIterable {
        case auto, yes, no
    }

    /// What happens to a payload or manifest whose other half never came.
    public enum Orphans: String, Sendable, CaseIterable {
        case leave, reject
    }

    /// `settle:` when the file is silent.
    public static let defaultSettle = Duration.seconds(5)
    /// `max_payload:` when the file is silent: 1 TiB.
    public static let defaultMaxPayload: Int64 = 1 << 40
    /// `manifest_wait:` when the file is silent.
    public static let defaultManifestWait = Duration.seconds(86_400)
    /// `ignore:` when the file is silent: hidden files, unfinished transfers, and what file servers leave about.
    public static let defaultIgnore = [
        ".*", "*.tmp", "*.temp", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.swp", "*~", ".nfs*", "_*",
        "@eaDir", ".DS_Store", "__MACOSX", "lost+found",
    ]
    /// The verdicts that `reject_safety:` may name.
    public static let safetyVerdicts = ["dangerous", "unscannable", "unknown-imports"]
}

extension DropSettings {
    /// Whether a model of this id may be registered from here; `*` also spans `/`.
    public func admits(modelID: String) -> Bool {
        modelIDs.contains { Glob($0).matches(modelID.utf8) }
    }

    /// Whether a file of this name (the last path component, raw bytes) is none of our business.
    public func ignores(name: [UInt8]) -> Bool {
        ignore.contains { Glob($0).matches(name) }
    }
}
