internal import Glibc
internal import LinuxSystem
public import Testing

extension Container {
    /// Why no machine can be booted here; `nil` when one can.
    public static let obstacle: String? = {
        guard geteuid() == 0 else { return "booting a machine takes root" }
        for (path, package) in requirements where unsafe access(path, F_OK) != 0 {
            return "\(path) is missing (apt-get install \(package))"
        }
        let attempt = ChildProcess.Command("/usr/bin/unshare", ["--mount", "--propagation", "private", "/bin/true"])
        let completion = try? ChildProcess.run(attempt, deadline: ContinuousClock.now + .seconds(10))
        return completion?.isSuccess == true ? nil : "this root may not mount (CAP_SYS_ADMIN)"
    }()

    /// What has to be there, and the Debian package that it comes from.
    private static let requirements = [
        ("/usr/bin/systemd-nspawn", "systemd-container"),
        ("/lib/systemd/systemd", "systemd-sysv"),
        ("/usr/bin/nsenter", "util-linux"),
        ("/usr/bin/setpriv", "util-linux"),
        ("/usr/sbin/runuser", "util-linux"),
        ("/usr/sbin/mkfs.ext4", "e2fsprogs"),
        ("/usr/bin/pg_createcluster", "postgresql"),
        ("/dev/loop-control", "nothing: the kernel has no loop devices"),
    ]
}

extension Trait where Self == ConditionTrait {
    /// Skips where no machine can be booted, and says what is missing.
    public static var requiresContainer: Self {
        .enabled(if: Container.obstacle == nil, "\(Container.obstacle ?? "")")
    }
}
