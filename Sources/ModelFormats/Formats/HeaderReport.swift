internal import Vocabulary

/// What a reader of one format writes down: facts, findings and damage, all of it bounded.
struct HeaderReport {
    /// How many entries of a list are kept; the number of all of them stands beside it.
    static let listLimit = 64
    /// How many bytes of one text are kept.
    static let textLimit = 1024
    /// How many bytes all details together may have.
    static let detailsLimit = 64 * 1024
    private static let findingsLimit = 64

    var format: ModelFormat
    private var details: [JSON.Member] = []
    private var detailsSize = 0
    private var isCut = false
    private var worst: Safety
    private var findings: [Finding] = []
    private var seen: Set<Finding> = []
    private var findingsLeftOut = 0
    private var damage: Inspection.Damage?

    init(_ format: ModelFormat, atBest: Safety) {
        self.format = format
        worst = atBest
    }

    /// Says that the file, unlike others of its kind, could carry code.
    mutating func couldCarryCode() { worst = max(worst, .safe) }

    /// Keeps a fact, the first one of its name; nothing is kept for `nil`, and nothing any more when there is no room.
    mutating func set(_ key: String, _ value: JSON?) {
        guard let value, !details.contains(where: { $0.key == key }) else { return }
        let room = Self.detailsLimit - detailsSize - key.utf8.count
        guard let kept = value.beginning(ofAtMost: room) else {
            isCut = true
            return
        }
        isCut = isCut || kept.isCut
        detailsSize += key.utf8.count + kept.size
        details.append(.init(key, kept.value))
    }

    /// Keeps a whole number.
    mutating func set(_ key: String, _ value: (some BinaryInteger)?) {
        if let value { set(key, .number("\(value)")) }
    }

    /// Keeps a text, cut where it is long.
    mutating func set(_ key: String, _ value: String?) {
        if let value, !value.isEmpty { set(key, .text(value)) }
    }

    /// Keeps a finding, once; its severity counts even when there is no room left for it.
    mutating func find(
        _ severity: Safety, _ code: String, _ message: String, part: String = "", at offset: Int64? = nil
    ) {
        find(Finding(severity, code, message, part: part, offset: offset))
    }

    /// Keeps a finding.
    mutating func find(_ finding: Finding) {
        worst = max(worst, finding.severity)
        guard !seen.contains(finding) else { return }
        guard findings.count < Self.findingsLimit else { return replaceMildest(by: finding) }
        seen.insert(finding)
        findings.append(finding)
    }

    private mutating func replaceMildest(by finding: Finding) {
        findingsLeftOut += 1
        guard let index = findings.lastIndex(where: { $0.severity < finding.severity }) else { return }
        seen.remove(findings[index])
        seen.insert(finding)
        findings[index] = finding
    }

    /// Keeps a damage, the first one; what is damaged was not understood.
    mutating func damage(_ code: String, _ message: String) {
        worst = max(worst, .unscannable)
        if damage == nil { damage = .init(code: code, message: message) }
    }

    /// Keeps why a header could not be read to its end.
    mutating func note(_ failure: ReadFailure, sizeInBytes: Int64) {
        switch failure {
        case .truncated(let what, let offset):
            damage(
                "truncated", "\(what) should follow at byte \(offset), but there are only \(sizeInBytes) bytes in all")
        case .malformed(let what, let offset): damage("malformed", "\(what) (at byte \(offset))")
        case .limit(let what): find(.unscannable, "limit", what)
        case .unsupported(let what): find(.unscannable, "unsupported", what)
        case .system(let error): find(.unscannable, "read_error", "\(error)")
        }
    }

    /// All of it.
    var inspection: Inspection {
        var details = details
        if isCut { details.append(.init("details_cut", .bool(true))) }
        if findingsLeftOut > 0 { details.append(.init("findings_left_out", .number("\(findingsLeftOut)"))) }
        let ordered = Safety.allCases.reversed().flatMap { level in findings.filter { $0.severity == level } }
        return Inspection(
            format: format, details: .object(details), safety: worst, findings: ordered, damage: damage)
    }
}

extension JSON {
    /// As many of a list's or an object's members as fit into so many bytes; `nil` for a scalar that does not.
    func beginning(ofAtMost room: Int) -> (value: JSON, size: Int, isCut: Bool)? {
        var size = text.utf8.count
        if size <= room { return (self, size, false) }
        switch self {
        case .array(var elements):
            while size > room, let last = elements.popLast() { size -= last.text.utf8.count + 1 }
            return size <= room ? (.array(elements), size, true) : nil
        case .object(var members):
            while size > room, let last = members.popLast() { size -= JSON.object([last]).text.utf8.count - 1 }
            return size <= room ? (.object(members), size, true) : nil
        default: return nil
        }
    }

    /// A text from a file as a value that a `jsonb` column takes: at most 1 KiB, and no U+0000.
    static func text(_ text: String) -> JSON {
        var kept = ""
        var size = 0
        for scalar in text.unicodeScalars {
            size += UTF8.width(scalar)
            if size > HeaderReport.textLimit { return .string(kept + "…") }
            kept.unicodeScalars.append(scalar == "\0" ? "\u{FFFD}" : scalar)
        }
        return .string(kept)
    }

    /// A whole number.
    static func whole(_ value: some BinaryInteger) -> JSON { .number("\(value)") }

    /// A number; what JSON cannot write becomes a text.
    static func real(_ value: Double) -> JSON { value.isFinite ? .number("\(value)") : .string("\(value)") }

    /// The first entries of a list.
    static func list(_ values: some Sequence<JSON>) -> JSON { .array(Array(values.prefix(HeaderReport.listLimit))) }

    /// How often each name occurs, the most frequent first, 64 names at most.
    static func counts(_ counts: [String: Int]) -> JSON {
        let ordered = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
        return .object(ordered.prefix(HeaderReport.listLimit).map { .init(cut($0.key, to: 128), .whole($0.value)) })
    }
}

/// A name from a file for a message: one safe line, not longer than it has to be.
func quoted(_ name: some StringProtocol) -> String { "'\(cut(escaped(name.utf8.prefix(256)), to: 128))'" }

/// The beginning of a text.
func cut(_ text: String, to count: Int) -> String {
    let text = text.unicodeScalars.contains("\0") ? escaped(text) : text
    return text.count <= count ? text : text.prefix(count) + "…"
}
