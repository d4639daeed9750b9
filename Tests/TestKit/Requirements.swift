internal import Glibc
internal import LinuxSystem
public import Testing

extension Trait where Self == ConditionTrait {
    /// Skips a test where it is not run by root, who may mount, change owners and take leases on other users' files.
    public static var requiresRoot: Self {
        .enabled(if: geteuid() == 0, "This needs root; CI runs it so, and so does: sudo swift test")
    }

    /// Skips a test where a program is not installed.
    public static func requiresTool(_ name: String) -> Self {
        .enabled(if: Tool(name) != nil, "\(name) is not installed")
    }

    /// Skips a test where processes cannot be traced.
    public static var requiresStrace: Self { requiresTool("strace") }

    /// Skips a test in a build in which no system call can be made to fail.
    public static var requiresFaultInjection: Self {
        .enabled(if: FaultInjection.isAvailable, "Faults can be injected in debug builds only")
    }
}
