internal import Vocabulary

/// A skops archive: a zip whose `schema.json` names what its loader looks up and calls.
///
/// Every name is asked of the same ``AllowList`` as a pickle's, with the use that the kind of node makes of it.
enum SkopsArchive {
    /// Reads a member when it is the schema; an archive with one that names anything is one of skops.
    static func take(
        _ member: ZipArchive.Member, _ content: any ByteSource, part: String, into result: inout Inspection
    ) {
        guard member.displayName == "schema.json" else { return }
        let schema: SkopsSchema
        do throws(ReadFailure) { schema = try SkopsSchema(content) } catch {
            // The loader may read what is refused here.
            return result.report(.unscannable, "skops_schema", error.sentence, part: part)
        }
        guard !schema.nodes.isEmpty else { return }
        if result.format == .zip || result.format == .npz { result.format = .skops }
        var found = Inspection(format: .skops, safety: .safe)
        for node in schema.nodes { judge(node, part, in: &found) }
        result.absorb(found)
        result.setDetail("skops_protocol", schema.protocolVersion.map { .text($0) } ?? .null)
        result.setDetail("skops_version", schema.skopsVersion.map { .text($0) } ?? .null)
        result.setDetail("node_count", schema.nodeCount)
        if let root = schema.nodes.last { result.setDetail("root_class", .text("\(root.module).\(root.name)")) }
    }

    private static func judge(_ node: SkopsSchema.Node, _ part: String, in result: inout Inspection) {
        let uses = Self.uses[node.loader]
        var verdict = (uses ?? [.call]).map { AllowList.verdict(module: node.module, name: node.name, use: $0) }.max()
        if verdict != .dangerous, harmless.contains(node) { verdict = .safe }
        if uses == nil, !harmless.contains(node) { verdict = max(verdict ?? .safe, .unknownImports) }
        let shown = "\(Text.shown(Array(node.module.utf8))).\(Text.shown(Array(node.name.utf8)))"
        let kind = node.loader.isEmpty ? "node" : Text.shown(Array(node.loader.utf8))
        switch verdict ?? .unknownImports {
        case .dangerous:
            result.report(
                .dangerous, "dangerous_import", "It names \(shown) (\(kind)), which can run code.", part: part)
        case .unknownImports:
            result.report(
                .unknownImports, "unknown_import", "It names \(shown) (\(kind)), which nobody vouches for.", part: part)
        default: break
        }
        result.imports.append(
            Import(
                module: node.module, name: node.name, uses: uses ?? [.call], verdict: verdict ?? .unknownImports,
                part: part, offset: 0))
    }

    /// What a kind of node does with the name in it. Kinds that are not here call it in ways that no list can vouch for:
    /// functions, methods, partial objects, operators, reductions.
    private static let uses: [String: Set<Import.Use>] = [
        "DictNode": [.call], "DefaultDictNode": [.call], "ListNode": [.call], "SetNode": [.call], "TupleNode": [.call],
        "SliceNode": [.call], "BytesNode": [.call], "BytearrayNode": [.call], "TreeNode": [.call], "LossNode": [.call],
        "ObjectNode": [.new, .build], "SparseMatrixNode": [.new, .build], "NdArrayNode": [.reference],
        "MaskedArrayNode": [.reference], "DTypeNode": [.reference], "JsonNode": [.reference], "TypeNode": [.reference],
    ]

    /// Names that only one kind of node may have.
    private static let harmless: Set<SkopsSchema.Node> = [
        .init(module: "builtins", name: "NoneType", loader: "JsonNode"),
        .init(module: "numpy.random.mtrand", name: "RandomState", loader: "RandomStateNode"),
        .init(module: "numpy.random._generator", name: "Generator", loader: "RandomGeneratorNode"),
    ]
}
