internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// A machine of our own: a real systemd, booted by systemd-nspawn(1) on an overlay of this machine's file system.
///
/// Invariants:
/// 1. All mounts live in a mount namespace that only the machine is in, and the disk image has no name any more once it
///    is mounted: when the last process is gone, however it went, the kernel has nothing left of it.
/// 2. The machine ends with this process, even when that is killed: PR_SET_PDEATHSIG ends unshare(1) and its child,
///    which is the first process of a PID namespace around everything else. systemd-nspawn alone leaves its machine
///    running.
/// 3. Nothing in it reaches this machine: file system writes go to the overlay, its network is its own.
///
/// `/srv` is a real ext4 file system and no overlay, on which leases and events cannot be trusted.
public final class Container: Sendable {
    private let supervisor: ChildProcess
    let leader: Int32
    private let isStopped = Atomic(false)

    private init(supervisor: ChildProcess, leader: Int32) {
        self.supervisor = supervisor
        self.leader = leader
    }

    /// Boots a machine as far as `basic.target`; it is gone when this process ends. One a process: the control groups
    /// bear its number.
    public static func boot() async throws -> Container {
        Litter.prepare()
        let directory = "/tmp/\(Litter.newName().text)"
        Litter.add(directory)
        try Descriptor.makeDirectory(path: directory, mode: 0o700)
        cleanUpAtExit()
        var command = ChildProcess.Command(
            "/usr/bin/setpriv",
            ["--pdeathsig", "KILL", "/usr/bin/unshare", "--mount", "--propagation", "private"]
                + ["--pid", "--mount-proc", "--fork", "--kill-child", "/bin/sh", "-euc", startScript, "sh", directory]
                + ContainerCgroup.make())
        command.output = .file("\(directory)/console")
        command.errors = .file("\(directory)/console")
        let supervisor = try ChildProcess.start(command)
        started.withLock { $0.append(supervisor) }
        guard let leader = try await findLeader(of: supervisor) else {
            throw ContainerError(
                message: "the machine does not boot: \(supervisor.ending.map { "\($0)" } ?? "time is over")",
                console: console(in: directory))
        }
        let container = Container(supervisor: supervisor, leader: leader)
        running.withLock { $0.append(container) }
        let isUp = try await eventually {
            ["running", "degraded"].contains(try await container.attempt("systemctl is-system-running").output)
        }
        guard isUp else {
            throw ContainerError(message: "the machine does not come up", console: console(in: directory))
        }
        return container
    }

    /// Mounts what the machine needs, then becomes it. Arguments: a directory, files of control groups to enter by.
    private static let startScript = """
        cd "$1"; here=$1; shift
        for group; do echo $$ > "$group"; done
        truncate -s 4G disk
        mkfs.ext4 -q -E lazy_itable_init=1 disk
        mkdir mount root
        mount -o loop disk mount
        rm disk
        mkdir mount/upper mount/work mount/srv
        mount -t overlay overlay -o lowerdir=/,upperdir=mount/upper,workdir=mount/work root
        : > root/etc/machine-id
        export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
        exec systemd-nspawn --quiet --register=no --keep-unit --private-network --console=pipe --machine=ingot-test \
          --directory=root --bind="$here/mount/srv:/srv" \
          --capability=CAP_BPF --system-call-filter=bpf \
          --system-call-filter='landlock_create_ruleset landlock_add_rule landlock_restrict_self' \
          --boot systemd.unit=basic.target
        """

    /// The number of the machine's first process: unshare's child is systemd-nspawn, and that one's child is it.
    private static func findLeader(of supervisor: ChildProcess) async throws -> Int32? {
        let deadline = ContinuousClock.now + .seconds(30)
        while supervisor.ending == nil, ContinuousClock.now < deadline {
            if let leader = child(of: supervisor.processID).flatMap(child),
                contents(ofFile: "/proc/\(leader)/comm") == "systemd\n"
            {
                return leader
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }

    private static func child(of process: Int32) -> Int32? {
        contents(ofFile: "/proc/\(process)/task/\(process)/children")?.split(separator: " ").first.flatMap { Int32($0) }
    }

    private static func console(in directory: String) -> String { contents(ofFile: "\(directory)/console") ?? "" }

    /// A path in the machine, as this one sees it.
    public func hostPath(_ path: String) -> String { "/proc/\(leader)/root\(path)" }

    /// Ends the machine at once and takes away its control groups.
    public func stop() {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        // The leader's number is its own for as long as its parent lives; with it everything in the machine dies.
        if supervisor.ending == nil { kill(leader, SIGKILL) }
        if supervisor.wait(until: ContinuousClock.now + .seconds(10)) == nil { supervisor.signal(SIGKILL) }
        ContainerCgroup.remove()
    }
}

/// Why there is no machine, or what went wrong in it.
public struct ContainerError: Error, CustomStringConvertible {
    /// What went wrong.
    public let message: String
    /// What was printed about it.
    public let console: String

    /// An error.
    public init(message: String, console: String) {
        self.message = message
        self.console = console
    }

    /// Everything there is to say.
    public var description: String { console.isEmpty ? message : "\(message)\n\(console)" }
}

private let running = Mutex<[Container]>([])
private let started = Mutex<[ChildProcess]>([])

/// Ends the machines when the process ends, atexit(3); their directories go with the other litter.
private func cleanUpAtExit() {
    atexit {
        for container in running.withLock({ $0 }) { container.stop() }
        // One that never came up is no container yet.
        for supervisor in started.withLock({ $0 }) where supervisor.ending == nil {
            supervisor.signal(SIGKILL)
            _ = supervisor.wait(until: ContinuousClock.now + .seconds(10))
            ContainerCgroup.remove()
        }
    }
}

/// A small file of text; `nil` when it cannot be read.
func contents(ofFile path: String) -> String? {
    guard let bytes = try? Descriptor.openFile(path: path).readAll(limit: 1 << 20) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
}
