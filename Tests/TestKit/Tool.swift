internal import Glibc
public import LinuxSystem

/// A program of the system that a test calls, such as `mkfs.xfs` or `sha256sum`.
public struct Tool: Sendable {
    /// Its absolute path.
    public let path: String

    /// Looks for a program where root's shell does; `nil` when it is not installed.
    public init?(_ name: String) {
        let directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        guard let found = directories.first(where: { unsafe access("\($0)/\(name)", X_OK) == 0 }) else { return nil }
        path = "\(found)/\(name)"
    }

    /// Runs a program to its end.
    ///
    /// - Returns: what it printed.
    /// - Throws: ``ToolFailure`` when it is missing, does not return 0, or takes longer than a minute.
    @discardableResult
    public static func run(_ name: String, _ arguments: [String]) throws -> String {
        guard let tool = Tool(name) else { throw ToolFailure(command: name, message: "it is not installed") }
        let command = ChildProcess.Command(tool.path, arguments)
        let completion = try ChildProcess.run(command, deadline: ContinuousClock.now + .seconds(60))
        guard completion.isSuccess else {
            throw ToolFailure(
                command: ([name] + arguments).joined(separator: " "),
                message: String(decoding: completion.errors, as: UTF8.self))
        }
        return String(decoding: completion.output, as: UTF8.self)
    }
}

extension Tool {
    /// Starts a program that runs beside the test, until it is ended.
    public static func background(_ name: String, _ arguments: [String]) throws -> ChildProcess {
        guard let tool = Tool(name) else { throw ToolFailure(command: name, message: "it is not installed") }
        return try ChildProcess.start(ChildProcess.Command(tool.path, arguments))
    }
}

/// A program that did not do what a test needed.
public struct ToolFailure: Error, CustomStringConvertible {
    /// What was run.
    public let command: String
    /// What it said.
    public let message: String

    /// Both on one line.
    public var description: String { "\(command): \(message)" }
}
