internal import Vocabulary

/// The rule of each key. A broken rule is kept with `refuse` and an empty value returned, so that the others are
/// still checked.
extension ManifestRules {
    mutating func modelID() -> String {
        guard let node = given[.modelID] else { return "" }
        guard let id = string(.modelID, hint: "Write it in quotes.") else { return "" }
        if let problem = Self.problem(withModelID: id) {
            refuse(
                .value, "The model_id \(quoted(id)) \(problem).", .modelID, at: node.position,
                hint: "Use 1 to 255 ASCII letters, digits, \".\", \"_\", \"-\" and \"/\", a letter or digit first.")
        }
        return id
    }

    /// What is wrong with a model's name; `nil` when nothing is.
    static func problem(withModelID id: String) -> String? {
        guard let first = id.utf8.first else { return "is empty" }
        if id.utf8.count > 255 { return "is \(id.utf8.count) bytes long" }
        guard isLetterOrDigit(first) else { return "begins with neither a letter nor a digit" }
        let other = id.unicodeScalars.first { scalar in
            !(scalar.isASCII && isLetterOrDigit(UInt8(truncatingIfNeeded: scalar.value)))
                && ![".", "_", "-", "/"].contains(scalar)
        }
        if let other { return "contains \(quoted(String(other)))" }
        return containsTwoDots(id) ? "contains \"..\"" : nil
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func containsTwoDots(_ text: String) -> Bool {
        let dot = UInt8(ascii: ".")
        return zip(text.utf8, text.utf8.dropFirst()).contains { $0 == dot && $1 == dot }
    }

    mutating func modelVersion() -> String {
        guard let node = given[.modelVersion] else { return "" }
        let version: String
        switch node.value {
        case .string(let text): version = text
        case .number(let literal):
            version = literal
            if !NumberLiteral(literal).isInteger { warnAboutVersion(literal, at: node.position) }
        default:
            refuse(node, FieldPath("model_version"), isNot: "a string", hint: "Write it in quotes.")
            return ""
        }
        if let problem = Self.problem(withVersion: version) {
            refuse(
                .value, "The model_version \(quoted(version)) \(problem).", .modelVersion, at: node.position,
                hint: "Use 1 to 255 printable characters.")
        } else if version.first?.isWhitespace == true || version.last?.isWhitespace == true {
            warn(
                .versionWhitespace, "The model_version \(quoted(version)) begins or ends with white space.",
                at: node.position)
        }
        return version
    }

    private mutating func warnAboutVersion(_ literal: String, at position: Position) {
        warn(
            .versionNotQuoted,
            "The model_version \(shortened(literal)) is a number with a fraction or an exponent, which other tools may "
                + "rewrite (1.10 becomes 1.1); write it in quotes.", at: position)
    }

    /// What is wrong with a version; `nil` when nothing is.
    static func problem(withVersion version: String) -> String? {
        let count = version.unicodeScalars.count
        if count == 0 { return "is empty" }
        if count > 255 { return "is \(count) characters long" }
        let isPrintable = version.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
            default: true
            }
        }
        return isPrintable ? nil : "contains a character that cannot be printed"
    }

    mutating func creationTimestamp() -> String? {
        guard let node = given[.creationTimestamp],
            let source = string(.creationTimestamp, hint: "Write it like \"2024-05-01T12:30:00Z\".")
        else { return nil }
        do {
            let timestamp = try Timestamp(source)
            if timestamp.assumedUTC {
                warn(
                    .timestampWithoutOffset,
                    "The creation_timestamp \(quoted(source)) has no offset and was taken as UTC.", at: node.position)
            }
            if timestamp.droppedDigits {
                warn(
                    .timestampPrecision, "The creation_timestamp \(quoted(source)) was cut to microseconds.",
                    at: node.position)
            }
            return timestamp.text
        } catch {
            refuse(
                .value, "The creation_timestamp \(quoted(source)) \(error.message).", .creationTimestamp,
                at: node.position, hint: error.hint)
            return nil
        }
    }

    mutating func digest() -> Digest? {
        guard let node = given[.sha256], let text = string(.sha256, hint: "Write 64 hexadecimal digits.") else {
            return nil
        }
        if let digest = Self.digest(text) ?? Digest(hex: text) { return digest }
        refuse(
            .value, "The sha256 \(quoted(text)) is not 64 hexadecimal digits.", .sha256, at: node.position,
            hint: "Write what sha256sum prints for the payload, or leave the key out.")
        return nil
    }

    /// The digest of `sha256:` and 64 hexadecimal digits.
    private static func digest(_ text: String) -> Digest? {
        text.hasPrefix("sha256:") ? Digest(hex: text.dropFirst(7)) : nil
    }

    mutating func size() -> Int64? {
        guard let node = given[.sizeInBytes] else { return nil }
        guard case .number(let literal) = node.value else {
            refuse(node, FieldPath("size_bytes"), isNot: "an integer", hint: "Write it without quotes.")
            return nil
        }
        guard NumberLiteral(literal).isInteger, let size = Int64(literal), size >= 0 else {
            refuse(
                .value, "The size_bytes \(shortened(literal)) is not an integer from 0 to \(Int64.max).", .sizeInBytes,
                at: node.position, hint: "Write the payload's size, or leave the key out.")
            return nil
        }
        return size
    }

    mutating func file() -> String? {
        guard let node = given[.file], let name = string(.file, hint: "Write one name in quotes.") else { return nil }
        guard let problem = Self.problem(withFile: name) else { return name }
        refuse(
            .value, "The file \(quoted(name)) \(problem).", .file, at: node.position,
            hint: "Write the name of the payload that lies beside the manifest, or leave the key out.")
        return nil
    }

    private static func problem(withFile name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.utf8.contains(UInt8(ascii: "/")) { return "contains \"/\"" }
        if name == "." || name == ".." { return "is a directory" }
        if name.utf8.count > 255 { return "is \(name.utf8.count) bytes long, which no file name can be" }
        return SidecarName.split(Array(name.utf8)) == nil ? nil : "is the name of a manifest"
    }

    mutating func parents(of model: String) -> [String] {
        guard let node = given[.parents] else { return [] }
        guard case .array(let elements) = node.value else {
            refuse(node, FieldPath("parents"), isNot: "a list", hint: "Write [\"model_id:model_version\"].")
            return []
        }
        let before = problemCount
        var parents: [String] = []
        var seen: Set<[UInt8]> = []
        for (index, element) in elements.enumerated() where problemCount - before < Limits.reasons {
            let path = FieldPath("parents").appending(index: index)
            guard let parent = parent(element, path, of: model) else { continue }
            if seen.insert(Array(parent.utf8)).inserted {
                parents.append(parent)
            } else {
                warn(.parentTwice, "The parent \(quoted(parent)) is named twice.", at: element.position)
            }
        }
        return parents
    }

    private mutating func parent(_ node: Node, _ path: FieldPath, of model: String) -> String? {
        guard case .string(let text) = node.value else {
            refuse(node, path, isNot: "a string", hint: "Write \"model_id:model_version\" or \"sha256:…\".")
            return nil
        }
        if let digest = Self.digest(text) { return digest.description }
        guard let problem = Self.problem(withParent: text, of: model) else { return text }
        refuse(
            .value, "The parent \(quoted(text)) \(problem).", path, at: node.position,
            hint: "Write \"model_id:model_version\", or \"sha256:\" and 64 hexadecimal digits.")
        return nil
    }

    private static func problem(withParent text: String, of model: String) -> String? {
        if text.hasPrefix("sha256:") { return "is not \"sha256:\" and 64 hexadecimal digits" }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let id = parts.first, let version = parts.last, parts.count == 2 else { return "has no \":\"" }
        if let problem = problem(withModelID: String(id)) { return "names a model_id that \(problem)" }
        if let problem = problem(withVersion: String(version)) { return "names a model_version that \(problem)" }
        return text.utf8.elementsEqual(model.utf8) ? "is the model itself" : nil
    }
}

// MARK: - Plain types

extension ManifestRules {
    /// A string, or nothing and a problem.
    private mutating func string(_ key: ManifestKey, hint: String) -> String? {
        guard let node = given[key] else { return nil }
        if case .string(let text) = node.value { return text }
        refuse(node, FieldPath(key.rawValue), isNot: "a string", hint: hint)
        return nil
    }

    /// A string with no further rule.
    mutating func text(_ key: ManifestKey) -> String? { string(key, hint: "Write it in quotes.") }

    /// An object with no further rule.
    mutating func object(_ key: ManifestKey) -> JSON? {
        guard let node = given[key] else { return nil }
        if case .object = node.value { return node.json }
        refuse(node, FieldPath(key.rawValue), isNot: "an object", hint: "Write {\"name\": value}.")
        return nil
    }

    mutating func tags() -> JSON? {
        guard let node = given[.tags] else { return nil }
        guard case .object(let members) = node.value else {
            refuse(node, FieldPath("tags"), isNot: "an object", hint: "Write {\"name\": \"text\"}.")
            return nil
        }
        let before = problemCount
        for member in members where problemCount - before < Limits.reasons {
            if case .string = member.node.value { continue }
            refuse(
                member.node, FieldPath("tags").appending(key: member.key), isNot: "a string",
                hint: "Write it in quotes.")
        }
        return node.json
    }
}
