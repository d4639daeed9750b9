public import LinuxSystem

/// Bytes that somebody else wrote, which may be anything: read at any place, a piece at a time, never trusted.
public protocol ByteSource: AnyObject {
    /// How many bytes there are.
    var sizeInBytes: Int64 { get }

    /// Reads bytes from an offset into a buffer.
    ///
    /// - Returns: how many were read; fewer than the buffer holds only at the end, 0 behind it.
    /// - Throws: ``ReadFailure`` when the medium fails, when a compressed stream is damaged, or when a limit is reached.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int
}

/// Why bytes could not be had.
public enum ReadFailure: Error, Sendable, Hashable {
    /// The file ends where more was announced: `what` was being read at `offset`.
    case truncated(what: String, offset: Int64)
    /// The bytes contradict their own format.
    case malformed(what: String, offset: Int64)
    /// More than an inspection may read, unpack or remember.
    case limit(String)
    /// The format is known, reading it is not (an unusual compression, encryption).
    case unsupported(String)
    /// A system call failed.
    case system(SystemError)
}

/// Bytes in memory.
public final class MemoryBytes: ByteSource {
    private let bytes: [UInt8]

    /// A source of these bytes.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// How many bytes there are.
    public var sizeInBytes: Int64 { Int64(bytes.count) }

    /// Copies bytes from an offset into a buffer.
    public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        guard offset >= 0, offset < sizeInBytes else { return 0 }
        let count = min(buffer.count, bytes.count - Int(offset))
        unsafe bytes.withUnsafeBytes { all in
            unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[Int(offset)..<Int(offset) + count]))
        }
        return count
    }
}

/// An open file, pread(2); its position is not used.
public final class FileBytes: ByteSource {
    private let file: Descriptor
    /// The file's size when it was opened here; later growth is not seen, later truncation reads as the end.
    public let sizeInBytes: Int64

    /// The bytes of a file that is open for reading.
    public init(_ file: Descriptor) throws(SystemError) {
        self.file = file
        sizeInBytes = try file.status().sizeInBytes
    }

    /// The same for a file whose size is known; what lies beyond it is not seen.
    public init(_ file: Descriptor, sizeInBytes: Int64) {
        self.file = file
        self.sizeInBytes = sizeInBytes
    }

    /// Reads from an offset.
    public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        guard offset >= 0, offset < sizeInBytes else { return 0 }
        let wanted = Int(min(Int64(buffer.count), sizeInBytes - offset))
        var count = 0
        while count < wanted {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count..<wanted])
            let more: Int
            do { more = unsafe try file.read(into: rest, at: offset + Int64(count)) } catch { throw .system(error) }
            if more == 0 { break }
            count += more
        }
        return count
    }
}

/// A part of another source, such as a stored member of an archive.
public final class PartOfBytes: ByteSource {
    private let whole: any ByteSource
    private let start: Int64
    /// How many bytes the part has.
    public let sizeInBytes: Int64

    /// The bytes `[start, start + sizeInBytes)` of a source, cut to what is there.
    public init(of whole: any ByteSource, from start: Int64, sizeInBytes: Int64) {
        self.whole = whole
        self.start = min(max(0, start), whole.sizeInBytes)
        self.sizeInBytes = min(max(0, sizeInBytes), whole.sizeInBytes - self.start)
    }

    /// Reads from an offset within the part.
    public func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        guard offset >= 0, offset < sizeInBytes else { return 0 }
        let count = Int(min(Int64(buffer.count), sizeInBytes - offset))
        return unsafe try whole.read(
            at: start + offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    }
}
