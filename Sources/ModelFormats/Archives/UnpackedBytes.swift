internal import CCompression

/// A compressed source that can be read at any place, in constant memory.
///
/// Its size is not believed but measured, by unpacking everything once. The last mebibyte that came out is kept, so
/// that steps back are free when they are small; a longer one starts again, and how often that may happen is bounded.
@safe public final class UnpackedBytes: ByteSource {
    /// How many bytes come out before the end or the failure.
    public private(set) var sizeInBytes: Int64 = 0
    /// Why nothing comes out behind ``sizeInBytes``; `nil` when that is the end.
    public private(set) var failure: ReadFailure?
    /// The CRC-32 of everything.
    public private(set) var checksum: UInt32 = 0
    /// How many bytes of the packed source were used.
    public private(set) var consumed: Int64 = 0

    private static let kept = 1 << 20
    private let compression: Compression
    private let packed: any ByteSource
    private let budget: InspectionBudget
    private var stream: UnpackedStream?
    /// Twice what is kept: when it is full, its older half is dropped.
    private var window: UnsafeMutableRawBufferPointer
    private var windowStart: Int64 = 0
    private var windowCount = 0
    private var unpacked: Int64 = 0

    /// Unpacks a source once, to its end or to what is wrong with it.
    public init(_ compression: Compression, of packed: any ByteSource, budget: InspectionBudget) {
        self.compression = compression
        self.packed = packed
        self.budget = budget
        unsafe window = .allocate(byteCount: ByteReader.bufferSize, alignment: 64)
        do throws(ReadFailure) { try measure() } catch { failure = error }
        guard sizeInBytes > ByteReader.bufferSize else { return }
        unsafe window.deallocate()
        unsafe window = .allocate(byteCount: Int(min(Int64(2 * Self.kept), sizeInBytes)), alignment: 64)
    }

    deinit { unsafe window.deallocate() }

    /// Reads from an offset, unpacking up to there.
    public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        guard offset >= 0, offset < sizeInBytes else { return 0 }
        let wanted = Int(min(Int64(buffer.count), sizeInBytes - offset))
        var count = 0
        while count < wanted {
            try seek(to: offset + Int64(count))
            let start = Int(offset + Int64(count) - windowStart)
            let part = min(windowCount - start, wanted - count)
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count..<count + part])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: window[start..<start + part]))
            count += part
        }
        return count
    }

    private func measure() throws(ReadFailure) {
        let stream = try UnpackedStream(compression, of: packed, budget: budget)
        defer { consumed = stream.consumed }
        while true {
            let count = unsafe try stream.next(into: window)
            if count == 0 { return }
            checksum = UInt32(
                truncatingIfNeeded: unsafe crc32(
                    UInt(checksum), window.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(count)))
            sizeInBytes += Int64(count)
        }
    }

    /// Makes the window hold an offset below the size.
    private func seek(to offset: Int64) throws(ReadFailure) {
        if stream == nil || offset < windowStart {
            stream = try UnpackedStream(compression, of: packed, budget: budget)
            windowStart = 0
            windowCount = 0
        }
        while let stream, offset >= windowStart + Int64(windowCount) {
            let capacity = unsafe window.count
            if windowCount == capacity { dropOlderHalf() }
            let room = unsafe UnsafeMutableRawBufferPointer(
                rebasing: window[windowCount..<min(capacity, windowCount + ByteReader.bufferSize)])
            let count = unsafe try stream.next(into: room)
            guard count > 0 else { throw .truncated(what: "a \(compression.rawValue) stream", offset: offset) }
            windowCount += count
            unpacked += Int64(count)
            guard unpacked / 32 <= sizeInBytes + (1 << 20) else {
                throw .limit("a \(compression.rawValue) stream would have to be unpacked over and over")
            }
        }
    }

    private func dropOlderHalf() {
        let dropped = unsafe window.count / 2
        unsafe window.copyMemory(from: UnsafeRawBufferPointer(rebasing: window[dropped..<windowCount]))
        windowStart += Int64(dropped)
        windowCount -= dropped
    }
}

/// The CRC-32 of a whole source.
func checksum(of source: any ByteSource) throws(ReadFailure) -> UInt32 {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: ByteReader.bufferSize, alignment: 64)
    defer { unsafe buffer.deallocate() }
    var value: UInt = 0
    var offset: Int64 = 0
    while true {
        let count = unsafe try source.read(at: offset, into: buffer)
        if count == 0 { return UInt32(truncatingIfNeeded: value) }
        value = unsafe crc32(value, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(count))
        offset += Int64(count)
    }
}
