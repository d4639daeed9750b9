import CLinux
import Glibc

/// What a thread is at work on, as far as it matters when the process crashes: the identity of a file.
public struct CrashKey: Sendable, Hashable {
    fileprivate var words: [UInt64]

    /// The identity of a file, and of its content as far as the file system tells.
    public init(_ status: FileStatus) {
        words = [
            status.device, status.inode, UInt64(bitPattern: status.sizeInBytes), UInt64(bitPattern: status.modified),
        ]
    }

    fileprivate init(words: [UInt64]) { self.words = words }

    /// Several files at once, of which none can be blamed.
    public static let group = CrashKey(words: [1, 0, 0, 0])
}

/// A crash that an earlier process had while it was at work on a file.
public struct Crash: Sendable, Equatable {
    /// The file.
    public let key: CrashKey
    /// What happened, such as `SIGSEGV`, or `hung`.
    public let cause: String
    /// The thread that it happened on.
    public let stage: String
}

/// The crashes of this process and of those before it, in a file of 64-byte records.
///
/// A thread says what it is at work on in a ``Slot`` of its own. When a fatal signal hits it, its signal handler appends a record (write(2) is
/// all that it does), so exactly the file that the thread was at work on is blamed. SIGKILL and power cuts blame nobody.
public final class CrashLog: Sendable {
    private static let recordSize = MemoryLayout<ingot_crash_record>.size
    /// So many crashes are remembered.
    private static let limit = 256

    private let directory: Descriptor
    private let name: FileName
    private let file: Descriptor
    /// What is in the log from earlier processes.
    public let crashes: [Crash]

    /// Reads the log of earlier processes and begins to watch this one; once a process.
    public init(_ name: FileName, in directory: Descriptor) throws(SystemError) {
        self.directory = directory
        self.name = name
        let old = try? directory.open(name).readAll(limit: 1 << 20)
        crashes = Self.parse(old ?? []).suffix(Self.limit)
        // A new file rather than the old one, so that what is in it and what is remembered here are the same.
        let bytes = crashes.flatMap(Self.bytes)
        try directory.replaceFile(name, with: bytes, mode: 0o600, durable: false)
        file = try directory.open(name, [.writeOnly, .append])
        _ = ingot_crash_watch(file.number)
    }

    /// Forgets the crashes on a file.
    public func forget(_ key: CrashKey) throws(SystemError) {
        // In place: the signal handlers of all threads hold this very file.
        let bytes = try directory.open(name).readAll(limit: 1 << 20)
        let kept = Self.parse(bytes).filter { $0.key != key }
        guard ftruncate(file.number, 0) == 0 else { throw SystemError(.ftruncate, "\(name)", code: errno) }
        try file.write(kept.flatMap(Self.bytes))
    }

    /// Notes that a stage hangs on what it is at work on.
    public func reportHang(of slot: Slot) { unsafe ingot_crash_report(slot.pointer, file.number, 0) }

    /// What one thread is at work on. Said with a few stores, so it may be said for every file.
    @safe public final class Slot: @unchecked Sendable {
        // The words in it are C atomics; the pointer never changes.
        fileprivate let pointer: OpaquePointer

        /// A slot for a stage; its name is cut to 15 bytes.
        public init(_ stage: String) {
            guard let pointer = unsafe ingot_crash_slot_new(stage) else { fatalError("out of memory") }
            unsafe self.pointer = pointer
        }

        deinit { unsafe ingot_crash_slot_free(pointer) }

        /// Makes it the calling thread's. The thread keeps it for as long as it lives.
        public func bind() { unsafe ingot_crash_bind(pointer) }

        /// The thread is at work on this file now; `nil` is nothing that could be blamed.
        public func work(on key: CrashKey?) {
            unsafe ingot_crash_slot_set(pointer, key?.words ?? [0, 0, 0, 0])
        }
    }

    // MARK: Records

    private static func parse(_ bytes: [UInt8]) -> [Crash] {
        stride(from: 0, through: bytes.count - recordSize, by: recordSize).map { start in
            func word(_ offset: Int, _ count: Int = 8) -> UInt64 {
                (0..<count).reduce(0) { $0 | UInt64(bytes[start + offset + $1]) << (8 * UInt64($1)) }
            }
            let stage = bytes[(start + 40)..<(start + 56)].prefix { $0 != 0 }
            return Crash(
                key: CrashKey(words: [word(0), word(8), word(16), word(24)]),
                cause: name(ofSignal: Int32(truncatingIfNeeded: word(32, 4))),
                stage: String(decoding: stage, as: UTF8.self))
        }
    }

    private static func bytes(_ crash: Crash) -> [UInt8] {
        func bytes(_ word: UInt64, _ count: Int = 8) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
        }
        let stage = Array(crash.stage.utf8.prefix(15))
        return crash.key.words.flatMap { bytes($0) } + bytes(UInt64(number(ofSignal: crash.cause)), 8)
            + stage + [UInt8](repeating: 0, count: 16 - stage.count) + bytes(0)
    }

    private static let names: [(Int32, String)] = [
        (0, "hung"), (SIGILL, "SIGILL"), (SIGTRAP, "SIGTRAP"), (SIGSEGV, "SIGSEGV"), (SIGBUS, "SIGBUS"),
        (SIGFPE, "SIGFPE"), (SIGABRT, "SIGABRT"),
    ]

    private static func name(ofSignal number: Int32) -> String {
        names.first { $0.0 == number }?.1 ?? "signal \(number)"
    }

    private static func number(ofSignal name: String) -> Int32 { names.first { $0.1 == name }?.0 ?? -1 }
}
