/// A tar archive: ustar, with the long names of GNU and of pax.
///
/// Like ``ZipArchive``: every member is there, and what readers could understand differently is a finding.
public struct TarArchive {
    /// One member.
    public struct Member: Sendable {
        /// Its name's bytes.
        public var name: [UInt8]
        /// Its type flag: `0` for a file.
        public var kind: UInt8
        /// Where its data begins.
        public var dataOffset: Int64
        /// Its size in bytes.
        public var sizeInBytes: Int64

        /// The name for a person and for comparisons, escaped where it is no plain text.
        public var displayName: String { Text.shown(name) }
    }

    /// Everything in it, in its order.
    public private(set) var members: [Member] = []
    /// What is wrong with the structure.
    public private(set) var findings: [Finding] = []
    /// Whether it ends inside a member.
    public private(set) var isTruncated = false

    private static let blockSize: Int64 = 512
    private let source: any ByteSource
    private let limits: InspectionLimits
    private var nextName: [UInt8]?
    private var nextSize: Int64?

    /// Reads the structure of an archive.
    ///
    /// - Returns: `nil` when the first block is no header with a valid checksum.
    public init?(_ source: any ByteSource, limits: InspectionLimits = .init()) {
        guard Self.isHeader(source.head(512)) else { return nil }
        self.source = source
        self.limits = limits
        do throws(ReadFailure) { try readMembers() } catch {
            if case .truncated = error { isTruncated = true }
            report("tar_damaged", error.sentence)
        }
    }

    /// The content of a member, to be read at any place.
    public func content(of member: Member) -> any ByteSource {
        PartOfBytes(of: source, from: member.dataOffset, sizeInBytes: member.sizeInBytes)
    }

    private mutating func report(_ code: String, _ message: String, at offset: Int64? = nil) {
        guard findings.count < limits.findings else { return }
        findings.append(Finding(.unscannable, code, message, offset: offset))
    }

    private mutating func readMembers() throws(ReadFailure) {
        var position: Int64 = 0
        while position < source.sizeInBytes {
            let block = source.bytes(at: position, count: 512)
            if block.allSatisfy({ $0 == 0 }) {
                try checkPadding(from: position)
                return
            }
            guard Self.isHeader(block) else { throw .malformed(what: "the header of a tar member", offset: position) }
            guard members.count < limits.archiveEntries else { throw .limit("the tar has too many members") }
            position = try readMember(block, at: position)
        }
    }

    /// - Returns: where the next header is.
    private mutating func readMember(_ block: [UInt8], at position: Int64) throws(ReadFailure) -> Int64 {
        guard var size = Self.number(block[124..<136]) else {
            throw .malformed(what: "a size in a tar", offset: position)
        }
        let kind = block[156]
        let start = position + Self.blockSize
        if kind != UInt8(ascii: "x"), kind != UInt8(ascii: "L"), let announced = nextSize {
            size = announced
            nextSize = nil
        }
        let rest = source.sizeInBytes - start
        if size <= rest {
            try take(kind, block, at: start, size)
        } else {
            members.append(Member(name: Self.name(block), kind: kind, dataOffset: start, sizeInBytes: max(0, rest)))
            throw .truncated(what: "a tar member of \(size) bytes", offset: start)
        }
        return start + (size + Self.blockSize - 1) / Self.blockSize * Self.blockSize
    }

    private mutating func take(_ kind: UInt8, _ block: [UInt8], at start: Int64, _ size: Int64) throws(ReadFailure) {
        switch kind {
        case UInt8(ascii: "L"), UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "K"):
            guard size <= 1 << 20 else { throw .limit("an extended header of \(size) bytes in a tar") }
            let content = source.bytes(at: start, count: Int(size))
            if kind == UInt8(ascii: "L") { nextName = Array(content.prefix { $0 != 0 }) }
            if kind == UInt8(ascii: "x") { try takeRecords(content, at: start) }
            if kind == UInt8(ascii: "g") { report("tar_global_header", "It has a header for all members.", at: start) }
        default:
            if kind == UInt8(ascii: "S") || kind == UInt8(ascii: "M") {
                report("tar_sparse", "It has a sparse or continued member.", at: start)
            }
            members.append(Member(name: nextName ?? Self.name(block), kind: kind, dataOffset: start, sizeInBytes: size))
            nextName = nil
        }
    }

    /// pax records: `length key=value\n`.
    private mutating func takeRecords(_ content: [UInt8], at offset: Int64) throws(ReadFailure) {
        var rest = content[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length <= rest.count,
                rest.startIndex + length > space, rest[rest.startIndex + length - 1] == 0x0A
            else { throw .malformed(what: "an extended header of a tar", offset: offset) }
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            let parts = record.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 {
                try take(key: String(decoding: parts[0], as: UTF8.self), Array(parts[1]), at: offset)
            }
            rest = rest.dropFirst(length)
        }
    }

    private mutating func take(key: String, _ value: [UInt8], at offset: Int64) throws(ReadFailure) {
        if key == "path" { nextName = value }
        if key == "size" {
            guard let size = Int64(String(decoding: value, as: UTF8.self)), size >= 0 else {
                throw .malformed(what: "a size in a tar", offset: offset)
            }
            nextSize = size
        }
        if key.hasPrefix("GNU.sparse") { report("tar_sparse", "It has a sparse member.", at: offset) }
    }

    /// Behind the end there is nothing but zeros.
    private mutating func checkPadding(from position: Int64) throws(ReadFailure) {
        let reader = ByteReader(source, from: position)
        while let byte = try reader.peek() {
            guard byte == 0 else {
                report("tar_trailing", "Bytes follow the end of the archive.", at: reader.offset)
                return
            }
            reader.advance()
        }
    }

    private static func name(_ block: [UInt8]) -> [UInt8] {
        let name = Array(block[0..<100].prefix { $0 != 0 })
        let prefix = Array(block[345..<500].prefix { $0 != 0 })
        let isUstar = block[257..<262].elementsEqual("ustar".utf8)
        return isUstar && block[262] == 0 && !prefix.isEmpty ? prefix + [UInt8(ascii: "/")] + name : name
    }

    /// Octal text, or base 256 with the highest bit set.
    private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().prefix(3).allSatisfy({ $0 == 0 }) else { return nil }
            let value = field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Int64(exactly: value)
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
        return digits.isEmpty
            ? 0 : Int64(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 < 0 ? nil : $0 }
    }

    /// The checksum is the sum of the block's bytes, its own field taken as spaces; some writers summed signed bytes.
    private static func isHeader(_ block: [UInt8]) -> Bool {
        guard block.count == 512, block[0] != 0, let expected = number(block[148..<156]) else { return false }
        let others = block[..<148] + [UInt8](repeating: 0x20, count: 8) + block[156...]
        return expected == others.reduce(0) { $0 + Int64($1) }
            || expected == others.reduce(0) { $0 + Int64(Int8(bitPattern: $1)) }
    }
}
