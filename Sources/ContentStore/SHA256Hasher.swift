import CLibcrypto
public import LinuxSystem
public import Vocabulary

/// A running SHA-256 over bytes in order; EVP_DigestUpdate(3) of the distribution's libcrypto (SHA-NI where there is).
///
/// One hasher serves many files one after the other: making a context costs more than hashing a small file.
@safe public struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer
    private let algorithm: OpaquePointer

    /// A hasher at the start of a message.
    public init() {
        guard let context = unsafe EVP_MD_CTX_new(), let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil) else {
            fatalError("libcrypto offers no SHA-256")
        }
        unsafe self.context = context
        unsafe self.algorithm = algorithm
        restart()
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
        unsafe EVP_MD_free(algorithm)
    }

    /// Adds bytes.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1)
    }

    /// The digest of all bytes since the start; the hasher is then at the start of a new message.
    public func finish() -> Digest {
        var bytes = [UInt8](repeating: 0, count: Digest.byteCount)
        precondition(unsafe EVP_DigestFinal_ex(context, &bytes, nil) == 1)
        restart()
        guard let digest = Digest(bytes: bytes) else { preconditionFailure("SHA-256 has 32 bytes") }
        return digest
    }

    /// Forgets everything since the last start.
    public func restart() {
        precondition(unsafe EVP_DigestInit_ex2(context, algorithm, nil) == 1)
    }

    /// The digest of a few bytes in memory.
    public func digest(of bytes: [UInt8]) -> Digest {
        // A file may have been given up in the middle.
        restart()
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
        return finish()
    }
}

/// A piece of memory that files are read through, aligned to pages, kept for the life of a lane.
@safe public final class ReadBuffer {
    /// 256 KiB: large enough that the calls do not count, small enough to stay in a core's cache between reading,
    /// hashing and writing.
    public static let size = 256 * 1024

    let memory: UnsafeMutableRawBufferPointer

    /// A new buffer.
    public init() {
        unsafe memory = .allocate(byteCount: Self.size, alignment: 4096)
    }

    deinit { unsafe memory.deallocate() }
}

extension SHA256Hasher {
    /// Reads a file from its start to its end and hashes it.
    ///
    /// - Parameters:
    ///   - file: opened for reading; its position is not used.
    ///   - buffer: the lane's buffer.
    ///   - progress: called after every buffer with the bytes so far and their count in total; what it throws ends the reading.
    /// - Returns: the digest and the number of bytes that were read.
    public func digest(
        of file: Descriptor, through buffer: ReadBuffer,
        progress: (_ chunk: UnsafeRawBufferPointer, _ sizeInBytes: Int64) throws(TakeError) -> Void
    ) throws(TakeError) -> (digest: Digest, sizeInBytes: Int64) {
        restart()
        var offset: Int64 = 0
        while true {
            let count: Int
            do {
                count = unsafe try file.read(into: buffer.memory, at: offset)
            } catch { throw .system(error) }
            if count == 0 { return (finish(), offset) }
            let chunk = unsafe UnsafeRawBufferPointer(rebasing: buffer.memory[..<count])
            unsafe update(chunk)
            offset += Int64(count)
            try unsafe progress(chunk, offset)
        }
    }
}
