import DropWatch
import Glibc
import LinuxSystem
import Manifest
import ModelFormats
import Registry
import Vocabulary

/// Refuses a submission: everything of it is kept in `rejected/<submission>/`, with its reason.
///
/// Each step can be repeated, so that recovery just runs them all again:
/// 1. A note of the payload's name and `.reason.json` in the claim: from here on it is refused, whatever becomes of the process. A power cut
///    may undo the name of the file, never leave half of it; then the refusal is decided anew, from the same files.
/// 2. `rejected/<submission>/`, writable by the producers' group.
/// 3. The payload, with the owner and mode that it had, and the manifest move there.
/// 4. `reason.json` beside them, and the receipt.
/// 5. The row in `registry.submissions`; then the claim, which holds only `.reason.json` by now, is removed.
struct Rejecting {
    let refusal: Refusal
    let host: String
    /// Called now and then while something takes long.
    var progress: () -> Void = {}

    /// Steps 1 to 4.
    func carryOut(_ contents: ClaimContents) throws(SystemError) {
        let folder = refusal.claim.folder
        let root = refusal.claim.drop.root
        if !contents.isRefused {
            try folder.leave(refusal.claim.payloadName.bytes, as: ClaimFolder.payloadNote)
            try folder.directory.replaceFile(
                ClaimFolder.reasonFile, with: Array((record.text + "\n").utf8), mode: 0o600, durable: true)
        }
        let target = try root.rejected.makeOrOpenDirectory(folder.name, mode: 0o770)
        if let payload = contents.payload {
            try giveBack(payload, contents.owner, from: folder.directory, to: target)
        }
        if let manifest = contents.manifest {
            try giveBack(manifest, contents.manifestOwner, from: folder.directory, to: target)
        }
        let isTaken = refusal.claim.payloadName == "reason.json"
        let reasonName: FileName = isTaken ? ".reason.json" : "reason.json"
        try target.replaceFile(reasonName, with: Array((record.text + "\n").utf8), mode: 0o644, durable: true)
        try target.sync()
        try root.rejected.sync()
    }

    /// Moves the payload out with its original owner and mode.
    ///
    /// An inode that is in the store too (a blob that was published before the version turned out to be taken) must never be writable
    /// again: then its bytes are copied, and the copy gets the owner and mode.
    private func giveBack(
        _ payload: FileName, _ owner: OriginalOwner?, from source: Descriptor, to target: Descriptor
    ) throws(SystemError) {
        guard let owner else {
            return try move(payload, from: source, to: target)
        }
        // A repeated step finds it moved already.
        guard let status = try source.status(of: payload) else { return }
        // The note was left, but the file never became the daemon's: it is as its producer had it.
        guard status.owner == Identity.user else {
            return try move(payload, from: source, to: target)
        }
        let file = try source.open(payload)
        if status.linkCount == 1 {
            try restore(owner, on: file)
            return try move(payload, from: source, to: target)
        }
        try target.unlink(payload)
        let copy = try target.open(payload, [.writeOnly, .create, .exclusive], mode: 0o600)
        do {
            try copyContent(of: file, to: copy)
            try restore(owner, on: copy)
            try copy.sync()
        } catch {
            // Half a file must not lie in the producer's way, nor take the room that is missing.
            _ = try? target.unlink(payload)
            throw error
        }
        try source.unlink(payload)
    }

    /// Moves a file, whatever has its name there.
    ///
    /// After a power cut btrfs may have a renamed file under both names. Between two names of one file rename(2) succeeds and does nothing, and the
    /// claim would never be empty: the old name is unlinked.
    private func move(_ name: FileName, from source: Descriptor, to target: Descriptor) throws(SystemError) {
        try source.rename(name, to: target, as: name, replacing: true)
        try source.unlink(name)
    }

    private func restore(_ owner: OriginalOwner, on file: Descriptor) throws(SystemError) {
        // The mode first: once the file is somebody else's again it cannot be changed. A change of owner clears set-id bits.
        try file.setMode(owner.mode & 0o777)
        let now = try file.status()
        if now.owner != owner.user || now.group != owner.group {
            do {
                try file.setOwner(owner.user, group: owner.group)
            } catch where error.code == EPERM {
                // Without CAP_CHOWN nothing was changed away from its owner either; a group may stay ours.
            }
        }
    }

    private func copyContent(of file: Descriptor, to copy: Descriptor) throws(SystemError) {
        do {
            return try copy.clone(from: file)
        } catch {
            // No reflinks here: byte by byte.
        }
        try copy.reserve(sizeInBytes: try file.status().sizeInBytes)
        try copy.copyBytes(from: file, progress: progress)
    }

    /// What `reason.json` says, and all that the registry's row needs.
    var record: JSON {
        var members = refusal.reason.members
        func put(_ key: String, _ value: String?) { if let value { members.append(.init(key, .string(value))) } }
        if !refusal.others.isEmpty {
            members.append(.init("further_reasons", .array(refusal.others.map { .object($0.members) })))
        }
        put("submission_id", refusal.claim.id.description)
        put("source", source)
        put("drop", refusal.claim.drop.key.path)
        put("model_id", refusal.modelID)
        put("model_version", refusal.modelVersion)
        put("sha256", refusal.digest?.hex)
        put("manifest_sha256", refusal.manifestSHA256?.hex)
        if let size = refusal.sizeInBytes { members.append(.init("size_bytes", .number("\(size)"))) }
        if let submitter = refusal.submitter { members.append(.init("submitted_uid", .number("\(submitter)"))) }
        put("format", refusal.format?.rawValue)
        put("safety", refusal.safety?.rawValue)
        if refusal.safety != nil { members.append(.init("findings", .array(refusal.findings))) }
        put("rejected_at", WallClock.now)
        put("retry", "Correct what is named above, then mv payload and manifest back into the drop directory.")
        members.append(.init("warnings", .array(refusal.warnings.map(\.json))))
        return .object(members)
    }

    private var source: String { refusal.source ?? refusal.claim.sourceName }

    /// The row for `registry.submissions`.
    var rejection: Rejection {
        Rejection(
            submissionID: refusal.claim.id, reason: refusal.reason, modelID: refusal.modelID,
            modelVersion: refusal.modelVersion, digest: refusal.digest, sizeInBytes: refusal.sizeInBytes,
            manifestSHA256: refusal.manifestSHA256, sourceName: source,
            submittedBy: refusal.submitter.flatMap(Identity.userName), submittedUID: refusal.submitter,
            dropPath: escaped(refusal.claim.drop.key.path), host: host, warnings: refusal.warnings)
    }

    /// The receipt.
    var receipt: Receipt {
        var receipt = Receipt(status: .rejected)
        receipt.submission = refusal.claim.id
        receipt.modelID = refusal.modelID
        receipt.modelVersion = refusal.modelVersion
        receipt.digest = refusal.digest
        receipt.sizeInBytes = refusal.sizeInBytes
        receipt.manifestSHA256 = refusal.manifestSHA256
        receipt.format = refusal.format
        receipt.safety = refusal.safety
        receipt.findingsCount = refusal.findings.count
        receipt.reason = refusal.reason
        receipt.rejectedAt = WallClock.now
        receipt.rejectedPath = "\(refusal.claim.drop.key.path)/rejected/\(refusal.claim.id)"
        receipt.warnings = refusal.warnings
        return receipt
    }
}
