internal import PostgresClient
internal import Vocabulary

extension Registry {
    /// Brings the schema of a registry up to date, and does nothing else.
    ///
    /// - Parameters:
    ///   - connectionString: any that libpq takes; its user owns the schema afterwards.
    ///   - deadline: when to stop connecting.
    ///   - patience: how long the changes may take.
    /// - Returns: what was done, one sentence each.
    /// - Throws: why not, and whose turn it is.
    public static func migrate(
        connectionString: String, deadline: ContinuousClock.Instant,
        patience: RegistrySession.Patience = RegistrySession.Patience()
    ) throws(RegistryError) -> [String] {
        var remarks: [String] = []
        let connection = try connect(connectionString, deadline: deadline, remarks: &remarks)
        defer { connection.close() }
        return try remarks + Migrator(connection: connection, patience: patience).run()
    }

    /// Connects to a server that can hold a registry and takes writes.
    static func connect(
        _ connectionString: String, deadline: ContinuousClock.Instant, remarks: inout [String]
    ) throws(RegistryError) -> Connection {
        try RegistryError.translating("opening the registry") {
            let connection = try Connection.open(connectionString, deadline: deadline)
            let facts = try connection.query(
                """
                SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean,
                    current_setting('server_version_num')::integer, current_setting('server_encoding'),
                    current_setting('fsync')::boolean, current_database()
                """, deadline: deadline)
            try check(facts, remarks: &remarks)
            return connection
        }
    }

    private static func check(_ facts: QueryResult, remarks: inout [String]) throws(RegistryError) {
        let operation = "opening the registry"
        let database = escaped(facts.text(0, 5) ?? "")
        if facts.bool(0, 0) == true || facts.bool(0, 1) == true {
            throw RegistryError(
                code: .readOnly, operation: operation,
                message: facts.bool(0, 0) == true
                    ? "The server is a standby: it takes no writes."
                    : "The database \(database) is set to read only (default_transaction_read_only).")
        }
        if let version = facts.integer(0, 2), version < 130_000 {
            throw RegistryError(
                code: .unsupportedServer, operation: operation,
                message: "The server is PostgreSQL \(version / 10_000); Ingot needs 13 or later.")
        }
        if let encoding = facts.text(0, 3), encoding != "UTF8" {
            throw RegistryError(
                code: .unsupportedServer, operation: operation,
                message: "The database \(database) has the encoding \(encoding); Ingot needs UTF8.",
                hint: "createdb --encoding=UTF8 --template=template0 makes one.")
        }
        if facts.bool(0, 4) == false {
            remarks.append("The server runs with fsync=off: a power cut may cost it what it has acknowledged.")
        }
    }
}

extension RegistryError {
    /// PostgreSQL's error in the registry's words.
    init(_ cause: PostgresError, operation: String) {
        let code: Code =
            switch cause.sqlState {
            case "25006": .readOnly
            case "42P01", "42883", "3F000", "42703", "23503", "23505": .damagedSchema
            default: .database
            }
        self.init(
            code: code, operation: operation, message: cause.description, hint: Self.hint(for: cause), cause: cause)
    }

    /// Does something that throws PostgreSQL's errors or ours, and throws ours.
    static func translating<Value>(
        _ operation: String, _ body: () throws -> Value
    ) throws(RegistryError) -> Value {
        do {
            return try body()
        } catch let error as PostgresError {
            throw RegistryError(error, operation: operation)
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(code: .damagedSchema, operation: operation, message: "\(error)")
        }
    }

    private static func hint(for cause: PostgresError) -> String? {
        switch cause.sqlState {
        case "3D000": "Create it: createdb --encoding=UTF8 --template=template0 <name>"
        case "42501":
            "The database user needs CREATE on the database, or to own the schema registry: "
                + "GRANT CREATE ON DATABASE <name> TO <user>."
        case "23505":
            "Somebody writes into the schema registry beside Ingot, or the sequence registry.models_seq lies behind "
                + "max(seq): SELECT setval('registry.models_seq', max(seq)) FROM registry.models mends that."
        case "23503": "A row was removed from registry.stores or registry.blobs; the next start brings the store back."
        case "42P01", "42883", "3F000", "42703":
            "Something was removed from the schema registry; restore it from a backup."
        default: nil
        }
    }
}
