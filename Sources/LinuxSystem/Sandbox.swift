import CLinux

/// What the calling process gave up: everything but the descriptors that it has and the memory to compute in.
///
/// For a process that reads what a stranger wrote, such as a model file. Once it is shut in, it opens, connects, starts and
/// signals nothing any more, whatever runs in it.
public struct Sandbox: OptionSet, Sendable {
    /// The measures, a bit each.
    public let rawValue: UInt32

    /// Measures from their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// It ends with its parent, prctl(2) PR_SET_PDEATHSIG.
    public static let endsWithParent = Sandbox(rawValue: 1 << 0)
    /// No program that it executes gives it a right, prctl(2) PR_SET_NO_NEW_PRIVS.
    public static let noNewPrivileges = Sandbox(rawValue: 1 << 1)
    /// No capability, capset(2).
    public static let noCapabilities = Sandbox(rawValue: 1 << 2)
    /// Bounded memory and descriptors, no process, no core dump, prlimit(2).
    public static let limits = Sandbox(rawValue: 1 << 3)
    /// No path and no port, landlock(7).
    public static let landlock = Sandbox(rawValue: 1 << 4)
    /// No system call but what reading descriptors takes, seccomp(2).
    public static let seccomp = Sandbox(rawValue: 1 << 5)
    /// All of them.
    public static let complete = Sandbox(rawValue: 1 << 6 - 1)

    /// Shuts the calling process in, for ever. It must have one thread.
    ///
    /// - Parameters:
    ///   - addressSpace: how many bytes it may map at most; what is beyond that ends it.
    ///   - descriptors: the first descriptor number that it cannot have.
    /// - Returns: what the kernel granted. What it did not grant is missing, and everything else is in force.
    public static func enter(addressSpace: UInt64, descriptors: UInt64) -> Sandbox {
        Sandbox(rawValue: ingot_sandbox(addressSpace, descriptors))
    }

    /// Whether this kernel has Landlock, and has it switched on.
    public static var kernelHasLandlock: Bool { ingot_landlock_version() > 0 }

    /// The measures by name, for a person.
    public var names: [String] {
        let all: [(Sandbox, String)] = [
            (.endsWithParent, "death signal"), (.noNewPrivileges, "no_new_privs"), (.noCapabilities, "no capabilities"),
            (.limits, "resource limits"), (.landlock, "Landlock"), (.seccomp, "seccomp"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

#if DEBUG
    extension Sandbox {
        /// What is tried from within, for a test: how it ended, by name; 0 is a success, anything else errno(3).
        public static var probes: [(name: String, error: Int32)] {
            let names = [
                "open", "create", "internet socket", "unix socket", "fork", "execve", "signal", "lease",
                "executable memory",
                "ptrace", "unlink",
            ]
            return names.enumerated().map { ($1, ingot_sandbox_probe(Int32($0))) }
        }
    }
#endif
