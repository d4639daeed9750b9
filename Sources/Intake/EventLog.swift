import LinuxSystem
import Logging
import ModelFormats
import ServiceManager
import Synchronization
import Vocabulary

/// The pipeline's way to the journal: one record an event, identical complaints collapsed.
final class EventLog: Sendable {
    private let logger: Logger
    private let repeats = Mutex(Repeats())

    init(_ logger: Logger) { self.logger = logger }

    /// Complaints that are held, and what kind of record each is.
    private struct Repeats: Sendable {
        var filter = RepeatFilter()
        var kinds: [String: (kind: EventKind, level: Logger.Level)] = [:]
    }

    /// The fields that most records share.
    struct Fields: Sendable {
        var submission: SubmissionID?
        var modelID: String?
        var modelVersion: String?
        var digest: Digest?
        var sizeInBytes: Int64?
        var format: ModelFormat?
        var safety: Safety?
        var drop: String?
        var source: String?
        var proof: Proof?
        var reason: String?
        var duration: Duration?

        var metadata: Logger.Metadata {
            var metadata: Logger.Metadata = [:]
            func put(_ key: String, _ value: String?) { if let value { metadata[key] = .string(value) } }
            put("INGOT_SUBMISSION", submission?.description)
            put("INGOT_MODEL_ID", modelID)
            put("INGOT_MODEL_VERSION", modelVersion)
            put("INGOT_SHA256", digest?.hex)
            put("INGOT_SIZE_BYTES", sizeInBytes.map { "\($0)" })
            put("INGOT_FORMAT", format?.rawValue)
            put("INGOT_SAFETY", safety?.rawValue)
            put("INGOT_DROP", drop)
            put("INGOT_SOURCE", source)
            put("INGOT_PROOF", proof?.rawValue)
            put("INGOT_REASON", reason)
            put("INGOT_DURATION_USEC", duration.map { "\($0.inNanoseconds / 1000)" })
            return metadata
        }
    }

    /// Writes one record.
    func event(_ kind: EventKind, _ level: Logger.Level, _ message: String, _ fields: Fields = Fields()) {
        guard logger.logLevel <= level else { return }
        var metadata = fields.metadata
        metadata["INGOT_EVENT"] = .string(kind.rawValue)
        logger.log(level: level, "\(message)", metadata: metadata)
    }

    /// Writes a complaint that may come again and again: the first at once, the others counted.
    ///
    /// - Parameter key: equal for complaints that are the same to a reader.
    func complaint(
        _ kind: EventKind, _ level: Logger.Level, key: String, _ message: String, _ fields: Fields = Fields()
    ) {
        let verdict = repeats.withLock { repeats in
            repeats.kinds[key] = (kind, level)
            return repeats.filter.admit(key, now: MonotonicClock.nanoseconds())
        }
        switch verdict {
        case .hold: return
        case .write(let held):
            event(kind, level, held == 0 ? message : "\(message) (\(held) times more before this)", fields)
        }
    }

    /// Tells of complaints that were held and never told; to be called now and then.
    func tellHeld() {
        let held = repeats.withLock { repeats in
            let summaries = repeats.filter.summaries(now: MonotonicClock.nanoseconds())
            defer { if repeats.kinds.count > 1000 { repeats.kinds = [:] } }
            return summaries.map { ($0, repeats.kinds[$0.key] ?? (.failed, .warning)) }
        }
        for (summary, record) in held { event(record.kind, record.level, "\(summary.key): \(summary.text)") }
    }
}
