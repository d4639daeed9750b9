import ContentStore
import DropWatch
import LinuxSystem
import Logging
import Manifest
import ServiceManager
import Settings
import Vocabulary

extension Taker {
    /// Why a submission may not be registered from this drop directory, whatever its bytes are.
    func inadmissible(_ work: Work) -> Reason? {
        let drop = work.claim.drop
        if !drop.settings.admits(modelID: work.manifest.modelID) {
            return Reason(
                code: "model_id_not_admitted",
                message: "\"\(work.manifest.modelID)\" may not be registered from this drop directory.",
                field: "model_id",
                hint:
                    "It admits \(drop.settings.modelIDs.joined(separator: ", ")); use another name or another drop directory."
            )
        }
        // Both: a manifest may name a payload that somebody else put there.
        for owner in [work.owner.user, work.manifestOwner] where !drop.admits(owner: owner) {
            return Reason(
                code: "owner_not_admitted",
                message: "\(Identity.userName(owner) ?? "uid \(owner)") may not drop here.",
                hint: "Ask the operator to add the user to owners for this drop directory.")
        }
        if drop.settings.completeness == .digest && work.manifest.sha256 == nil {
            return Reason(
                code: "digest_required",
                message: "This drop directory takes only payloads whose manifest declares sha256.",
                field: "sha256", hint: "Add \"sha256\" with the output of sha256sum.")
        }
        return nil
    }

    /// A blob that an earlier attempt published, hashed again just now: only a look into it and its row are missing.
    func resumed(_ work: Work, _ note: StoredNote) -> Uninspected {
        var stored = stored(work, note.digest, work.status.sizeInBytes, note.proof)
        stored.filePath = store.path(of: note.digest, fileExtension: work.claim.payloadName.extensionForLoaders)
        work.file.releaseLease()
        return Uninspected(stored: stored, blob: nil)
    }

    func stored(_ work: Work, _ digest: Digest, _ sizeInBytes: Int64, _ proof: Proof) -> Stored {
        var warnings = work.manifest.warnings
        if work.isManifestFirst && work.manifest.sha256 == nil && work.manifest.sizeInBytes == nil {
            warnings.append(
                Warning(
                    code: "manifest_first",
                    message:
                        "The manifest was there before the payload and declares neither sha256 nor size_bytes, so a payload cut "
                        + "short by a dying writer would not have been noticed; drop the manifest last."))
        }
        return Stored(
            work: work, digest: digest, sizeInBytes: sizeInBytes,
            manifestSHA256: tools.digest(of: work.manifestBytes), proof: proof, warnings: warnings, filePath: "")
    }

    func refusal(of work: Work, _ reason: Reason) -> Refusal {
        Refusal(of: work, reason, manifestSHA256: tools.digest(of: work.manifestBytes))
    }

    /// Carries a refusal out on disk, tells the producer, and sends it on to the registry.
    func setAside(_ refusal: Refusal) {
        let claim = refusal.claim
        do throws(SystemError) {
            let rejecting = Rejecting(
                refusal: refusal, host: stages.host, progress: { [station] in station.progress() })
            try rejecting.carryOut(try claim.folder.contents())
            stages.hand(rejecting.receipt, to: claim)
            // From here on the producer may take everything back: nothing of this is done a second time.
            try claim.folder.leave([0x31], as: ClaimFolder.setAsideNote)
            if refusal.isRecorded {
                stages.finishBox.send(.rejected(refusal))
            } else {
                stages.registerBox.send(.reject(refusal))
            }
        } catch {
            stages.board.update { $0.storeProblem = "\(claim.drop.key.path) takes no refusals: \(error)" }
            stages.log.complaint(
                .failed, .error, key: "set aside \(claim.drop.key.path): \(error)",
                "\(claim.sourceName) is refused (\(refusal.reason.code)) but cannot be set aside: \(error); it is kept and tried again",
                .init(submission: claim.id, drop: claim.drop.key.path, source: claim.sourceName))
            stages.retry(claim, code: "system", "The daemon cannot set it aside now (\(error)).")
        }
    }
}

extension FileName {
    /// The extension that the blob's second name gets, so that loaders which look at it find it: 1 to 16 letters and digits.
    var extensionForLoaders: String? {
        guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return nil }
        let ending = bytes[(dot + 1)...]
        guard (1...16).contains(ending.count) else { return nil }
        let isPlain = ending.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        }
        return isPlain ? String(decoding: ending, as: UTF8.self) : nil
    }
}

extension Stages {
    /// Lets a submission go that could not be taken now, and says why.
    func letGo(of work: Work, after error: TakeError, store: ContentStore) {
        let claim = work.claim
        switch error {
        case .stopped:
            inbox.send(.finished([claim.id]))
        case .changed:
            work.file.releaseLease()
            retry(claim, code: "changed", "The payload was still being written when it was read.")
        case .noRoom(let missing):
            board.update { $0.storeProblem = "store full: \(missing) bytes missing" }
            log.complaint(
                .storeUnavailable, .error, key: "store full",
                "The store \(store.root) is full: \(missing) bytes more are needed to keep its reserve; waiting",
                work.fields)
            retry(claim, code: "store_full", "The store is full; it goes on by itself when there is room.")
        case .system(let cause):
            board.update { $0.storeProblem = "\(cause)" }
            log.complaint(
                .storeUnavailable, .error, key: "take: \(cause.call.rawValue) \(cause.code)",
                "\(claim.sourceName) cannot be taken: \(cause); it is kept and tried again", work.fields)
            retry(claim, code: "system", "The daemon cannot take it now (\(cause)).")
        }
    }
}
