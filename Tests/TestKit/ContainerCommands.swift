internal import Glibc
internal import LinuxSystem
internal import Synchronization

extension Container {
    /// What a script in the machine printed, and how it ended.
    public struct Output: Sendable {
        /// Its exit status; `nil` when a signal or the deadline ended it.
        public let status: Int32?
        /// What it printed, without the last end of line.
        public let output: String
        /// What it complained of.
        public let errors: String
    }

    /// Runs a script in the machine to its end.
    ///
    /// - Parameters:
    ///   - script: for bash, which stops at the first failure.
    ///   - user: who runs it; root for `nil`.
    ///   - limit: how long it may take.
    /// - Returns: what it printed.
    /// - Throws: when it fails, with all that it said.
    @discardableResult
    public func run(
        _ script: String, as user: String? = nil, within limit: Duration = .seconds(60)
    ) async throws -> String {
        let output = try await attempt(script, as: user, within: limit)
        guard output.status == 0 else {
            throw ContainerError(
                message: "status \(output.status.map { "\($0)" } ?? "none") of: \(script)",
                console: "\(output.output)\n\(output.errors)")
        }
        return output.output
    }

    /// Runs a script in the machine, which may fail.
    public func attempt(
        _ script: String, as user: String? = nil, within limit: Duration = .seconds(60)
    ) async throws -> Output {
        let enter = ["--target", "\(leader)", "--all", "--", "/usr/bin/env", "-i", "--chdir=/"] + Self.environment
        let become = user.map { ["/usr/sbin/runuser", "-u", $0, "--"] } ?? []
        let command = ChildProcess.Command(
            "/usr/bin/nsenter", enter + become + ["/bin/bash", "-euo", "pipefail", "-c", script])
        return try await Self.run(command, within: limit)
    }

    private static let environment = [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0",
        "SYSTEMD_PAGER=", "TZ=UTC",
    ]

    /// Runs a command without keeping a thread of Swift's pool from the other tests.
    private static func run(_ command: ChildProcess.Command, within limit: Duration) async throws -> Output {
        let result = Mutex<Result<ChildProcess.Completion, ChildProcessError>?>(nil)
        let lane = Lane("test command") {
            let outcome: Result<ChildProcess.Completion, ChildProcessError>
            do throws(ChildProcessError) {
                outcome = .success(try ChildProcess.run(command, deadline: ContinuousClock.now + limit))
            } catch {
                outcome = .failure(error)
            }
            result.withLock { $0 = outcome }
        }
        await lane.finished()
        guard let completion = try result.withLock({ $0 })?.get() else {
            preconditionFailure("a lane without a result")
        }
        var status: Int32?
        if case .exited(let number)? = completion.ending { status = number }
        return Output(status: status, output: text(completion.output), errors: text(completion.errors))
    }

    private static func text(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}

// MARK: Files

extension Container {
    /// Copies a file of this machine into the other one.
    public func install(_ source: String, as path: String, mode: UInt32 = 0o644) throws {
        let bytes = try Descriptor.openFile(path: source).readAll(limit: 1 << 30)
        try write(bytes, to: path, mode: mode)
    }

    /// Writes a text file in the machine, as root, with the directories above it.
    public func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    private func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws {
        var names = path.split(separator: "/").map(String.init)
        let name = names.removeLast()
        var parent = ""
        for directory in names {
            parent += "/\(directory)"
            _ = unsafe mkdir(hostPath(parent), 0o755)
        }
        guard let file = FileName(Array(name.utf8)) else {
            throw ContainerError(message: "no name of a file: \(path)", console: "")
        }
        try Descriptor.openDirectory(path: hostPath(parent)).replaceFile(file, with: bytes, mode: mode, durable: false)
    }
}
