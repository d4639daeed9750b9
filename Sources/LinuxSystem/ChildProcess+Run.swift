internal import Glibc

extension ChildProcess {
    /// What a program printed, and how it ended.
    public struct Completion: Sendable {
        /// How it ended; `nil` when the deadline came first and it was killed.
        public let ending: Ending?
        /// What it wrote to standard output.
        public let output: [UInt8]
        /// What it wrote to standard error.
        public let errors: [UInt8]

        /// Whether it returned 0.
        public var isSuccess: Bool { ending == .exited(0) }
    }

    /// Runs a program to its end and keeps what it prints. Its output streams are replaced.
    ///
    /// What it prints goes through files without a name: a program cannot get stuck on a full pipe, and one that leaves
    /// children behind does not keep us waiting for them.
    ///
    /// - Parameters:
    ///   - command: what to run.
    ///   - deadline: when to kill it.
    /// - Throws: when it cannot be started.
    public static func run(
        _ command: Command, deadline: ContinuousClock.Instant
    ) throws(ChildProcessError) -> Completion {
        var command = command
        let output = try scratchFile(for: command)
        defer { close(output) }
        let errors = try scratchFile(for: command)
        defer { close(errors) }
        command.output = .descriptor(output)
        command.errors = .descriptor(errors)
        let child = try start(command)
        let ending = child.wait(until: deadline)
        if ending == nil { child.signal(SIGKILL) }
        return Completion(ending: ending, output: content(of: output), errors: content(of: errors))
    }

    private static func scratchFile(for command: Command) throws(ChildProcessError) -> Int32 {
        let name = "/tmp/ingot-output-\(UInt64.random(in: .min ... .max))"
        let descriptor = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ChildProcessError(errno: errno, operation: "open of a scratch file", executable: command.executable)
        }
        _ = unsafe unlink(name)
        return descriptor
    }

    /// At most the first 16 MiB.
    private static func content(of descriptor: Int32) -> [UInt8] {
        let size = min(max(lseek(descriptor, 0, SEEK_END), 0), 16 << 20)
        return unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = unsafe max(pread(descriptor, buffer.baseAddress, size, 0), 0)
        }
    }
}
