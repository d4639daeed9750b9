import DropWatch
import LinuxSystem
import Logging
import Manifest
import ModelFormats
import Registry
import ServiceManager
import Vocabulary

/// The lane behind COMMIT: writes receipts, removes claims, tells the journal.
///
/// A crash before a claim is removed only repeats what is here: the row is recognised by the submission's identity.
struct Finisher {
    let stages: Stages
    let station: Station

    func run() {
        station.bind()
        while let group = stages.finishBox.receive(limit: 64) {
            station.working(bound: Stages.bound)
            var done: [SubmissionID] = []
            for finished in group {
                station.work(on: finished.claim.key)
                if let id = finish(finished) {
                    stages.poison.forget(finished.claim.key)
                    done.append(id)
                }
            }
            stages.inbox.send(.finished(done))
            station.idle()
        }
    }

    /// - Returns: the submission if it is over.
    private func finish(_ finished: Finished) -> SubmissionID? {
        switch finished {
        case .rejected(let refusal):
            // Its files are in rejected/ by now; what of them should still be here is not for us to unlink.
            guard remove(refusal.claim, ClaimContents()) else { return nil }
            tell(refusal)
            return refusal.claim.id
        case .registered(let stored, let verdict):
            return finish(stored, verdict)
        }
    }

    private func finish(_ stored: Stored, _ verdict: Verdict) -> SubmissionID? {
        let claim = stored.work.claim
        var receipt = receipt(stored)
        switch verdict {
        case .registered(let registeredAt, let filePath, _):
            receipt.registeredAt = registeredAt
            receipt.filePath = filePath
            guard close(stored.work, receipt) else { return nil }
            stages.board.update { $0.registered += 1 }
            tell(.registered, .info, "Registered", stored)
        case .duplicate(let existing, let manifestDiffers):
            receipt.status = .duplicate
            receipt.registeredAt = existing.registeredAt
            receipt.filePath = existing.filePath
            if manifestDiffers {
                receipt.warnings.append(
                    Warning(
                        code: "manifest_differs",
                        message:
                            "This version is registered already with the same payload but another manifest; nothing was changed."
                    ))
            }
            guard close(stored.work, receipt) else { return nil }
            stages.board.update { $0.duplicates += 1 }
            tell(.duplicate, .info, "Already registered", stored)
        case .conflict(let existing, let freeVersion):
            refuse(
                stored,
                .versionConflict(
                    modelID: stored.work.manifest.modelID, modelVersion: stored.work.manifest.modelVersion,
                    digest: stored.digest, existing: existing, freeVersion: freeVersion))
            return nil
        case .refused(let reason):
            refuse(stored, reason)
            return nil
        case .rejectionRecorded: break
        }
        return claim.id
    }

    private func receipt(_ stored: Stored) -> Receipt {
        let manifest = stored.work.manifest
        var receipt = Receipt(status: .registered)
        receipt.submission = stored.work.claim.id
        receipt.modelID = manifest.modelID
        receipt.modelVersion = manifest.modelVersion
        receipt.digest = stored.digest
        receipt.sizeInBytes = stored.sizeInBytes
        receipt.manifestSHA256 = stored.manifestSHA256
        receipt.proof = stored.proof
        receipt.format = stored.inspection?.format
        receipt.safety = stored.inspection?.safety
        receipt.findingsCount = stored.inspection?.findings.count ?? 0
        receipt.warnings = stored.warnings
        return receipt
    }

    private func close(_ work: Work, _ receipt: Receipt) -> Bool {
        let claim = work.claim
        stages.hand(receipt, to: claim)
        guard claim.isFresh && !work.isManifestFirst && claim.drop.root.fileSystem.keepsOrder else {
            return remove(claim, claim.contents)
        }
        return end(claim) { () throws(SystemError) in
            try claim.folder.empty(claim.contents)
            let notes = SpareFolders.Notes(origin: claim.origin, owner: work.hasOwnerNote ? work.owner : nil)
            if !stages.spares.put(claim.folder, notes, in: claim.drop.root.claims) {
                try claim.folder.remove(ClaimContents(), from: claim.drop.root.claims)
            }
        }
    }

    private func remove(_ claim: Claim, _ contents: ClaimContents) -> Bool {
        end(claim) { () throws(SystemError) in try claim.folder.remove(contents, from: claim.drop.root.claims) }
    }

    /// - Returns: whether the claim is gone; otherwise it was given back to be taken up again, which ends here once more.
    private func end(_ claim: Claim, by removing: () throws(SystemError) -> Void) -> Bool {
        do throws(SystemError) {
            try removing()
            return true
        } catch {
            stages.retry(claim, code: "system", "The claim cannot be removed now (\(error)).")
            stages.log.complaint(
                .failed, .warning, key: "remove claim \(claim.drop.key.path)",
                "The claim \(claim.id) is registered but cannot be removed (\(error)); it is tried again",
                .init(submission: claim.id, drop: claim.drop.key.path))
            return false
        }
    }

    /// The registry refused it, and has recorded that; now its files are set aside like any other's.
    private func refuse(_ stored: Stored, _ reason: Reason) {
        stored.work.file.releaseLease()
        var refusal = Refusal(claim: stored.work.claim, reason: reason)
        refusal.modelID = stored.work.manifest.modelID
        refusal.modelVersion = stored.work.manifest.modelVersion
        refusal.manifestSHA256 = stored.manifestSHA256
        refusal.digest = stored.digest
        refusal.sizeInBytes = stored.sizeInBytes
        refusal.submitter = stored.work.owner.user
        refusal.warnings = stored.warnings
        refusal.format = stored.inspection?.format
        refusal.safety = stored.inspection?.safety
        refusal.findings = stored.inspection?.findings.map(\.json) ?? []
        refusal.isRecorded = true
        stages.take(.refuse(refusal), sizeInBytes: stored.sizeInBytes)
    }

    private func tell(_ event: EventKind, _ level: Logger.Level, _ verb: String, _ stored: Stored) {
        let manifest = stored.work.manifest
        var fields = stored.work.fields
        fields.digest = stored.digest
        fields.sizeInBytes = stored.sizeInBytes
        fields.format = stored.inspection?.format
        fields.safety = stored.inspection?.safety
        fields.proof = stored.proof
        fields.duration = .now - stored.work.claim.begun
        let milliseconds = (fields.duration ?? .zero).inNanoseconds / 1_000_000
        let kind = stored.inspection.map { "\($0.format.rawValue) (\($0.safety.rawValue)), " } ?? ""
        stages.log.event(
            event, level,
            "\(verb) \(manifest.modelID) \(escaped(manifest.modelVersion)): \(stored.work.claim.sourceName), "
                + "\(grouped(stored.sizeInBytes)) bytes, sha256 \(stored.digest.hex.prefix(12)), \(kind)\(stored.proof.rawValue), \(milliseconds) ms",
            fields)
    }

    private func tell(_ refusal: Refusal) {
        stages.board.update { $0.rejected += 1 }
        stages.log.event(
            .rejected, .warning, "Rejected \(refusal.source ?? refusal.claim.sourceName): \(refusal.reason)",
            .init(
                submission: refusal.claim.id, modelID: refusal.modelID, modelVersion: refusal.modelVersion,
                digest: refusal.digest, sizeInBytes: refusal.sizeInBytes, format: refusal.format,
                safety: refusal.safety,
                drop: refusal.claim.drop.key.path,
                source: refusal.source ?? refusal.claim.sourceName, reason: refusal.reason.code))
    }
}
