import Glibc
public import LinuxSystem

/// What to look at, and why: never more than a hint, the listing is the truth.
public enum Hint: Sendable, Hashable {
    /// A name in a directory may have become, or have ceased to be, a part of a submission.
    case name(DropKey, RelativePath, FileName)
    /// A name has left a directory; our own claims show like this too.
    case gone(DropKey, RelativePath, FileName)
    /// A directory and everything below it has to be listed.
    case directory(DropKey, RelativePath)
    /// The drop directory itself was moved, deleted, unmounted or replaced.
    case rootGone(DropKey)
    /// The kernel dropped events: everything has to be listed.
    case eventsLost
}

/// Names a configured drop directory for the life of the process.
public struct DropKey: Sendable, Hashable {
    /// The configured path.
    public let path: String

    /// A key.
    public init(path: String) { self.path = path }
}

/// The inotify watches on all drop directories and the directories below them.
///
/// Owned by one lane. For every directory the order is: add the watch, then list it. Whatever arrives in between shows up twice, which is
/// harmless, and never not at all.
public final class WatchTree {
    private struct Place: Hashable {
        let drop: DropKey
        let path: RelativePath
    }

    private let inotify: Inotify
    private var places: [Int32: Place] = [:]

    /// How many directories could not be watched since the last ``forgetFailures()``, because a kernel limit was reached.
    public private(set) var unwatched = 0
    /// The error of the last of them.
    public private(set) var lastFailure: SystemError?

    /// A tree without watches. Fails with EMFILE when `fs.inotify.max_user_instances` is reached.
    public init() throws(SystemError) { inotify = try Inotify() }

    /// What to wait on for readability.
    public var descriptor: Descriptor { inotify.descriptor }

    /// How many directories are watched.
    public var count: Int { places.count }

    /// Watches a directory; a second time it only learns the directory's present path.
    ///
    /// - Returns: whether it is watched; when not, the caller has to list it from time to time.
    public func add(_ drop: DropKey, _ path: RelativePath, _ directory: Descriptor) -> Bool {
        do {
            let watch = try inotify.watch(directory)
            let place = Place(drop: drop, path: path)
            places[watch] = place
            return true
        } catch {
            unwatched += 1
            lastFailure = error
            return false
        }
    }

    /// Ends all watches of a drop directory.
    public func remove(_ drop: DropKey) {
        for (watch, place) in places where place.drop == drop { forget(watch, ending: true) }
    }

    /// Starts counting directories that cannot be watched anew, before everything is listed again.
    public func forgetFailures() {
        unwatched = 0
        lastFailure = nil
    }

    /// What the events that are there now hint at, each thing once.
    public func hints() throws(SystemError) -> [Hint] {
        var found: [Hint] = []
        var known = Set<Hint>()
        // Bounded: a flood must not keep the lane from its other work.
        for _ in 0..<16 {
            let events = try inotify.read()
            if events.isEmpty { break }
            for event in events {
                if let hint = hint(of: event), known.insert(hint).inserted { found.append(hint) }
            }
        }
        return found
    }

    private func hint(of event: Inotify.Event) -> Hint? {
        if event.isOverflow { return .eventsLost }
        guard let place = places[event.watch] else { return nil }
        if event.isWatchGone {
            // The kernel ended it: deleted or unmounted. Whether the path leads somewhere else now, a listing will tell.
            forget(event.watch, ending: false)
            return place.path.names.isEmpty ? .rootGone(place.drop) : nil
        }
        if event.isDirectoryGone {
            forget(event.watch, ending: true)
            return place.path.names.isEmpty ? .rootGone(place.drop) : .directory(place.drop, place.path)
        }
        guard let name = event.name else { return nil }
        if event.isDirectory && event.isArrival { return .directory(place.drop, place.path.appending(name)) }
        if event.isDirectory { return nil }
        return event.isDeparture ? .gone(place.drop, place.path, name) : .name(place.drop, place.path, name)
    }

    private func forget(_ watch: Int32, ending: Bool) {
        places[watch] = nil
        if ending { inotify.unwatch(watch) }
    }
}
