internal import Glibc

/// The control groups that a container runs in: systemd-nspawn(1) makes groups of its own below, and leaves them.
///
/// Invariants:
/// 1. Ours are the groups with our process number in their name; nothing else is ever removed.
/// 2. A group of a process that is gone is removed by the next one.
enum ContainerCgroup {
    private static let prefix = "ingot-test-"

    /// The hierarchies that systemd uses: the only one, or on a hybrid host its own two.
    private static var hierarchies: [String] {
        if unsafe access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0 { return ["/sys/fs/cgroup"] }
        return ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"].filter {
            unsafe access("\($0)/cgroup.procs", W_OK) == 0
        }
    }

    /// Makes the groups.
    ///
    /// - Returns: the files that a process enters them by.
    static func make() -> [String] {
        removeAbandoned()
        return hierarchies.map { hierarchy in
            let group = "\(hierarchy)/\(prefix)\(getpid())"
            _ = unsafe mkdir(group, 0o755)
            return "\(group)/cgroup.procs"
        }
    }

    /// Removes the groups, as soon as the last process in them is gone.
    static func remove() {
        let deadline = ContinuousClock.now + .seconds(5)
        for hierarchy in hierarchies {
            let group = "\(hierarchy)/\(prefix)\(getpid())"
            while !removeTree(group), ContinuousClock.now < deadline { usleep(10_000) }
        }
    }

    private static func removeAbandoned() {
        for hierarchy in hierarchies {
            for name in directories(in: hierarchy) where name.hasPrefix(prefix) {
                guard let process = Int32(name.dropFirst(prefix.count)), kill(process, 0) == -1, errno == ESRCH else {
                    continue
                }
                _ = removeTree("\(hierarchy)/\(name)")
            }
        }
    }

    /// - Returns: whether it is gone.
    private static func removeTree(_ group: String) -> Bool {
        for name in directories(in: group) { _ = removeTree("\(group)/\(name)") }
        return unsafe rmdir(group) == 0 || errno == ENOENT
    }

    private static func directories(in path: String) -> [String] {
        guard let stream = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            guard unsafe entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
