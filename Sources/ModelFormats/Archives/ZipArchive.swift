internal import Vocabulary

/// A zip archive, read the strict way: whatever two readers could understand differently is a finding.
///
/// 1. Every member that any reader could find is in ``members``: those of the central directory, those of local headers
///    that contradict it, those that only a local header knows.
/// 2. A finding of an archive's structure makes it unscannable; it never hides a member.
/// 3. Memory grows with the entries that are there, up to the limit, never with what a record says.
public struct ZipArchive {
    /// One member.
    public struct Member: Sendable {
        /// Its name's bytes.
        public var name: [UInt8]
        /// 0 stored, 8 deflated, others are rare.
        public var method: UInt16
        /// Its size in the archive, in bytes.
        public var packedSize: Int64
        /// Its declared size, in bytes.
        public var sizeInBytes: Int64
        /// Its declared CRC-32.
        public var checksum: UInt32
        /// Where its data begins.
        public var dataOffset: Int64
        /// Whether only a local header speaks of it, or speaks of it like this.
        public var isHidden: Bool

        /// The name for a person and for comparisons, escaped where it is no plain text.
        public var displayName: String { Text.shown(name) }
    }

    /// Everything that a reader could find, in the order of the central directory.
    public private(set) var members: [Member] = []
    /// What is wrong with the structure.
    public private(set) var findings: [Finding] = []
    /// Whether it ends before its directory: an interrupted copy.
    public private(set) var isTruncated = false

    let source: any ByteSource
    let budget: InspectionBudget

    /// Reads the structure of an archive.
    ///
    /// - Returns: `nil` when the source neither begins like a zip nor ends like one.
    public init?(_ source: any ByteSource, budget: InspectionBudget = .init()) {
        self.source = source
        self.budget = budget
        let ends: [Int64]
        do throws(ReadFailure) { ends = try ZipEnd.candidates(in: source) } catch {
            // What cannot be read could be one.
            report("zip_damaged", error.sentence)
            return
        }
        let beginsLikeZip = source.head(4) == ZipHeader.localSignature
        guard !ends.isEmpty || beginsLikeZip else { return nil }
        var spans: [ZipSpan] = []
        if let last = ends.first {
            spans = read(last)
            // An archive that is stored in a member, near the end, has an end record, too; all readers take the last
            // one then.
            let others = ends.dropFirst().filter { !isAtVeryEnd(last) || !isInMember($0, spans) }
            if !others.isEmpty {
                report(
                    "zip_several_ends",
                    "Its last bytes hold several zip end records: readers differ in which one they believe.")
            }
            for other in others.prefix(4) { spans += read(other) }
        } else {
            isTruncated = true
            report("zip_no_directory", "It begins like a zip, but has no directory at its end.")
        }
        readGaps(between: spans)
        checkNames()
    }

    /// Whether the last bytes hold an end record, or cannot be read.
    static func isLikely(in source: any ByteSource) -> Bool { (try? ZipEnd.candidates(in: source).isEmpty) != true }

    /// The content of a member, to be read at any place.
    ///
    /// - Throws: `.unsupported` for a compression other than none, deflate and bzip2.
    public func content(of member: Member) throws(ReadFailure) -> any ByteSource {
        let packed = PartOfBytes(of: source, from: member.dataOffset, sizeInBytes: member.packedSize)
        guard member.method != 0 else { return packed }
        return try unpacked(member, packed)
    }

    /// Whether a member's bytes are what its header says, after reading all of them.
    ///
    /// - Parameter content: what ``content(of:)`` returned.
    public func findings(after content: any ByteSource, of member: Member) -> [Finding] {
        var found: [Finding] = []
        func report(_ code: String, _ message: String) { found.append(Finding(.unscannable, code, message)) }
        if let unpacked = content as? UnpackedBytes {
            if let failure = unpacked.failure { report("zip_damaged", failure.sentence) }
            if unpacked.consumed != member.packedSize {
                report("zip_size", "Its compressed data ends before its announced size.")
            }
        }
        if content.sizeInBytes != member.sizeInBytes {
            report("zip_size", "It is announced with \(member.sizeInBytes) bytes and has \(content.sizeInBytes).")
        }
        guard member.method != 0 || content.sizeInBytes <= budget.limits.checkedMemberInBytes else { return found }
        let actual = (content as? UnpackedBytes)?.checksum ?? (try? ModelFormats.checksum(of: content))
        if actual != member.checksum { report("zip_checksum", "Its checksum is wrong.") }
        return found
    }

    private func unpacked(_ member: Member, _ packed: any ByteSource) throws(ReadFailure) -> any ByteSource {
        switch member.method {
        case 8: UnpackedBytes(.deflate, of: packed, budget: budget)
        case 12: UnpackedBytes(.bzip2, of: packed, budget: budget)
        default: throw .unsupported("zip compression \(member.method)")
        }
    }

    private mutating func report(_ code: String, _ message: String, at offset: Int64? = nil) {
        guard findings.count < budget.limits.findings else { return }
        findings.append(Finding(.unscannable, code, message, offset: offset))
    }
}

/// The bytes that a member and its header occupy.
private struct ZipSpan {
    var start: Int64
    var end: Int64
    /// A reader of a descriptor cannot know its form: how many bytes it may have.
    var mayHaveDescriptor = false
    var isMember = false
}

extension ZipArchive {
    private mutating func read(_ end: Int64) -> [ZipSpan] {
        do throws(ReadFailure) { return try readDirectory(ZipEnd(at: end, in: source)) } catch {
            report("zip_damaged", error.sentence, at: end)
            return []
        }
    }

    private func isAtVeryEnd(_ end: Int64) -> Bool { end == source.sizeInBytes - 22 }

    private func isInMember(_ end: Int64, _ spans: [ZipSpan]) -> Bool {
        spans.contains { $0.isMember && $0.start < end && $0.end >= end + 22 }
    }

    /// Reads the directory and the header of each of its members.
    private mutating func readDirectory(_ end: ZipEnd) throws(ReadFailure) -> [ZipSpan] {
        if !end.isConsistent {
            report("zip_end_record", "Its end record contradicts itself or the file's size.", at: end.offset)
        }
        guard end.directoryOffset >= 0, end.directorySize >= 0, end.directorySize <= end.recordsStart else {
            throw .malformed(what: "the zip's directory", offset: end.offset)
        }
        let start = end.recordsStart - end.directorySize
        let shift = start - end.directoryOffset
        if shift != 0 {
            report("zip_prefix", "Its directory is not where its end record says: bytes stand before the archive.")
        }
        guard end.entries <= UInt64(budget.limits.archiveEntries) else {
            throw .limit("the zip has \(end.entries) entries")
        }
        var spans = [ZipSpan(start: start, end: source.sizeInBytes)]
        let directory = ByteReader(PartOfBytes(of: source, from: 0, sizeInBytes: end.recordsStart), from: start)
        var count: UInt64 = 0
        while directory.remaining > 0 {
            let entry = try ZipHeader(central: directory, limits: budget.limits)
            count += 1
            guard count <= UInt64(budget.limits.archiveEntries) else { throw .limit("the zip has too many entries") }
            if let span = readMember(entry, shiftedBy: shift) { spans.append(span) }
        }
        if count != end.entries {
            report("zip_count", "Its end record announces \(end.entries) entries, its directory has \(count).")
        }
        return spans
    }

    private mutating func readMember(_ entry: ZipHeader, shiftedBy shift: Int64) -> ZipSpan? {
        let (place, overflow) = entry.offset.addingReportingOverflow(shift)
        do throws(ReadFailure) {
            guard !overflow, place >= 0 else {
                throw .malformed(what: "the place of a zip member", offset: entry.offset)
            }
            let local = try ZipHeader(local: ByteReader(source, from: place), limits: budget.limits)
            compare(entry, local)
            add(entry, dataOffset: local.end)
            guard local.end <= source.sizeInBytes - entry.packedSize else {
                throw .truncated(what: "the zip member \(Text.shown(entry.name))", offset: local.end)
            }
            return ZipSpan(
                start: place, end: local.end + entry.packedSize,
                mayHaveDescriptor: local.hasDescriptor || entry.hasDescriptor, isMember: true)
        } catch {
            report("zip_member", "\(Text.shown(entry.name)): \(error.sentence)", at: place)
            return nil
        }
    }

    private mutating func add(_ header: ZipHeader, dataOffset: Int64, isHidden: Bool = false) {
        members.append(
            Member(
                name: header.name, method: header.method, packedSize: header.packedSize,
                sizeInBytes: header.sizeInBytes, checksum: header.checksum, dataOffset: dataOffset, isHidden: isHidden))
    }

    /// What the two headers of a member must say alike; a local header that says it differently is a member of its own.
    private mutating func compare(_ entry: ZipHeader, _ local: ZipHeader) {
        let name = Text.shown(entry.name)
        if entry.name != local.name {
            report("zip_two_names", "\(name) is named \(Text.shown(local.name)) by its own header.", at: local.offset)
        }
        let known: UInt16 = 0x080E
        if (entry.flags | local.flags) & ~known != 0 || (entry.flags ^ local.flags) & ~known != 0 {
            report("zip_flags", "\(name) claims to be encrypted, or something as unusual.", at: local.offset)
        }
        if ![0, 8].contains(entry.method) {
            report("zip_method", "\(name) has the unusual compression \(entry.method).")
        }
        let sizesAgree =
            local.hasDescriptor
            || (local.packedSize == entry.packedSize && local.sizeInBytes == entry.sizeInBytes)
        if !sizesAgree { report("zip_two_sizes", "\(name) has another size in its own header.", at: local.offset) }
        if !local.hasDescriptor, local.checksum != entry.checksum {
            report("zip_two_checksums", "\(name) has another checksum in its own header.", at: local.offset)
        }
        if entry.method != local.method {
            report("zip_two_methods", "\(name) is compressed in another way by its own header.", at: local.offset)
        }
        guard entry.method != local.method || !sizesAgree || entry.name != local.name else { return }
        var other = local
        if local.hasDescriptor { (other.packedSize, other.sizeInBytes) = (entry.packedSize, entry.sizeInBytes) }
        add(other, dataOffset: local.end, isHidden: true)
    }

    /// Looks for members where no reader of the directory looks.
    private mutating func readGaps(between spans: [ZipSpan]) {
        var position: Int64 = 0
        var descriptor = false
        for span in spans.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
            if span.start < position, span.end != source.sizeInBytes || position != source.sizeInBytes {
                report("zip_overlap", "Two of its members share bytes.", at: span.start)
            }
            if span.start > position { readGap(position, span.start, mayBeDescriptor: descriptor) }
            if span.end > position { (position, descriptor) = (span.end, span.mayHaveDescriptor) }
        }
        if position < source.sizeInBytes { readGap(position, source.sizeInBytes, mayBeDescriptor: descriptor) }
    }

    private mutating func readGap(_ start: Int64, _ end: Int64, mayBeDescriptor: Bool) {
        if mayBeDescriptor, [12, 16, 20, 24].contains(end - start) { return }
        if !isTruncated { report("zip_gap", "\(end - start) bytes belong to no member of its directory.", at: start) }
        var position = start
        do throws(ReadFailure) {
            while let place = try source.firstIndex(of: ZipHeader.localSignature, from: position, to: end) {
                position = place + 4
                guard let local = try? ZipHeader(local: ByteReader(source, from: place), limits: budget.limits) else {
                    continue
                }
                guard members.count < budget.limits.archiveEntries else { throw .limit("the zip has too many members") }
                var found = local
                let isOpen = local.hasDescriptor && local.packedSize == 0
                if isOpen || local.packedSize > source.sizeInBytes - local.end {
                    found.packedSize = max(0, end - local.end)
                }
                add(found, dataOffset: local.end, isHidden: true)
                report("zip_hidden_member", "\(Text.shown(local.name)) is not in the directory.", at: place)
                if !isOpen { position = max(position, min(end, local.end + found.packedSize)) }
            }
        } catch { report("zip_damaged", error.sentence, at: start) }
    }

    private mutating func checkNames() {
        var seen: Set<String> = []
        for member in members where !member.isHidden {
            let name = member.displayName
            if !seen.insert(escaped(member.name).lowercased()).inserted {
                report("zip_duplicate_name", "\(name) is in it more than once.")
            }
            let parts = member.name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            let isOutside = member.name.first == UInt8(ascii: "/") || parts.contains(Array("..".utf8)[...])
            if isOutside || member.name.contains(0) || member.name.contains(UInt8(ascii: "\\")) {
                report("zip_name", "\(name) is a name that leads elsewhere.")
            }
        }
    }
}
