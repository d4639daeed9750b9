/// Which proof held that a payload was complete when it was taken, strongest first.
public enum Proof: String, Sendable, CaseIterable {
    /// The bytes have the SHA-256 (or that and the size) which the manifest declares.
    case digest
    /// A read lease was granted and never broken: nobody had the file open for writing, fcntl(2) F_SETLEASE.
    case lease
    /// Nothing changed for the configured time: likely, but not proved.
    case settle
}

/// How a payload gets into the store.
public enum TakeMethod: String, Sendable, CaseIterable {
    /// A reflink, ioctl_ficlone(2): our own inode, shared extents.
    case clone
    /// A hard link to the producer's inode, which was locked down first.
    case move
    /// Bytes read and written.
    case copy
}

/// Whose turn it is after an error.
public enum ErrorScope: String, Sendable {
    /// It passes by itself: wait and try again.
    case transient
    /// It is about this one submission: set it aside, go on with the others.
    case submission
    /// The operator has to change something: say what, keep everything, try again.
    case operatorSetup
}
