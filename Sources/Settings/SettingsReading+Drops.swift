internal import Vocabulary

/// A drop directory's settings and where its path was set.
struct PlacedDrop {
    var settings: DropSettings
    var path: PlacedPath
}

extension SettingsReading {
    mutating func drops(_ field: Field) -> [PlacedDrop]? {
        guard case .list(let items) = field.node.content else {
            reader.report(
                field, "has to be a list, not \(field.node.kind)", hint: "begin every drop directory with \"- path:\"")
            return nil
        }
        guard !items.isEmpty else {
            reader.report(field, "is empty", hint: "name at least one drop directory")
            return nil
        }
        let drops = items.enumerated().map { drop($1, key: "\(field.key)[\($0)]") }
        // The others can still be compared with one another when one has no usable path.
        return drops.compactMap { $0 }
    }

    private mutating func drop(_ node: YAMLNode, key: String) -> PlacedDrop? {
        let top = Self.sections.filter { !Self.dropKeys.contains($0) }
        let fields = reader.fields(
            node, path: key, keys: Self.dropKeys, elsewhere: (top, "at the top level, without indentation"))
        var drop = DropSettings(path: "")
        readCompleteness(into: &drop, fields)
        readPolicy(into: &drop, fields)
        refuseContradictions(drop, fields)
        guard let field = fields["path"] else {
            if case .mapping = node.content { reader.report("\(key).path", at: node.position, "is missing") }
            return nil
        }
        guard let path = path(field) else { return nil }
        drop.path = path
        return PlacedDrop(settings: drop, path: PlacedPath(path: path, field: field))
    }

    /// When a payload is complete, and how it is taken.
    private mutating func readCompleteness(into drop: inout DropSettings, _ fields: [String: Field]) {
        let longest = Duration.seconds(365 * 86_400)
        drop.recursive = reader.flag(fields["recursive"], drop.recursive)
        drop.completeness = reader.choice(fields["completeness"], drop.completeness)
        drop.settle = reader.duration(fields["settle"], drop.settle, .milliseconds(10) ... .seconds(86_400))
        drop.take = reader.choice(fields["take"], drop.take)
        drop.remoteWriters = reader.choice(fields["remote_writers"], drop.remoteWriters)
        drop.manifestWait = reader.duration(fields["manifest_wait"], drop.manifestWait, .seconds(1)...longest)
        drop.orphans = reader.choice(fields["orphans"], drop.orphans)
    }

    /// Who may drop what here.
    private mutating func readPolicy(into drop: inout DropSettings, _ fields: [String: Field]) {
        drop.producers = reader.choice(fields["producers"], drop.producers)
        drop.maxPayload = reader.size(fields["max_payload"], drop.maxPayload)
        drop.rejectSafety = verdicts(fields["reject_safety"]) ?? drop.rejectSafety
        drop.modelIDs = globs(fields["model_ids"]) ?? drop.modelIDs
        drop.owners = owners(fields["owners"]) ?? drop.owners
        drop.ignore = globs(fields["ignore"], mayBeEmpty: true) ?? drop.ignore
    }

    /// Refuses settings that are fine alone and impossible together.
    private mutating func refuseContradictions(_ drop: DropSettings, _ fields: [String: Field]) {
        if drop.take == .move, drop.producers == .hostile, let field = fields["take"] {
            reader.report(
                field, "a hostile producer's file is never moved", hint: "write take: auto, or producers: trusted")
        }
        if drop.take == .move, drop.remoteWriters == .yes, let field = fields["take"] {
            reader.report(
                field, "a file that other hosts can write is never moved",
                hint: "write take: auto, or remote_writers: no")
        }
        if drop.completeness == .lease, drop.remoteWriters == .yes, let field = fields["completeness"] {
            reader.report(
                field, "leases prove nothing about writers on other hosts",
                hint: "write completeness: auto, or remote_writers: no")
        }
    }

    private mutating func verdicts(_ field: Field?) -> [String]? {
        let known = DropSettings.safetyVerdicts
        return unique(field, mayBeEmpty: true) { reading, item, text in
            guard !known.contains(text) else { return true }
            let hint = nearest(text, among: known).map { "did you mean \"\($0)\"?" }
            reading.reader.report(
                item, "\"\(escaped(text))\" is none of \(known.joined(separator: ", "))", hint: hint)
            return false
        }
    }

    private mutating func globs(_ field: Field?, mayBeEmpty: Bool = false) -> [String]? {
        unique(field, mayBeEmpty: mayBeEmpty) { reading, item, text in
            guard let problem = Glob(text).problem else { return true }
            reading.reader.report(item, "\"\(escaped(text))\" is no pattern: \(problem)")
            return false
        }
    }

    private mutating func owners(_ field: Field?) -> [String]? {
        unique(field, mayBeEmpty: false) { reading, item, text in
            let name = text.hasPrefix("@") ? text.dropFirst() : text[...]
            let isName = name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !":,/*@".utf8.contains($0) }
            if text == "*" || isName && !name.isEmpty { return true }
            reading.reader.report(
                item, "\"\(escaped(text))\" is no user", hint: "write a user's name, \"@group\", a uid, or \"*\"")
            return false
        }
    }

    /// A list of different texts that pass a check; `nil` when there is none to use.
    private mutating func unique(
        _ field: Field?, mayBeEmpty: Bool, _ check: (inout SettingsReading, Field, String) -> Bool
    ) -> [String]? {
        guard let field, let items = reader.texts(field) else { return nil }
        var seen: [String] = []
        for (item, text) in items where check(&self, item, text) {
            if seen.contains(text) { reader.report(item, "\"\(escaped(text))\" stands in the list twice") }
            seen.append(text)
        }
        if items.isEmpty, !mayBeEmpty, case .list(let nodes) = field.node.content, nodes.isEmpty {
            reader.report(
                field, "is empty, so nothing could ever be dropped here", hint: "write [\"*\"] for everything")
        }
        return seen
    }
}
