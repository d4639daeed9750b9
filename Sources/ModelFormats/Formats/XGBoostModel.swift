internal import Vocabulary

/// What XGBoost's documents say of a model.
struct XGBoostModel {
    private var version: [String] = []
    private var objective: String?
    private var booster: String?
    private var treeCount: Int?
    private var parameters: [JSON.Member] = []
    private var features: [String] = []
    private var featureCount = 0
    private var hasLearner = false

    /// Whether both of the members were there that every model has.
    var isComplete: Bool { hasLearner && !version.isEmpty }

    func note(in report: inout HeaderReport) {
        report.set("version", version.isEmpty ? nil : version.joined(separator: "."))
        report.set("objective", objective)
        report.set("booster", booster)
        report.set("tree_count", treeCount)
        if !parameters.isEmpty { report.set("learner_model_param", .object(parameters)) }
        guard featureCount > 0 else { return }
        report.set("feature_names", .list(features.map { .text($0) }))
        report.set("feature_name_count", featureCount)
    }

    /// Reads the document's one object.
    mutating func read<Reader: DocumentReader>(_ document: inout Reader) throws(ReadFailure) {
        try document.object { key, document throws(ReadFailure) in
            switch key {
            case "learner":
                hasLearner = true
                try readLearner(&document)
            case "version":
                try document.list { token, document throws(ReadFailure) in
                    if token == .number, version.count < 4 { version.append(cut(document.string, to: 16)) }
                }
            default: break
            }
        }
    }

    private mutating func readLearner<Reader: DocumentReader>(_ document: inout Reader) throws(ReadFailure) {
        try document.object { key, document throws(ReadFailure) in
            switch key {
            case "objective":
                try document.object { key, document throws(ReadFailure) in
                    if key == "name" { objective = try document.scalar() }
                }
            case "learner_model_param": try readParameters(&document)
            case "gradient_booster": try readBooster(&document)
            case "feature_names":
                try document.list { token, document throws(ReadFailure) in
                    featureCount += 1
                    if token == .string, features.count < HeaderReport.listLimit { features.append(document.string) }
                }
            default: break
            }
        }
    }

    private mutating func readParameters<Reader: DocumentReader>(_ document: inout Reader) throws(ReadFailure) {
        try document.object { key, document throws(ReadFailure) in
            guard let value = try document.scalar(), parameters.count < HeaderReport.listLimit else { return }
            parameters.append(.init(cut(key, to: 128), .text(value)))
        }
    }

    /// The trees are in the model, or for DART one model deeper.
    private mutating func readBooster<Reader: DocumentReader>(_ document: inout Reader) throws(ReadFailure) {
        try document.object { key, document throws(ReadFailure) in
            switch key {
            case "name": booster = try document.scalar() ?? booster
            case "model", "gbtree": try readBooster(&document)
            case "trees": treeCount = try document.count()
            default: break
            }
        }
    }
}
