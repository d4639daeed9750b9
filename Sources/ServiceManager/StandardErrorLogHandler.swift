internal import Glibc
public import Logging
internal import Synchronization

/// Writes the journal's messages to stderr, for a terminal or a container: one line each, whatever is in them.
public struct StandardErrorLogHandler: LogHandler {
    /// What this logger adds to every record.
    public var metadata: Logger.Metadata = [:]
    /// What the task at hand adds to every record.
    public var metadataProvider: Logger.MetadataProvider?

    private var level: ThresholdLevel
    private let showsTime: Bool

    /// A handler; a terminal also gets the time, everything else that reads us (a container's engine) adds its own.
    public init(threshold: LogThreshold) {
        level = ThresholdLevel(shared: threshold)
        showsTime = isatty(STDERR_FILENO) == 1
    }

    /// The shared level, or this logger's own once it was set.
    public var logLevel: Logger.Level {
        get { level.value }
        set { level.own = newValue }
    }

    /// One of the values in ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one record.
    public func log(event: LogEvent) {
        let line = Self.line(event, metadata: combined(metadata, metadataProvider, event.metadata))
        StandardError.write(showsTime ? "\(Self.timeOfDay()) \(line)" : line)
    }

    /// Level and message. Our own fields (`INGOT_SHA256`) say again what the message says and stay out; what a
    /// library put beside its message is all there is, and is appended.
    static func line(_ event: LogEvent, metadata: Logger.Metadata) -> String {
        var line = "\(event.level): \(singleLine(event.message.description))"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where !JournalRecord.isFieldName(key) {
            line += " \(singleLine(key))=\(singleLine(value.description))"
        }
        if let error = event.error { line += " error=\(singleLine(String(describing: error)))" }
        return line
    }

    private static func timeOfDay() -> String {
        var now = time(nil)
        var local = unsafe tm()
        unsafe localtime_r(&now, &local)
        let parts = unsafe [local.tm_hour, local.tm_min, local.tm_sec]
        return parts.map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: ":")
    }
}

/// Whole lines to descriptor 2, without stdio's buffers.
enum StandardError {
    /// Lines longer than a pipe's atomic size could mix without it.
    private static let turn = Mutex(())

    static func write(_ line: String) {
        let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
        turn.withLock { _ in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = unsafe rest.withUnsafeBytes {
                    unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count)
                }
                // Nobody is there to read about a stderr that takes nothing.
                if written < 0, errno != EINTR { return }
                rest = rest.dropFirst(max(0, written))
            }
        }
    }
}
