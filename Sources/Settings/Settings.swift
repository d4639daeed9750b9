/// The daemon's configuration: one immutable value, valid as a whole or not there at all.
///
/// Invariants, which ``parse(_:file:environment:)`` keeps and the rest of the daemon relies on:
/// 1. `store` and every drop's path are absolute, without `..`, doubled or trailing slashes.
/// 2. No drop directory lies in another one, in the store, or around it.
/// 3. There is at least one drop directory.
public struct Settings: Sendable, Equatable {
    /// The store's root, an absolute path.
    public var store: String
    /// Any libpq connection string: keywords and values, or a URI.
    ///
    /// A password does better outside: libpq reads it at every connection from the file that `PGPASSFILE` or
    /// `passfile=` names, which can be a systemd credential (`PGPASSFILE=%d/pgpass` in the unit).
    public var database: String
    /// The drop directories, at least one.
    public var drops: [DropSettings]
    /// How often the drop directories are listed in full, whatever inotify says.
    public var rescan: Duration
    /// How long receipts stay.
    public var receiptsKeep: Duration
    /// Free space in the store below which nothing is taken any more.
    public var reserve: Reserve
    /// The number of workers; `nil` leaves it to the machine.
    public var workers: Int?
    /// The least important records that are still written.
    public var logLevel: LogLevel

    /// A configuration from values that are known to be right, with the documented defaults.
    public init(
        store: String, database: String, drops: [DropSettings], rescan: Duration = Self.defaultRescan,
        receiptsKeep: Duration = Self.defaultReceiptsKeep, reserve: Reserve = Self.defaultReserve,
        workers: Int? = nil, logLevel: LogLevel = .info
    ) {
        self.store = store
        self.database = database
        self.drops = drops
        self.rescan = rescan
        self.receiptsKeep = receiptsKeep
        self.reserve = reserve
        self.workers = workers
        self.logLevel = logLevel
    }

    /// `rescan:` when the file is silent.
    public static let defaultRescan = Duration.seconds(60)
    /// `receipts_keep:` when the file is silent.
    public static let defaultReceiptsKeep = Duration.seconds(7 * 86_400)
    /// `reserve:` when the file is silent.
    public static let defaultReserve = Reserve.percent(2)
}

/// Free space that is left alone.
public enum Reserve: Sendable, Equatable {
    /// A share of the file system's size, 0 to below 100.
    case percent(Double)
    /// A number of bytes.
    case bytes(Int64)
}

/// How important a record has to be, least important first.
public enum LogLevel: String, Sendable, CaseIterable {
    case debug, info, notice, warning, error
}
