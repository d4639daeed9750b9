internal import Glibc
internal import LinuxSystem
public import Testing

/// The Python environment with joblib, scikit-learn and their like, which `scripts/test-environment` makes.
public enum ModelLibraries {
    /// Its interpreter; `nil` while there is no complete environment.
    public static let python: String? = {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let place = "\(root)/.build/test-environment"
        return unsafe access("\(place)/complete", R_OK) == 0 ? "\(place)/bin/python" : nil
    }()

    /// Runs a Python program to its end.
    ///
    /// - Parameters:
    ///   - program: its path.
    ///   - arguments: what it is given.
    ///   - interpreter: the Python to run it with; the system's own has no libraries.
    /// - Returns: what it printed.
    @discardableResult
    public static func run(_ program: String, _ arguments: [String], interpreter: String? = python) throws -> String {
        guard let interpreter = interpreter ?? Tool("python3")?.path else {
            throw ToolFailure(command: program, message: "there is no Python")
        }
        let command = ChildProcess.Command(interpreter, ["-B", program] + arguments)
        let completion = try ChildProcess.run(command, deadline: ContinuousClock.now + .seconds(300))
        guard completion.isSuccess else {
            throw ToolFailure(command: program, message: String(decoding: completion.errors, as: UTF8.self))
        }
        return String(decoding: completion.output, as: UTF8.self)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test where the libraries that write model files are not installed.
    public static var requiresModelLibraries: Self {
        .enabled(if: ModelLibraries.python != nil, "Model libraries are not installed: scripts/test-environment")
    }
}
