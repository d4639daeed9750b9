internal import CSystemd
internal import Glibc
public import Logging

/// Writes records with all their fields to the journal: sd_journal_sendv(3), the native protocol.
///
/// Values travel with their length, so that no name in them can end a line and forge another record.
public struct JournalLogHandler: LogHandler {
    /// What this logger adds to every record.
    public var metadata: Logger.Metadata = [:]
    /// What the task at hand adds to every record.
    public var metadataProvider: Logger.MetadataProvider?

    private var level: ThresholdLevel
    private let identifier: String

    /// A handler.
    ///
    /// - Parameters:
    ///   - threshold: the level, which may change while the program runs.
    ///   - identifier: `SYSLOG_IDENTIFIER`, what `journalctl -t` looks for.
    public init(threshold: LogThreshold, identifier: String = "ingotd") {
        level = ThresholdLevel(shared: threshold)
        self.identifier = identifier
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
        let all = combined(metadata, metadataProvider, event.metadata)
        let fields = JournalRecord.fields(event, metadata: all, identifier: identifier)
        // A journal that refuses a record must not swallow it.
        if Self.send(fields) < 0 { StandardError.write(StandardErrorLogHandler.line(event, metadata: all)) }
    }

    /// Hands the fields to journald as they are; a negative errno when it does not take them.
    ///
    /// - Returns: 0 also when there is no journald at all: sd_journal_sendv(3) is silent about that.
    static func send(_ fields: [JournalField]) -> Int32 {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for field in fields {
            bytes += field.name.utf8
            bytes.append(UInt8(ascii: "="))
            bytes += field.value
            ends.append(bytes.count)
        }
        return unsafe bytes.withUnsafeMutableBytes { buffer in
            var start = 0
            var vectors: [iovec] = unsafe []
            for end in ends {
                unsafe vectors.append(
                    iovec(iov_base: buffer.baseAddress.map { unsafe $0 + start }, iov_len: end - start))
                start = end
            }
            return unsafe sd_journal_sendv(vectors, Int32(vectors.count))
        }
    }
}

/// A logger's metadata, what its provider knows, and the event's own; the later ones win.
func combined(
    _ own: Logger.Metadata, _ provider: Logger.MetadataProvider?, _ event: Logger.Metadata?
) -> Logger.Metadata {
    guard provider != nil || !own.isEmpty else { return event ?? [:] }
    return own.merging(provider?.get() ?? [:]) { $1 }.merging(event ?? [:]) { $1 }
}
