/// A sequence of bytes that can only be read forwards, such as what comes out of a decompressor.
public protocol ByteStream: AnyObject {
    /// Reads the next bytes into a buffer.
    ///
    /// - Returns: how many were read; 0 only at the end.
    func next(into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int
}

/// Reads forwards through a source or a stream, through a buffer of its own, with a bound on everything.
///
/// No length that the bytes announce is ever allocated before that many bytes were seen to be there.
@safe public final class ByteReader {
    private let stream: (any ByteStream)?
    private let source: (any ByteSource)?
    private let buffer: UnsafeMutableRawBufferPointer
    private var bufferStart: Int64
    private var filled = 0
    private var index = 0
    private let end: Int64
    /// How much the next refill from a source reads: little after a jump, more with every refill that follows it.
    private var readAhead = ByteReader.smallRead

    /// How much is read at a time.
    public static let bufferSize = 64 * 1024
    private static let smallRead = 4 * 1024

    /// Reads a source from an offset to its end, or to another offset before that.
    public init(_ source: any ByteSource, from offset: Int64 = 0, to end: Int64 = .max) {
        stream = nil
        self.source = source
        unsafe buffer = .allocate(byteCount: Self.bufferSize, alignment: 64)
        bufferStart = max(0, offset)
        self.end = min(end, source.sizeInBytes)
    }

    /// Reads a stream from where it is, whose length nobody knows.
    public init(stream: any ByteStream) {
        self.stream = stream
        source = nil
        unsafe buffer = .allocate(byteCount: Self.bufferSize, alignment: 64)
        bufferStart = 0
        end = .max
    }

    deinit { unsafe buffer.deallocate() }

    /// The offset of the next byte.
    public var offset: Int64 { bufferStart + Int64(index) }

    /// How many bytes are left at most: exact for a source, unbounded for a stream.
    public var remaining: Int64 { max(0, end - offset) }

    /// Whether the end is reached.
    public func isAtEnd() throws(ReadFailure) -> Bool { try peek() == nil }

    /// The next byte without passing it; `nil` at the end.
    @inline(__always)
    public func peek() throws(ReadFailure) -> UInt8? {
        if index == filled { if try !refill() { return nil } }
        return unsafe buffer[index]
    }

    /// Passes the byte that ``peek()`` has shown.
    @inline(__always)
    func advance() { index += 1 }

    /// The next byte.
    @inline(__always)
    public func byte(_ what: @autoclosure () -> String = "a byte") throws(ReadFailure) -> UInt8 {
        if index == filled { if try !refill() { throw .truncated(what: what(), offset: offset) } }
        let value = unsafe buffer[index]
        index += 1
        return value
    }

    /// The next `count` bytes.
    ///
    /// Memory grows with the bytes that are there, not with `count`.
    public func bytes(_ count: Int, _ what: @autoclosure () -> String = "bytes") throws(ReadFailure) -> [UInt8] {
        guard count >= 0, Int64(count) <= remaining else { throw .truncated(what: what(), offset: offset) }
        var result: [UInt8] = []
        result.reserveCapacity(min(count, Self.bufferSize))
        while result.count < count {
            if index == filled { if try !refill() { throw .truncated(what: what(), offset: offset) } }
            let part = min(count - result.count, filled - index)
            unsafe result.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[index..<index + part]))
            index += part
        }
        return result
    }

    /// Appends the next `count` bytes to an array, which grows with the bytes that are there.
    func append(
        _ count: Int, to result: inout [UInt8], _ what: @autoclosure () -> String = "bytes"
    ) throws(ReadFailure) {
        guard count >= 0, Int64(count) <= remaining else { throw .truncated(what: what(), offset: offset) }
        var left = count
        while left > 0 {
            if index == filled { if try !refill() { throw .truncated(what: what(), offset: offset) } }
            let part = min(left, filled - index)
            unsafe result.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[index..<index + part]))
            index += part
            left -= part
        }
    }

    /// Passes `count` bytes: without reading them in a source, by reading them in a stream.
    public func skip(_ count: Int64, _ what: @autoclosure () -> String = "bytes") throws(ReadFailure) {
        guard count >= 0, count <= remaining else { throw .truncated(what: what(), offset: offset) }
        var left = count
        while left > 0 {
            if index == filled {
                if source != nil {
                    bufferStart += Int64(index) + left
                    filled = 0
                    index = 0
                    readAhead = Self.smallRead
                    return
                }
                if try !refill() { throw .truncated(what: what(), offset: offset) }
            }
            let part = min(left, Int64(filled - index))
            index += Int(part)
            left -= part
        }
    }

    /// A whole number of `Value`'s width, least significant byte first.
    public func little<Value: FixedWidthInteger>(
        _ type: Value.Type = Value.self, _ what: @autoclosure () -> String = "a number"
    ) throws(ReadFailure) -> Value {
        var value: Value = 0
        for shift in 0..<Value.bitWidth / 8 { value |= Value(truncatingIfNeeded: try byte(what())) << (8 * shift) }
        return value
    }

    /// A whole number of `Value`'s width, most significant byte first.
    public func big<Value: FixedWidthInteger>(
        _ type: Value.Type = Value.self, _ what: @autoclosure () -> String = "a number"
    ) throws(ReadFailure) -> Value {
        Value(bigEndian: Value(littleEndian: try little(Value.self, what())))
    }

    /// The bytes up to a line feed, which is passed and left out.
    ///
    /// - Parameter limit: how many bytes a line may have.
    /// - Throws: `.limit` for a longer line, `.truncated` when there is no line feed.
    public func line(limit: Int, _ what: @autoclosure () -> String = "a line") throws(ReadFailure) -> [UInt8] {
        var result: [UInt8] = []
        while true {
            let value = try byte(what())
            if value == 0x0A { return result }
            guard result.count < limit else { throw .limit("\(what()) is longer than \(limit) bytes") }
            result.append(value)
        }
    }

    /// - Returns: whether there is more.
    private func refill() throws(ReadFailure) -> Bool {
        bufferStart += Int64(index)
        index = 0
        filled = 0
        if let stream {
            filled = unsafe try stream.next(into: buffer)
        } else if let source {
            let count = Int(min(Int64(readAhead), max(0, end - bufferStart)))
            filled = unsafe try source.read(at: bufferStart, into: .init(rebasing: buffer[..<count]))
            readAhead = min(readAhead * 4, Self.bufferSize)
        }
        return filled > 0
    }
}
