/// One step of the schema. Once released it never changes: a correction is a further step.
struct Migration: Sendable {
    /// Its number; the schema's version once it is applied.
    let version: Int
    /// What it brings, in a few words.
    let name: String
    /// The lowest schema version that a binary has to know in order to write after this step.
    let oldestWriter: Int
    /// The commands, without BEGIN and COMMIT.
    let sql: String

    /// All steps, in order.
    static let all = [
        Migration(
            version: 1, name: "models, stores, blobs, submissions", oldestWriter: 1,
            sql: [
                schemaVersionSQL, storesSQL, modelsSQL, submissionsSQL, leavesSQL, viewsSQL, importsSQL, problemsSQL,
                recordSQL, adoptStoreSQL,
            ].joined(separator: "\n"))
    ]

    /// The version that this binary knows, reads and writes.
    static let latestVersion = all.last?.version ?? 0

    /// The advisory locks, taken as `pg_advisory_xact_lock(class, object)`; never held past a transaction.
    enum Lock {
        /// `INGO` in ASCII.
        static let classID = 0x494E_474F
        /// Held while registry.models and registry.submissions are written.
        static let record = 1
        /// Held while the schema is changed.
        static let migrate = 2

        /// The statement that takes one and waits for it.
        static func sql(_ object: Int) -> String { "SELECT pg_catalog.pg_advisory_xact_lock(\(classID), \(object))" }
    }
}

/// The schema of the registry.
public enum Registry {
    /// The version of the schema that this binary knows.
    public static var schemaVersion: Int { Migration.latestVersion }

    /// Everything that makes the schema, for somebody who would rather run it by hand; psql(1) can.
    public static var migrationSQL: String {
        let steps = Migration.all.map { migration in
            """
            -- Migration \(migration.version): \(migration.name).
            BEGIN;
            SET LOCAL search_path = pg_catalog;
            \(Migration.Lock.sql(Migration.Lock.migrate));
            \(migration.sql)
            \(migration.recordingSQL);
            COMMIT;

            """
        }
        return steps.joined(separator: "\n") + "\n-- Who may read it.\n\(Migration.readerSQL)"
    }
}

extension Migration {
    /// The command that writes down that this step was made.
    var recordingSQL: String {
        """
        INSERT INTO registry.schema_version (version, name, checksum, oldest_writer)
        VALUES (\(version), '\(name)', '\(checksum)', \(oldestWriter))
        """
    }

    /// A fingerprint of the commands, FNV-1a: it tells a build whose schema differs, it does not prove anything.
    var checksum: String {
        let hash = sql.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
