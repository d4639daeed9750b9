import Manifest
import ModelFormats
import Vocabulary

/// What there is to say of one file.
struct FileReport {
    /// What keeps a file from being registered as it is, or what its name gets wrong.
    struct Problem: Equatable {
        var code: String
        var message: String
    }

    /// The verdict on a manifest.
    struct Sidecar {
        /// Its path, escaped.
        var path: String
        var result: Result<Manifest, ManifestError>
    }

    /// Its path as it was given or found, escaped.
    var path: String
    var digest: Digest?
    var sizeInBytes: Int64?
    /// `nil` for a manifest and for what could not be read.
    var inspection: Inspection?
    var sidecar: Sidecar?
    var problems: [Problem] = []
    /// Whether it could not be read.
    var isUnreadable = false

    init(path: String) { self.path = path }

    /// The report on something that cannot be read.
    init(path: String, unreadable message: String) {
        self.path = path
        isUnreadable = true
        problem("unreadable", message)
    }

    mutating func problem(_ code: String, _ message: String) {
        problems.append(Problem(code: code, message: message))
    }

    /// Whether there is something that somebody should look at.
    func hasFindings(_ failing: Set<Safety>) -> Bool {
        !problems.isEmpty || inspection.map { failing.contains($0.safety) } == true
    }
}

extension FileReport {
    /// The object of `ingot check --json`: every key is always there, `null` where there is nothing to say.
    var json: JSON {
        .object([
            .init("path", .string(path)),
            .init("sha256", digest.map { .string($0.hex) } ?? .null),
            .init("size_bytes", sizeInBytes.map { .number("\($0)") } ?? .null),
            .init("format", inspection.map { .string($0.format.rawValue) } ?? .null),
            .init("format_details", inspection?.details ?? .null),
            .init("safety", inspection.map { .string($0.safety.rawValue) } ?? .null),
            .init("safety_findings", .array(inspection?.findings.map(\.json) ?? [])),
            .init("imports", .array(inspection?.imports.map(\.json) ?? [])),
            .init("manifest", sidecar?.json ?? .null),
            .init(
                "problems",
                .array(
                    problems.map { problem in
                        .object([.init("code", .string(problem.code)), .init("message", .string(problem.message))])
                    })),
        ])
    }
}

extension FileReport.Sidecar {
    var json: JSON {
        var members: [JSON.Member] = [.init("path", .string(path))]
        switch result {
        case .success(let manifest):
            members += [
                .init("ok", .bool(true)), .init("model_id", .string(manifest.modelID)),
                .init("model_version", .string(manifest.modelVersion)),
                .init(
                    "warnings",
                    .array(
                        manifest.warnings.map { warning in
                            .object([
                                .init("code", .string(warning.code)), .init("message", .string(warning.message)),
                            ])
                        })),
                .init("errors", .array([])),
            ]
        case .failure(let error):
            members += [
                .init("ok", .bool(false)), .init("model_id", .null), .init("model_version", .null),
                .init("warnings", .array([])), .init("errors", .array(error.reasons.map(\.json))),
            ]
        }
        return .object(members)
    }
}

extension Reason {
    fileprivate var json: JSON {
        var members: [JSON.Member] = [.init("code", .string(code)), .init("message", .string(message))]
        if let field { members.append(.init("field", .string(field))) }
        if let line { members.append(.init("line", .number("\(line)"))) }
        if let column { members.append(.init("column", .number("\(column)"))) }
        if let hint { members.append(.init("hint", .string(hint))) }
        return .object(members)
    }
}

/// The array of `--json`, one object a line, each written as soon as it is known.
struct JSONOutput: CheckOutput {
    private var isFirst = true

    mutating func begin() { Terminal.say("[") }

    mutating func add(_ report: FileReport) {
        Terminal.say((isFirst ? "\n" : ",\n") + report.json.text)
        isFirst = false
    }

    mutating func end() { Terminal.say("\n]\n") }
}
