import Manifest
import PostgresClient
import TestKit
import Testing
import Vocabulary

@Suite(.requiresPostgres) struct `Manifests beside PostgreSQL` {
    private func connection() throws -> Connection {
        try Connection.open(PostgresFixture.freshDatabase(), deadline: .now + .seconds(30))
    }

    @Test func `jsonb takes every accepted document with the same meaning`() throws {
        let connection = try connection()
        let documents = JsonbVectors.accepted()
        try #require(documents.count > Environment.fuzzIterations / 2)
        for document in documents {
            let text = document.text
            let result = try connection.query(
                "SELECT ($1::text::jsonb)::text", [.text(text)], deadline: .now + .seconds(30))
            let stored = try #require(result.text(0, 0))
            // Blanks and numbers written out may put it beyond a manifest's size: then being taken has to do.
            if stored.utf8.count > Limits.sizeInBytes { continue }
            let again = try #require(Verdict(stored).manifest?.document, "\(text.prefix(2_000))")
            try #require(again.meaning == document.meaning, "\(text.prefix(2_000))")
        }
    }

    @Test func `every number of an accepted document can be cast to float8`() throws {
        let connection = try connection()
        let sql = """
            SELECT count((value #>> '{}')::float8 = (value)::float8), count(*)
              FROM jsonb_path_query($1::text::jsonb, 'strict $.** ? (@.type() == "number")') AS value
            """
        for document in JsonbVectors.accepted().prefix(2_000) {
            let result = try connection.query(sql, [.text(document.text)], deadline: .now + .seconds(30))
            try #require(result.integer(0, 0) == result.integer(0, 1))
        }
    }

    @Test func `a number is accepted exactly when float8 holds it`() throws {
        let connection = try connection()
        for literal in JsonbVectors.literals {
            var isCastable = true
            do throws(PostgresError) {
                _ = try connection.query(
                    "SELECT ($1::text::jsonb)::float8", [.text(literal)], deadline: .now + .seconds(30))
            } catch {
                try #require(error.sqlState == "22003", "\(error)")
                isCastable = false
            }
            #expect((Verdict(manifest(with: "\"x\": \(literal)")).manifest != nil) == isCastable, "\(literal)")
        }
    }

    @Test func `the tokens that are not finite come back as float8`() throws {
        let connection = try connection()
        let document = try #require(Verdict(manifest(with: #""x": [NaN, Infinity, -Infinity]"#)).manifest?.document)
        let result = try connection.query(
            "SELECT string_agg((value #>> '{}')::float8::text, ' ') FROM jsonb_array_elements($1::text::jsonb -> 'x') value",
            [.text(document.text)], deadline: .now + .seconds(30))
        #expect(result.text(0, 0) == "NaN Infinity -Infinity")
    }

    @Test func `a timestamp is the same moment to timestamptz`() throws {
        let connection = try connection()
        let sql = """
            SELECT rtrim(rtrim(to_char($1::text::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.')
                || 'Z'
            """
        for text in Self.timestamps {
            let manifest = Verdict(manifest(with: #""creation_timestamp": "\#(text)""#)).manifest
            let timestamp = try #require(manifest?.creationTimestamp)
            let ours = try connection.query(sql, [.text(timestamp)], deadline: .now + .seconds(30))
            #expect(ours.text(0, 0) == timestamp)
            let theirs = try connection.query(sql, [.text(text)], deadline: .now + .seconds(30))
            #expect(theirs.text(0, 0) == timestamp, "\(text)")
        }
    }

    /// Moments that PostgreSQL can read as they are written, in a session whose time zone is UTC.
    private static let timestamps = [
        "0001-01-01T00:00:00Z", "0001-12-31T23:00:00-02:00", "9999-12-31T23:59:59.999999Z", "2016-12-31T23:59:60Z",
        "2024-02-29T12:00:00.125+05:30", "2024-05-01 12:00:00+00", "1582-10-10T00:00:00Z", "0004-02-29T00:00:00Z",
        "2024-05-01T12:00:00-15:59", "1969-12-31T23:59:59.5Z", "2024-05-01 12:00:00 +0200", "2024-05-01 12:30 UTC",
        "2024-05-01t12:30:00z",
    ]
}
