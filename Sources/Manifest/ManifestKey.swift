/// The keys that Ingot reads, in the order of the documentation.
enum ManifestKey: String, CaseIterable {
    case modelID = "model_id"
    case modelVersion = "model_version"
    case creationTimestamp = "creation_timestamp"
    case trainingParameters = "training_parameters"
    case evaluationMetrics = "evaluation_metrics"
    case sha256
    case sizeInBytes = "size_bytes"
    case file
    case format
    case framework
    case description
    case tags
    case parents

    var isRequired: Bool { self == .modelID || self == .modelVersion }

    /// What other tools call the same thing.
    private var synonyms: [String] {
        switch self {
        case .modelID: ["id", "model", "name", "model_name"]
        case .modelVersion: ["version", "ver", "model_ver", "revision"]
        case .creationTimestamp:
            ["timestamp", "created", "created_at", "creation_time", "creation_date", "created_on", "trained_at"]
        case .trainingParameters:
            [
                "params", "parameters", "hyperparameters", "hyper_parameters", "hyperparams", "hparams",
                "training_params", "train_params", "training_config",
            ]
        case .evaluationMetrics: ["metrics", "eval_metrics", "evaluation", "scores", "evaluation_results"]
        case .sha256: ["sha_256", "sha256sum", "sha256_sum", "checksum", "digest", "hash"]
        case .sizeInBytes: ["size", "bytes", "size_in_bytes", "file_size", "filesize"]
        case .file: ["filename", "file_name", "file_path", "payload"]
        case .format: ["file_format", "model_format", "serialization_format"]
        case .framework: ["library", "framework_name"]
        case .description: ["desc", "summary"]
        case .tags: ["labels"]
        case .parents: ["lineage", "derived_from", "base_model"]
        }
    }

    /// Which of the keys that are not given an unknown key may have been meant to be.
    ///
    /// Another spelling of the key itself (`modelId`, `Model-ID`) or a synonym beats a typing error.
    static func guess(_ unknown: String, among missing: [ManifestKey]) -> ManifestKey? {
        guard unknown.utf8.count <= 40 else { return nil }
        let folded = fold(unknown)
        if let same = missing.first(where: { $0.rawValue == folded || $0.synonyms.contains(folded) }) { return same }
        let ranked = missing.map { (key: $0, distance: editDistance(folded, $0.rawValue)) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= (best.key.rawValue.utf8.count < 8 ? 1 : 2) && folded.utf8.count >= 3 ? best.key : nil
    }

    /// Lower case with underscores, whatever the convention was.
    private static func fold(_ key: String) -> String {
        var folded: [UInt8] = []
        var previousIsLower = false
        for byte in key.utf8 {
            let isUpper = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
            if isUpper, previousIsLower { folded.append(UInt8(ascii: "_")) }
            previousIsLower = UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: " "), UInt8(ascii: "."): folded.append(UInt8(ascii: "_"))
            default: folded.append(isUpper ? byte | 0x20 : byte)
            }
        }
        return String(decoding: folded, as: UTF8.self)
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); 100 for "far away".
    private static func editDistance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        guard abs(left.count - right.count) <= 2 else { return 100 }
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replaced = previous[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(replaced, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforePrevious[column - 1] + 1)
                }
                current.append(best)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
