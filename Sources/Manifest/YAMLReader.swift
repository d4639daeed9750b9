internal import Vocabulary

/// The JSON-shaped subset of YAML into a tree.
///
/// Mappings with scalar keys, sequences and scalars, in block and flow style, one document. Anchors, aliases, tags, merge keys and
/// `%TAG` directives are refused: a manifest is data, and a few hundred bytes with aliases unfold into gigabytes. Not
/// recursive; the limits are kept by the builder event by event.
struct YAMLReader {
    private var builder = NodeBuilder()
    private var warnings: [PlacedWarning] = []

    /// The tree of a text that passed `TextCheck`, and what to say about its scalars.
    static func read(_ bytes: [UInt8]) throws(Reason) -> (root: Node, warnings: [PlacedWarning]) {
        try YAMLText.check(bytes)
        var events = try YAMLEvents(bytes)
        var reader = YAMLReader()
        let root = try reader.document(&events)
        return (root, reader.warnings)
    }

    private mutating func document(_ events: inout YAMLEvents) throws(Reason) -> Node {
        _ = try events.next()
        let first = try events.next()
        guard case .documentStart = first.kind else {
            throw Reason(
                .syntax, "The manifest is empty.", at: first.position,
                hint: "Write at least model_id: … and model_version: ….")
        }
        while builder.root == nil { try take(events.next()) }
        _ = try events.next()
        let last = try events.next()
        guard let root = builder.root, case .streamEnd = last.kind else {
            throw Reason(
                .unsupported, "A second YAML document begins here.", at: last.position,
                hint: "A manifest is one document: remove the others.")
        }
        return root
    }

    private mutating func take(_ event: YAMLEvents.Event) throws(Reason) {
        try checkSubset(event)
        switch event.kind {
        case .mappingStart:
            try refuseComplexKey(event)
            try builder.begin(object: true, at: event.position)
        case .sequenceStart:
            try refuseComplexKey(event)
            try builder.begin(object: false, at: event.position)
        case .mappingEnd, .sequenceEnd: builder.end()
        case .scalar(let text, let isPlain): try scalar(text, isPlain: isPlain, at: event.position)
        default: break
        }
    }

    private func checkSubset(_ event: YAMLEvents.Event) throws(Reason) {
        let feature: String
        if case .alias = event.kind {
            feature = "an alias (*)"
        } else if event.hasAnchor {
            feature = "an anchor (&)"
        } else if event.hasTag {
            feature = "a tag (!)"
        } else {
            return
        }
        throw Reason(
            .unsupported, "There is \(feature), which manifests do not use.", at: event.position,
            hint: "Write the value itself; quote text that begins with &, * or !.")
    }

    private func refuseComplexKey(_ event: YAMLEvents.Event) throws(Reason) {
        guard builder.needsKey else { return }
        throw Reason(
            .unsupported, "A list or mapping is used as a key.", at: event.position, hint: "Keys are text.")
    }

    private mutating func scalar(_ text: String, isPlain: Bool, at position: Position) throws(Reason) {
        if builder.needsKey {
            try checkKey(text, isPlain: isPlain, at: position)
            try builder.key(text, at: position)
            return
        }
        guard isPlain else {
            try builder.scalar(.string(text), at: position)
            return
        }
        let scalar = PlainScalar(text)
        if scalar.isAmbiguous, warnings.count < Limits.warnings {
            let warning = Warning(
                .ambiguousScalar,
                "The value \(quoted(text)) was kept as text, but some YAML readers take it for a number; quote it.")
            warnings.append(PlacedWarning(position: position, warning: warning))
        }
        try builder.scalar(scalar.value, at: position)
    }

    /// A key is its text, whatever it looks like: `yes`, `1` and `2024-05-01` are strings.
    private func checkKey(_ text: String, isPlain: Bool, at position: Position) throws(Reason) {
        guard isPlain else { return }
        guard text != "<<" else {
            throw Reason(
                .unsupported, "There is a merge key (<<), which manifests do not use.", at: position,
                hint: "Write the keys themselves; quote \"<<\" if it is a name.")
        }
        guard !text.isEmpty else {
            throw Reason(.syntax, "A key is missing.", at: position, hint: "Write \"\" if the key is empty.")
        }
    }
}

/// What has to hold of the bytes before libyaml sees them.
enum YAMLText {
    /// Refuses characters that YAML does not allow, that mean a line break to libyaml only, and `%TAG` lines.
    ///
    /// libyaml compares each `%TAG` with all before it: a megabyte of them would take minutes.
    static func check(_ bytes: [UInt8]) throws(Reason) {
        for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x7F || byte >= 0xC2 {
            guard let name = forbidden(index, in: bytes) else { continue }
            throw Reason(
                .syntax, "The character \(name) is not allowed in YAML.", at: Position(of: index, in: bytes),
                hint: "Remove it, or write it as an escape in double quotes.")
        }
        if let index = firstTagDirective(in: bytes) {
            throw Reason(
                .unsupported, "There is a %TAG directive, which manifests do not use.",
                at: Position(of: index, in: bytes), hint: "Remove the line.")
        }
    }

    /// The name of the character at an index of valid UTF-8, when it is not allowed.
    private static func forbidden(_ index: Int, in bytes: [UInt8]) -> String? {
        switch bytes[index] {
        case 0x09, 0x0A, 0x0D: return nil
        case 0..<0x80: return "U+00\(TextCheck.hexadecimal(bytes[index]))"
        case 0xC2: return bytes[index + 1] < 0xA0 ? "U+00\(TextCheck.hexadecimal(bytes[index + 1]))" : nil
        case 0xE2, 0xEF:
            switch (bytes[index], bytes[index + 1], bytes[index + 2]) {
            case (0xE2, 0x80, 0xA8): return "U+2028"
            case (0xE2, 0x80, 0xA9): return "U+2029"
            case (0xEF, 0xBB, 0xBF): return "U+FEFF"
            case (0xEF, 0xBF, 0xBE): return "U+FFFE"
            case (0xEF, 0xBF, 0xBF): return "U+FFFF"
            default: return nil
            }
        default: return nil
        }
    }

    private static func firstTagDirective(in bytes: [UInt8]) -> Int? {
        let directive = Array("%TAG".utf8)
        var isLineStart = true
        for (index, byte) in bytes.enumerated() {
            if isLineStart, byte == directive[0], bytes[index...].starts(with: directive) { return index }
            isLineStart = byte == 0x0A || byte == 0x0D
        }
        return nil
    }
}
