import ContentStore
import DropWatch
import Glibc
import LinuxSystem
import Logging
import Manifest
import ModelFormats
import ServiceManager
import Settings
import Vocabulary

extension Surveyor {
    /// The place in the waiting room of a claim that has to wait.
    func spot(of claim: Claim) -> Spot {
        Spot(drop: claim.drop.key, directory: Spot.claimsDirectory, name: claim.folder.name)
    }

    /// The same, for a claim that is only known by its identity.
    func spot(of id: SubmissionID, in drop: DropKey) -> Spot {
        Spot(drop: drop, directory: Spot.claimsDirectory, name: name(of: id))
    }

    /// The claim that a place in the waiting room stands for.
    func claimID(of spot: Spot) -> SubmissionID? {
        spot.isClaim ? SubmissionID(spot.name.text) : nil
    }

    // MARK: New claims

    /// Sends a new claim on its way.
    func begin(_ claimed: Claimed) {
        let candidate = claimed.candidate
        let claim = claimed.claim
        if let refusal = candidate.refusal {
            return refuse(claim, [refusal], candidate)
        }
        // What could not be opened from outside is taken up like a claim found after a crash.
        guard candidate.manifestFile != nil, candidate.payloadFile != nil else { return resume(claim.id, claim.drop) }
        send(
            candidate, claim, ClaimContents(), isManifestFirst: claimed.isManifestFirst,
            hasOwnerNote: claimed.hasOwnerNote)
    }

    private func send(
        _ candidate: Candidate, _ claim: Claim, _ contents: ClaimContents, isManifestFirst: Bool, hasOwnerNote: Bool
    ) {
        guard let file = candidate.payloadFile, let status = candidate.payloadStatus else {
            let reason = Reason(
                code: "unreadable", message: "\(claim.payloadName) cannot be read, and cannot be made readable.",
                hint: "Run chmod u+r,g+r on it, then move payload and manifest back into the drop directory.")
            return refuse(claim, [reason], candidate, owner: contents.owner)
        }
        switch candidate.manifest {
        case .failure(let error): refuse(claim, error.reasons, candidate, owner: contents.owner)
        case .success(let manifest):
            let isLarge = status.sizeInBytes >= ContentStore.largeFileSize
            guard !isLarge || hasRoomForLarge else {
                return room.note(spot(of: claim), .turn, payload: claim.payloadName, observed: nil, now: .now)
            }
            admit(claim, manifestBytes: candidate.manifestBytes.count, isLarge: isLarge)
            stages.take(
                .take(
                    Work(
                        claim: claim, file: file, status: status, owner: contents.owner ?? OriginalOwner(status),
                        manifestOwner: contents.manifestOwner?.user ?? candidate.manifestStatus.owner,
                        evidence: candidate.evidence, manifestBytes: candidate.manifestBytes, manifest: manifest,
                        isManifestFirst: isManifestFirst, hasOwnerNote: hasOwnerNote,
                        wasLockedDown: contents.owner != nil && store.isLockedDown(status),
                        stored: contents.blob)),
                sizeInBytes: status.sizeInBytes)
        }
    }

    /// - Parameter owner: whose the payload was before it was made the daemon's own.
    private func refuse(
        _ claim: Claim, _ reasons: [Reason], _ candidate: Candidate?, owner: OriginalOwner? = nil
    ) {
        guard let first = reasons.first else { return }
        var refusal = Refusal(claim: claim, reason: first)
        refusal.others = Array(reasons.dropFirst())
        let manifest = candidate.flatMap { try? $0.manifest.get() }
        refusal.modelID = manifest?.modelID
        refusal.modelVersion = manifest?.modelVersion
        refusal.manifestSHA256 = candidate.flatMap {
            $0.manifestBytes.isEmpty ? nil : tools.digest(of: $0.manifestBytes)
        }
        refusal.sizeInBytes = candidate?.payloadStatus?.sizeInBytes
        refusal.submitter = owner?.user ?? candidate?.payloadStatus?.owner ?? candidate?.manifestStatus.owner
        admit(claim)
        stages.take(.refuse(refusal), sizeInBytes: refusal.sizeInBytes ?? 0)
    }

    /// Refuses a lone payload or manifest whose time is over.
    func rejectOrphan(_ entry: WaitingRoom.Entry, _ spot: Spot, _ drop: Drop, _ directory: Descriptor) {
        do throws(SystemError) {
            let folder = try ClaimFolder(making: newID(), in: drop.root.claims)
            if !spot.directory.names.isEmpty {
                try folder.leaveFirst(
                    spot.directory.bytes, as: ClaimFolder.originNote, on: drop.root.fileSystem)
            }
            try directory.rename(spot.name, to: folder.directory, as: spot.name, replacing: false)
            let isManifest = isSidecar(spot.name)
            let claim = Claim(
                folder: folder, drop: drop, origin: spot.directory, payload: isManifest ? nil : spot.name,
                manifest: isManifest ? spot.name : nil, begun: .now)
            forget(spot)
            refuse(claim, [Reason(code: "orphan", message: entry.waiting.message, hint: entry.waiting.hint)], nil)
        } catch {
            hinderOrphan(spot, error)
        }
    }

    private func hinderOrphan(_ spot: Spot, _ error: SystemError) {
        stages.log.complaint(
            .failed, .error, key: "orphan \(spot.drop.path)", "\(spot.name) cannot be set aside: \(error)",
            .init(drop: spot.drop.path))
    }

    // MARK: Claims found on disk

    /// Remembers every claim of a drop directory that is not under way, to be taken up as there is room.
    func resumeClaims(of key: DropKey) {
        guard let drop = slots[key]?.drop else { return }
        guard let all = try? ClaimFolder.all(in: drop.root.claims) else { return }
        slots[key]?.claims = all.reversed().filter { id in
            underWay[id] == nil && room.entries[spot(of: id, in: key)] == nil && !stages.spares.contains(id)
        }
    }

    private func name(of id: SubmissionID) -> FileName {
        FileName(Array(id.description.utf8)) ?? ".none"
    }

    /// Takes up one of them, oldest first; `false` when there is none.
    func resumeNextClaim() -> Bool {
        for (key, slot) in slots {
            guard let drop = slot.drop, let id = slot.claims.last else { continue }
            slots[key]?.claims.removeLast()
            resume(id, drop)
            return true
        }
        return false
    }

    /// Takes up a claim by what its folder holds; see ``ClaimFolder``.
    func resume(_ id: SubmissionID, _ drop: Drop) {
        guard underWay[id] == nil else { return }
        do throws(SystemError) {
            let folder = try ClaimFolder(opening: id, in: drop.root.claims)
            let contents = try folder.contents()
            let claim = try claim(folder, contents, in: drop)
            defer { station.work(on: nil) }
            switch try sentence(on: claim, contents) {
            case .leaveAlone: return
            case .refuse where !contents.isRefused:
                // The crashes may have come behind COMMIT: what is registered cannot be refused any more.
                admit(claim)
                stages.registerBox.send(.ask(id))
            default: try resume(claim, contents)
            }
        } catch where error.code == ENOENT {
            // Removed since it was listed.
        } catch {
            room.note(
                spot(of: id, in: drop.key), Waiting(code: "system", message: "\(error)"), payload: name(of: id),
                observed: nil, now: .now)
            stages.log.complaint(
                .failed, .error, key: "claim \(drop.key.path): \(error)",
                "The claim \(id) in \(drop.key.path) cannot be taken up: \(error); it is tried again",
                .init(submission: id, drop: drop.key.path))
        }
    }

    /// A claim as it was found on disk.
    private func claim(_ folder: ClaimFolder, _ contents: ClaimContents, in drop: Drop) throws(SystemError) -> Claim {
        var claim = Claim(
            folder: folder, drop: drop, origin: contents.origin, payload: contents.payload, manifest: contents.manifest,
            notedName: contents.payloadName, begun: .now)
        if let name = contents.manifest { claim.key = try folder.directory.status(of: name).map { CrashKey($0) } }
        return claim
    }

    private func sentence(on claim: Claim, _ contents: ClaimContents) throws(SystemError) -> Poison.Sentence? {
        guard let name = contents.manifest, let status = try claim.folder.directory.status(of: name) else { return nil }
        return sentence(status, name, claim.drop)
    }

    private func resume(_ claim: Claim, _ contents: ClaimContents) throws(SystemError) {
        // What only lacks its row is left alone while there is no database to write it to.
        let isParked = contents.isRefused || contents.blob != nil
        if isParked, case .unreachable = stages.board.snapshot.database {
            stages.board.update { state in
                if contents.isRefused {
                    state.parkedRefusals.insert(claim.id)
                } else {
                    state.parkedClaims.insert(claim.id)
                }
            }
            return tellAccepted(claim, contents)
        }
        if contents.isRefused { return try resumeRefusal(claim, contents) }
        guard contents.strangers.isEmpty else {
            return stages.log.complaint(
                .failed, .error, key: "claim \(claim.id)",
                "The claim \(claim.id) in \(claim.drop.key.path) holds files that no claim has: "
                    + contents.strangers.map(\.description).joined(separator: ", ") + "; look into it by hand",
                .init(submission: claim.id, drop: claim.drop.key.path))
        }
        switch (contents.payload, contents.manifest) {
        case (nil, nil): try claim.folder.remove(contents, from: claim.drop.root.claims)
        case (.some, nil): try giveBack(claim, contents)
        case (nil, .some):
            admit(claim)
            stages.registerBox.send(.ask(claim.id))
        case (.some, .some(let manifest)): try takeUp(claim, contents, manifest)
        }
    }

    private func takeUp(_ claim: Claim, _ contents: ClaimContents, _ manifest: FileName) throws(SystemError) {
        let spot = spot(of: claim)
        let now = Monotonic.now
        let contents = try makeReadable(claim, contents)
        let assessor = Assessor(
            drop: claim.drop, directory: claim.folder.directory, isClaimed: true,
            sentence: { self.sentence($0, $1, claim.drop) },
            quietTime: { self.room.quietTime(spot, $0, now: now) })
        guard let status = try claim.folder.directory.status(of: manifest) else { return }
        switch try assessor.assess(manifest, status) {
        case .gone: break
        case .waits(let waiting, _, let observed):
            if let reason = finalReason(waiting, spot) { return refuse(claim, [reason], nil) }
            room.note(spot, waiting, payload: claim.payloadName, observed: observed, now: now)
            tellAccepted(claim, contents)
        case .ready(let candidate):
            // The wait is over only when the submission is: if it fails, the pauses go on growing.
            if let refusal = candidate.refusal {
                return refuse(claim, [refusal], candidate, owner: contents.owner)
            }
            send(
                candidate, claim, contents, isManifestFirst: contents.isManifestFirst,
                hasOwnerNote: contents.owner != nil)
        }
    }

    /// A wait that makes no sense in a claim, where nobody can add anything any more.
    private func finalReason(_ waiting: Waiting, _ spot: Spot) -> Reason? {
        switch waiting.code {
        case "payload":
            return Reason(
                code: "payload_missing",
                message: "The manifest names another payload than the one that came with its name.",
                field: "file", hint: "Make the manifest readable for the daemon (chmod g+r), then drop both again.")
        case "size", "unreadable", "not_a_file":
            return Reason(code: waiting.code, message: waiting.message, hint: waiting.hint)
        default: return nil
        }
    }

    /// Makes files that the daemon may not read its own, with a note of whose they were (P1: a refusal gives them back as they were).
    private func makeReadable(_ claim: Claim, _ contents: ClaimContents) throws(SystemError) -> ClaimContents {
        var contents = contents
        if let payload = contents.payload {
            contents.owner = try makeReadable(payload, contents.owner, ClaimFolder.ownerNote, claim)
        }
        if let manifest = contents.manifest {
            contents.manifestOwner = try makeReadable(
                manifest, contents.manifestOwner, ClaimFolder.manifestOwnerNote, claim)
        }
        return contents
    }

    /// - Parameter noted: whose it was, when a note of that was left before; the change itself may not have come to pass.
    private func makeReadable(
        _ name: FileName, _ noted: OriginalOwner?, _ note: FileName, _ claim: Claim
    ) throws(SystemError) -> OriginalOwner? {
        let directory = claim.folder.directory
        do {
            _ = try directory.open(name)
            return noted
        } catch where error.code == EACCES {
            guard claim.drop.plan.canChangeOwner, let status = try directory.status(of: name), status.linkCount == 1,
                status.kind == .regular
            else { return noted }
            let owner = noted ?? OriginalOwner(status)
            if noted == nil { try claim.folder.leaveFirst(owner.note, as: note, on: claim.drop.root.fileSystem) }
            try directory.setOwner(of: name, Identity.user, group: nil)
            if status.mode & 0o400 == 0 { try directory.setMode(of: name, 0o400) }
            return owner
        } catch where error.code == EWOULDBLOCK {
            return noted
        }
    }

    /// Tells the producers of submissions that have been under way for long: a giant is hashed, or the database is slow.
    func tellOfSlowOnes() {
        for (id, share) in underWay where !share.isTold {
            let claim = share.claim
            // What holds no payload is being given back, or asked about.
            guard claim.payload != nil, .now - claim.begun >= WaitingRoom.noticeAfter else { continue }
            underWay[id]?.isTold = true
            tellAccepted(claim, claim.contents)
        }
    }

    /// A submission that is safe but whose row takes longer than a moment: its producer hears of it.
    ///
    /// - Parameter why: what it waits for, where that is known.
    func tellAccepted(_ claim: Claim, _ contents: ClaimContents, because why: Waiting? = nil) {
        let age = WallClock.nanoseconds / 1_000_000 - claim.id.unixMilliseconds
        guard !contents.isRefused, age * 1_000_000 >= WaitingRoom.noticeAfter.inNanoseconds else { return }
        let book = ReceiptBook(root: claim.drop.root)
        guard book.find(origin: claim.origin, payload: claim.payloadName) == nil else { return }
        var receipt = Receipt(status: .accepted)
        receipt.submission = claim.id
        receipt.digest = contents.blob?.digest
        if let manifest = contents.manifest,
            let bytes = try? claim.folder.directory.open(manifest).readAll(limit: Assessor.manifestLimit)
        {
            let parsed = try? Manifest.parse(bytes, syntax: SidecarName.split(manifest.bytes)?.syntax ?? .json)
            receipt.manifestSHA256 = tools.digest(of: bytes)
            receipt.modelID = parsed?.modelID
            receipt.modelVersion = parsed?.modelVersion
        }
        receipt.proof = contents.blob?.proof
        receipt.waitingFor = why
        receipt.since = WallClock.rfc3339(nanoseconds: claim.id.unixMilliseconds * 1_000_000)
        try? book.write(receipt, origin: claim.origin, payload: claim.payloadName)
    }

    // MARK: Unfinished claims

    /// A payload without its manifest: the claim was interrupted. It goes back to where it came from; if a new file has its name by now, or
    /// its directory is gone, it is refused, which keeps it too.
    private func giveBack(_ claim: Claim, _ contents: ClaimContents) throws(SystemError) {
        guard let payload = contents.payload ?? contents.manifest else { return }
        do throws(SystemError) {
            let directory = try claim.drop.root.directory.openDirectory(claim.origin)
            let status = try claim.folder.directory.status(of: payload)
            let present = try directory.status(of: payload)
            let isBack = if let status, let present { status.isSameFile(as: present) } else { false }
            if let owner = contents.owner, let status, status.linkCount == (isBack ? 2 : 1) {
                try? claim.folder.directory.open(payload).setMode(owner.mode & 0o777)
                try? claim.folder.directory.setOwner(of: payload, owner.user, group: owner.group)
            }
            if isBack {
                // A power cut may leave a renamed file under both names; it is the same file.
                try claim.folder.directory.unlink(payload)
            } else {
                try claim.folder.directory.rename(payload, to: directory, as: payload, replacing: false)
            }
            try directory.sync()
            try claim.folder.remove(ClaimContents(), from: claim.drop.root.claims)
            scan.enqueue(.init(drop: claim.drop.key, path: claim.origin))
        } catch where [EEXIST, ENOENT, ENOTDIR, EACCES, ELOOP].contains(error.code) {
            let reason = Reason(
                code: "interrupted",
                message: "The daemon was interrupted while it claimed \(payload), and cannot put it back (\(error)).",
                hint: "Nothing is wrong with the file: move it back into the drop directory.")
            refuse(claim, [reason], nil)
        }
    }

    /// A refusal that was decided before: the steps are run again from what was written then.
    private func resumeRefusal(_ claim: Claim, _ contents: ClaimContents) throws(SystemError) {
        let bytes = try claim.folder.directory.open(ClaimFolder.reasonFile).readAll(limit: 4 << 20)
        guard let record = try? JSON.parse(bytes), let reason = Reason(record) else {
            // Half of it cannot be there (it is renamed into place after a sync), so this is damage from elsewhere.
            try claim.folder.directory.unlink(ClaimFolder.reasonFile)
            return
        }
        var refusal = Refusal(claim: claim, reason: reason)
        refusal.manifestSHA256 = record["manifest_sha256"]?.text(or: nil).flatMap { Digest(hex: $0) }
        refusal.digest = record["sha256"]?.text(or: nil).flatMap { Digest(hex: $0) }
        refusal.sizeInBytes = record["size_bytes"]?.integer.map(Int64.init)
        refusal.submitter = record["submitted_uid"]?.integer.flatMap(UInt32.init(exactly:))
        refusal.source = record["source"]?.text(or: nil)
        refusal.modelID = record["model_id"]?.text(or: nil)
        refusal.modelVersion = record["model_version"]?.text(or: nil)
        refusal.format = record["format"]?.text(or: nil).flatMap { ModelFormat(rawValue: $0) }
        refusal.safety = record["safety"]?.text(or: nil).flatMap { Safety(rawValue: $0) }
        if case .array(let findings)? = record["findings"] { refusal.findings = findings }
        admit(claim)
        // Carried out before: the producer may have moved everything back since, and must not find it refused once more.
        if contents.isSetAside { return stages.registerBox.send(.reject(refusal)) }
        stages.take(.refuse(refusal), sizeInBytes: refusal.sizeInBytes ?? 0)
    }

    /// The registry's word on claims that hold only a manifest, and on those that the daemon crashed on.
    func settle(_ outcomes: [SubmissionID: Outcome], asked: [SubmissionID]) {
        for id in asked {
            guard
                let drop = slots.values.compactMap(\.drop).first(where: { drop in
                    (try? drop.root.claims.status(of: name(of: id))) != nil
                })
            else { continue }
            do throws(SystemError) {
                let folder = try ClaimFolder(opening: id, in: drop.root.claims)
                let contents = try folder.contents()
                guard !contents.isRefused else { continue }
                let claim = try claim(folder, contents, in: drop)
                if contents.payload == nil {
                    guard outcomes[id] == nil else {
                        try folder.remove(contents, from: drop.root.claims)
                        continue
                    }
                    try giveBack(claim, contents)
                } else if case .refuse(let reason)? = try sentence(on: claim, contents) {
                    guard outcomes[id] != .registered && outcomes[id] != .duplicate else {
                        try folder.remove(contents, from: drop.root.claims)
                        continue
                    }
                    refuse(claim, [reason], nil)
                }
            } catch {
                stages.log.complaint(
                    .failed, .error, key: "claim \(id)", "The claim \(id) cannot be finished: \(error)",
                    .init(submission: id, drop: drop.key.path))
            }
        }
    }
}
