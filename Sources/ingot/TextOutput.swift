import Glibc
import Manifest
import ModelFormats
import Vocabulary

/// What a person reads: a line a file, and below it what is worth knowing.
struct TextOutput: CheckOutput {
    private let showsAllImports: Bool
    private var counts: [String: Int] = [:]
    private var files = 0

    init(showsAllImports: Bool) { self.showsAllImports = showsAllImports }

    mutating func begin() {}

    mutating func add(_ report: FileReport) {
        files += 1
        counts[report.word, default: 0] += 1
        Terminal.say((files > 1 ? "\n" : "") + lines(report).joined(separator: "\n") + "\n")
    }

    mutating func end() {
        guard files > 1 else { return }
        let order = Safety.allCases.reversed().map(\.rawValue)
        let parts = counts.sorted { left, right in
            (order.firstIndex(of: left.key) ?? -1, left.key) < (order.firstIndex(of: right.key) ?? -1, right.key)
        }
        Terminal.say("\n\(files) files: \(parts.map { "\($0.value) \($0.key)" }.joined(separator: ", "))\n")
    }

    private func lines(_ report: FileReport) -> [String] {
        var lines = [headline(report)]
        if let digest = report.digest { lines.append(row("sha256", digest.hex)) }
        lines += facts(report.inspection?.details).map { row("", $0) }.enumerated().map {
            $0.offset == 0 ? row("details", String($0.element.dropFirst(Self.indent))) : $0.element
        }
        lines += findings(report.inspection?.findings ?? [])
        lines += imports(report.inspection?.imports ?? [])
        if let sidecar = report.sidecar { lines += self.lines(sidecar) }
        // What is wrong with a manifest has its own lines, with their places.
        for problem in report.problems where problem.code != "manifest_rejected" {
            lines.append(row("problem", "\(problem.code): \(problem.message)", .red))
        }
        return lines
    }

    private func headline(_ report: FileReport) -> String {
        var parts: [String] = []
        if let inspection = report.inspection { parts.append(inspection.format.rawValue) }
        if report.inspection == nil, report.sidecar != nil { parts.append("manifest") }
        if let size = report.sizeInBytes { parts.append(Self.size(size)) }
        parts.append(Colour.of(report).paint(report.word))
        return "\(Colour.bold.paint(report.path)): \(parts.joined(separator: ", "))"
    }

    private func line(_ finding: Finding) -> String {
        var place = finding.part
        if let offset = finding.offset { place += (place.isEmpty ? "" : " ") + "at byte \(offset)" }
        let end = place.isEmpty ? "" : " (\(place))"
        return row(
            "finding", "\(finding.severity.rawValue) \(finding.code): \(escaped(finding.message))\(end)",
            Colour.of(finding.severity))
    }

    private static let mostLines = 20

    /// Without those that say of an import what its own line says.
    private func findings(_ findings: [Finding]) -> [String] {
        let listed = findings.filter { $0.code != "unknown_import" }
        var lines = listed.prefix(Self.mostLines).map { line($0) }
        if listed.count > lines.count { lines.append(row("finding", "… and \(listed.count - lines.count) more")) }
        return lines
    }

    /// Those that are not known; of what is dangerous there is a finding.
    private func imports(_ imports: [Import]) -> [String] {
        let listed = showsAllImports ? imports : imports.filter { $0.verdict == .unknownImports }
        var lines = listed.prefix(showsAllImports ? .max : Self.mostLines).map { item in
            let uses = item.uses.sorted().map(\.rawValue).joined(separator: ", ")
            let place = item.part.isEmpty ? "at byte \(item.offset)" : "\(item.part) at byte \(item.offset)"
            let verdict = item.verdict == .unknownImports ? "unknown" : item.verdict.rawValue
            return row(
                "import", "\(verdict) \(escaped(item.module)).\(escaped(item.name)): \(uses) (\(place))",
                Colour.of(item.verdict))
        }
        if listed.count > lines.count { lines.append(row("import", "… and \(listed.count - lines.count) more")) }
        return lines
    }

    private func lines(_ sidecar: FileReport.Sidecar) -> [String] {
        switch sidecar.result {
        case .success(let manifest):
            let subject = "\(escaped(manifest.modelID)) \(escaped(manifest.modelVersion)) (\(sidecar.path))"
            return [row("manifest", subject)]
                + manifest.warnings.map { row("warning", escaped($0.message), .yellow) }
        case .failure(let error):
            return error.reasons.map { reason in
                let place =
                    reason.line.map { "\(sidecar.path):\($0):\(reason.column ?? 1)" } ?? sidecar.path
                let hint = reason.hint.map { " \(escaped($0))" } ?? ""
                return row("manifest", "\(place): \(escaped(reason.message))\(hint)", .red)
            }
        }
    }

    // MARK: Details

    /// The facts that are one value each; lists and objects are counted.
    private func facts(_ details: JSON?) -> [String] {
        let all = (details?.members ?? []).map { member in "\(member.key) \(Self.short(member.value))" }
        var lines: [String] = []
        for fact in all {
            if let last = lines.last, last.count + fact.count < 90 {
                lines[lines.count - 1] = "\(last), \(fact)"
            } else {
                lines.append(fact)
            }
        }
        return lines.map { escaped($0) }
    }

    private static func short(_ value: JSON) -> String {
        switch value {
        case .string(let text): text.count > 60 ? "\(text.prefix(59))…" : text
        case .array(let elements) where elements.count <= 4: "[\(elements.map(short).joined(separator: ", "))]"
        case .array(let elements): "\(elements.count) entries"
        case .object(let members) where members.count <= 4 && value.text.utf8.count <= 80:
            "{\(members.map { "\($0.key): \(short($0.value))" }.joined(separator: ", "))}"
        case .object(let members): "\(members.count) entries"
        default: value.text
        }
    }

    private static let indent = 12

    private func row(_ title: String, _ text: String, _ colour: Colour = .none) -> String {
        let padded = "  \(title)" + String(repeating: " ", count: max(1, Self.indent - 2 - title.count))
        return padded + colour.paint(text)
    }

    /// A size for people, in powers of 1024.
    static func size(_ bytes: Int64) -> String {
        guard bytes >= 1024 else { return bytes == 1 ? "1 byte" : "\(bytes) bytes" }
        var tenths = bytes
        var unit = 0
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        while tenths >= 1024 * 1024 {
            tenths /= 1024
            unit += 1
        }
        tenths = tenths * 10 / 1024
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}

extension FileReport {
    /// The verdict in one word.
    fileprivate var word: String {
        if let inspection { return inspection.safety.rawValue }
        if isUnreadable { return "not read" }
        if case .failure? = sidecar?.result { return "refused" }
        return "ok"
    }
}

/// Colours of a terminal; none where it may have none.
enum Colour: String {
    case none = ""
    case bold = "1"
    case red = "31"
    case green = "32"
    case yellow = "33"

    func paint(_ text: String) -> String {
        self == .none || !Terminal.hasColours ? text : "\u{1B}[\(rawValue)m\(text)\u{1B}[0m"
    }

    static func of(_ safety: Safety) -> Colour {
        switch safety {
        case .noCode, .safe: .green
        case .unknownImports: .yellow
        case .unscannable, .dangerous: .red
        }
    }

    static func of(_ report: FileReport) -> Colour {
        if let inspection = report.inspection { return of(inspection.safety) }
        return report.problems.isEmpty ? .green : .red
    }
}
