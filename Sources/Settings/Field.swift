internal import Vocabulary

/// A value somebody set, with the name and the place to complain about.
struct Field {
    /// The key as a path such as `drops[0].settle`.
    var key: String
    var node: YAMLNode
    /// The environment variable it came from, if it did.
    var variable: String?
}

/// Reads fields and gathers everything that is wrong with them; a value at fault counts as its default.
struct FieldReader {
    let file: String
    private(set) var problems: [SettingsProblem] = []

    init(file: String) { self.file = file }

    /// Notes a problem with a value.
    mutating func report(_ field: Field, _ message: String, hint: String? = nil) {
        if let variable = field.variable {
            problems.append(SettingsProblem(file: "environment", key: variable, message: message, hint: hint))
        } else {
            report(field.key, at: field.node.position, message, hint: hint)
        }
    }

    /// Notes a problem with a place.
    mutating func report(_ key: String?, at position: Position?, _ message: String, hint: String? = nil) {
        problems.append(
            SettingsProblem(
                file: file, line: position?.line, column: position?.column, key: key, message: message, hint: hint))
    }

    /// The fields of a mapping by name; reports what it is instead, and unknown keys.
    ///
    /// - Parameter elsewhere: keys of other sections, and where they belong.
    mutating func fields(
        _ node: YAMLNode, path: String?, keys: [String], elsewhere: (keys: [String], place: String)
    ) -> [String: Field] {
        guard case .mapping(let entries) = node.content else {
            report(path, at: node.position, "has to be a mapping of keys and values, not \(node.kind)")
            return [:]
        }
        var fields: [String: Field] = [:]
        for entry in entries {
            let name = path.map { "\($0).\(escaped(entry.key))" } ?? escaped(entry.key)
            if keys.contains(entry.key) {
                fields[entry.key] = Field(key: name, node: entry.value)
            } else if let meant = nearest(entry.key, among: keys) {
                report(name, at: entry.position, "unknown key", hint: "did you mean \"\(meant)\"?")
            } else if elsewhere.keys.contains(entry.key) {
                report(name, at: entry.position, "unknown key", hint: "it belongs \(elsewhere.place)")
            } else {
                report(name, at: entry.position, "unknown key", hint: "keys here are \(keys.joined(separator: ", "))")
            }
        }
        return fields
    }

    /// The text of a scalar; reports anything else.
    mutating func text(_ field: Field) -> (text: String, isPlain: Bool)? {
        guard !field.node.isNull else {
            report(field, "has no value", hint: "give it one, or leave the key out")
            return nil
        }
        guard case .scalar(let text, let isPlain) = field.node.content else {
            report(field, "has to be a single value, not \(field.node.kind)")
            return nil
        }
        return (text, isPlain)
    }

    /// One word out of an enumeration's.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ field: Field?, _ standard: Choice
    ) -> Choice {
        guard let field, let text = text(field)?.text else { return standard }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map(\.rawValue)
        let hint = nearest(text, among: words).map { "did you mean \"\($0)\"?" }
        report(field, "\"\(escaped(text))\" is none of \(words.joined(separator: ", "))", hint: hint)
        return standard
    }

    /// `true` or `false`, and not one of YAML 1.1's other words for them.
    mutating func flag(_ field: Field?, _ standard: Bool) -> Bool {
        guard let field, let (text, isPlain) = text(field) else { return standard }
        switch (text, isPlain) {
        case ("true", true): return true
        case ("false", true): return false
        case ("true", false), ("false", false):
            report(field, "has to be true or false, not text", hint: "remove the quotes")
        default:
            let hint: String? =
                switch text.lowercased() {
                case "yes", "y", "on", "true", "1": "write true"
                case "no", "n", "off", "false", "0": "write false"
                default: nil
                }
            report(field, "\"\(escaped(text))\" is neither true nor false", hint: hint)
        }
        return standard
    }

    /// A duration within limits.
    mutating func duration(_ field: Field?, _ standard: Duration, _ limits: ClosedRange<Duration>) -> Duration {
        guard let field, let text = text(field)?.text else { return standard }
        guard let duration = Quantity.duration(text) else {
            let hint =
                Int64(text) == nil
                ? "write a whole number and ms, s, m, h or d, such as \(Quantity.text(standard))"
                : "add the unit: \(text)s, \(text)m ..."
            report(field, "\"\(escaped(text))\" is no duration", hint: hint)
            return standard
        }
        guard limits.contains(duration) else {
            let (least, most) = (Quantity.text(limits.lowerBound), Quantity.text(limits.upperBound))
            report(field, "\(escaped(text)) is out of range", hint: "it can be \(least) to \(most)")
            return standard
        }
        return duration
    }

    /// A number of bytes.
    mutating func size(_ field: Field?, _ standard: Int64) -> Int64 {
        guard let field, let text = text(field)?.text else { return standard }
        guard let size = Quantity.size(text) else {
            reportSize(field, text)
            return standard
        }
        guard size > 0 else {
            report(field, "has to be more than nothing")
            return standard
        }
        return size
    }

    /// Notes that a text is no size.
    mutating func reportSize(_ field: Field, _ text: String) {
        let unit = String(text.drop { $0.isNumber || $0 == " " })
        let meant = Quantity.sizes.map(\.unit).first { !$0.isEmpty && $0.lowercased() == unit.lowercased() }
        let number = text.prefix { $0.isNumber }
        let hint = meant.map { "did you mean \(number)\($0)?" }
        report(
            field, "\"\(escaped(text))\" is no size",
            hint: hint ?? "write a whole number of bytes, or with kB, MB, GB, TB, KiB, MiB, GiB, TiB or PiB")
    }

    /// A list of texts, each with its own field.
    mutating func texts(_ field: Field?) -> [(field: Field, text: String)]? {
        guard let field else { return nil }
        guard case .list(let items) = field.node.content else {
            var hint = "write [] for none"
            if case .scalar(let text, _) = field.node.content, !text.isEmpty { hint = "write [\"\(escaped(text))\"]" }
            report(field, "has to be a list, not \(field.node.kind)", hint: hint)
            return nil
        }
        return items.enumerated().compactMap { index, node in
            let item = Field(key: "\(field.key)[\(index)]", node: node)
            return text(item).map { (item, $0.text) }
        }
    }
}
