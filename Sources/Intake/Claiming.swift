import DropWatch
import Glibc
import LinuxSystem
import Manifest
import Vocabulary

/// How an attempt to claim a complete pair ends.
enum ClaimResult {
    /// Out of the producers' reach.
    case claimed(Claimed)
    /// Something changed at the last moment; whatever was moved is back.
    case changed
    /// The daemon may not, or cannot now: what stands in the way.
    case hindered(Waiting)
}

/// A pair that was just claimed.
struct Claimed {
    let claim: Claim
    let candidate: Candidate
    let isManifestFirst: Bool
    /// Whether the folder has the note of whose the payload is.
    let hasOwnerNote: Bool
}

/// Moves pairs out of drop directories into claims, and back.
enum Claiming {
    /// Claims a pair: one rename each, and a check that the very files that were judged have moved.
    ///
    /// After a crash the folder holds nothing, the payload alone (given back), or both (taken from the start).
    static func claim(
        _ candidate: Candidate, in drop: Drop, directory: Descriptor, origin: RelativePath, id: SubmissionID,
        isManifestFirst: Bool, begun: Monotonic, spares: SpareFolders
    ) throws(SystemError) -> ClaimResult {
        let takesPayload = candidate.payloadStatus?.kind == .regular && !isNotOurs(candidate)
        let owner = takesPayload ? candidate.payloadStatus.map { OriginalOwner($0) } : nil
        let (folder, notes) = try folder(
            SpareFolders.Notes(origin: origin, owner: owner), in: drop.root.claims, id: id, spares: spares)
        do {
            if notes == nil && !origin.names.isEmpty {
                try folder.leaveFirst(origin.bytes, as: ClaimFolder.originNote, on: drop.root.fileSystem)
            }
            if isManifestFirst { try folder.leave([0x31], as: ClaimFolder.manifestFirstNote) }
            if takesPayload, let status = candidate.payloadStatus {
                guard try move(candidate.payloadName, status, directory, folder) else {
                    try giveUp(folder, drop)
                    return .changed
                }
            }
            guard try move(candidate.manifestName, candidate.manifestStatus, directory, folder) else {
                if takesPayload { try restore(candidate.payloadName, from: folder, to: directory) }
                try giveUp(folder, drop)
                return .changed
            }
            let claim = Claim(
                folder: folder, drop: drop, origin: origin, payload: takesPayload ? candidate.payloadName : nil,
                manifest: candidate.manifestName, begun: begun, key: CrashKey(candidate.manifestStatus), isFresh: true)
            return .claimed(
                Claimed(
                    claim: claim, candidate: candidate, isManifestFirst: isManifestFirst,
                    hasOwnerNote: notes?.owner != nil))
        } catch {
            // What has moved already is given back, the manifest last; where even that fails the folder stays and recovery does it.
            try? restore(candidate.payloadName, from: folder, to: directory)
            try? restore(candidate.manifestName, from: folder, to: directory)
            try? giveUp(folder, drop)
            return try hindrance(error, candidate, origin)
        }
    }

    /// A new folder; one that was used before, and the notes in it, where there is one that fits.
    private static func folder(
        _ notes: SpareFolders.Notes, in claims: Descriptor, id: SubmissionID, spares: SpareFolders
    ) throws(SystemError) -> (ClaimFolder, SpareFolders.Notes?) {
        if let spare = spares.take(notes, in: claims),
            let folder = try? ClaimFolder(renaming: spare.folder, to: id, in: claims)
        {
            return (folder, spare.notes)
        }
        return (try ClaimFolder(making: id, in: claims), nil)
    }

    /// Things that are not ours to move stay where they are: special files, directories, strangers' files, and names that mean
    /// something else in a claim's folder.
    private static func isNotOurs(_ candidate: Candidate) -> Bool {
        ["foreign_hard_link", "foreign_payload", "reserved_name"].contains(candidate.refusal?.code)
    }

    /// Renames one file into the folder; `false` when it is gone or was exchanged, in which case it is back.
    private static func move(
        _ name: FileName, _ status: FileStatus, _ directory: Descriptor, _ folder: ClaimFolder
    ) throws(SystemError) -> Bool {
        do {
            try directory.rename(name, to: folder.directory, as: name, replacing: false)
        } catch where error.code == ENOENT {
            return false
        }
        if let moved = try folder.directory.status(of: name), moved.isSameFile(as: status) { return true }
        try restore(name, from: folder, to: directory)
        return false
    }

    /// Gives one file back under its own name, unless a new one has taken it.
    static func restore(_ name: FileName, from folder: ClaimFolder, to directory: Descriptor) throws(SystemError) {
        do {
            try folder.directory.rename(name, to: directory, as: name, replacing: false)
        } catch where error.code == ENOENT {}
    }

    /// Removes a folder that holds notes alone. One that still holds a file keeps them: they tell where it belongs.
    private static func giveUp(_ folder: ClaimFolder, _ drop: Drop) throws(SystemError) {
        let names = try folder.directory.entries().map(\.name)
        guard names.allSatisfy(ClaimFolder.ownNames.contains) else { return }
        for name in names { try folder.directory.unlink(name) }
        try drop.root.claims.removeDirectory(folder.name)
    }

    private static func hindrance(
        _ error: SystemError, _ candidate: Candidate, _ origin: RelativePath
    ) throws(SystemError) -> ClaimResult {
        switch error.code {
        case EACCES, EPERM:
            .hindered(
                Waiting(
                    code: "unclaimable",
                    message: "The daemon may not move \(candidate.payloadName) out of its directory (\(error)).",
                    hint: origin.names.isEmpty
                        ? "The drop directory has to belong to the user that ingotd runs as."
                        : "Run \(Waiting.rightsCommand) on the directory \(origin), or make it with group write permission."
                ))
        case EXDEV:
            .hindered(
                Waiting(
                    code: "other_file_system",
                    message:
                        "\(origin) is on another mount than its drop directory, so nothing can be claimed from it.",
                    hint: "Configure it as a drop directory of its own.", isActive: false))
        default: throw error
        }
    }
}
