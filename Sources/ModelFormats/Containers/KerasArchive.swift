internal import Vocabulary

/// The zip archive that Keras 3 saves: `config.json`, `metadata.json`, weights.
///
/// Its loader runs what `config.json` says before it misses anything else, so that member is read as a configuration in
/// every archive; only what makes it Keras's decides how much of it is believed.
struct KerasArchive {
    private let isKeras: Bool
    private static let weights: Set = ["model.weights.h5", "model.weights.npz"]

    /// - Returns: `nil` for an archive whose top has no `config.json`.
    init?(_ zip: ZipArchive) {
        let names = Set(zip.members.map(\.displayName))
        guard names.contains("config.json") else { return nil }
        isKeras = names.contains("metadata.json") || !names.isDisjoint(with: Self.weights)
    }

    var format: ModelFormat? { isKeras ? .keras : nil }

    /// Reads a member in its role.
    ///
    /// - Parameters:
    ///   - content: its bytes.
    ///   - inner: what the member is by itself.
    ///   - part: its name, for findings.
    func take(
        _ member: ZipArchive.Member, _ content: any ByteSource, _ inner: Inspection?, part: String,
        into result: inout Inspection
    ) {
        switch member.displayName {
        case "config.json": takeConfiguration(content, part, into: &result)
        case "metadata.json" where isKeras: takeConfiguration(content, part, into: &result)
        case let name where isKeras && Self.weights.contains(name):
            for key in ["tensor_count", "parameter_count"] {
                if let value = inner?.details[key] { result.setDetail(key, value) }
            }
        default: break
        }
    }

    private func takeConfiguration(_ content: any ByteSource, _ part: String, into result: inout Inspection) {
        var found = KerasConfiguration.inspect(content, part: part)
        found.findings = found.findings.map { $0.within(part) }
        // Anybody's config.json: what it would make Keras do counts, and what only Keras may be able to read.
        guard isKeras || found.safety > .safe else { return }
        if let damage = found.damage {
            found.report(.unscannable, "damaged_part", damage.message, part: part)
            found.damage = nil
        }
        result.absorb(found)
        guard result.format == .keras else { return }
        for fact in found.details.members ?? [] { result.setDetail(fact.key, fact.value) }
    }
}
