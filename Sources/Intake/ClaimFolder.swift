import Glibc
import LinuxSystem
import Vocabulary

/// A claim on disk: `.claims/<submission>/`, the durable queue. There is no other journal; recovery sees only what is here.
///
/// | in the folder | state | what recovery does |
/// |---|---|---|
/// | nothing | being made, or being removed | removes it |
/// | payload only | being claimed or given back | gives the payload back |
/// | payload and manifest | claimed | takes it again from the start |
/// | the same and `.blob` | in the store, waiting for its row | hashes the blob, registers |
/// | `.reason.json` and whatever else | refused | finishes the refusal |
/// | manifest only | registered, being removed; or a reordered claim | asks the registry: row there: removes, else gives it back |
///
/// Notes are symbolic links whose target is the text: written atomically in one call, never followed.
/// A crash between any two steps leaves one of these states.
struct ClaimFolder: Sendable {
    static let originNote: FileName = ".from"
    static let ownerNote: FileName = ".owner"
    static let manifestOwnerNote: FileName = ".manifest-owner"
    static let manifestFirstNote: FileName = ".manifest-first"
    static let blobNote: FileName = ".blob"
    /// The payload's name, for the receipt of a refusal whose files have left the claim.
    static let payloadNote: FileName = ".payload"
    static let reasonFile: FileName = ".reason.json"
    /// Left when a refusal was carried out and only its row is missing.
    static let setAsideNote: FileName = ".set-aside"
    /// Names in the folder that are the daemon's; no payload can be called so.
    static let ownNames: Set<FileName> = [
        originNote, ownerNote, manifestOwnerNote, manifestFirstNote, blobNote, payloadNote, reasonFile,
        setAsideNote,
    ]

    let id: SubmissionID
    let name: FileName
    let directory: Descriptor

    /// Makes the folder of a new claim.
    init(making id: SubmissionID, in claims: Descriptor) throws(SystemError) {
        self.id = id
        name = Self.name(of: id)
        try claims.makeDirectory(name, mode: 0o700)
        directory = try claims.openDirectory(name)
    }

    /// Makes the folder of a new claim out of one that is not needed any more, with the notes that it holds.
    init(renaming spare: ClaimFolder, to id: SubmissionID, in claims: Descriptor) throws(SystemError) {
        self.id = id
        name = Self.name(of: id)
        directory = spare.directory
        try claims.rename(spare.name, to: claims, as: name, replacing: false)
    }

    /// Opens the folder of an earlier claim.
    init(opening id: SubmissionID, in claims: Descriptor) throws(SystemError) {
        self.id = id
        name = Self.name(of: id)
        directory = try claims.openDirectory(name)
    }

    private static func name(of id: SubmissionID) -> FileName {
        guard let name = FileName(Array(id.description.utf8)) else { preconditionFailure("a UUID is a name") }
        return name
    }

    /// The claims that are there.
    static func all(in claims: Descriptor) throws(SystemError) -> [SubmissionID] {
        try claims.entries().compactMap { SubmissionID($0.name.text) }.sorted()
    }
}

/// What a claim's folder holds.
struct ClaimContents: Sendable {
    var payload: FileName?
    var manifest: FileName?
    var origin = RelativePath()
    /// Whose the payload was, when it was locked down or made the daemon's own.
    var owner: OriginalOwner?
    /// Whose the manifest was, when it had to be made the daemon's own.
    var manifestOwner: OriginalOwner?
    var isManifestFirst = false
    var payloadName: FileName?
    var blob: StoredNote?
    var isRefused = false
    var isSetAside = false
    /// Names that no claim should have.
    var strangers: [FileName] = []
}

/// Whose a payload was before it was locked down.
struct OriginalOwner: Sendable, Hashable {
    var user: UInt32
    var group: UInt32
    var mode: UInt32

    init(_ status: FileStatus) {
        user = status.owner
        group = status.group
        mode = status.mode
    }

    init?(note: [UInt8]) {
        let parts = String(decoding: note, as: UTF8.self).split(separator: ":")
        guard parts.count == 3, let user = UInt32(parts[0]), let group = UInt32(parts[1]),
            let mode = UInt32(parts[2], radix: 8)
        else { return nil }
        self.user = user
        self.group = group
        self.mode = mode
    }

    var note: [UInt8] { Array("\(user):\(group):\(String(mode, radix: 8))".utf8) }
}

/// What is left in a claim whose blob is in the store but whose row has to wait.
struct StoredNote: Sendable, Equatable {
    var digest: Digest
    var proof: Proof
    /// The payload as it was taken: if it is another by now, it is taken again.
    var sizeInBytes: Int64
    var modified: Int64

    init(digest: Digest, proof: Proof, payload: FileStatus) {
        self.digest = digest
        self.proof = proof
        sizeInBytes = payload.sizeInBytes
        modified = payload.modified
    }

    init?(note: [UInt8]) {
        let parts = String(decoding: note, as: UTF8.self).split(separator: ":")
        guard parts.count == 4, let digest = Digest(hex: parts[0]), let proof = Proof(rawValue: String(parts[1])),
            let size = Int64(parts[2]), let modified = Int64(parts[3])
        else { return nil }
        self.digest = digest
        self.proof = proof
        sizeInBytes = size
        self.modified = modified
    }

    var note: [UInt8] { Array("\(digest.hex):\(proof.rawValue):\(sizeInBytes):\(modified)".utf8) }

    /// Whether it is about the payload in this state.
    func isAbout(_ payload: FileStatus) -> Bool {
        sizeInBytes == payload.sizeInBytes && modified == payload.modified
    }
}

extension ClaimFolder {
    /// Reads what is in the folder.
    func contents() throws(SystemError) -> ClaimContents {
        var contents = ClaimContents()
        for entry in try directory.entries() {
            switch entry.name {
            case Self.originNote:
                contents.origin = try directory.note(entry.name).flatMap { RelativePath(bytes: $0) } ?? RelativePath()
            case Self.ownerNote:
                contents.owner = try directory.note(entry.name).flatMap { OriginalOwner(note: $0) }
            case Self.manifestOwnerNote:
                contents.manifestOwner = try directory.note(entry.name).flatMap { OriginalOwner(note: $0) }
            case Self.blobNote:
                contents.blob = try directory.note(entry.name).flatMap { StoredNote(note: $0) }
            case Self.manifestFirstNote:
                contents.isManifestFirst = true
            case Self.payloadNote:
                contents.payloadName = try directory.note(entry.name).flatMap { FileName($0) }
            case Self.reasonFile:
                contents.isRefused = true
            case Self.setAsideNote:
                contents.isSetAside = true
            case _ where entry.name.isTemporary:
                // Half a `.reason.json`: a crash came before it was renamed into place.
                try directory.unlink(entry.name)
            default:
                contents.add(entry.name)
            }
        }
        return contents
    }

    /// Leaves a note, replacing an older one of that name.
    func leave(_ note: [UInt8], as name: FileName) throws(SystemError) {
        do {
            try directory.leaveNote(note, as: name)
        } catch where error.code == EEXIST {
            try directory.unlink(name)
            try directory.leaveNote(note, as: name)
        }
    }

    /// Leaves a note that tells how to undo what is done next: after a power cut it has to be there if that is.
    ///
    /// Where the file system does not keep the order it is synced. Without that, files were found in a claim without the note of where they
    /// came from: they would be registered under another name, or given back into another directory.
    func leaveFirst(_ note: [UInt8], as name: FileName, on fileSystem: FileSystemKind) throws(SystemError) {
        try leave(note, as: name)
        if !fileSystem.keepsOrder { try directory.sync() }
    }

    /// Removes the two files of a claim, and leaves the notes. A folder with the manifest alone is the one state that asks the registry before
    /// it removes anything, so the payload goes first.
    func empty(_ contents: ClaimContents) throws(SystemError) {
        if let payload = contents.payload { try directory.unlink(payload) }
        if let manifest = contents.manifest { try directory.unlink(manifest) }
    }

    /// Removes the folder with everything in it; only for a claim whose row is committed or whose files are elsewhere.
    ///
    /// Only the files named in `contents` and the daemon's own are unlinked.
    func remove(_ contents: ClaimContents, from claims: Descriptor) throws(SystemError) {
        try empty(contents)
        // Most claims have no other note: try the directory next, and look what is in the way only then.
        try directory.unlink(Self.ownerNote)
        do {
            try claims.removeDirectory(name)
        } catch where error.code == ENOTEMPTY || error.code == EEXIST {
            for entry in try directory.entries() where entry.name.isTemporary || Self.ownNames.contains(entry.name) {
                try directory.unlink(entry.name)
            }
            // Whatever else is there is somebody's file: then this fails, and nothing is destroyed.
            try claims.removeDirectory(name)
        }
    }
}

extension ClaimContents {
    /// Sorts in one of the two files of a submission.
    fileprivate mutating func add(_ name: FileName) {
        if isSidecar(name) {
            if manifest == nil { manifest = name } else { strangers.append(name) }
        } else {
            if payload == nil { payload = name } else { strangers.append(name) }
        }
    }
}
