import Glibc

/// The three streams, and what may be written to them.
enum Terminal {
    /// Whether standard output may have colours: a terminal, and nobody said no (no-color.org).
    static let hasColours: Bool = {
        if let wish = unsafe getenv("NO_COLOR"), unsafe wish.pointee != 0 { return false }
        if let kind = unsafe getenv("TERM"), unsafe strcmp(kind, "dumb") == 0 { return false }
        return isatty(STDOUT_FILENO) == 1
    }()

    /// Whether somebody sees what is written to standard error as it comes.
    static let hasProgress = isatty(STDERR_FILENO) == 1

    /// Writes to standard output, all of it and at once.
    static func say(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Writes to standard error.
    static func complain(_ text: String) { write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        unsafe bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0 && errno != EINTR { return }
                written += max(0, count)
            }
        }
    }
}

/// A bar for one large file on standard error; on anything but a terminal, nothing.
struct Progress {
    private static let threshold: Int64 = 1 << 30
    private let name: String
    private let total: Int64
    private let isShown: Bool
    private var shown = -1

    /// A bar for a file that is being read.
    init(_ name: String, total: Int64) {
        self.name = name
        self.total = total
        isShown = Terminal.hasProgress && total > Self.threshold
    }

    /// Shows how far it is.
    mutating func update(_ done: Int64) {
        guard isShown else { return }
        let percent = Int(min(100, done * 100 / max(1, total)))
        guard percent != shown else { return }
        shown = percent
        let bar = String(repeating: "#", count: percent / 4) + String(repeating: ".", count: 25 - percent / 4)
        Terminal.complain("\r[\(bar)] \(percent) % \(name)\u{1B}[K")
    }

    /// Wipes it out.
    func clear() {
        if isShown { Terminal.complain("\r\u{1B}[K") }
    }
}
