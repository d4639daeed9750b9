/// The kinds of journal records, each with its own MESSAGE_ID and entry in the message catalog.
public enum EventKind: String, Sendable, CaseIterable {
    // One record a submission.
    case registered, duplicate, rejected, waiting
    // The service.
    case started, stopped, reloaded
    case reloadFailed = "reload_failed"
    case recovered
    // Something outside is wrong, or right again.
    case dropUnavailable = "drop_unavailable"
    case dropAvailable = "drop_available"
    case dropPolled = "drop_polled"
    case databaseUnavailable = "database_unavailable"
    case databaseAvailable = "database_available"
    case storeUnavailable = "store_unavailable"
    case storeAvailable = "store_available"
    case blobCorrupt = "blob_corrupt"
    case eventsLost = "events_lost"
    case watchLimit = "watch_limit"
    case failed

    /// The journal's MESSAGE_ID: 32 lower-case hexadecimal digits, fixed for ever (sd-id128(3)).
    public var messageID: String {
        switch self {
        case .registered: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e01"
        case .duplicate: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e02"
        case .rejected: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e03"
        case .waiting: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e04"
        case .started: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e05"
        case .stopped: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e06"
        case .reloaded: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e07"
        case .reloadFailed: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e08"
        case .recovered: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e09"
        case .dropUnavailable: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e0a"
        case .dropAvailable: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e0b"
        case .dropPolled: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e0c"
        case .databaseUnavailable: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e0d"
        case .databaseAvailable: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e0e"
        case .storeUnavailable: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e0f"
        case .storeAvailable: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e10"
        case .blobCorrupt: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e11"
        case .eventsLost: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e12"
        case .watchLimit: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e13"
        case .failed: "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e14"
        }
    }
}
