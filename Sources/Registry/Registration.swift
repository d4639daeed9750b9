public import Vocabulary

/// A model version that is to become a row: its blob is durable already.
public struct Registration: Sendable {
    /// The submission; the key under which a replay is recognised.
    public var submissionID: SubmissionID
    /// The model's name.
    public var modelID: String
    /// The version's name.
    public var modelVersion: String
    /// When the model was made, RFC 3339 with an offset.
    public var creationTimestamp: String
    /// A JSON object.
    public var trainingParameters: String?
    /// A JSON object.
    public var evaluationMetrics: String?
    /// A JSON object of strings.
    public var tags: String?
    /// What the model was made from: `model_id:model_version` or `sha256:…`.
    public var parents: [String]
    /// The whole manifest, a JSON object.
    public var manifest: String
    /// The digest of the manifest's bytes as they were dropped.
    public var manifestSHA256: Digest
    /// The payload's digest, the blob's name.
    public var digest: Digest
    /// The payload's size.
    public var sizeInBytes: Int64
    /// The path that consumers load.
    public var filePath: String
    /// What a look into the file found.
    public var inspection: InspectionRecord?
    /// The payload's path relative to the drop directory, escaped.
    public var sourceName: String
    /// The name of the user that dropped it.
    public var submittedBy: String?
    /// The number of the user that dropped it.
    public var submittedUID: UInt32
    /// The drop directory, escaped.
    public var dropPath: String
    /// The host on which it was dropped.
    public var host: String
    /// Why the payload is believed to be complete.
    public var proof: Proof
    /// What did not cost the model.
    public var warnings: [Warning]

    /// A model version that is to become a row.
    public init(
        submissionID: SubmissionID, modelID: String, modelVersion: String, creationTimestamp: String,
        trainingParameters: String? = nil, evaluationMetrics: String? = nil, tags: String? = nil,
        parents: [String] = [], manifest: String, manifestSHA256: Digest, digest: Digest, sizeInBytes: Int64,
        filePath: String, inspection: InspectionRecord? = nil, sourceName: String, submittedBy: String? = nil,
        submittedUID: UInt32,
        dropPath: String, host: String, proof: Proof, warnings: [Warning] = []
    ) {
        self.submissionID = submissionID
        self.modelID = modelID
        self.modelVersion = modelVersion
        self.creationTimestamp = creationTimestamp
        self.trainingParameters = trainingParameters
        self.evaluationMetrics = evaluationMetrics
        self.tags = tags
        self.parents = parents
        self.manifest = manifest
        self.manifestSHA256 = manifestSHA256
        self.digest = digest
        self.sizeInBytes = sizeInBytes
        self.filePath = filePath
        self.inspection = inspection
        self.sourceName = sourceName
        self.submittedBy = submittedBy
        self.submittedUID = submittedUID
        self.dropPath = dropPath
        self.host = host
        self.proof = proof
        self.warnings = warnings
    }
}
