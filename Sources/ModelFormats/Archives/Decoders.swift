internal import CCompression

/// zlib(3): a zlib, gzip or raw deflate stream.
@safe final class Inflater: Decoder {
    private let state: UnsafeMutablePointer<z_stream>

    init(windowBits: Int32) throws(ReadFailure) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: unsafe z_stream())
        let size = unsafe Int32(MemoryLayout<z_stream>.size)
        guard unsafe inflateInit2_(state, windowBits, zlibVersion(), size) == Z_OK else {
            unsafe state.deallocate()
            throw .limit("no memory for zlib")
        }
    }

    deinit {
        unsafe inflateEnd(state)
        unsafe state.deallocate()
    }

    func step(
        from input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ReadFailure) -> DecodingStep {
        unsafe state.pointee.next_in = unsafe UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe state.pointee.avail_in = UInt32(input.count)
        unsafe state.pointee.next_out = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe state.pointee.avail_out = UInt32(output.count)
        let result = unsafe inflate(state, Z_NO_FLUSH)
        let isFine = result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR
        guard unsafe isFine || state.pointee.avail_out < UInt32(output.count) else {
            throw .malformed(what: "a deflated stream", offset: Int64(clamping: unsafe state.pointee.total_in))
        }
        return unsafe DecodingStep(
            consumed: input.count - Int(state.pointee.avail_in),
            produced: output.count - Int(state.pointee.avail_out), isAtEnd: result == Z_STREAM_END)
    }
}

/// libbz2: one bzip2 stream.
@safe final class Bunzipper: Decoder {
    private let state: UnsafeMutablePointer<bz_stream>

    init() throws(ReadFailure) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: unsafe bz_stream())
        guard unsafe BZ2_bzDecompressInit(state, 0, 0) == BZ_OK else {
            unsafe state.deallocate()
            throw .limit("no memory for bzip2")
        }
    }

    deinit {
        unsafe BZ2_bzDecompressEnd(state)
        unsafe state.deallocate()
    }

    func step(
        from input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ReadFailure) -> DecodingStep {
        unsafe state.pointee.next_in = unsafe UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: CChar.self))
        unsafe state.pointee.avail_in = UInt32(input.count)
        unsafe state.pointee.next_out = unsafe output.baseAddress?.assumingMemoryBound(to: CChar.self)
        unsafe state.pointee.avail_out = UInt32(output.count)
        let result = unsafe BZ2_bzDecompress(state)
        guard unsafe result == BZ_OK || result == BZ_STREAM_END || state.pointee.avail_out < UInt32(output.count) else {
            throw .malformed(what: "a bzip2 stream", offset: Int64(unsafe state.pointee.total_in_lo32))
        }
        return unsafe DecodingStep(
            consumed: input.count - Int(state.pointee.avail_in),
            produced: output.count - Int(state.pointee.avail_out), isAtEnd: result == BZ_STREAM_END)
    }
}

/// liblzma: one xz stream, or the older .lzma file.
@safe final class Unxzer: Decoder {
    /// What xz(1) -9 needs to unpack is 65 MiB; a header that asks for more is refused.
    private static let memoryLimit: UInt64 = 128 << 20
    private let state: UnsafeMutablePointer<lzma_stream>

    init(legacy: Bool) throws(ReadFailure) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: unsafe lzma_stream())
        let result =
            unsafe legacy
            ? lzma_alone_decoder(state, Self.memoryLimit) : lzma_stream_decoder(state, Self.memoryLimit, 0)
        guard result == LZMA_OK else {
            unsafe state.deallocate()
            throw .limit("no memory for xz")
        }
    }

    deinit {
        unsafe lzma_end(state)
        unsafe state.deallocate()
    }

    func step(
        from input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ReadFailure) -> DecodingStep {
        unsafe state.pointee.next_in = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe state.pointee.avail_in = input.count
        unsafe state.pointee.next_out = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe state.pointee.avail_out = output.count
        let result = unsafe lzma_code(state, LZMA_RUN)
        switch result {
        case _ where unsafe state.pointee.avail_out < output.count: break
        case LZMA_OK, LZMA_STREAM_END, LZMA_BUF_ERROR: break
        case LZMA_MEMLIMIT_ERROR, LZMA_MEM_ERROR:
            throw .limit("an xz stream that needs more than \(Self.memoryLimit) bytes of memory")
        default: throw .malformed(what: "an xz stream", offset: Int64(clamping: unsafe state.pointee.total_in))
        }
        return unsafe DecodingStep(
            consumed: input.count - state.pointee.avail_in, produced: output.count - state.pointee.avail_out,
            isAtEnd: result == LZMA_STREAM_END)
    }
}

/// liblz4: one lz4 frame.
@safe final class LZ4Decoder: Decoder {
    private let context: OpaquePointer
    private var consumed: Int64 = 0
    /// How much the library wants next: one block, so that a bad block costs no good one before it.
    private var wanted = 1

    init() throws(ReadFailure) {
        var context: OpaquePointer?
        let result = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        guard LZ4F_isError(result) == 0, let context = unsafe context else { throw .limit("no memory for lz4") }
        unsafe self.context = context
    }

    deinit { unsafe LZ4F_freeDecompressionContext(context) }

    func step(
        from input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ReadFailure) -> DecodingStep {
        var taken = min(input.count, wanted)
        var given = output.count
        let result = unsafe LZ4F_decompress(
            context, output.baseAddress, &given, input.baseAddress, &taken, nil)
        guard LZ4F_isError(result) == 0 else { throw .malformed(what: "an lz4 frame", offset: consumed) }
        consumed += Int64(taken)
        wanted = max(1, result)
        return DecodingStep(consumed: taken, produced: given, isAtEnd: result == 0)
    }
}
