/// The compressions that loaders of models undo by themselves.
public enum Compression: String, Sendable, CaseIterable {
    case zlib, gzip, bzip2, xz, lzma, lz4
    /// Python's joblib up to 0.9: `ZF`, the length in hexadecimal, then zlib.
    case zfile
    /// What a zip archive holds: no header, no checksum of its own, a single stream.
    case deflate

    /// Looks at a file's first bytes; what begins like a compressed stream need not be one.
    public init?(startingWith head: [UInt8]) {
        if head.starts(with: [0x1F, 0x8B, 8]) { self = .gzip; return }
        if head.starts(with: Array("BZh".utf8)), Self.blockMagics.contains(Array(head.dropFirst(4).prefix(6))) {
            self = .bzip2; return
        }
        if head.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A]) { self = .xz; return }
        if head.starts(with: [0x5D, 0, 0]) { self = .lzma; return }
        if head.starts(with: [0x04, 0x22, 0x4D, 0x18]) { self = .lz4; return }
        if head.starts(with: Array("ZF0x".utf8)) { self = .zfile; return }
        guard head.count >= 2, head[0] == 0x78, (Int(head[0]) << 8 | Int(head[1])) % 31 == 0 else { return nil }
        self = .zlib
    }

    /// What follows the four bytes of a bzip2 header: a block, or the end. A pickle may begin with the header's
    /// letters.
    private static let blockMagics: [[UInt8]] = [
        [0x31, 0x41, 0x59, 0x26, 0x53, 0x59], [0x17, 0x72, 0x45, 0x38, 0x50, 0x90],
    ]

    /// Whether the first bytes alone leave no doubt, so that damage behind them is worth a word.
    var isUnmistakable: Bool { [.gzip, .bzip2, .xz, .lz4, .zfile].contains(self) }

    /// Whether one stream may follow the other, as Python's readers accept it.
    var mayBeRepeated: Bool { self != .deflate && self != .zfile && self != .lzma }

    /// How many bytes stand before the stream: joblib wrote a length in 19 or 20 places.
    func headerSize(startingWith head: [UInt8]) -> Int64 {
        guard self == .zfile else { return 0 }
        return head.count > 21 && head[21] == 0x20 ? 22 : 21
    }

    func makeDecoder() throws(ReadFailure) -> any Decoder {
        switch self {
        case .zlib, .zfile: try Inflater(windowBits: 15)
        case .gzip: try Inflater(windowBits: 15 + 16)
        case .deflate: try Inflater(windowBits: -15)
        case .bzip2: try Bunzipper()
        case .xz: try Unxzer(legacy: false)
        case .lzma: try Unxzer(legacy: true)
        case .lz4: try LZ4Decoder()
        }
    }
}

/// What one step of a decoder did.
struct DecodingStep {
    var consumed: Int
    var produced: Int
    var isAtEnd: Bool
}

/// One compressed stream's state in the library that undoes it.
protocol Decoder: AnyObject {
    /// Takes some of the input, gives some output.
    ///
    /// What came out before the input turned out to be bad is given first; the next step throws then. A loader has seen
    /// it, too.
    ///
    /// - Throws: `.malformed`, when the library does not accept the input.
    func step(
        from input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(ReadFailure) -> DecodingStep
}

/// Bytes as they come out of a decompressor: bounded, and in constant memory, whatever the stream says about itself.
@safe public final class UnpackedStream: ByteStream {
    private let compression: Compression
    private let packed: any ByteSource
    private let budget: InspectionBudget
    private let limit: Int64
    private let buffer: UnsafeMutableRawBufferPointer
    private var decoder: any Decoder
    private var position: Int64
    private var index = 0
    private var filled = 0
    private var produced: Int64 = 0
    private var isFinished = false

    /// Starts to unpack a source.
    ///
    /// - Throws: `.limit` when there is no memory for the decoder.
    public init(
        _ compression: Compression, of packed: any ByteSource, budget: InspectionBudget
    ) throws(ReadFailure) {
        decoder = try compression.makeDecoder()
        self.compression = compression
        self.packed = packed
        self.budget = budget
        let (product, overflow) = packed.sizeInBytes.multipliedReportingOverflow(by: budget.limits.expansion)
        limit = overflow ? .max : max(product, budget.limits.unpackedFloor)
        position = compression == .zfile ? compression.headerSize(startingWith: packed.head(22)) : 0
        unsafe buffer = .allocate(byteCount: ByteReader.bufferSize, alignment: 64)
    }

    deinit { unsafe buffer.deallocate() }

    /// How many bytes of the packed source were used so far.
    public var consumed: Int64 { position - Int64(filled - index) }

    /// Unpacks the next bytes.
    ///
    /// - Throws: ``ReadFailure`` for a damaged or truncated stream, and when a limit is reached.
    public func next(into output: UnsafeMutableRawBufferPointer) throws(ReadFailure) -> Int {
        while !isFinished {
            if index == filled { try refill() }
            let input = unsafe UnsafeRawBufferPointer(rebasing: buffer[index..<filled])
            let step = unsafe try decoder.step(from: input, into: output)
            index += step.consumed
            if step.isAtEnd { try finishStream() }
            if step.produced > 0 {
                try account(step.produced)
                return step.produced
            }
            if !step.isAtEnd, step.consumed == 0, index < filled || isAtEndOfInput {
                throw .truncated(what: "a \(compression.rawValue) stream", offset: consumed)
            }
        }
        return 0
    }

    private var isAtEndOfInput: Bool { position >= packed.sizeInBytes }

    private func refill() throws(ReadFailure) {
        index = 0
        filled = unsafe try packed.read(at: position, into: buffer)
        position += Int64(filled)
    }

    private func account(_ count: Int) throws(ReadFailure) {
        produced += Int64(count)
        guard produced <= limit else {
            throw .limit(
                "a \(compression.rawValue) stream of \(packed.sizeInBytes) bytes unpacks to more than \(limit) bytes")
        }
        try budget.spend(unpacked: count)
    }

    /// Goes on to the next stream when there is one.
    private func finishStream() throws(ReadFailure) {
        if index == filled { try refill() }
        guard compression.mayBeRepeated, filled > index else { isFinished = true; return }
        if compression == .gzip || compression == .xz { try skipPadding() }
        if index == filled { isFinished = true; return }
        decoder = try compression.makeDecoder()
    }

    /// Zeros between and behind streams, which gzip(1) and xz(1) allow.
    private func skipPadding() throws(ReadFailure) {
        while index < filled, unsafe buffer[index] == 0 {
            index += 1
            if index == filled { try refill() }
        }
    }
}

extension ByteSource {
    /// A few bytes at an offset; fewer only at the end.
    func read(at offset: Int64, count: Int) throws(ReadFailure) -> [UInt8] {
        var failure: ReadFailure?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(ReadFailure) {
                filled = unsafe try read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    /// A few bytes at an offset; fewer where there are fewer or none can be read.
    func bytes(at offset: Int64, count: Int) -> [UInt8] { (try? read(at: offset, count: count)) ?? [] }

    /// The first bytes; fewer where there are fewer or none can be read.
    func head(_ count: Int) -> [UInt8] { bytes(at: 0, count: count) }
}
