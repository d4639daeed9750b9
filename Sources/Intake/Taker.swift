import ContentStore
import DropWatch
import Glibc
import Inspectors
import LinuxSystem
import Logging
import Manifest
import ServiceManager
import Settings
import Vocabulary

/// A lane that reads payloads: hashes them and stages them for the store, or sets refused ones aside.
///
/// What it does with a claim can be done again from the start at any time: nothing it leaves behind counts until the publisher has synced it.
final class Taker {
    let stages: Stages
    let store: ContentStore
    let station: Station
    let tools = TakeTools()

    init(stages: Stages, store: ContentStore, station: Station) {
        self.stages = stages
        self.store = store
        self.station = station
    }

    /// Works through a box until it is closed.
    func run(_ box: Mailbox<TakeJob>) {
        station.bind()
        while let jobs = box.receive(limit: 1) {
            for job in jobs {
                station.working(bound: Stages.syncBound)
                station.work(on: job.claim.key)
                switch job {
                case .take(let work): take(work)
                case .refuse(let refusal): setAside(refusal)
                }
            }
            station.idle()
        }
    }

    // MARK: Taking

    private func take(_ work: Work) {
        if let reason = inadmissible(work) { return setAside(refusal(of: work, reason)) }
        do throws(TakeError) {
            if let stored = work.stored, stored.isAbout(work.status),
                try store.verify(stored.digest, tools: tools, checkpoint: checkpoint)
            {
                return stages.examine(resumed(work, stored))
            }
            var work = work
            let blob = try stage(&work)
            // A name that is taken is hashed here, where it holds up nobody; the publisher then only looks it up.
            if store.contains(blob.digest) {
                _ = try store.verify(blob.digest, tools: tools, checkpoint: checkpoint)
            }
            guard let proof = try prove(work, blob) else { return }
            stages.examine(Uninspected(stored: stored(work, blob.digest, blob.sizeInBytes, proof), blob: blob))
        } catch {
            stages.letGo(of: work, after: error, store: store)
        }
    }

    private func stage(_ work: inout Work) throws(TakeError) -> StagedBlob {
        let claim = work.claim
        let method = claim.drop.method(
            for: work.status, isLeased: work.evidence == .lease, wasLockedDown: work.wasLockedDown)
        var blob: StagedBlob
        switch method {
        case .clone: blob = try cloneOrCopy(work)
        case .copy: blob = try copy(work)
        case .move:
            guard let payload = claim.payload else { throw .changed }
            do {
                if !work.hasOwnerNote {
                    try claim.folder.leaveFirst(
                        work.owner.note, as: ClaimFolder.ownerNote, on: claim.drop.root.fileSystem)
                    work.hasOwnerNote = true
                }
            } catch { throw .system(error) }
            blob = try store.adopt(
                work.file, in: claim.folder.directory, name: payload, tools: tools, checkpoint: watching(work))
        }
        blob.fileExtension = claim.payloadName.extensionForLoaders
        if method != .move { try checkUnchanged(work) }
        return blob
    }

    private func cloneOrCopy(_ work: Work) throws(TakeError) -> StagedBlob {
        do {
            return try store.clone(
                work.file, isLeased: work.evidence == .lease, tools: tools, checkpoint: watching(work))
        } catch {
            // A directory below may be on a subvolume or have attributes that refuse a reflink; a copy always works.
            guard case .system(let cause) = error, cause.call == .ficlone else { throw error }
            return try copy(work)
        }
    }

    private func copy(_ work: Work) throws(TakeError) -> StagedBlob {
        let space: Space
        do { space = try store.space() } catch { throw .system(error) }
        return try store.copy(
            work.file, sizeInBytes: work.status.sizeInBytes, reserve: stages.reserve(of: space), tools: tools,
            checkpoint: watching(work))
    }

    /// P2: what was read is one version that nobody was writing. For a clone or a copy the source must not have changed meanwhile.
    private func checkUnchanged(_ work: Work) throws(TakeError) {
        if work.evidence == .lease && !work.file.holdsLease { throw .changed }
        let now: FileStatus
        do { now = try work.file.status() } catch { throw .system(error) }
        guard now.hasSameContent(as: work.status) else { throw .changed }
        // From here on the source is not needed any more: a writer who waits for the lease may go on.
        work.file.releaseLease()
    }

    /// Which proof holds, by the strongest there is; `nil` when there is none and the submission was dealt with.
    private func prove(_ work: Work, _ blob: StagedBlob) throws(TakeError) -> Proof? {
        if let declared = work.manifest.sizeInBytes, declared != blob.sizeInBytes {
            refuse(
                work, blob,
                Reason(
                    code: "size_mismatch",
                    message: "The payload has \(blob.sizeInBytes) bytes, its manifest declares \(declared).",
                    field: "size_bytes", hint: "Drop the complete payload, or correct size_bytes."))
            return nil
        }
        if let declared = work.manifest.sha256 {
            if declared == blob.digest { return .digest }
            if work.evidence == .none, isYoung(work) { throw .changed }
            refuse(
                work, blob,
                Reason(
                    code: "digest_mismatch",
                    message: "The payload hashes to \(blob.digest.hex), its manifest declares \(declared.hex).",
                    field: "sha256",
                    hint: "Drop the payload again (it may be damaged or another version), or correct sha256."))
            return nil
        }
        switch work.evidence {
        case .lease: return .lease
        case .settled: return .settle
        case .none: throw .changed
        }
    }

    // Without a lease a wrong digest may only mean that the file was not finished.
    private func isYoung(_ work: Work) -> Bool {
        WallClock.nanoseconds - work.status.modified < work.claim.drop.settings.settle.inNanoseconds
    }

    private func refuse(_ work: Work, _ blob: StagedBlob, _ reason: Reason) {
        var refusal = refusal(of: work, reason)
        refusal.digest = blob.digest
        refusal.sizeInBytes = blob.sizeInBytes
        setAside(refusal)
    }

    func checkpoint(_ sizeInBytes: Int64) throws(TakeError) {
        station.progress()
        if stages.isStopping { throw .stopped }
    }

    /// The same, and gives up at once when somebody wants to write: whoever opens the file waits in the kernel until the lease is gone.
    private func watching(_ work: Work) -> (Int64) throws(TakeError) -> Void {
        { [self] (sizeInBytes) throws(TakeError) in
            try checkpoint(sizeInBytes)
            if work.evidence == .lease && !work.file.holdsLease { throw .changed }
        }
    }
}
