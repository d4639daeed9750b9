public import Vocabulary

/// The version that was there first.
public struct ExistingVersion: Hashable, Sendable {
    /// Its payload's digest.
    public var digest: Digest
    /// Where its file is; `nil` once the version is retired and its blob gone.
    public var filePath: String?
    /// When it was registered, RFC 3339 in UTC.
    public var registeredAt: String
    /// The submission that it came from.
    public var submissionID: SubmissionID
    /// Its place in the order of registrations.
    public var seq: Int64

    /// A version.
    public init(digest: Digest, filePath: String?, registeredAt: String, submissionID: SubmissionID, seq: Int64) {
        self.digest = digest
        self.filePath = filePath
        self.registeredAt = registeredAt
        self.submissionID = submissionID
        self.seq = seq
    }
}

/// What the registry did with an entry. What it recorded of a submission first, stands: a replay gets the same answer.
public enum Verdict: Hashable, Sendable {
    /// There is a row of this submission.
    case registered(registeredAt: String, filePath: String, seq: Int64)
    /// The version is registered with the same digest; nothing changed.
    case duplicate(ExistingVersion, manifestDiffers: Bool)
    /// The version is registered with another digest. It is recorded as rejected, with `Reason.versionConflict`.
    case conflict(ExistingVersion, freeVersion: String?)
    /// The rejection is recorded.
    case rejectionRecorded
    /// PostgreSQL does not take this one row, or the submission was recorded as rejected before.
    case refused(Reason)
}

extension Reason {
    /// Why a version that is taken is refused: the very words that `registry.submissions` has.
    public static func versionConflict(
        modelID: String, modelVersion: String, digest: Digest, existing: ExistingVersion, freeVersion: String?
    ) -> Reason {
        Reason(
            code: "version_conflict",
            message: "Version \"\(modelVersion)\" of \"\(modelID)\" is registered with \(existing.digest), "
                + "and this payload is \(digest).",
            field: "model_version",
            hint: freeVersion.map { "A version never changes: give this one a new name; \"\($0)\" is free." }
                ?? "A version never changes: give this one a new name.",
            freeVersion: freeVersion)
    }
}
