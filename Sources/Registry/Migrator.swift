internal import PostgresClient
internal import Vocabulary

/// Brings the schema up to date; any number of daemons may do so at once.
struct Migrator {
    let connection: Connection
    let patience: RegistrySession.Patience

    /// Makes the steps that are missing and lets `ingot_reader` in.
    ///
    /// - Returns: what a person should know about it.
    func run() throws(RegistryError) -> [String] {
        try RegistryError.translating("bringing the schema up to date") {
            var remarks: [String] = []
            // Each step looks again under the lock: another daemon may have made it meanwhile.
            while let next = try missingStep(remarks: &remarks) {
                if try make(next) { remarks.append("Made step \(next.version) of the schema: \(next.name).") }
            }
            return try remarks + readers()
        }
    }

    /// Sees that nothing is missing, and changes nothing.
    func check() throws(RegistryError) {
        try RegistryError.translating("looking at the schema") {
            var remarks: [String] = []
            guard let missing = try missingStep(remarks: &remarks) else { return }
            throw RegistryError(
                code: .damagedSchema, operation: "looking at the schema",
                message: "Step \(missing.version) of the schema is missing.",
                hint: "Start the ingotd of this version once; it makes what is missing.")
        }
    }

    /// For a question, or a change that has no rows to go through.
    private var deadline: ContinuousClock.Instant { ContinuousClock.now + patience.record }

    /// The first step that is missing.
    ///
    /// Most starts find none, and this costs them two questions and no lock, and asks for no right but to read.
    private func missingStep(remarks: inout [String]) throws -> Migration? {
        let applied = try appliedSteps()
        let newest = applied.keys.max() ?? 0
        guard newest <= Migration.latestVersion else {
            let oldest = applied.values.map(\.oldestWriter).max() ?? newest
            throw RegistryError(
                code: .newerSchema, operation: "opening the registry",
                message: "The schema has version \(newest), which asks for binaries that know version \(oldest); "
                    + "this one knows version \(Migration.latestVersion).",
                hint: "Install the Ingot that the other daemons of this registry run.")
        }
        for migration in Migration.all {
            guard let step = applied[migration.version] else { return migration }
            let remark = "Step \(migration.version) of the schema was made by another build of Ingot."
            if step.checksum != migration.checksum, !remarks.contains(remark) { remarks.append(remark) }
        }
        return nil
    }

    /// The steps that were made.
    private func appliedSteps() throws -> [Int: (checksum: String, oldestWriter: Int)] {
        // Not to_regclass(): it looks into a cache that learns nothing new while we wait for the lock.
        let table = try connection.query(
            """
            SELECT FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = 'registry' AND relname = 'schema_version'
            """, deadline: deadline)
        guard table.rowCount > 0 else { return [:] }
        let rows = try connection.query(
            "SELECT version, checksum, oldest_writer FROM registry.schema_version", deadline: deadline)
        var steps: [Int: (checksum: String, oldestWriter: Int)] = [:]
        for row in 0..<rows.rowCount {
            steps[Int(rows.integer(row, 0) ?? 0)] = (rows.text(row, 1) ?? "", Int(rows.integer(row, 2) ?? 0))
        }
        return steps
    }

    /// Makes one step, unless somebody else has: one transaction, all or nothing.
    ///
    /// - Returns: whether it was we.
    private func make(_ migration: Migration) throws -> Bool {
        // The first step makes tables, and is as quick as a question; later ones may rewrite them.
        let patience = migration.version == 1 ? patience.record : patience.upkeep
        let deadline = ContinuousClock.now + patience
        let begin = [Guards.begin, Guards.settings(patience: patience), Guards.lock(Migration.Lock.migrate)]
        _ = try connection.pipeline(begin, operation: "waiting to change the schema", deadline: deadline)
        let isMade = try appliedSteps()[migration.version] != nil
        let commands = isMade ? "COMMIT" : "\(migration.sql)\n;\(migration.recordingSQL);\nCOMMIT"
        try connection.script(commands, name: "step \(migration.version) of the schema", deadline: deadline)
        return !isMade
    }

    /// Lets `ingot_reader` read, where that is possible; the daemon does not depend on it.
    private func readers() throws -> [String] {
        let question = """
            SELECT count(*), count(*) FILTER (
                WHERE has_schema_privilege(oid, 'registry', 'USAGE') AND has_table_privilege(oid, 'registry.models', 'SELECT'))
            FROM pg_catalog.pg_roles WHERE rolname = 'ingot_reader'
            """
        var known = try connection.query(question, deadline: deadline)
        if known.integer(0, 1) == 1 { return [] }
        do {
            try connection.script(Migration.readerSQL, name: "granting to ingot_reader", deadline: deadline)
        } catch {
            guard !error.invalidatesConnection else { throw error }
            return ["The role ingot_reader cannot be let in: \(error.primary)."]
        }
        known = try connection.query(question, deadline: deadline)
        let exists = known.integer(0, 0) == 1
        return [
            exists
                ? "The role ingot_reader may read the registry."
                : "There is no role ingot_reader, and this user may not create it; once it exists, the next start lets it in."
        ]
    }
}
