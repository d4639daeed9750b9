/// The two languages a manifest may be written in.
public enum ManifestSyntax: Sendable, Hashable, CaseIterable {
    /// Strict JSON (RFC 8259), plus the three tokens that Python writes for numbers that are not finite.
    case json
    /// The JSON-shaped subset of YAML.
    case yaml
}

/// The names of sidecars: the payload's name (the stem) and one of three suffixes. Names are bytes.
public enum SidecarName {
    /// The suffixes, lower case only.
    public static let suffixes = [".manifest.json", ".manifest.yaml", ".manifest.yml"]

    /// The stem and the syntax of a sidecar's name; `nil` when it is no sidecar's name or the stem is empty.
    public static func split(_ name: [UInt8]) -> (stem: [UInt8], syntax: ManifestSyntax)? {
        for suffix in suffixes where hasSuffix(name, suffix) && name.count > suffix.utf8.count {
            return (Array(name.dropLast(suffix.utf8.count)), suffix.hasSuffix("json") ? .json : .yaml)
        }
        return nil
    }

    private static func hasSuffix(_ name: [UInt8], _ suffix: String) -> Bool {
        name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }
}
