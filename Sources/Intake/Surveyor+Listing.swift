import DropWatch
import Glibc
import LinuxSystem
import Logging
import Manifest
import ServiceManager
import Settings
import Vocabulary

extension Surveyor {
    /// Follows what the events hint at.
    func followHints() {
        guard let watches else { return }
        // Every pair that is found takes some of the window, so the rest of a batch may have to wait for the next turn.
        do { if pendingHints.count < Self.hintsLimit { pendingHints += try watches.hints().filter(matters) } } catch {
            stages.log.complaint(
                .eventsLost, .error, key: "inotify read", "Reading events failed (\(error)); listing everything")
            nextRescan = .now
            return
        }
        var cache: (drop: DropKey, path: RelativePath, directory: Descriptor)?
        while hasRoom, let hint = nextHint() {
            switch hint {
            case .name(let key, let path, let name):
                look(at: name, in: path, key, &cache)
            case .gone(let key, let path, let name): look(at: name, in: path, key, &cache)
            case .directory(let key, let path): enqueue(path, key)
            case .rootGone(let key): checkPlace(key)
            case .eventsLost:
                stages.log.complaint(
                    .eventsLost, .notice, key: "event queue overflow",
                    "The kernel's event queue overflowed; listing every drop directory (nothing is lost, "
                        + "fs.inotify.max_queued_events makes it rarer)")
                nextRescan = .now
            }
        }
    }

    /// Whether a hint is worth to be remembered. Nearly always what has left is what was just claimed; only what is waited for matters.
    private func matters(_ hint: Hint) -> Bool {
        guard case .gone(let key, let path, let name) = hint else { return true }
        let spot = Spot(drop: key, directory: path, name: name)
        return room.entries[spot] != nil || room.manifest(expecting: spot) != nil
    }

    /// The oldest and the newest in turn: who drops one file behind somebody's ten thousand does not wait for all of them (P7).
    private func nextHint() -> Hint? {
        isTurnOfNewest.toggle()
        return isTurnOfNewest ? pendingHints.popLast() : pendingHints.popFirst()
    }

    /// Looks at a name; the directory of the last one is kept open, because names come in bunches.
    private func look(
        at name: FileName, in path: RelativePath, _ key: DropKey,
        _ cache: inout (drop: DropKey, path: RelativePath, directory: Descriptor)?
    ) {
        guard let drop = slots[key]?.drop, !isIgnored(name, in: path, drop) else { return }
        // A reload may have turned it off, and the watches stay.
        guard path.names.isEmpty || drop.settings.recursive else { return }
        if cache?.drop != key || cache?.path != path {
            cache = (try? drop.root.directory.openDirectory(path)).map { (key, path, $0) }
        }
        if let directory = cache?.directory { consider(name, kind: nil, in: directory, path, drop) }
    }

    /// Asks for a directory to be listed, if it is one that is looked into.
    private func enqueue(_ path: RelativePath, _ key: DropKey) {
        guard let drop = slots[key]?.drop, path.names.isEmpty || drop.settings.recursive else { return }
        guard let name = path.names.last else { return enqueueRoot(drop) }
        if isIgnored(name, in: RelativePath(path.names.dropLast()), drop) { return }
        scan.enqueue(.init(drop: key, path: path))
    }

    /// Lists for a while, then lets the events have their turn.
    func listSome() {
        let end = Monotonic.now + .milliseconds(5)
        while hasRoom && Monotonic.now < end {
            if resumeNextClaim() { continue }
            if pendingEntries == nil {
                guard let (job, directory, entries) = scan.next(enter: enter) else { return }
                pendingEntries = (job, directory, entries[...])
            }
            listEntries()
        }
    }

    /// Looks at the entries of a piece of a listing, as far as there is room.
    private func listEntries() {
        guard let (job, directory, _) = pendingEntries, let drop = slots[job.drop]?.drop else {
            pendingEntries = nil
            return
        }
        while hasRoom, let entry = pendingEntries?.entries.popFirst() {
            if isIgnored(entry.name, in: job.path, drop) { continue }
            if entry.kind != .directory, isKnownOrphan(entry.name, in: job) {
                considerOrphan(Spot(drop: job.drop, directory: job.path, name: entry.name), in: directory)
            } else if entry.kind != .directory {
                consider(entry.name, kind: entry.kind, in: directory, job.path, drop)
            } else if drop.settings.recursive {
                scan.enqueue(.init(drop: job.drop, path: job.path.appending(entry.name)))
            }
        }
        if pendingEntries?.entries.isEmpty == true { pendingEntries = nil }
    }

    /// Whether a name is that of a payload that waits for its manifest. Where everything is listed, a manifest that has come is listed itself:
    /// nobody has to ask for it under each of its possible names.
    private func isKnownOrphan(_ name: FileName, in job: TreeScan.Job) -> Bool {
        let spot = Spot(drop: job.drop, directory: job.path, name: name)
        return room.entries[spot]?.waiting.code == "manifest" && !isSidecar(name)
    }

    /// Opens a directory that is to be listed; the watch comes first, so that nothing arrives unseen in between.
    private func enter(_ job: TreeScan.Job) -> Descriptor? {
        guard let drop = slots[job.drop]?.drop else { return nil }
        guard job.path.names.count <= TreeScan.maximumDepth else {
            stages.log.complaint(
                .failed, .warning, key: "depth \(job.drop.path)",
                "\(job.path) in \(job.drop.path) is deeper than \(TreeScan.maximumDepth) directories and is not looked into",
                .init(drop: job.drop.path))
            return nil
        }
        do {
            let directory = try drop.root.directory.openDirectory(job.path)
            guard drop.root.contains(directory) else {
                stages.log.complaint(
                    .failed, .warning, key: "mount \(job.drop.path)/\(job.path)",
                    "\(job.path) in \(job.drop.path) is another mount; configure it as a drop directory of its own",
                    .init(drop: job.drop.path))
                return nil
            }
            if let watches, !watches.add(job.drop, job.path, directory) { complainOfWatchLimit(watches) }
            return directory
        } catch {
            if error.code == EACCES {
                stages.log.complaint(
                    .failed, .warning, key: "unreadable \(job.drop.path)/\(job.path)",
                    "The directory \(job.path) in \(job.drop.path) cannot be read; run chmod g+rx or \(Waiting.rightsCommand) on it",
                    .init(drop: job.drop.path))
                noteUnreadable(job)
            }
            return nil
        }
    }

    /// A directory that cannot be entered: its producer is told as of a file.
    private func noteUnreadable(_ job: TreeScan.Job) {
        guard let name = job.path.names.last else { return }
        let spot = Spot(drop: job.drop, directory: RelativePath(job.path.names.dropLast()), name: name)
        room.note(spot, .unreadableDirectory(name), payload: name, observed: nil, now: .now)
    }

    func complainOfWatchLimit(_ watches: WatchTree) {
        let text =
            watches.lastFailure?.code == ENOSPC
            ? "the kernel's limit on watches is reached; raise it with: sysctl fs.inotify.max_user_watches=\(max(65_536, 4 * watches.count))"
            : "a directory cannot be watched (\(watches.lastFailure?.description ?? "?"))"
        stages.log.complaint(.watchLimit, .warning, key: "watch limit", "Polling instead: \(text)")
        stages.board.update { $0.watchLimit = text }
    }

    /// Names that are never a part of a submission.
    func isIgnored(_ name: FileName, in path: RelativePath, _ drop: Drop) -> Bool {
        if path.names.isEmpty && DropRoot.reservedNames.contains(name) { return true }
        if name.isTemporary || ClaimFolder.ownNames.contains(name) { return true }
        return drop.settings.ignores(name: name.bytes)
    }

    /// What happens by the clock: listings, missing drop directories, old receipts.
    func clockwork() {
        let now = Monotonic.now
        openSlots()
        for (key, slot) in slots {
            guard let drop = slot.drop else { continue }
            if mustPoll(drop) && slot.nextPoll <= now {
                slots[key]?.nextPoll = now + min(Self.pollInterval, settings.rescan)
                checkPlace(key)
                enqueueRoot(drop)
            }
        }
        if nextRescan <= now || room.takeOverfull() {
            nextRescan = now + settings.rescan
            rescan()
        }
        if nextSweep <= now {
            nextSweep = now + .seconds(3600)
            sweepReceipts()
        }
        if nextTelling <= now {
            nextTelling = now + .seconds(1)
            tellOfSlowOnes()
            stages.handLateReceipts()
        }
        stages.log.tellHeld()
    }

    /// Whether a drop directory has to be listed from time to time because events do not tell, or not of all of it.
    func mustPoll(_ drop: Drop) -> Bool { drop.isPolled || (watches?.unwatched ?? 1) > 0 }

    /// Old receipts may be many: they are gone through on a lane of their own.
    private func sweepReceipts() {
        let roots = slots.values.compactMap { $0.drop?.root }
        let keep = settings.receiptsKeep
        _ = Lane("sweep") {
            for root in roots { ReceiptBook(root: root).sweep(keep: keep, now: WallClock.nanoseconds) }
        }
    }

    private func rescan() {
        openWatches()
        watches?.forgetFailures()
        for key in slots.keys {
            checkPlace(key)
            if let drop = slots[key]?.drop { enqueueRoot(drop) }
            resumeClaims(of: key)
        }
    }
}
