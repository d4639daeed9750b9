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
    /// How soon a drop directory that is missing is tried again.
    private static let retryInterval = Duration.seconds(2)

    /// Makes the inotify instance; without one everything is polled, and it is tried again at every listing.
    func openWatches() {
        guard watches == nil else { return }
        do {
            watches = try WatchTree()
        } catch {
            stages.log.complaint(
                .watchLimit, .warning, key: "inotify_init1",
                "No inotify instance (\(error)): every drop directory is polled. "
                    + "Raise it with: sysctl fs.inotify.max_user_instances=1024")
        }
    }

    /// Opens every drop directory that is not open and due.
    func openSlots() {
        let now = Monotonic.now
        for (key, slot) in slots where slot.drop == nil && slot.nextAttempt <= now { open(key, slot.settings) }
    }

    private func open(_ key: DropKey, _ settings: DropSettings) {
        do throws(DropError) {
            let root = try root(key)
            let plan: TakePlan
            do { plan = try TakePlan.probe(root, store) } catch { throw .system(error, path: key.path) }
            let drop = Drop(key: key, root: root, settings: settings, plan: plan)
            slots[key]?.drop = drop
            announce(drop)
            // Here and not only when it is listed: at READY every drop directory is watched.
            if let watches, !watches.add(key, RelativePath(), root.directory) { complainOfWatchLimit(watches) }
            enqueueRoot(drop)
            resumeClaims(of: key)
            tellRecovered(key)
        } catch {
            slots[key]?.nextAttempt = .now + Self.retryInterval
            stages.log.complaint(
                .dropUnavailable, .error, key: "drop \(key.path)", "Drop directory unavailable: \(error)",
                .init(drop: key.path))
            stages.board.update { $0.drops[key.path] = .init(isAvailable: false, problem: "\(error)") }
        }
    }

    private func tellRecovered(_ key: DropKey) {
        guard let count = slots[key]?.claims.count, count > 0 else { return }
        stages.log.event(
            .recovered, .notice,
            "Carrying on with \(count) \(count == 1 ? "submission" : "submissions") of a former run in \(key.path)",
            .init(drop: key.path))
    }

    private func announce(_ drop: Drop) {
        let kind = drop.root.fileSystem
        let take = drop.settings.take == .auto ? drop.plan.preferred : drop.settings.take.rawValue
        stages.board.update {
            $0.drops[drop.key.path] = .init(
                isAvailable: true, isPolled: drop.isPolled, fileSystem: kind.name, take: take)
        }
        stages.log.event(
            .dropAvailable, .info,
            "Watching \(drop.key.path) on \(kind.name): take by \(take), proof by \(drop.leasesProve ? "lease" : "digest or quiet time")",
            .init(drop: drop.key.path))
        if drop.isPolled {
            stages.log.event(
                .dropPolled, .warning,
                "\(drop.key.path) is on \(kind.name), where events and leases cannot be trusted: it is listed every "
                    + "\(Self.pollInterval.components.seconds) s and files have to be quiet for \(drop.settings.settle)",
                .init(drop: drop.key.path))
        }
    }

    /// Asks for a full listing of a drop directory.
    func enqueueRoot(_ drop: Drop) { scan.enqueue(.init(drop: drop.key, path: RelativePath())) }

    /// Whether the path still leads to the directory that is open; if not, starts over with what is there now.
    func checkPlace(_ key: DropKey) {
        guard let drop = slots[key]?.drop else { return }
        if drop.root.isInPlace() { return }
        close(key, why: "it was moved, replaced or unmounted")
        openSlots()
    }

    /// Lets go of a drop directory. Its submissions under way go on: they hold its descriptors.
    func close(_ key: DropKey, why: String) {
        guard slots[key]?.drop != nil else { return }
        slots[key]?.drop = nil
        slots[key]?.claims = []
        slots[key]?.nextAttempt = .now
        watches?.remove(key)
        scan.remove(key)
        room.remove(key)
        stages.board.update { $0.drops[key.path] = .init(isAvailable: false, problem: why) }
        stages.log.event(.dropUnavailable, .error, "Drop directory \(key.path): \(why)", .init(drop: key.path))
    }

    /// Puts a new configuration in force.
    func reload(_ new: Settings) {
        settings = new
        let wanted = Dictionary(uniqueKeysWithValues: new.drops.map { (DropKey(path: $0.path), $0) })
        for key in slots.keys where wanted[key] == nil {
            close(key, why: "no longer configured")
            slots[key] = nil
            stages.board.update { $0.drops[key.path] = nil }
        }
        for (key, dropSettings) in wanted {
            if let drop = slots[key]?.drop, slots[key]?.settings != dropSettings {
                slots[key]?.drop = Drop(key: key, root: drop.root, settings: dropSettings, plan: drop.plan)
                slots[key]?.settings = dropSettings
                room.remove(key)
                if let renewed = slots[key]?.drop { announce(renewed) }
            } else if slots[key] == nil {
                slots[key] = Slot(settings: dropSettings)
            } else {
                slots[key]?.settings = dropSettings
            }
        }
        openSlots()
        nextRescan = .now
    }
}

extension TakePlan {
    /// What `take: auto` comes down to for a file that allows it.
    var preferred: String { canClone ? "clone" : canLink && hasLeases ? "move" : "copy" }
}
