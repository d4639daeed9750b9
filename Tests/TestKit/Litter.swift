internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// What tests leave in `/tmp`: recognisable by its name, removed when the process ends, and by the next run when it was killed.
enum Litter {
    private static let prefix = "ingot-scratch-"
    private static let counter = Atomic<Int>(0)
    private static let paths = Mutex(Set<String>())

    /// Once a process: sweeps up after dead processes, and sees to it that this one leaves nothing.
    private static let preparation: Void = {
        raiseDescriptorLimit()
        sweep()
        atexit {
            for path in Litter.paths.withLock({ $0 }) { Litter.removeFromTemporaryDirectory(path) }
        }
    }()

    static func prepare() { preparation }

    /// A name that nothing else has, and that tells whose it is.
    static func newName() -> FileName {
        let text = "\(prefix)\(getpid())-\(counter.add(1, ordering: .relaxed).newValue)"
        guard let name = FileName(Array(text.utf8)) else { preconditionFailure("letters and digits are a name") }
        return name
    }

    static func add(_ path: String) { paths.withLock { _ = $0.insert(path) } }

    static func remove(_ path: String) { paths.withLock { _ = $0.remove(path) } }

    /// A store keeps a descriptor for each of its 256 shards, and tests run side by side.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private static func sweep() {
        guard let directory = try? Descriptor.openDirectory(path: "/tmp"), let entries = try? directory.entries() else {
            return
        }
        for entry in entries where entry.name.text.hasPrefix(prefix) {
            let owner = entry.name.text.dropFirst(prefix.count).prefix { $0 != "-" }
            guard let process = Int32(owner), kill(process, 0) == -1, errno == ESRCH else { continue }
            unmountBelow("/tmp/\(entry.name)")
            removeTree(entry.name, in: directory)
        }
    }

    private static func unmountBelow(_ path: String) {
        guard let file = try? Descriptor.openFile(path: "/proc/self/mounts"),
            let bytes = try? file.readAll(limit: 1 << 20)
        else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 1, fields[1].hasPrefix("\(path)/") else { continue }
            _ = try? Tool.run("umount", ["--lazy", String(fields[1])])
        }
    }

    private static func removeFromTemporaryDirectory(_ path: String) {
        guard let directory = try? Descriptor.openDirectory(path: "/tmp"),
            let name = FileName(Array(path.utf8.dropFirst("/tmp/".utf8.count)))
        else { return }
        unmountBelow(path)
        removeTree(name, in: directory)
    }
}
