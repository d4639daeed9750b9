/// A table in a FlatBuffers file: every offset is checked to lead to a place within the buffer before it is followed.
struct FlatbufferTable {
    /// What all tables of a buffer share: where it is, and how many more tables may be read.
    final class Buffer {
        static let tableLimit = 1_000_000

        let pages: BytePages
        let start: Int64
        let end: Int64
        fileprivate var tablesLeft = tableLimit

        /// The buffer that is the bytes from `start` to `end` of a source.
        init(_ source: any ByteSource, from start: Int64 = 0, to end: Int64? = nil) {
            pages = BytePages(source)
            self.start = start
            self.end = min(end ?? source.sizeInBytes, source.sizeInBytes)
        }

        func check(_ offset: Int64, _ size: Int64, _ what: String) throws(ReadFailure) {
            guard offset >= start, size >= 0, offset <= end, size <= end - offset else {
                throw .truncated(what: what, offset: offset)
            }
        }

        func number(_ width: Int, at offset: Int64, _ what: String) throws(ReadFailure) -> UInt64 {
            try check(offset, Int64(width), what)
            return try pages.little(width, at: offset, what)
        }

        /// Where the unsigned 32-bit offset at a place leads to.
        func follow(_ offset: Int64, _ what: String) throws(ReadFailure) -> Int64 {
            let target = offset + Int64(try number(4, at: offset, what))
            try check(target, 4, what)
            return target
        }
    }

    private let buffer: Buffer
    private let position: Int64
    private let vtable: Int64
    private let vtableSize: Int64

    /// The table that a buffer begins with.
    init(rootOf buffer: Buffer) throws(ReadFailure) {
        try self.init(buffer, at: buffer.follow(buffer.start, "the root table"), "the root table")
    }

    private init(_ buffer: Buffer, at position: Int64, _ what: String) throws(ReadFailure) {
        buffer.tablesLeft -= 1
        guard buffer.tablesLeft >= 0 else { throw .limit("there are more than \(Buffer.tableLimit) tables") }
        self.buffer = buffer
        self.position = position
        let back = Int32(truncatingIfNeeded: try buffer.number(4, at: position, what))
        vtable = position - Int64(back)
        vtableSize = Int64(try buffer.number(2, at: vtable, "the vtable of \(what)"))
        guard vtableSize >= 4, vtableSize % 2 == 0 else {
            throw .malformed(what: "the vtable of \(what) has \(vtableSize) bytes", offset: vtable)
        }
        try buffer.check(vtable, vtableSize, "the vtable of \(what)")
    }

    /// Where a field is, by its number in the schema; `nil` when the table does not have it.
    private func place(_ field: Int, _ what: String) throws(ReadFailure) -> Int64? {
        let slot = Int64(4 + 2 * field)
        guard slot + 2 <= vtableSize else { return nil }
        let distance = Int64(try buffer.number(2, at: vtable + slot, what))
        return distance == 0 ? nil : position + distance
    }

    /// A number of `width` bytes; `nil` when the table does not have it.
    func number(_ field: Int, width: Int, _ what: String) throws(ReadFailure) -> UInt64? {
        guard let place = try place(field, what) else { return nil }
        return try buffer.number(width, at: place, what)
    }

    /// The first characters of a string; `nil` when the table does not have it.
    func string(_ field: Int, _ what: String) throws(ReadFailure) -> String? {
        guard let place = try place(field, what) else { return nil }
        let target = try buffer.follow(place, what)
        let size = Int64(try buffer.number(4, at: target, what))
        try buffer.check(target + 4, size, what)
        let bytes = try buffer.pages.bytes(at: target + 4, count: Int(min(size, 4096)), what)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A table; `nil` when the table does not have it.
    func table(_ field: Int, _ what: String) throws(ReadFailure) -> FlatbufferTable? {
        guard let place = try place(field, what) else { return nil }
        return try FlatbufferTable(buffer, at: buffer.follow(place, what), what)
    }

    /// Where the elements of a vector are and how many; all of them are there. Empty when the table does not have it.
    func vector(
        _ field: Int, elementSize: Int64, _ what: String
    ) throws(ReadFailure) -> (start: Int64, count: Int) {
        guard let place = try place(field, what) else { return (position, 0) }
        let target = try buffer.follow(place, what)
        let count = Int64(try buffer.number(4, at: target, what))
        try buffer.check(target + 4, count * elementSize, "\(what) with \(count) elements")
        return (target + 4, Int(count))
    }

    /// The numbers of a vector, 64 at most, least significant byte first.
    func numbers(_ field: Int, width: Int, _ what: String) throws(ReadFailure) -> [UInt64] {
        let (start, count) = try vector(field, elementSize: Int64(width), what)
        var numbers: [UInt64] = []
        for index in 0..<min(count, HeaderReport.listLimit) {
            numbers.append(try buffer.number(width, at: start + Int64(index * width), what))
        }
        return numbers
    }

    /// Calls `body` with every table of a vector and its index.
    func tables(
        _ field: Int, _ what: String, _ body: (Int, FlatbufferTable) throws(ReadFailure) -> Void
    ) throws(ReadFailure) {
        let (start, count) = try vector(field, elementSize: 4, what)
        for index in 0..<count {
            let target = try buffer.follow(start + Int64(index) * 4, what)
            try body(index, FlatbufferTable(buffer, at: target, what))
        }
    }
}
