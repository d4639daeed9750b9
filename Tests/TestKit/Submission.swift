internal import ContentStore
public import LinuxSystem
internal import Vocabulary

/// One submission as its producer knows it, and what may become of it. Its source name is its own: no two share one.
public struct Submission: Sendable {
    /// How it has to end, once everything has come to rest.
    public enum Fate: Sendable, Equatable {
        /// A row with these bytes: the first of its version, or another with the same bytes.
        case registered
        /// One of several that want the same version with different bytes: a row, or refused as a conflict.
        case contends
        /// Refused with this code.
        case rejected(String)
        /// Not complete: it stays as it is.
        case waits
    }

    /// The directory below the drop.
    public var path: [FileName]
    /// The payload's name.
    public var name: FileName
    /// The payload; `nil` where there is only a manifest.
    public let content: [UInt8]?
    /// The payload's SHA-256 in hexadecimal digits.
    public let digest: String?
    /// What its manifest says.
    public var modelID: String
    /// What its manifest says.
    public var version: String
    /// How it has to end.
    public var fate: Fate

    /// A submission.
    public init(
        _ name: FileName, _ content: [UInt8]?, id: String, version: String = "1", below path: [FileName] = [],
        fate: Fate = .registered
    ) {
        self.path = path
        self.name = name
        self.content = content
        digest = content.map { TakeTools().digest(of: $0).hex }
        modelID = id
        self.version = version
        self.fate = fate
    }

    /// The payload's path relative to the drop directory, escaped as the daemon shows it.
    public var source: String { (path + [name]).map(\.description).joined(separator: "/") }

    /// The same as it is on disk.
    var place: String { (path + [name]).map(\.text).joined(separator: "/") }
}

extension Daemon {
    /// Drops a submission as a careful producer does; one that is to be refused gets a manifest that cannot be read.
    ///
    /// - Parameter isSynced: whether it is on disk when this returns; it may lie one directory deep.
    public func drop(_ submission: Submission, isSynced: Bool = false) throws {
        let directory = try directory(submission.path)
        if isSynced, !submission.path.isEmpty { try drop.sync() }
        if let content = submission.content {
            try put(content, as: submission.name, in: directory, isSynced: isSynced)
        }
        switch submission.fate {
        case .waits where submission.content != nil: return
        case .rejected("manifest_syntax"):
            try put(Array("{".utf8), as: sidecar(submission.name), in: directory, isSynced: isSynced)
        default:
            try put(
                manifest(submission.modelID, submission.version), as: sidecar(submission.name), in: directory,
                isSynced: isSynced)
        }
    }
}
