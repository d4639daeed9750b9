import LocalPostgres
import PostgresClient
import Registry
import TestKit
import Testing
import Vocabulary

@Suite(.requiresPostgres) struct `The schema` {
    @Test func `everything in it has a comment`() throws {
        let registry = try SampleRegistry()
        _ = try registry.session()
        let bare = try registry.column(
            """
            SELECT c.relname || coalesce('.' || a.attname, '')
            FROM pg_class c
            LEFT JOIN LATERAL (
                SELECT attname, attnum FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0
                UNION ALL SELECT NULL, 0
            ) a ON true
            WHERE c.relnamespace = 'registry'::regnamespace
                AND (c.relkind IN ('r', 'v') OR c.relkind = 'S' AND a.attnum = 0)
                AND NOT EXISTS (
                    SELECT FROM pg_description d
                    WHERE d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum)
            """)
        #expect(bare.isEmpty)
        let functions = "SELECT proname FROM pg_proc WHERE pronamespace = 'registry'::regnamespace"
        #expect(try registry.column(functions + " AND obj_description(oid, 'pg_proc') IS NULL").isEmpty)
        #expect(try registry.column(functions).count == 5)
        #expect(try registry.row("SELECT obj_description('registry'::regnamespace, 'pg_namespace')") != [nil])
    }

    @Test func `a schema from the future is refused, with what to do`() throws {
        let registry = try SampleRegistry()
        _ = try registry.session()
        _ = try registry.row(
            "INSERT INTO registry.schema_version (version, name, checksum, oldest_writer) VALUES (99, 'x', 'y', 98)")
        let error = #expect(throws: RegistryError.self) { try registry.session() }
        #expect(error?.code == .newerSchema)
        #expect(error?.scope == .operatorSetup)
        #expect(error?.message.contains("version 99") == true)
    }

    @Test func `the printed commands make the same schema`() throws {
        let printed = try SampleRegistry()
        let made = try SampleRegistry()
        try printed.connection().script(Registry.migrationSQL, name: "printed", deadline: soon)
        #expect(try !printed.session().remarks.contains { $0.hasPrefix("Made step") || $0.contains("another build") })
        _ = try made.session()
        let shape = """
            SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, ',' ORDER BY table_name, column_name)
            FROM information_schema.columns WHERE table_schema = 'registry'
            """
        #expect(try printed.row(shape) == made.row(shape))
    }

    @Test func `the first columns are those that every article names`() throws {
        let registry = try SampleRegistry()
        _ = try registry.session()
        let columns = try registry.column(
            """
            SELECT column_name FROM information_schema.columns
            WHERE table_schema = 'registry' AND table_name = 'models' ORDER BY ordinal_position LIMIT 6
            """)
        #expect(
            columns == [
                "model_id", "model_version", "creation_timestamp", "training_parameters", "evaluation_metrics",
                "file_path",
            ])
    }

    @Test func `a writer needs no more than to write`() throws {
        let registry = try SampleRegistry()
        _ = try registry.session()
        let name = "writer_\(newSubmissionID().description.suffix(12))"
        try registry.connection().script(
            """
            CREATE ROLE \(name) LOGIN; GRANT USAGE ON SCHEMA registry TO \(name);
            GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA registry TO \(name);
            GRANT USAGE ON ALL SEQUENCES IN SCHEMA registry TO \(name);
            """, name: "a writer", deadline: soon)
        let writer = SampleRegistry(connectionString: registry.connectionString + " user=\(name)")
        #expect(try writer.session().record(registration()).isRegistered)
    }

    @Test func `the role for readers is made or waited for, and said either way`() throws {
        let cluster = try PostgresFixture.throwawayCluster(named: "reader")
        try cluster.run("CREATE ROLE modest LOGIN")
        try cluster.run("CREATE DATABASE modest OWNER modest")
        let registry = SampleRegistry(connectionString: cluster.connectionString(database: "modest") + " user=modest")
        #expect(try registry.session().remarks.contains { $0.hasPrefix("There is no role ingot_reader") })
        try cluster.run("CREATE ROLE ingot_reader")
        #expect(try registry.session().remarks.contains("The role ingot_reader may read the registry."))
        #expect(try registry.row("SELECT has_table_privilege('ingot_reader', 'registry.metrics', 'SELECT')") == ["t"])
        #expect(try registry.row("SELECT has_table_privilege('ingot_reader', 'registry.models', 'INSERT')") == ["f"])
        #expect(try !registry.session().remarks.contains { $0.contains("ingot_reader") })
        try cluster.createDatabase("proud")
        try cluster.run("DROP OWNED BY ingot_reader", database: "modest")
        try cluster.run("DROP ROLE ingot_reader")
        let proud = SampleRegistry(connectionString: cluster.connectionString(database: "proud"))
        #expect(try proud.session().remarks.contains("The role ingot_reader may read the registry."))
    }

    @Test func `what pickles import is one row a name, and a later look replaces an earlier one`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        _ = try session.record(registration("m", "1"))
        let question = "SELECT DISTINCT model_id, model_version FROM registry.imports WHERE module = 'subprocess'"
        #expect(try registry.row(question) == ["m", "1"])
        #expect(
            try registry.row("SELECT name, uses, verdict, part, count FROM registry.imports") == [
                "run", "{call}", "dangerous", "", "2",
            ])
        var later = registration("m", "2")
        later.inspection = InspectionRecord(format: "pickle", safety: "safe", scannerVersion: 2, allowListVersion: 1)
        _ = try session.record(later)
        #expect(try registry.row(question).isEmpty)
        var earlier = registration("m", "3")
        earlier.inspection?.allowListVersion = 9
        _ = try session.record(earlier)
        var never = registration("m", "4")
        never.inspection = nil
        _ = try session.record(never)
        #expect(
            try registry.row("SELECT scanner_version, allow_list_version, imports FROM registry.blobs") == [
                "2", "1", "[]",
            ])
        #expect(try registry.row("SELECT has_table_privilege('ingot_reader', 'registry.imports', 'SELECT')") == ["t"])
        #expect(throws: (any Error).self) {
            try registry.row("UPDATE registry.models SET safety = 'harmless'")
        }
    }

    @Test func `latest models are the last that are not retired`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        for version in ["b", "a", "c"] { _ = try session.record(registration("m", version)) }
        _ = try registry.row(
            "UPDATE registry.models SET retired_at = now(), file_path = NULL WHERE model_version = 'c'")
        #expect(try registry.column("SELECT model_version FROM registry.latest_models") == ["a"])
        guard case .duplicate(let existing, _) = try session.record(registration("m", "c")) else {
            Issue.record("a retired version keeps its name")
            return
        }
        #expect(existing.filePath == nil)
    }
}

@Suite(.requiresPostgres) struct `Metrics and parameters` {
    private static let awkward = #"""
        {"auc": 0.910, "loss": "NaN", "best": "Infinity", "big": 1e308, "bigger": 1e400, "tiny": -1e-400, "zero": -0,
         "huge": 1234567890123456789012345678901234567890.5, "max": 1.7976931348623157e308, "min": 4.9e-324,
         "deep": {"er": {"f1.macro": 1}, "none": {}, "list": [1, [2, {"x": true}], []]}, "note": "fine", "gone": null}
        """#

    @Test func `every value has one row, whatever it is`() throws {
        let registry = try SampleRegistry()
        _ = try registry.session().record(registration(parameters: Self.awkward, metrics: Self.awkward))
        for view in ["metrics", "parameters"] {
            let rows = try registry.column(
                """
                SELECT concat_ws(' ', path, type, coalesce(value::text, '-'), left(coalesce(literal, '-'), 45))
                FROM registry.\(view) WHERE model_id = 'fraud' AND path NOT IN ('big', 'bigger', 'tiny', 'max', 'min')
                ORDER BY path COLLATE "C"
                """)
            #expect(
                rows == [
                    "auc number 0.91 0.910", "best string - Infinity", "deep.er.f1.macro number 1 1",
                    "deep.list.0 number 1 1", "deep.list.1.0 number 2 2", "deep.list.1.1.x boolean - true",
                    "gone null - -",
                    "huge number 1.2345678901234568e+39 1234567890123456789012345678901234567890.5",
                    "loss string - NaN", "note string - fine", "zero number 0 0",
                ])
        }
        let extremes = try registry.column(
            "SELECT value FROM registry.metrics WHERE path IN ('big', 'bigger', 'tiny', 'max', 'min') ORDER BY path")
        #expect(extremes == ["1e+308", nil, "1.7976931348623157e+308", "5e-324", "0"])
        let best = try registry.row(
            "SELECT path FROM registry.metrics WHERE value IS NOT NULL ORDER BY value DESC LIMIT 1")
        #expect(best == ["max"])
    }

    @Test func `numbers at and past every edge of float8 never raise`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        let numbers = [
            "1.7976931348623158e308", "1.797693134862315807e308", "1.7976931348623159e308", "2e308", "-1.8e308",
            "2.4e-324", "2.5e-324", "4.9406564584124654e-324", "4.94e-324", "1e-1000", "1e1000", "-1e-320", "1e130000",
            "0e-16000", "9007199254740993", String(repeating: "9", count: 1_000),
        ]
        for (index, number) in numbers.enumerated() {
            #expect(try session.record(registration("edge", "\(index)", metrics: "{\"x\":\(number)}")).isRegistered)
        }
        let rows = try registry.row(
            """
            SELECT count(*), string_agg(model_version, ' ' ORDER BY model_version::integer) FILTER (WHERE value IS NULL),
                string_agg(model_version, ' ' ORDER BY model_version::integer) FILTER (WHERE value = 0)
            FROM registry.metrics
            """)
        #expect(rows == ["16", "2 3 4 10 12 15", "5 9 13"])
    }

    @Test func `depth and breadth are no trouble`() throws {
        let registry = try SampleRegistry()
        let depth = 3_000
        let deep = String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
        let list = (0..<10_000).map(String.init).joined(separator: ",")
        _ = try registry.session().record(registration(parameters: deep, metrics: "{\"loss\":[\(list)]}"))
        #expect(try registry.row("SELECT count(*), max(value) FROM registry.metrics") == ["10000", "9999"])
        #expect(try registry.row("SELECT length(path), value FROM registry.parameters") == ["\(2 * depth - 1)", "1"])
    }

    /// Somebody who writes rows by hand is stopped by the tables themselves.
    @Test func `digests and names of any other form are no rows`() throws {
        let registry = try SampleRegistry()
        _ = try registry.session().record(registration("good", "1"))
        let digits = String(repeating: "a", count: 64)
        let digests = [
            "", String(digits.dropLast()), digits + "a", String(digits.dropLast()) + "\n", digits + "\n",
            String(digits.dropLast()) + "A", String(repeating: "é", count: 64), String(digits.dropLast()) + "g",
        ]
        for digest in digests {
            #expect(throws: PostgresError.self, "\(digest)") {
                try registry.row("UPDATE registry.models SET manifest_sha256 = '\(digest)' RETURNING 1")
            }
        }
        let names = ["", "-a", "a b", "a..b", "a\n", String(repeating: "a", count: 256), "é", ".a", "a\\b"]
        for name in names {
            #expect(throws: PostgresError.self, "\(name)") {
                try registry.row("UPDATE registry.models SET model_id = '\(name)' RETURNING 1")
            }
        }
        for name in ["a", "A/b.c_d-e", String(repeating: "a", count: 255)] {
            #expect(try registry.row("UPDATE registry.models SET model_id = '\(name)' RETURNING 1") == ["1"])
        }
    }
}
