public import LinuxSystem
public import Vocabulary

/// Bytes that are about to become a blob: hashed, locked down, not yet named.
public struct StagedBlob: Sendable {
    /// Where the inode is that will get the blob's name.
    enum Source: Sendable {
        /// An open file of the store's own: unnamed (O_TMPFILE), or under a name in `tmp/` where there is no O_TMPFILE.
        case temporary(Descriptor, name: TemporaryName?)
        /// The producer's inode in its claim directory, locked down and under lease.
        case claimed(Descriptor, directory: Descriptor, name: FileName)
    }

    /// What the bytes hash to.
    public let digest: Digest
    /// How many there are.
    public let sizeInBytes: Int64
    /// How they got here.
    public let method: TakeMethod
    /// An extension for the second name, without the dot; for loaders that look at it.
    public var fileExtension: String?
    let source: Source
    /// Whether fsync(2) has already returned for it.
    var isSynced: Bool

    /// The bytes, open.
    public var descriptor: Descriptor {
        switch source {
        case .temporary(let descriptor, _): descriptor
        case .claimed(let descriptor, _, _): descriptor
        }
    }

    /// Whether the producer's own inode becomes the blob, so that its lease has to hold to the end.
    public var needsLease: Bool { method == .move }
}

/// A blob that is durable under its name.
public struct PublishedBlob: Sendable {
    /// The blob's name.
    public let digest: Digest
    /// The path for consumers: the name with the extension where there is one.
    public let path: String
    /// Whether the store had these bytes already.
    public let wasPresent: Bool
    /// What was wrong with the blob that was there before, now in `quarantine/`; `nil` when nothing was.
    public let healed: String?
}
