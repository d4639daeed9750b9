import Glibc
public import LinuxSystem

/// Lists directories piece by piece, and keeps its place while the caller does something else.
///
/// Memory does not grow with the number of files: only the directories that are still to be listed are kept, and a tree is listed
/// depth first to keep those few. The drop directories take turns, piece by piece, so that none without end keeps another waiting (P7).
public final class TreeScan {
    /// A directory to list.
    public struct Job: Hashable {
        /// The drop directory it belongs to.
        public let drop: DropKey
        /// The way there.
        public let path: RelativePath

        /// A job.
        public init(drop: DropKey, path: RelativePath) {
            self.drop = drop
            self.path = path
        }
    }

    /// Deeper directories are not entered: no producer needs it, and a hostile one must not make paths without end.
    public static let maximumDepth = 32

    /// A directory that is being listed, and the lister.
    @safe private final class Open {
        let job: Job
        let directory: Descriptor
        var reader: DirectoryReader

        init(_ job: Job, _ directory: Descriptor) throws(SystemError) {
            self.job = job
            self.directory = directory
            reader = DirectoryReader(try directory.openDirectorySelf())
        }
    }

    /// The listing of one drop directory.
    private final class Walk {
        var queue: [Job] = []
        var queued = Set<Job>()
        var open: Open?

        var isIdle: Bool { open == nil && queue.isEmpty }

        func next(
            enter: (Job) -> Descriptor?
        ) -> (job: Job, directory: Descriptor, entries: [DirectoryEntry])? {
            while true {
                if let current = open {
                    if let entries = try? current.reader.next() { return (current.job, current.directory, entries) }
                    open = nil
                }
                guard let job = queue.popLast() else { return nil }
                queued.remove(job)
                guard let directory = enter(job) else { continue }
                open = try? Open(job, directory)
            }
        }
    }

    private var walks: [DropKey: Walk] = [:]
    /// The drop directories with something to list, the next one first.
    private var turns: [DropKey] = []

    /// A scan with nothing to do.
    public init() {}

    /// Whether everything that was asked for is listed.
    public var isIdle: Bool { walks.values.allSatisfy(\.isIdle) }

    /// Asks for a directory to be listed from its start; asking twice before it is begun is the same as once.
    public func enqueue(_ job: Job) {
        let walk: Walk
        if let present = walks[job.drop] {
            walk = present
        } else {
            walk = Walk()
            walks[job.drop] = walk
            turns.append(job.drop)
        }
        if walk.queued.insert(job).inserted { walk.queue.append(job) }
    }

    /// Forgets everything about a drop directory.
    public func remove(_ drop: DropKey) {
        walks[drop] = nil
        turns.removeAll { $0 == drop }
    }

    /// The next entries.
    ///
    /// - Parameter enter: opens a directory and sets the watch on it, in this order and before the first entry is read; `nil` skips it.
    /// - Returns: the directory and some of its entries; `nil` when there is nothing left to list.
    public func next(
        enter: (Job) -> Descriptor?
    ) -> (job: Job, directory: Descriptor, entries: [DirectoryEntry])? {
        while let drop = turns.first {
            let piece = walks[drop]?.next(enter: enter)
            turns.removeFirst()
            if let piece {
                turns.append(drop)
                return piece
            }
            walks[drop] = nil
        }
        return nil
    }
}
