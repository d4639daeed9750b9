/// How much an inspection may read, unpack and remember: reaching one of these makes a file unscannable, never the
/// daemon slow.
public struct InspectionLimits: Sendable {
    /// Opcodes of one pickle stream.
    public var opcodesPerStream = 50_000_000
    /// Opcodes of a file, all streams and readings together.
    public var opcodesPerFile = 200_000_000
    /// Values on a pickle machine's stack, marks among them.
    public var stackDepth = 1_000_000
    /// Entries of a pickle's memo, sixteen bytes each; a vocabulary of a million words has two million.
    public var memoEntries = 4_000_000
    /// Bytes of short strings that are kept for names, types and keys.
    public var retainedText = 64 << 20
    /// Different names that a file may import.
    public var imports = 10_000
    /// Findings that are kept; the verdict counts them all.
    public var findings = 200
    /// Pickles inside pickles.
    public var nestedPickles = 8
    /// Containers inside containers: zip in gzip in tar.
    public var containerDepth = 4
    /// What may come out of one compressed stream, as a multiple of its size, beyond ``unpackedFloor``.
    public var expansion: Int64 = 64
    /// What may come out of any compressed stream.
    public var unpackedFloor: Int64 = 16 << 20
    /// What may be unpacked for one file, in bytes, everything together.
    public var unpackedPerFile: Int64 = 64 << 30
    /// Entries of an archive.
    public var archiveEntries = 1_000_000
    /// Bytes of the name of an archive's member.
    public var nameInBytes = 4096
    /// Bytes of an array file's header.
    public var arrayHeaderInBytes = 1 << 20
    /// Stored members up to this size have their checksum verified; larger ones hold arrays, which cannot run.
    public var checkedMemberInBytes: Int64 = 64 << 20

    /// The defaults.
    public init() {}
}

/// What one file has used up of its ``InspectionLimits``; shared by everything that is inside the file.
public final class InspectionBudget {
    /// The limits.
    public let limits: InspectionLimits
    private(set) var opcodes = 0
    private(set) var unpacked: Int64 = 0
    private let mostUnpacked: Int64

    /// Nothing used yet.
    ///
    /// - Parameter fileSize: the size of the file in bytes: what a small file unpacks to is bounded by it, however
    ///   often members share bytes and streams have to be unpacked again.
    public init(_ limits: InspectionLimits = .init(), fileSize: Int64 = .max) {
        self.limits = limits
        let (product, overflow) = fileSize.multipliedReportingOverflow(by: 8 * limits.expansion)
        mostUnpacked =
            overflow ? limits.unpackedPerFile : min(limits.unpackedPerFile, product + 8 * limits.unpackedFloor)
    }

    /// Counts opcodes that were walked.
    func spend(opcodes count: Int) throws(ReadFailure) {
        opcodes += count
        if opcodes > limits.opcodesPerFile { throw .limit("the file has more than \(limits.opcodesPerFile) opcodes") }
    }

    /// Counts bytes that were unpacked.
    func spend(unpacked count: Int) throws(ReadFailure) {
        unpacked += Int64(count)
        if unpacked > mostUnpacked { throw .limit("unpacking the file takes more than \(mostUnpacked) bytes") }
    }
}
