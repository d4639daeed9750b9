extension ByteSource {
    /// Exactly `count` bytes from an offset; nothing is allocated for bytes that are not there.
    func bytes(at offset: Int64, count: Int, _ what: @autoclosure () -> String) throws(ReadFailure) -> [UInt8] {
        guard count >= 0, offset >= 0, offset <= sizeInBytes, Int64(count) <= sizeInBytes - offset else {
            throw .truncated(what: what(), offset: offset)
        }
        var result = [UInt8](repeating: 0, count: count)
        let read = try unsafe result.withUnsafeMutableBufferPointer { buffer throws(ReadFailure) in
            unsafe try self.read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
        guard read == count else { throw .truncated(what: what(), offset: offset + Int64(read)) }
        return result
    }
}

/// Reads numbers and names all over a source, a few pages of which it keeps.
final class BytePages {
    private static let pageSize: Int64 = 4096
    private static let pageLimit = 32

    private let source: any ByteSource
    private var pages: [Int64: [UInt8]] = [:]
    private var order: [Int64] = []

    init(_ source: any ByteSource) { self.source = source }

    var sizeInBytes: Int64 { source.sizeInBytes }

    /// A whole number of `width` bytes, 8 at most, least significant byte first.
    func little(
        _ width: Int, at offset: Int64, _ what: @autoclosure () -> String = "a number"
    ) throws(ReadFailure) -> UInt64 {
        guard offset >= 0, offset <= sizeInBytes, Int64(width) <= sizeInBytes - offset else {
            throw .truncated(what: what(), offset: offset)
        }
        var value: UInt64 = 0
        for index in 0..<width { value |= UInt64(try byte(at: offset + Int64(index), what())) << (8 * UInt64(index)) }
        return value
    }

    /// One byte.
    func byte(at offset: Int64, _ what: @autoclosure () -> String = "a byte") throws(ReadFailure) -> UInt8 {
        guard offset >= 0, offset < sizeInBytes else { throw .truncated(what: what(), offset: offset) }
        let number = offset / Self.pageSize
        let page: [UInt8]
        if let known = pages[number] { page = known } else { page = try load(number, what()) }
        return page[Int(offset % Self.pageSize)]
    }

    /// Bytes that were announced; `count` is checked before anything is allocated.
    func bytes(
        at offset: Int64, count: Int, _ what: @autoclosure () -> String = "bytes"
    ) throws(ReadFailure) -> [UInt8] {
        try source.bytes(at: offset, count: count, what())
    }

    private func load(_ number: Int64, _ what: String) throws(ReadFailure) -> [UInt8] {
        let start = number * Self.pageSize
        let page = try source.bytes(at: start, count: Int(min(Self.pageSize, sizeInBytes - start)), what)
        if order.count == Self.pageLimit { pages[order.removeFirst()] = nil }
        order.append(number)
        pages[number] = page
        return page
    }
}
