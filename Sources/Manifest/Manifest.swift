public import Vocabulary

/// What a producer says about a model: the sidecar beside the payload, read and checked.
///
/// The text is read by one strict reader per syntax into a tree with places, the rules are checked on that tree, and
/// every problem is reported at once. What is accepted here is accepted by `jsonb` with the same meaning.
public struct Manifest: Sendable {
    /// The model's name: 1 to 255 letters, digits, `.`, `_`, `-` and `/`.
    public var modelID: String
    /// The version: 1 to 255 printable characters, free text.
    public var modelVersion: String
    /// When the model was made, as RFC 3339 in UTC with `Z` and microseconds at most; `nil` when not given.
    public var creationTimestamp: String?
    /// What it was trained with: an object.
    public var trainingParameters: JSON?
    /// How good it is: an object.
    public var evaluationMetrics: JSON?
    /// The payload's digest as the producer knows it.
    public var sha256: Digest?
    /// The payload's size as the producer knows it.
    public var sizeInBytes: Int64?
    /// The payload's name when it is not the sidecar's stem: one component, never a sidecar's name itself.
    public var file: String?
    /// The payload's format as the producer calls it.
    public var format: String?
    /// The library that made it.
    public var framework: String?
    /// A text for people (`description`).
    public var descriptionText: String?
    /// An object of strings.
    public var tags: JSON?
    /// Where it comes from: `model_id:model_version` or `sha256:` and 64 lower-case digits, none of them twice.
    public var parents: [String]
    /// The whole manifest, unknown keys included.
    public var document: JSON
    /// What the producer should know, in the order of the document.
    public var warnings: [Warning]

    /// Reads and checks a manifest.
    ///
    /// Time and memory are linear in the input, which may be any bytes at all.
    ///
    /// - Parameters:
    ///   - bytes: the sidecar's content; more than `Limits.sizeInBytes` is refused before anything is read.
    ///   - syntax: what its name says it is, see `SidecarName`.
    /// - Throws: `ManifestError` with every reason found, codes as in `ManifestCode`.
    public static func parse(_ bytes: [UInt8], syntax: ManifestSyntax) throws(ManifestError) -> Manifest {
        let tree: (root: Node, warnings: [PlacedWarning])
        do throws(Reason) {
            tree = try read(bytes, syntax: syntax)
        } catch {
            throw ManifestError(error)
        }
        guard case .object(let members) = tree.root.value else {
            throw ManifestError(
                Reason(
                    .type, "The manifest is \(tree.root.typeName), not an object.", at: tree.root.position,
                    hint: JSONReader.smallest))
        }
        var rules = ManifestRules(root: tree.root, members: members, warnings: tree.warnings)
        return try rules.manifest()
    }

    /// The tree of a text, before any rule about keys and values.
    static func read(
        _ bytes: [UInt8], syntax: ManifestSyntax
    ) throws(Reason) -> (root: Node, warnings: [PlacedWarning]) {
        try TextCheck.check(bytes)
        switch syntax {
        case .json: return (try JSONReader.read(bytes), [])
        case .yaml: return try YAMLReader.read(bytes)
        }
    }
}
