internal import Glibc

/// The end of central directory record, in 64-bit terms.
struct ZipEnd {
    var offset: Int64
    var entries: UInt64
    var directorySize: Int64
    var directoryOffset: Int64
    /// Where the first of the end records begins: the 64-bit one where there is one.
    var recordsStart: Int64
    var isConsistent = true

    static let signature: [UInt8] = [0x50, 0x4B, 5, 6]
    /// The record and the longest comment.
    static let tailSize: Int64 = 22 + 65_535

    /// Every place in the tail that looks like an end record, the last first.
    static func candidates(in source: any ByteSource) throws(ReadFailure) -> [Int64] {
        let start = max(0, source.sizeInBytes - tailSize)
        let tail = try source.read(at: start, count: Int(source.sizeInBytes - start))
        guard tail.count >= 22 else { return [] }
        var places: [Int64] = []
        unsafe tail.withUnsafeBytes { tail in
            guard let first = tail.baseAddress else { return }
            let end = tail.count - 21
            var next = 0
            // memchr(3) is many times as fast as a loop, and most tails are looked through for nothing.
            while next < end, let found = unsafe memchr(first + next, Int32(signature[0]), end - next) {
                let index = unsafe UnsafeRawPointer(found) - first
                if unsafe tail[index..<index + 4].elementsEqual(signature) { places.append(start + Int64(index)) }
                next = index + 1
            }
        }
        return places.reversed()
    }

    init(at offset: Int64, in source: any ByteSource) throws(ReadFailure) {
        let reader = ByteReader(source, from: offset + 4)
        self.offset = offset
        let disk: UInt16 = try reader.little()
        let directoryDisk: UInt16 = try reader.little()
        let entriesHere: UInt16 = try reader.little()
        entries = UInt64(try reader.little(UInt16.self))
        directorySize = Int64(try reader.little(UInt32.self))
        directoryOffset = Int64(try reader.little(UInt32.self))
        let commentSize: UInt16 = try reader.little()
        recordsStart = offset
        isConsistent =
            disk == directoryDisk && UInt64(entriesHere) == entries
            && reader.offset + Int64(commentSize) == source.sizeInBytes
        try readLargeRecord(in: source)
    }

    /// The zip64 record, where a locator for one stands before the end record.
    private mutating func readLargeRecord(in source: any ByteSource) throws(ReadFailure) {
        guard offset >= 20, source.bytes(at: offset - 20, count: 4) == [0x50, 0x4B, 6, 7] else { return }
        let locator = ByteReader(source, from: offset - 12)
        let place = Int64(truncatingIfNeeded: try locator.little(UInt64.self))
        guard place >= 0, place <= offset - 76, source.bytes(at: place, count: 4) == [0x50, 0x4B, 6, 6] else {
            isConsistent = false
            return
        }
        let reader = ByteReader(source, from: place + 4)
        let size: UInt64 = try reader.little()
        try reader.skip(12)
        _ = try reader.little(UInt64.self)
        let largeEntries: UInt64 = try reader.little()
        let largeSize = Int64(truncatingIfNeeded: try reader.little(UInt64.self))
        let largeOffset = Int64(truncatingIfNeeded: try reader.little(UInt64.self))
        if entries != 0xFFFF, entries != largeEntries { isConsistent = false }
        if directoryOffset != 0xFFFF_FFFF, directoryOffset != largeOffset { isConsistent = false }
        if size > UInt64(offset) || place + 12 + Int64(size) != offset - 20 { isConsistent = false }
        (entries, directorySize, directoryOffset, recordsStart) = (largeEntries, largeSize, largeOffset, place)
    }
}

/// One header of a member, as the central directory or the local header says it.
struct ZipHeader {
    var name: [UInt8]
    var flags: UInt16
    var method: UInt16
    var checksum: UInt32
    var packedSize: Int64
    var sizeInBytes: Int64
    /// Where the local header is; for a local header, where itself is.
    var offset: Int64
    /// Where what follows the header begins.
    var end: Int64

    static let centralSignature: [UInt8] = [0x50, 0x4B, 1, 2]
    static let localSignature: [UInt8] = [0x50, 0x4B, 3, 4]

    /// Sizes and checksum stand behind the data.
    var hasDescriptor: Bool { flags & 8 != 0 }

    /// Reads a central directory entry.
    init(central reader: ByteReader, limits: InspectionLimits) throws(ReadFailure) {
        let start = reader.offset
        guard try reader.bytes(4) == Self.centralSignature else {
            throw .malformed(what: "an entry of the zip directory", offset: start)
        }
        try reader.skip(4)
        (flags, method, checksum, packedSize, sizeInBytes) = try Self.common(reader)
        let nameSize = Int(try reader.little(UInt16.self))
        let extraSize = Int(try reader.little(UInt16.self))
        let commentSize = Int64(try reader.little(UInt16.self))
        try reader.skip(8)
        offset = Int64(try reader.little(UInt32.self))
        guard nameSize <= limits.nameInBytes else {
            throw .limit("a name in the zip directory is \(nameSize) bytes long")
        }
        name = try reader.bytes(nameSize)
        let extra = try reader.bytes(extraSize)
        try reader.skip(commentSize)
        end = reader.offset
        try applyLargeSizes(extra, withOffset: true)
    }

    /// Reads a local header.
    init(local reader: ByteReader, limits: InspectionLimits) throws(ReadFailure) {
        offset = reader.offset
        guard try reader.bytes(4) == Self.localSignature else {
            throw .malformed(what: "the header of a zip member", offset: offset)
        }
        try reader.skip(2)
        (flags, method, checksum, packedSize, sizeInBytes) = try Self.common(reader)
        let nameSize = Int(try reader.little(UInt16.self))
        let extraSize = Int(try reader.little(UInt16.self))
        guard nameSize <= limits.nameInBytes else { throw .limit("a name in the zip is \(nameSize) bytes long") }
        name = try reader.bytes(nameSize)
        let extra = try reader.bytes(extraSize)
        end = reader.offset
        try applyLargeSizes(extra, withOffset: false)
    }

    private static func common(
        _ reader: ByteReader
    ) throws(ReadFailure) -> (UInt16, UInt16, UInt32, Int64, Int64) {
        let flags: UInt16 = try reader.little()
        let method: UInt16 = try reader.little()
        try reader.skip(4)
        let checksum: UInt32 = try reader.little()
        let packed = Int64(try reader.little(UInt32.self))
        return (flags, method, checksum, packed, Int64(try reader.little(UInt32.self)))
    }

    /// The zip64 extra field, which holds those of the numbers that do not fit, in this order.
    private mutating func applyLargeSizes(_ extra: [UInt8], withOffset: Bool) throws(ReadFailure) {
        let reader = ByteReader(MemoryBytes(extra))
        while reader.remaining >= 4 {
            let kind: UInt16 = try reader.little()
            let size = Int64(try reader.little(UInt16.self))
            guard kind == 1 else {
                try reader.skip(min(size, reader.remaining))
                continue
            }
            if sizeInBytes == 0xFFFF_FFFF { sizeInBytes = try Self.large(reader) }
            if packedSize == 0xFFFF_FFFF { packedSize = try Self.large(reader) }
            if withOffset, offset == 0xFFFF_FFFF { offset = try Self.large(reader) }
            return
        }
    }

    private static func large(_ reader: ByteReader) throws(ReadFailure) -> Int64 {
        let value: UInt64 = try reader.little()
        guard let value = Int64(exactly: value) else {
            throw .malformed(what: "a size of \(value) bytes in a zip", offset: 0)
        }
        return value
    }
}
