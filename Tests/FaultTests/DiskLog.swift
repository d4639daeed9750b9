import Glibc
import LinuxSystem

/// What was asked of a disk, in order. Tests/CRecorder writes it.
struct DiskLog {
    enum Kind: UInt64 {
        case write = 1
        case flushBegins = 2
        case zero = 3
        case flushEnds = 4
    }

    struct Record {
        var kind: Kind
        /// Of a flush, what its begin and its end have in common.
        var offset: Int64
        var length: Int
        /// When the request reached the disk, or just before the end of a flush was told, in nanoseconds of CLOCK_REALTIME.
        var time: Int64
        /// Where in the log its bytes are.
        var position: Int64

        /// Whether it changes the disk.
        var isChange: Bool { kind == .write || kind == .zero }
    }

    private static let headerSize = 32
    private let file: Descriptor
    let records: [Record]

    init(_ file: Descriptor, size: Int64) throws {
        self.file = file
        var records: [Record] = []
        var position: Int64 = 0
        while position < size {
            let header = try bytes(of: file, at: position, count: Self.headerSize)
            let words = (0..<4).map { word in
                header[word * 8..<word * 8 + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            }
            guard let kind = Kind(rawValue: words[0]) else { throw SystemError(.pread, "log", code: EINVAL) }
            position += Int64(Self.headerSize)
            records.append(
                Record(
                    kind: kind, offset: Int64(words[1]), length: Int(words[2]), time: Int64(words[3]),
                    position: position))
            if kind == .write { position += Int64(words[2]) }
        }
        self.records = records
    }

    /// The first record at or behind a position in the log.
    func index(at position: Int64) -> Int { records.firstIndex { $0.position > position } ?? records.count }

    /// Does to an image what was done to the disk.
    ///
    /// - Parameter length: how much of it, for a torn write.
    func apply(_ index: Int, to image: Descriptor, length: Int? = nil) throws {
        let record = records[index]
        guard record.isChange else { return }
        let count = length ?? record.length
        var content = [UInt8](repeating: 0, count: count)
        if record.kind == .write { content = try bytes(of: file, at: record.position, count: count) }
        guard unsafe pwrite(image.number, content, count, off_t(record.offset)) == count else {
            throw SystemError(.write, "image", code: errno)
        }
    }
}

private func bytes(of file: Descriptor, at offset: Int64, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = try unsafe bytes.withUnsafeMutableBytes { buffer in try unsafe file.read(into: buffer, at: offset) }
    guard got == count else { throw SystemError(.pread, "log", code: EIO) }
    return bytes
}

/// Random numbers that come again with their seed, SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// What `INGOT_SEED` says, or any.
    static func seed() -> UInt64 {
        unsafe getenv("INGOT_SEED").flatMap { unsafe UInt64(String(cString: $0)) } ?? .random(in: 0..<1 << 32)
    }
}
