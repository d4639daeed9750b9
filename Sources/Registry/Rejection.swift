public import Vocabulary

/// A submission that was refused, and everything that was known of it by then.
public struct Rejection: Sendable {
    /// The submission.
    public var submissionID: SubmissionID
    /// Why it was refused.
    public var reason: Reason
    /// The model's name, if the manifest got that far.
    public var modelID: String?
    /// The version's name, if the manifest got that far.
    public var modelVersion: String?
    /// The payload's digest, if it was computed.
    public var digest: Digest?
    /// The payload's size, if it is known.
    public var sizeInBytes: Int64?
    /// The digest of the manifest's bytes, if it was read.
    public var manifestSHA256: Digest?
    /// The payload's path relative to the drop directory, escaped.
    public var sourceName: String
    /// The name of the user that dropped it.
    public var submittedBy: String?
    /// The number of the user that dropped it.
    public var submittedUID: UInt32?
    /// The drop directory, escaped.
    public var dropPath: String
    /// The host on which it was dropped.
    public var host: String
    /// What was found on the way.
    public var warnings: [Warning]

    /// A submission that was refused.
    public init(
        submissionID: SubmissionID, reason: Reason, modelID: String? = nil, modelVersion: String? = nil,
        digest: Digest? = nil, sizeInBytes: Int64? = nil, manifestSHA256: Digest? = nil, sourceName: String,
        submittedBy: String? = nil, submittedUID: UInt32? = nil, dropPath: String, host: String,
        warnings: [Warning] = []
    ) {
        self.submissionID = submissionID
        self.reason = reason
        self.modelID = modelID
        self.modelVersion = modelVersion
        self.digest = digest
        self.sizeInBytes = sizeInBytes
        self.manifestSHA256 = manifestSHA256
        self.sourceName = sourceName
        self.submittedBy = submittedBy
        self.submittedUID = submittedUID
        self.dropPath = dropPath
        self.host = host
        self.warnings = warnings
    }

    /// The rejection of something that was to be registered.
    public init(_ registration: Registration, reason: Reason) {
        self.init(
            submissionID: registration.submissionID, reason: reason, modelID: registration.modelID,
            modelVersion: registration.modelVersion, digest: registration.digest,
            sizeInBytes: registration.sizeInBytes, manifestSHA256: registration.manifestSHA256,
            sourceName: registration.sourceName, submittedBy: registration.submittedBy,
            submittedUID: registration.submittedUID, dropPath: registration.dropPath, host: registration.host,
            warnings: registration.warnings)
    }
}

/// What is to be recorded of one submission.
public enum Entry: Sendable {
    /// It is to be registered.
    case registration(Registration)
    /// It was refused.
    case rejection(Rejection)

    /// The submission.
    public var submissionID: SubmissionID {
        switch self {
        case .registration(let registration): registration.submissionID
        case .rejection(let rejection): rejection.submissionID
        }
    }
}
