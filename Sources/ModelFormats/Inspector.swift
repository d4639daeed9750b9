internal import Vocabulary

/// Looks inside a file by every reading that a loader could choose, and joins what they find.
///
/// 1. Recognising a format never keeps another reading from being tried: a file that is two things at once is as bad as
///    the worse of them.
/// 2. Every part of a container is looked at like a file of its own, down to ``InspectionLimits/containerDepth``.
/// 3. What comes out is bounded, whatever the file holds; the verdict counts what there was no room for.
public enum Inspector {
    /// Grows whenever the same bytes may be judged otherwise than before; kept with each blob.
    public static let version = 4

    /// Which rules a verdict comes from, for people: the inspector's version and that of the list of known names.
    public static var statement: String { "inspector \(version), allow-list \(AllowList.version)" }

    /// Findings that an inspection keeps, the worst ones.
    public static let findingLimit = 200
    /// Imports that an inspection keeps, the worst ones.
    public static let importLimit = 1000

    /// Inspects the bytes of a file. Never throws and never fails: what cannot be read is a finding, and not `safe`.
    ///
    /// - Returns: at most ``findingLimit`` findings, the worst first (`findings_left_out` in the details: how many
    ///   more there are at least), and at most ``importLimit`` imports (`import_count` counts all of them).
    public static func inspect(_ source: any ByteSource, limits: InspectionLimits = .init()) -> Inspection {
        var limits = limits
        // One reading may find more than is kept of all; what is left out is then known.
        limits.findings = max(limits.findings, 2 * findingLimit)
        let budget = InspectionBudget(limits, fileSize: source.sizeInBytes)
        let layers = PythonLayers(budget: budget, readsHeaders: true)
        guard var found = layers.look(at: source, part: "", depth: 0) else {
            return Inspection(format: .unknown, safety: .noCode)
        }
        found.safety = max(found.safety, found.findings.map(\.severity).max() ?? .noCode)
        if found.damage != nil { found.safety = max(found.safety, .unscannable) }
        found.finish()
        return found
    }
}

extension Inspection {
    /// Puts the worst first and cuts what is too long.
    fileprivate mutating func finish() {
        keepFindings()
        keepImports()
        boundDetails()
    }

    private mutating func keepFindings() {
        var seen: Set<Finding> = []
        let different = findings.filter { seen.insert($0).inserted }
        let ordered = Safety.allCases.reversed().flatMap { level in different.filter { $0.severity == level } }
        findings = Array(ordered.prefix(Inspector.findingLimit))
        if ordered.count > findings.count { setDetail("findings_left_out", ordered.count - findings.count) }
    }

    /// The order of their first appearance stays.
    private mutating func keepImports() {
        if !imports.isEmpty { setDetail("import_count", imports.count) }
        guard imports.count > Inspector.importLimit else { return }
        let ranked = imports.indices.sorted { (imports[$1].verdict, $0) < (imports[$0].verdict, $1) }
        imports = ranked.prefix(Inspector.importLimit).sorted().map { imports[$0] }
    }

    private mutating func boundDetails() {
        let clean = details.printable
        let kept = clean.beginning(ofAtMost: HeaderReport.detailsLimit)
        details = kept?.value ?? .object([])
        if kept?.isCut != false { setDetail("details_cut", .bool(true)) }
    }
}

extension JSON {
    /// The same with texts that a `jsonb` column takes, none of them long.
    fileprivate var printable: JSON {
        switch self {
        case .string(let text): .text(text)
        case .array(let elements): .array(elements.map(\.printable))
        case .object(let members): .object(members.map { .init(cut($0.key, to: 256), $0.value.printable) })
        default: self
        }
    }
}
