internal import PostgresClient
internal import Vocabulary

/// A group of entries turned on its side: one array for each argument of `registry.record_1`.
struct EntryColumns {
    /// In the order of the function's arguments, from the second on.
    private enum Column: Int, CaseIterable {
        case submissionID, reason, modelID, modelVersion, creationTimestamp, trainingParameters, evaluationMetrics, tags
        case parents, manifest, manifestSHA256, sha256, size, filePath, format, formatDetails, safety, safetyFindings
        case imports, scannerVersion, allowListVersion, sourceName, submittedBy, submittedUID, dropPath, host, proof
        case warnings
    }

    private var columns: [[String?]]

    /// Lays out a group.
    init(_ entries: [Entry]) {
        columns = Array(repeating: [], count: Column.allCases.count)
        for entry in entries {
            for column in Column.allCases { columns[column.rawValue].append(Self.value(column, of: entry)) }
        }
    }

    /// The call of the function.
    func statement(storeID: String) -> Statement {
        let places = (1...columns.count + 1).map { "$\($0)" }.joined(separator: ", ")
        return Statement(
            "record", "SELECT \(VerdictRow.columns) FROM registry.record_1(\(places))",
            [.text(storeID)] + columns.map(Parameter.texts))
    }

    /// About how many bytes an entry takes on the wire.
    static func size(of entry: Entry) -> Int {
        Column.allCases.reduce(0) { $0 + 4 + (value($1, of: entry)?.utf8.count ?? 0) }
    }

    private static func value(_ column: Column, of entry: Entry) -> String? {
        switch entry {
        case .registration(let registration): value(column, of: registration)
        case .rejection(let rejection): value(column, of: rejection)
        }
    }

    private static func value(_ column: Column, of entry: Registration) -> String? {
        switch column {
        case .submissionID: entry.submissionID.description
        case .reason: nil
        case .modelID: entry.modelID
        case .modelVersion: entry.modelVersion
        case .creationTimestamp: entry.creationTimestamp
        case .trainingParameters: entry.trainingParameters
        case .evaluationMetrics: entry.evaluationMetrics
        case .tags: entry.tags
        case .parents: JSONText.array(entry.parents)
        case .manifest: entry.manifest
        case .manifestSHA256: entry.manifestSHA256.hex
        case .sha256: entry.digest.hex
        case .size: String(entry.sizeInBytes)
        case .filePath: entry.filePath
        case .format: entry.inspection?.format
        case .formatDetails: entry.inspection?.formatDetails
        case .safety: entry.inspection?.safety
        case .safetyFindings: entry.inspection?.safetyFindings
        case .imports: entry.inspection?.imports
        case .scannerVersion: entry.inspection.map { String($0.scannerVersion) }
        case .allowListVersion: entry.inspection.map { String($0.allowListVersion) }
        case .sourceName: entry.sourceName
        case .submittedBy: entry.submittedBy
        case .submittedUID: String(entry.submittedUID)
        case .dropPath: entry.dropPath
        case .host: entry.host
        case .proof: entry.proof.rawValue
        case .warnings: JSONText.warnings(entry.warnings)
        }
    }

    /// A rejection is told whatever it holds, so that U+0000, which text cannot hold, is replaced here.
    private static func value(_ column: Column, of entry: Rejection) -> String? {
        let value: String? =
            switch column {
            case .submissionID: entry.submissionID.description
            case .reason: JSONText.reason(entry.reason)
            case .modelID: entry.modelID
            case .modelVersion: entry.modelVersion
            case .manifestSHA256: entry.manifestSHA256?.hex
            case .sha256: entry.digest?.hex
            case .size: entry.sizeInBytes.map { String($0) }
            case .sourceName: entry.sourceName
            case .submittedBy: entry.submittedBy
            case .submittedUID: entry.submittedUID.map { String($0) }
            case .dropPath: entry.dropPath
            case .host: entry.host
            case .warnings: JSONText.warnings(entry.warnings)
            default: nil
            }
        return value?.replacing("\0", with: "\u{FFFD}")
    }
}
