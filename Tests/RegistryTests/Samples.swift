import Glibc
import PostgresClient
import Registry
import TestKit
import Testing
import Vocabulary

/// A registry of its own for one test: a fresh database with a store.
struct SampleRegistry {
    let connectionString: String
    let store = StoreRecord(id: "0f0e0d0c-0b0a-4908-8706-050403020100", host: "here", root: "/srv/ingot/store")

    init() throws {
        connectionString = try PostgresFixture.freshDatabase()
    }

    init(connectionString: String) {
        self.connectionString = connectionString
    }

    func session(patience: Duration = .seconds(60)) throws(RegistryError) -> RegistrySession {
        var limits = RegistrySession.Patience()
        limits.record = patience
        return try RegistrySession.open(
            connectionString: connectionString, store: store, deadline: soon, patience: limits)
    }

    func connection() throws(PostgresError) -> Connection {
        try Connection.open(connectionString, deadline: soon)
    }

    /// The first row of a query, as text.
    func row(_ sql: String) throws -> [String?] {
        let result = try connection().query(sql, deadline: soon)
        guard result.rowCount > 0 else { return [] }
        return (0..<result.columnCount).map { result.text(0, $0) }
    }

    /// The first column of a query, as text.
    func column(_ sql: String) throws -> [String?] {
        let result = try connection().query(sql, deadline: soon)
        return (0..<result.rowCount).map { result.text($0, 0) }
    }
}

/// Long enough for a slow machine.
var soon: ContinuousClock.Instant { ContinuousClock.now + .seconds(60) }

/// A digest that only equal numbers share.
func digest(_ number: Int) -> Digest {
    var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
    unsafe withUnsafeBytes(of: number.bigEndian) { unsafe bytes.replaceSubrange(0..<8, with: $0) }
    guard let digest = Digest(bytes: bytes) else { preconditionFailure("32 bytes are a digest") }
    return digest
}

func newSubmissionID() -> SubmissionID {
    var generator = SystemRandomNumberGenerator()
    return SubmissionID(unixMilliseconds: 1_800_000_000_000, using: &generator)
}

/// A registration as the pipeline makes it.
func registration(
    _ modelID: String = "fraud", _ version: String = "1", content: Int = 1, manifest: String? = nil,
    parameters: String? = nil, metrics: String? = nil, submission: SubmissionID = newSubmissionID()
) -> Registration {
    Registration(
        submissionID: submission, modelID: modelID, modelVersion: version,
        creationTimestamp: "2026-03-01T12:00:00+01:00", trainingParameters: parameters, evaluationMetrics: metrics,
        tags: #"{"team":"risk"}"#, parents: ["base:1"],
        manifest: manifest ?? #"{"model_id":"\#(modelID)","model_version":"\#(version)"}"#, manifestSHA256: digest(7),
        digest: digest(content), sizeInBytes: 42,
        filePath: "/srv/ingot/store/sha256/\(digest(content).hex.prefix(2))/\(digest(content).hex)",
        inspection: InspectionRecord(
            format: "pickle", safety: "safe",
            imports: #"[{"module":"subprocess","name":"run","uses":["call"],"verdict":"dangerous","count":2}]"#,
            scannerVersion: 1, allowListVersion: 1),
        sourceName: "model.pkl", submittedBy: "ada", submittedUID: 1_000, dropPath: "/srv/ingot/drop",
        host: "here", proof: .lease, warnings: [Warning(code: "manifest_first", message: "It \"said\"\nso.")])
}

func rejection(_ code: String = "manifest_syntax", submission: SubmissionID = newSubmissionID()) -> Rejection {
    Rejection(
        submissionID: submission,
        reason: Reason(code: code, message: "It is \u{0} wrong.", field: "a.b", line: 3, column: 4, hint: "Mend it."),
        sourceName: "broken.pkl", dropPath: "/srv/ingot/drop", host: "here")
}

extension Verdict {
    var isRegistered: Bool { if case .registered = self { true } else { false } }

    var existing: ExistingVersion? {
        switch self {
        case .duplicate(let existing, _), .conflict(let existing, _): existing
        default: nil
        }
    }
}

extension RegistrySession {
    /// Records one registration.
    func record(_ registration: Registration) throws -> Verdict {
        try #require(try record([.registration(registration)])[registration.submissionID])
    }
}

let isTimingWanted = unsafe getenv("INGOT_TIMING") != nil
