internal import Vocabulary

/// The rules about keys and values, checked on the tree: collects every problem instead of stopping at the first.
///
/// A key whose value is `null` counts as not given, as producers write what they do not know.
struct ManifestRules {
    let root: Node
    /// The values of the keys that Ingot reads, `null` left out.
    private(set) var given: [ManifestKey: Node] = [:]
    private var unknown: [Node.Member] = []
    private var reasons: [Reason] = []
    private var warnings: [PlacedWarning]

    /// How many unknown keys are compared with the known ones: enough for people, too few to cost time.
    private static let comparedKeys = 200

    init(root: Node, members: [Node.Member], warnings: [PlacedWarning]) {
        self.root = root
        self.warnings = warnings
        for member in members {
            guard let key = ManifestKey(rawValue: member.key) else {
                unknown.append(member)
                continue
            }
            if case .null = member.node.value { continue }
            given[key] = member.node
        }
    }

    /// The manifest, when no rule is broken.
    mutating func manifest() throws(ManifestError) -> Manifest {
        checkKeys()
        var manifest = read()
        var numbers = NumberCheck()
        numbers.check(root, FieldPath(""))
        reasons += numbers.reasons
        let sorted = reasons.sorted { ($0.line ?? 0, $0.column ?? 0) < ($1.line ?? 0, $1.column ?? 0) }
        if let first = sorted.first {
            throw ManifestError(first, Array(sorted.dropFirst().prefix(Limits.reasons - 1)))
        }
        let ordered = warnings.sorted { $0.position < $1.position }
        manifest.warnings = ordered.prefix(Limits.warnings).map(\.warning)
        return manifest
    }

    private mutating func read() -> Manifest {
        let modelID = modelID()
        let modelVersion = modelVersion()
        return Manifest(
            modelID: modelID, modelVersion: modelVersion, creationTimestamp: creationTimestamp(),
            trainingParameters: object(.trainingParameters), evaluationMetrics: object(.evaluationMetrics),
            sha256: digest(), sizeInBytes: size(), file: file(), format: text(.format), framework: text(.framework),
            descriptionText: text(.description), tags: tags(),
            parents: parents(of: "\(modelID):\(modelVersion)"), document: root.json, warnings: [])
    }

    /// Says which required keys are missing, and which unknown keys may have been meant to be known ones.
    private mutating func checkKeys() {
        var missing = ManifestKey.allCases.filter { given[$0] == nil }
        for member in unknown.prefix(Self.comparedKeys) {
            guard let key = ManifestKey.guess(member.key, among: missing) else { continue }
            missing.removeAll { $0 == key }
            let name = shortened(member.key)
            if key.isRequired {
                refuse(
                    .missingKey,
                    "The required key \"\(key.rawValue)\" is missing; did you mean it by \"\(name)\"?", key,
                    at: member.keyPosition, hint: "Rename \"\(name)\" to \"\(key.rawValue)\".")
            } else {
                warn(
                    .similarKey,
                    "The key \"\(name)\" is unknown and was only kept; \"\(key.rawValue)\" is what Ingot reads.",
                    at: member.keyPosition)
            }
        }
        for key in missing where key.isRequired {
            refuse(
                .missingKey, "The required key \"\(key.rawValue)\" is missing.", key, at: root.position,
                hint: "Add it.")
        }
    }

    /// Keeps a problem with a key's value.
    mutating func refuse(
        _ code: ManifestCode, _ message: String, _ key: ManifestKey, at position: Position, hint: String? = nil
    ) {
        refuse(code, message, FieldPath(key.rawValue), at: position, hint: hint)
    }

    /// Keeps a problem with a value inside a key's value.
    mutating func refuse(
        _ code: ManifestCode, _ message: String, _ path: FieldPath, at position: Position, hint: String? = nil
    ) {
        reasons.append(Reason(code, message, at: position, field: path.text, hint: hint))
    }

    /// Keeps a problem with a value's type.
    mutating func refuse(_ node: Node, _ path: FieldPath, isNot expected: String, hint: String? = nil) {
        refuse(
            .type, "\(path.text) is \(node.typeName), not \(expected).", path, at: node.position, hint: hint)
    }

    /// Keeps something to tell.
    mutating func warn(_ code: ManifestWarningCode, _ message: String, at position: Position) {
        warnings.append(PlacedWarning(position: position, warning: Warning(code, message)))
    }

    /// How many problems there are so far.
    var problemCount: Int { reasons.count }
}

/// A warning and what it is about.
struct PlacedWarning {
    var position: Position
    var warning: Warning
}
