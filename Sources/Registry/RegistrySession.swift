internal import PostgresClient
public import Vocabulary

/// A daemon's hold on the registry: one connection, used from one thread.
///
/// Invariants:
/// 1. Nothing is kept in the database's session: every transaction brings its own settings and locks, so that PgBouncer in
///    transaction mode may stand between.
/// 2. Every write is made under the lock of writers. `seq` is drawn under it and the lock outlives the COMMIT, so no row
///    shows up with a number below one that has shown up already.
/// 3. Every write may be repeated: when the answer to a COMMIT is lost, the same call on a new session gets the same verdicts
///    (P4).
public final class RegistrySession {
    /// How long the server may take.
    public struct Patience: Sendable {
        /// For one group, the wait for other daemons' groups included; and for every question.
        public var record = Duration.seconds(25)
        /// For a change of a schema that has rows, or new paths for all files of a store.
        public var upkeep = Duration.seconds(600)

        /// Enough for a slow disk, and not so much that half a minute goes by before somebody hears of a dead server.
        public init() {}
    }

    /// What a person should know about server, schema and store, one sentence each.
    public private(set) var remarks: [String] = []
    let connection: Connection
    let store: StoreRecord
    let patience: Patience

    init(connection: Connection, store: StoreRecord, patience: Patience) {
        self.connection = connection
        self.store = store
        self.patience = patience
    }

    /// Opens the registry: connects, sees that the server takes writes, brings the schema up to date, announces the store, and
    /// goes through recording once.
    ///
    /// - Parameters:
    ///   - connectionString: any that libpq takes.
    ///   - store: the store of this daemon. One that was known under another root takes the paths of its files along.
    ///   - deadline: when to stop connecting. The steps after it have `patience`.
    ///   - patience: how long the server may take for each call.
    /// - Throws: why not, and whose turn it is.
    public static func open(
        connectionString: String, store: StoreRecord, deadline: ContinuousClock.Instant, patience: Patience = Patience()
    ) throws(RegistryError) -> RegistrySession {
        var remarks: [String] = []
        let connection = try Registry.connect(connectionString, deadline: deadline, remarks: &remarks)
        let migrator = Migrator(connection: connection, patience: patience)
        remarks += try migrator.run()
        let session = RegistrySession(connection: connection, store: store, patience: patience)
        session.remarks = remarks
        try session.announceStore()
        try session.rehearse()
        return session
    }

    /// Whether the session can still be used.
    public var isOpen: Bool { connection.isOpen }

    /// Closes the connection.
    public func close() { connection.close() }

    /// What the registry already knows of submissions; nothing for those that it does not know.
    public func recordedOutcomes(of ids: [SubmissionID]) throws(RegistryError) -> [SubmissionID: Outcome] {
        let sql = """
            SELECT submission_id, outcome FROM registry.submissions
            WHERE submission_id = ANY ($1::uuid[])
            """
        let result = try query(sql, [.texts(ids.map(\.description))], operation: "looking up submissions")
        var outcomes: [SubmissionID: Outcome] = [:]
        for row in 0..<result.rowCount {
            guard let id = result.text(row, 0).flatMap({ SubmissionID($0) }) else { continue }
            outcomes[id] = result.text(row, 1).flatMap { Outcome(rawValue: $0) }
        }
        return outcomes
    }

    /// Whether a version with this digest is registered, in whatever store.
    public func isRegistered(_ digest: Digest) throws(RegistryError) -> Bool {
        let sql = "SELECT EXISTS (SELECT FROM registry.models WHERE sha256 = $1)"
        return try query(sql, [.text(digest.hex)], operation: "looking up a digest").text(0, 0) == "t"
    }

    /// How many versions are registered, counted exactly: 0.1 s for a million.
    public func registeredCount() throws(RegistryError) -> Int64 {
        let result = try query("SELECT count(*) FROM registry.models", operation: "counting the models")
        return result.rowCount == 1 ? result.integer(0, 0) ?? 0 : 0
    }

    /// Does what recording does, with nothing to record: whoever may not write, finds a table locked or a server that was
    /// demoted, hears of it here, and not when submissions are on their way.
    ///
    /// Without the lock of writers, because it draws no number.
    public func rehearse() throws(RegistryError) {
        _ = try transaction(EntryColumns([]).statement(storeID: store.id), operation: "trying to record")
    }

    func query(
        _ sql: String, _ parameters: [Parameter] = [], operation: String
    ) throws(RegistryError) -> QueryResult {
        try transaction(Statement("query", sql, parameters), operation: operation)
    }

    /// Runs one statement in a transaction of its own, under our settings and not those of role or database, and under a lock where
    /// one is named.
    func transaction(
        _ statement: Statement, under lock: Int? = nil, operation: String
    ) throws(RegistryError) -> QueryResult {
        var opening = [Guards.begin, Guards.settings(patience: patience.record)]
        if let lock { opening.append(Guards.lock(lock)) }
        do {
            return try connection.pipeline(
                opening + [statement, Guards.commit], operation: operation,
                deadline: ContinuousClock.now + patience.record)[opening.count]
        } catch {
            throw RegistryError(error, operation: operation)
        }
    }

    private func announceStore() throws(RegistryError) {
        let root = store.root.count > 1 && store.root.hasSuffix("/") ? String(store.root.dropLast()) : store.root
        let known = try query(
            "SELECT root FROM registry.stores WHERE store_id = $1::uuid", [.text(store.id)],
            operation: "looking up the store")
        // Only a store that was moved has paths to change.
        let isMoved = known.rowCount == 1 && known.text(0, 0) != root
        let patience = isMoved ? patience.upkeep : patience.record
        let announcement = Statement(
            "adopt store", "SELECT * FROM registry.adopt_store_1($1, $2, $3)",
            [.text(store.id), .text(store.host), .text(root)])
        do {
            let results = try connection.pipeline(
                [
                    Guards.begin, Guards.settings(patience: patience), Guards.lock(Migration.Lock.record),
                    announcement, Guards.commit,
                ], operation: "announcing the store", deadline: ContinuousClock.now + patience)
            guard let oldRoot = results[3].text(0, 1), oldRoot != root else { return }
            let paths = results[3].integer(0, 2) ?? 0
            remarks.append(
                "The store was in \(escaped(oldRoot)) and is in \(escaped(root)): \(paths) paths were changed.")
        } catch {
            throw RegistryError(error, operation: "announcing the store")
        }
    }
}
