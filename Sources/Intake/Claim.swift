import DropWatch
import LinuxSystem
import Manifest
import ModelFormats
import Vocabulary

/// Whether a name is a sidecar's. Such a name is never a payload.
func isSidecar(_ name: FileName) -> Bool { SidecarName.split(name.bytes) != nil }

/// A claimed submission: out of its producer's reach, kept by its folder on disk.
struct Claim: Sendable {
    let folder: ClaimFolder
    let drop: Drop
    /// The directory below the drop that it came from.
    let origin: RelativePath
    let payload: FileName?
    let manifest: FileName?
    /// The payload's name as an earlier run noted it; its file may have left the claim.
    var notedName: FileName?
    /// When the work on it began.
    let begun: Monotonic
    /// What it is known by should the daemon crash on it; `nil` without a manifest.
    var key: CrashKey?
    /// Whether this run claimed it and has had it in hand since: then its folder holds the notes that this run knows of, and no others.
    var isFresh = false

    var id: SubmissionID { folder.id }

    /// The payload's name, or what it would have been called.
    var payloadName: FileName {
        if let name = payload ?? notedName { return name }
        guard let manifest, let stem = SidecarName.split(manifest.bytes)?.stem, let name = FileName(stem) else {
            return "payload"
        }
        return name
    }

    /// The payload's path relative to the drop, escaped.
    var sourceName: String { drop.sourceName(origin, payloadName) }

    var contents: ClaimContents {
        var contents = ClaimContents()
        contents.payload = payload
        contents.manifest = manifest
        contents.origin = origin
        return contents
    }
}

/// What is known about a payload's completeness before it is hashed.
enum Evidence: Sendable, Equatable {
    /// A lease is held on the descriptor that travels along.
    case lease
    /// It was quiet for the configured time.
    case settled
    /// Nothing yet: only the declared digest can prove it.
    case none
}

/// A claimed submission on its way into the store.
struct Work: Sendable {
    let claim: Claim
    let file: Descriptor
    let status: FileStatus
    /// The owner that the producer gave it, whatever was done since.
    let owner: OriginalOwner
    /// Who wrote the manifest.
    let manifestOwner: UInt32
    let evidence: Evidence
    let manifestBytes: [UInt8]
    let manifest: Manifest
    let isManifestFirst: Bool
    /// Whether the claim's folder has the note of whose the payload was.
    var hasOwnerNote = false
    /// Whether an earlier attempt locked the payload down, so that further links to it are the store's.
    var wasLockedDown = false
    /// The blob that an earlier attempt stored.
    var stored: StoredNote?

    /// The payload's path relative to the drop and the fields that every record of it has.
    var fields: EventLog.Fields {
        EventLog.Fields(
            submission: claim.id, modelID: manifest.modelID, modelVersion: manifest.modelVersion,
            drop: claim.drop.key.path, source: claim.sourceName)
    }
}

/// A submission that is refused.
struct Refusal: Sendable {
    let claim: Claim
    var reason: Reason
    /// Further reasons, for the reason file.
    var others: [Reason] = []
    var modelID: String?
    var modelVersion: String?
    /// The payload's path as it was when the refusal was decided; recovery may find only the record.
    var source: String?
    var manifestSHA256: Digest?
    var digest: Digest?
    var sizeInBytes: Int64?
    var submitter: UInt32?
    var warnings: [Warning] = []
    /// What the payload turned out to be, when it was looked into.
    var format: ModelFormat?
    /// How dangerous it is, when it was looked into.
    var safety: Safety?
    /// What was found in it, for the reason file.
    var findings: [JSON] = []
    /// Whether the registry has its row already (a conflict is recorded by the transaction that finds it).
    var isRecorded = false
}

extension Refusal {
    /// A refusal of a submission whose manifest was read.
    init(of work: Work, _ reason: Reason, manifestSHA256: Digest) {
        self.init(claim: work.claim, reason: reason)
        modelID = work.manifest.modelID
        modelVersion = work.manifest.modelVersion
        self.manifestSHA256 = manifestSHA256
        sizeInBytes = work.status.sizeInBytes
        submitter = work.owner.user
        warnings = work.manifest.warnings
    }
}

/// A submission whose blob is staged or published.
struct Stored: Sendable {
    let work: Work
    let digest: Digest
    let sizeInBytes: Int64
    let manifestSHA256: Digest
    let proof: Proof
    var warnings: [Warning]
    var filePath: String
    /// What is inside; `nil` only until it was looked into.
    var inspection: Inspection?
}
