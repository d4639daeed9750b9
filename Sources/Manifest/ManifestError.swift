public import Vocabulary

/// Why a manifest was refused.
///
/// What is wrong with the text (syntax, encoding, a limit) is one reason, since reading stops there. What is wrong with
/// the values is collected: every problem found, in the order of the document, at most `Limits.reasons` of them.
public struct ManifestError: Error, Sendable {
    /// What is wrong: at least one reason, the main one first.
    public var reasons: [Reason]

    /// An error with at least one reason.
    public init(_ first: Reason, _ others: [Reason] = []) {
        reasons = [first] + others
    }
}

extension ManifestError: CustomStringConvertible {
    /// Every reason on a line of its own.
    public var description: String { reasons.map(\.description).joined(separator: "\n") }
}

/// The stable words that stand in `Reason.code` when a manifest is refused.
public enum ManifestCode: String, Sendable, CaseIterable {
    /// Not JSON, or not YAML.
    case syntax = "manifest_syntax"
    /// Text that cannot be stored: no UTF-8, a byte order mark, U+0000, half of a surrogate pair.
    case encoding = "manifest_encoding"
    /// Larger, deeper or longer than `Limits` allow.
    case limit = "manifest_limit"
    /// A key twice in one object.
    case duplicateKey = "manifest_duplicate_key"
    /// YAML beyond the JSON-shaped subset: anchors, aliases, tags, merge keys, directives, several documents.
    case unsupported = "manifest_unsupported"
    /// A required key is not there.
    case missingKey = "manifest_missing_key"
    /// A value of the wrong type.
    case type = "manifest_type"
    /// A value of the right type that breaks the key's rule.
    case value = "manifest_value"
    /// A number that `float8` cannot hold, or that is too long when written out.
    case numberRange = "manifest_number_range"
}

/// The stable words that stand in `Warning.code`.
public enum ManifestWarningCode: String, Sendable, CaseIterable {
    /// `model_version` is a number with a fraction or an exponent, which other tools may rewrite.
    case versionNotQuoted = "manifest_version_not_quoted"
    /// `model_version` begins or ends with white space.
    case versionWhitespace = "manifest_version_whitespace"
    /// `creation_timestamp` names no offset and was taken as UTC.
    case timestampWithoutOffset = "manifest_timestamp_without_offset"
    /// `creation_timestamp` is more precise than a microsecond; the rest was dropped.
    case timestampPrecision = "manifest_timestamp_precision"
    /// An unknown key looks like one that Ingot reads.
    case similarKey = "manifest_similar_key"
    /// A parent is named twice.
    case parentTwice = "manifest_parent_twice"
    /// A plain YAML scalar that some readers take for a number was kept as a string.
    case ambiguousScalar = "manifest_ambiguous_scalar"
}

extension Reason {
    /// A reason at a place in the manifest.
    init(
        _ code: ManifestCode, _ message: String, at position: Position, field: String? = nil, hint: String? = nil
    ) {
        self.init(
            code: code.rawValue, message: message, field: field, line: position.line, column: position.column,
            hint: hint)
    }
}

extension Warning {
    init(_ code: ManifestWarningCode, _ message: String) {
        self.init(code: code.rawValue, message: message)
    }
}
