import LinuxSystem
import Manifest
import TestKit
import Testing
import Vocabulary

/// The files that `files.py` writes, made once, and the program that looks at them.
enum Checked {
    private static let scratch = Result {
        let scratch = try Scratch()
        try ModelLibraries.run(script, [scratch.path], interpreter: nil)
        return scratch
    }

    private static let script = {
        let directory = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        return directory.joined(separator: "/") + "/files.py"
    }()

    static var path: String { get throws { try scratch.get().path } }

    /// What the program did.
    struct Run {
        let status: Int32?
        let output: String
        let errors: String
    }

    /// Runs `ingot` as a user would.
    static func run(_ arguments: [String], environment: [String: String] = ["PATH": "/usr/bin:/bin"]) throws -> Run {
        let command = ChildProcess.Command(
            Daemon.programBesideBundle("ingot"), arguments, environment: environment)
        let completion = try ChildProcess.run(command, deadline: .now + .seconds(60))
        var status: Int32?
        if case .exited(let code)? = completion.ending { status = code }
        return Run(
            status: status, output: String(decoding: completion.output, as: UTF8.self),
            errors: String(decoding: completion.errors, as: UTF8.self))
    }

    /// Checks one of the files and reads what `--json` prints.
    static func object(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> (JSON, Int32?) {
        let run = try run(["check", "--json", "\(path)/\(name)"])
        let elements = try list(run.output)
        #expect(elements.count == 1, "\(run)", sourceLocation: sourceLocation)
        return (elements.first ?? .null, run.status)
    }

    /// The elements of a JSON array.
    static func list(_ text: String) throws -> [JSON] {
        guard case .array(let elements) = try JSON.parse(Array(text.utf8)) else { return [] }
        return elements
    }
}

extension JSON {
    var string: String? { if case .string(let text) = self { text } else { nil } }

    var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }

    /// The `code` of every element of a member that is a list.
    func codes(_ key: String) -> [String] { self[key]?.elements.compactMap { $0["code"]?.string } ?? [] }
}
