import ContentStore
import DropWatch
import Glibc
import LinuxSystem
import Logging
import Manifest
import ServiceManager
import Settings
import Vocabulary

extension Surveyor {
    /// Looks at a name: a sidecar, a payload, or something that waits for one.
    func consider(
        _ name: FileName, kind: FileStatus.Kind?, in directory: Descriptor, _ path: RelativePath, _ drop: Drop
    ) {
        if isSidecar(name) { return considerPair(name, nil, in: directory, path, drop) }
        if let (sidecar, status) = sidecar(of: name, in: directory) {
            return considerPair(sidecar, status, in: directory, path, drop)
        }
        let spot = Spot(drop: drop.key, directory: path, name: name)
        if let expecting = room.manifest(expecting: spot) {
            return considerPair(expecting.name, nil, in: directory, path, drop)
        }
        considerOrphan(spot, in: directory)
    }

    private func sidecar(of payload: FileName, in directory: Descriptor) -> (FileName, FileStatus)? {
        for suffix in SidecarName.suffixes {
            guard let name = payload.appending(suffix), let status = try? directory.status(of: name) else { continue }
            if status.kind != .directory { return (name, status) }
        }
        return nil
    }

    /// A payload without a manifest.
    func considerOrphan(_ spot: Spot, in directory: Descriptor) {
        guard let status = try? directory.status(of: spot.name) else { return forget(spot) }
        if status.kind == .directory {
            // Only one that cannot be entered waits.
            guard room.entries[spot]?.waiting.code == "unreadable" else { return forget(spot) }
            if (try? directory.openDirectory(spot.name)) == nil { return }
            forget(spot)
            return scan.enqueue(.init(drop: spot.drop, path: spot.directory.appending(spot.name)))
        }
        room.note(
            spot, .manifest(spot.name), payload: spot.name, observed: [status],
            reportAfter: slots[spot.drop]?.settings.manifestWait ?? .zero, now: .now)
    }

    /// A sidecar, and with it the pair.
    ///
    /// - Parameter known: its status, if it was asked for just now.
    private func considerPair(
        _ name: FileName, _ known: FileStatus?, in directory: Descriptor, _ path: RelativePath, _ drop: Drop
    ) {
        let now = Monotonic.now
        let spot = Spot(drop: drop.key, directory: path, name: name)
        do throws(SystemError) {
            var status = known
            if status == nil { status = try directory.status(of: name) }
            guard let status else { return forget(spot) }
            if mustTakeItsTurn(spot, status) { return }
            // Through self: a captured copy of the room would make the next change to it copy everything in it.
            defer { station.work(on: nil) }
            let assessor = Assessor(
                drop: drop, directory: directory, sentence: { self.sentence($0, $1, drop) },
                quietTime: { self.room.quietTime(spot, $0, now: now) })
            switch try assessor.assess(name, status) {
            case .gone: forget(spot)
            case .waits(let waiting, let payload, let observed):
                // The pair speaks for its payload from now on.
                forget(Spot(drop: drop.key, directory: path, name: payload))
                room.note(
                    spot, waiting, payload: payload, observed: observed,
                    payloadSpot: Spot(drop: drop.key, directory: path, name: payload),
                    reportAfter: drop.settings.manifestWait, now: now)
            case .ready(let candidate): try claim(candidate, spot, in: directory, drop, begun: now)
            }
        } catch {
            hinder(spot, error, now: now)
        }
    }

    /// Manifests from this size on may take a good part of a second to read: they come one a turn, behind everything else (P7).
    private static let largeManifest: Int64 = 64 << 10

    /// Whether a large manifest is looked at later; it is in the waiting room then.
    private func mustTakeItsTurn(_ spot: Spot, _ status: FileStatus) -> Bool {
        guard !isTurnOfLarge, status.kind == .regular, status.sizeInBytes >= Self.largeManifest else { return false }
        let payload = SidecarName.split(spot.name.bytes).flatMap { FileName($0.stem) } ?? spot.name
        room.note(spot, .largeManifest(spot.name), payload: payload, observed: [status], now: .now)
        return true
    }

    /// A manifest is about to be looked into: from here on it could be blamed for a crash, and may have been before.
    func sentence(_ manifest: FileStatus, _ name: FileName, _ drop: Drop) -> Poison.Sentence? {
        station.work(on: CrashKey(manifest))
        return stages.poison.sentence(on: manifest, name, in: drop.key)
    }

    private func claim(
        _ candidate: Candidate, _ spot: Spot, in directory: Descriptor, _ drop: Drop, begun: Monotonic
    ) throws(SystemError) {
        if let reason = postponement(candidate) {
            return room.note(spot, reason, payload: candidate.payloadName, observed: nil, now: .now)
        }
        let result = try Claiming.claim(
            candidate, in: drop, directory: directory, origin: spot.directory, id: newID(),
            isManifestFirst: isManifestFirst(candidate, spot), begun: begun, spares: stages.spares)
        switch result {
        case .claimed(let claimed):
            forget(spot)
            forget(Spot(drop: spot.drop, directory: spot.directory, name: candidate.payloadName))
            ReceiptBook(root: drop.root).remove(origin: spot.directory, payload: candidate.payloadName)
            begin(claimed)
        case .changed:
            room.note(
                spot, .changing(candidate.payloadName), payload: candidate.payloadName, observed: [], now: .now)
        case .hindered(let waiting):
            room.note(
                spot, waiting, payload: candidate.payloadName,
                observed: [candidate.manifestStatus] + (candidate.payloadStatus.map { [$0] } ?? []), now: .now)
        }
    }

    /// Why a complete pair stays where it is for now.
    private func postponement(_ candidate: Candidate) -> Waiting? {
        if let size = candidate.payloadStatus?.sizeInBytes, size >= ContentStore.largeFileSize, !hasRoomForLarge {
            return .turn
        }
        if let problem = stages.board.snapshot.storeProblem, room.claimCount >= Self.stuckClaimsLimit {
            return Waiting(code: "store", message: "The store takes nothing now: \(problem).")
        }
        return nil
    }

    /// Whether nothing but the order of arrival would have protected against a writer that died in the middle.
    ///
    /// The manifest came first when it was seen without its payload, or when the payload changed after it did, by the file system's own
    /// clock, which nobody can set back.
    private func isManifestFirst(_ candidate: Candidate, _ spot: Spot) -> Bool {
        if room.entries[spot]?.waiting.code == "payload" { return true }
        guard let payload = candidate.payloadStatus else { return false }
        return payload.changed > candidate.manifestStatus.changed
    }

    /// The file system is in the way: full, out of descriptors, failing. Everything stays where it is.
    private func hinder(_ spot: Spot, _ error: SystemError, now: Monotonic) {
        let payload = SidecarName.split(spot.name.bytes).flatMap { FileName($0.stem) } ?? spot.name
        stages.log.complaint(
            .failed, .error, key: "\(spot.drop.path): \(error)",
            "\(spot.directory.appending(spot.name)) in \(spot.drop.path) cannot be claimed: \(error); it stays and is tried again",
            .init(drop: spot.drop.path))
        room.note(
            spot, Waiting(code: "system", message: "The daemon cannot claim it now (\(error))."), payload: payload,
            observed: [], now: now)
    }

    /// Ends a wait; its receipt goes with it.
    func forget(_ spot: Spot) {
        guard let entry = room.remove(spot), entry.isNoticed, let drop = slots[spot.drop]?.drop else { return }
        ReceiptBook(root: drop.root).removeWaiting(origin: spot.directory, payload: entry.payload)
    }

    // MARK: Waiting

    /// Looks again at what is due, and tells of what has waited for long.
    func lookAgain() {
        guard hasRoom else { return }
        let now = Monotonic.now
        isTurnOfLarge = true
        defer { isTurnOfLarge = false }
        for _ in 0..<256 {
            // One that took long ends the turn, so that events have theirs.
            guard hasRoom, Monotonic.now - now < .milliseconds(20), let spot = room.due(now: now, limit: 1).first else {
                return
            }
            guard let drop = slots[spot.drop]?.drop, room.entries[spot] != nil else {
                room.remove(spot)
                continue
            }
            if let id = claimID(of: spot) {
                resume(id, drop)
                // Whatever became of it, it is not waiting here any more unless it said so.
                if underWay[id] == nil, let entry = room.entries[spot], entry.due <= now { room.remove(spot) }
            } else if let directory = try? drop.root.directory.openDirectory(spot.directory) {
                consider(spot.name, kind: nil, in: directory, spot.directory, drop)
                notice(spot, drop, directory, now: now)
            } else {
                room.remove(spot)
            }
        }
    }

    private func notice(_ spot: Spot, _ drop: Drop, _ directory: Descriptor, now: Monotonic) {
        guard let entry = room.entries[spot] else { return }
        if !entry.isNoticed && now - entry.since >= WaitingRoom.noticeAfter {
            var waiting = entry.waiting
            if let hint = Misnamed(spot.name, waiting, in: directory).hint { waiting.hint = hint }
            tell(waiting, entry, spot, drop)
            room.mark(spot, noticed: true, now: now)
        }
        let age = Duration.nanoseconds(max(0, WallClock.nanoseconds - entry.lastChange))
        if !entry.isReported && !entry.waiting.isActive && age >= drop.settings.manifestWait {
            report(entry, spot, drop, directory)
            room.mark(spot, reported: true, now: now)
        }
    }

    private func tell(_ waiting: Waiting, _ entry: WaitingRoom.Entry, _ spot: Spot, _ drop: Drop) {
        let book = ReceiptBook(root: drop.root)
        // An answer that came after the last change of what waits is about that, and says more: a payload that was refused and stayed,
        // a second manifest of what is registered.
        if let answer = book.find(origin: spot.directory, payload: entry.payload), answer.status != .waiting,
            answer.written >= entry.lastChange
        {
            return
        }
        var receipt = Receipt(status: .waiting)
        receipt.waitingFor = waiting
        receipt.since = WallClock.rfc3339(nanoseconds: entry.sinceWall)
        do {
            try book.write(receipt, origin: spot.directory, payload: entry.payload)
        } catch {
            stages.log.complaint(
                .failed, .warning, key: "receipts \(spot.drop.path)",
                "Receipts cannot be written in \(spot.drop.path): \(error)", .init(drop: spot.drop.path))
        }
        stages.log.event(
            .waiting, .info,
            "Waiting: \(spot.directory.appending(spot.name)): \(waiting.message)",
            .init(
                drop: spot.drop.path, source: spot.directory.appending(entry.payload).description, reason: waiting.code)
        )
    }

    /// `manifest_wait` is over: a problem for the operator, and with `orphans: reject` for the producer.
    private func report(_ entry: WaitingRoom.Entry, _ spot: Spot, _ drop: Drop, _ directory: Descriptor) {
        stages.log.complaint(
            .waiting, .warning, key: "orphans in \(spot.drop.path)",
            "\(spot.directory.appending(spot.name)) has waited since \(WallClock.rfc3339(nanoseconds: entry.sinceWall)): "
                + entry.waiting.message,
            .init(
                drop: spot.drop.path, source: spot.directory.appending(entry.payload).description,
                reason: entry.waiting.code))
        if drop.settings.orphans == .reject { rejectOrphan(entry, spot, drop, directory) }
    }
}
