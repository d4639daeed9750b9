internal import Glibc
internal import LinuxSystem
internal import ModelFormats
internal import Vocabulary

/// The process that looks inside files, and can do nothing else.
///
/// Invariants:
/// 1. It has one thread, and no descriptor but its socket (standard input) when it shuts itself in.
/// 2. It reads the first byte of a file only after that. A file comes as an open descriptor for reading; its name never comes.
/// 3. Every request gets one answer, or the process ends: there is nothing between that the other side could mistake for an answer.
///
/// ```
/// start ─▶ shut in ─▶ says what is in force ─▶ file ─▶ answer ─▶ file …      end of the socket: end of the process
/// ```
public enum InspectionWorker {
    /// The word on the command line that makes the daemon's program a worker.
    public static let command = "inspect-worker"
    /// What a worker may map: enough for the limits of an inspection, too little to hurt a machine.
    static let addressSpace: UInt64 = 2 << 30
    /// A worker that needed more than this ends after its answer, so that the next one begins small.
    private static let roomyInKibibytes = 512 << 10

    /// Serves until the other end of standard input is closed.
    public static func run() -> Never {
        let socket = Descriptor(owning: 0)
        let sandbox = Sandbox.enter(addressSpace: addressSpace, descriptors: 16)
        // What is set up once, such as the list of names, is set up now and not when a producer waits.
        _ = Inspector.inspect(
            MemoryBytes(Array("\u{80}\u{04}N.".unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })))
        do throws(SystemError) {
            try socket.write(AnswerHeader(length: 0, word: sandbox.rawValue).bytes)
            while let request = try socket.receive(count: Request.byteCount), let file = request.descriptor {
                let size = Request(request.bytes).sizeInBytes
                let answer = Array(inspect(file, sizeInBytes: size).json.text.utf8)
                let isLast = hasGrown
                try socket.write(AnswerHeader(length: answer.count, word: isLast ? 1 : 0).bytes + answer)
                if isLast { break }
            }
        } catch {
            _exit(1)
        }
        _exit(0)
    }

    private static func inspect(_ file: Descriptor, sizeInBytes: Int64) -> Inspection {
        let source = FileBytes(file, sizeInBytes: sizeInBytes)
        #if DEBUG
            if let inspection = misbehave(source) { return inspection }
        #endif
        return Inspector.inspect(source)
    }

    private static var hasGrown: Bool {
        var usage = rusage()
        return unsafe getrusage(RUSAGE_SELF.rawValue, &usage) == 0 && usage.ru_maxrss > roomyInKibibytes
    }
}

#if DEBUG
    extension InspectionWorker {
        /// What makes a worker of a debug build misbehave on purpose: a file that begins with this, and a word.
        static let misbehaviour = "INGOT-INSPECTOR-TEST "

        private static func misbehave(_ source: FileBytes) -> Inspection? {
            let length = misbehaviour.utf8.count
            var bytes = [UInt8](repeating: 0, count: Int(min(source.sizeInBytes, 64)))
            let isRead = unsafe bytes.withUnsafeMutableBytes { unsafe (try? source.read(at: 0, into: $0)) == $0.count }
            guard isRead, bytes.starts(with: misbehaviour.utf8) else { return nil }
            switch String(decoding: bytes[length...], as: UTF8.self) {
            case "trap": fatalError("as the test wants it")
            case "hang": while true {}
            case "memory":
                while true { _ = UnsafeMutableRawPointer.allocate(byteCount: 16 << 20, alignment: 16) }
            case "babble":
                _ = unsafe write(0, "this is no answer, and far too long", 35)
                return nil
            case "probe":
                let results = Sandbox.probes.map { JSON.Member($0.name, .number("\($0.error)")) }
                return Inspection(format: .unknown, details: .object(results), safety: .noCode)
            default: return nil
            }
        }
    }
#endif
