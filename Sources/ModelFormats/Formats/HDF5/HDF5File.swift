/// The parts of the HDF5 file format (specification 3.0) that say which objects a file has, read with every address and
/// length checked. Addresses are absolute here: the file's base address is added when one is read.
final class HDF5File {
    /// How many messages, links, tree entries and heap objects are looked at in all. Places may be shared, so that the
    /// file's size alone is no bound.
    private static let stepLimit = 4_000_000

    static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    let source: any ByteSource
    let pages: BytePages
    let superblockVersion: UInt8
    private let base: Int64
    /// How many bytes an address has.
    let addressSize: Int
    /// How many bytes a length has.
    let lengthSize: Int
    /// Where the root group's object header is.
    private(set) var root: Int64 = 0
    private var stepsLeft = HDF5File.stepLimit

    /// Reads the superblock at an offset.
    init(_ source: any ByteSource, superblockAt start: Int64) throws(ReadFailure) {
        self.source = source
        pages = BytePages(source)
        superblockVersion = try pages.byte(at: start + 8, "the superblock")
        let isOld = superblockVersion < 2
        addressSize = Int(try pages.byte(at: start + (isOld ? 13 : 9), "the superblock"))
        lengthSize = Int(try pages.byte(at: start + (isOld ? 14 : 10), "the superblock"))
        guard superblockVersion <= 3, [2, 4, 8].contains(addressSize), [2, 4, 8].contains(lengthSize) else {
            throw .malformed(what: "version or sizes of the superblock are not those of HDF5", offset: start)
        }
        let addresses = start + (isOld ? (superblockVersion == 0 ? 24 : 28) : 12)
        let size = Int64(addressSize)
        base = Int64(clamping: try pages.little(addressSize, at: addresses, "the base address"))
        guard base <= source.sizeInBytes else { throw .truncated(what: "the base address \(base)", offset: addresses) }
        let end = try pages.little(addressSize, at: addresses + 2 * size, "the end of the file")
        guard end <= UInt64(source.sizeInBytes) else {
            throw .truncated(what: "a file of \(end) bytes", offset: 0)
        }
        root = try address(at: addresses + (isOld ? 5 : 3) * size, "the root group") ?? 0
    }

    /// The address that stands at a place; `nil` for the undefined one.
    func address(at offset: Int64, _ what: String) throws(ReadFailure) -> Int64? {
        let value = try pages.little(addressSize, at: offset, what)
        if value == UInt64.max >> UInt64(64 - 8 * addressSize) { return nil }
        guard value < UInt64(source.sizeInBytes - base) else {
            throw .truncated(what: "\(what) at address \(value)", offset: offset)
        }
        return base + Int64(value)
    }

    /// The length that stands at a place; no more than the file has.
    func length(at offset: Int64, _ what: String) throws(ReadFailure) -> Int64 {
        let value = try pages.little(lengthSize, at: offset, what)
        guard value <= UInt64(source.sizeInBytes) else {
            throw .truncated(what: "\(what) of \(value) bytes", offset: offset)
        }
        return Int64(value)
    }

    /// Refuses a structure that does not begin with its own signature.
    func expect(_ signature: String, at offset: Int64) throws(ReadFailure) {
        let expected = signature.utf8.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard try pages.little(4, at: offset, signature) == expected else {
            throw .malformed(what: "\(signature) was expected here", offset: offset)
        }
    }

    /// Counts one more thing that is looked at.
    func step() throws(ReadFailure) {
        stepsLeft -= 1
        guard stepsLeft >= 0 else { throw .limit("there are more than \(Self.stepLimit) messages, links and records") }
    }

    /// The bytes of an object in a global heap collection.
    func heapObject(_ wanted: UInt64, inCollectionAt collection: Int64) throws(ReadFailure) -> HDF5Extent {
        try expect("GCOL", at: collection)
        let size = try length(at: collection + 8, "a global heap")
        guard size <= source.sizeInBytes - collection else {
            throw .truncated(what: "a global heap of \(size) bytes", offset: collection)
        }
        let end = collection + size
        var offset = collection + 8 + Int64(lengthSize)
        while offset + 8 + Int64(lengthSize) <= end {
            try step()
            let index = try pages.little(2, at: offset, "a global heap object")
            let size = try length(at: offset + 8, "a global heap object")
            let start = offset + 8 + Int64(lengthSize)
            if index == wanted, index != 0 {
                guard size <= end - start else { break }
                return HDF5Extent(start: start, size: size)
            }
            guard index != 0, size <= end - start else { break }
            offset = start + (size + 7) / 8 * 8
        }
        throw .malformed(what: "a global heap has no object \(wanted)", offset: collection)
    }
}

/// Bytes of a file.
struct HDF5Extent: Hashable {
    let start: Int64
    let size: Int64

    var end: Int64 { start + size }
}
