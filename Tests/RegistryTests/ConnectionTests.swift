import LocalPostgres
import PostgresClient
import Synchronization
import TestKit
import Testing
import Vocabulary

@Suite(.requiresPostgres) struct `A connection` {
    @Test func `values come back as they were sent`() throws {
        let connection = try Connection.open(PostgresFixture.freshDatabase(), deadline: soon)
        let texts = ["", "a,b", "{\"x\"}", "\\", "NULL", nil, "é\n"]
        let result = try connection.query(
            "SELECT $1::text, $2::bytea, $3::text, u FROM unnest($4) AS u",
            ["it's", .bytes([0, 255]), nil, .texts(texts)], deadline: soon)
        #expect(result.rowCount == texts.count && result.columnCount == 4)
        #expect(result.text(0, 0) == "it's")
        #expect(result.text(0, 1) == "\\x00ff")
        #expect(result.text(0, 2) == nil)
        #expect((0..<result.rowCount).map { result.text($0, 3) } == texts)
        #expect(result.bytes(6, 3) == [0xC3, 0xA9, 0x0A])
        #expect(try connection.query("SELECT cardinality($1)", [.texts([])], deadline: soon).integer(0, 0) == 0)
    }

    @Test func `what the server has to say beside results is handed over, or dropped`() throws {
        let said = Said()
        let database = try PostgresFixture.freshDatabase()
        let connection = try Connection.open(database, deadline: soon) { said.add($0) }
        try connection.script("DO $$ BEGIN RAISE NOTICE 'hello'; END $$", name: "a notice", deadline: soon)
        #expect(said.all == ["NOTICE:  hello"])
        #expect(try connection.query("SHOW application_name", deadline: soon).text(0, 0) == "ingotd")
        #expect(try connection.query("SHOW client_encoding", deadline: soon).text(0, 0) == "UTF8")
    }

    @Test func `a pipeline that fails leaves nothing behind, and the connection in order`() throws {
        let connection = try Connection.open(PostgresFixture.freshDatabase(), deadline: soon)
        _ = try connection.query("CREATE TABLE t (n integer CONSTRAINT positive CHECK (n > 0))", deadline: soon)
        let error = #expect(throws: PostgresError.self) {
            try connection.pipeline(
                [
                    Statement("begin", "BEGIN"), Statement("good", "INSERT INTO t VALUES ($1::integer)", ["1"]),
                    Statement("bad", "INSERT INTO t VALUES ($1::integer)", ["-77"]),
                    Statement("never", "INSERT INTO t VALUES (2)"), Statement("commit", "COMMIT"),
                ], deadline: soon)
        }
        #expect(error?.sqlState == "23514")
        #expect(error?.statement == "bad")
        #expect(error?.constraint == "positive")
        #expect(error?.table == "public.t")
        #expect(error?.scope == .submission && error?.invalidatesConnection == false)
        #expect(error.map { !"\($0)".contains("77") } == true)
        #expect(try connection.query("SELECT count(*) FROM t", deadline: soon).integer(0, 0) == 0)
        let results = try connection.pipeline(
            [Statement("one", "SELECT 1"), Statement("two", "SELECT 2")], deadline: soon)
        #expect(results.map { $0.integer(0, 0) } == [1, 2])
    }

    @Test func `a pipeline that is larger than every buffer goes through both ways`() throws {
        let connection = try Connection.open(PostgresFixture.freshDatabase(), deadline: soon)
        let block = String(repeating: "x", count: 4 << 20)
        let results = try connection.pipeline(
            (0..<8).map { Statement("echo \($0)", "SELECT $1::text", [.text(block)]) }, deadline: soon)
        #expect(results.allSatisfy { $0.bytes(0, 0)?.count == block.utf8.count })
    }

    @Test func `a text with a zero byte is refused before it is cut short`() throws {
        let connection = try Connection.open(PostgresFixture.freshDatabase(), deadline: soon)
        let error = #expect(throws: PostgresError.self) {
            try connection.query("SELECT $1::text", [.text("a\u{0}b")], deadline: soon)
        }
        #expect(error?.code == .parameter && error?.scope == .submission)
        #expect(try connection.query("SELECT 1", deadline: soon).integer(0, 0) == 1)
    }

    @Test func `the first of several hosts that answers is taken`() throws {
        let cluster = try PostgresFixture.cluster()
        let hosts = "/nowhere,\(cluster.socketDirectory)"
        let string = "host=\(hosts) user=ingot dbname=postgres"
        let connection = try Connection.open(string, deadline: soon)
        #expect(connection.serverVersion >= 130_000)
        let error = #expect(throws: PostgresError.self) {
            try Connection.open("host=/nowhere,/nobody user=ingot", deadline: soon)
        }
        #expect(error?.scope == .transient)
        #expect(error?.primary.contains("/nobody") == true)
    }

    @Test(arguments: [
        "postgresql://ada:hunter2@[::1", "postgresql://ada:hunter2@host:12x/db", "host=x password=my hunter2",
        "postgresql://ada:hunter2@host/db?nonsense=1", "host=x password='hunter2", "postgresql://ada:%zzhunter2@host",
    ])
    func `a connection string that cannot be read is for the operator, and is not repeated`(string: String) throws {
        let error = #expect(throws: PostgresError.self) {
            try Connection.open(string, deadline: ContinuousClock.now + .seconds(2))
        }
        #expect(error?.scope == .operatorSetup)
        #expect(error.map { !"\($0)".contains("hunter2") } == true)
    }

    @Test func `the rest of a password with an @ in it is not repeated as a host`() throws {
        let error = #expect(throws: PostgresError.self) {
            try Connection.open(
                "postgresql://ada:hun@ter2@127.0.0.1:1/db", deadline: ContinuousClock.now + .seconds(2))
        }
        #expect(error.map { !"\($0)".contains("ter2") } == true)
    }
}

/// Lines that a callback was handed.
private final class Said: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}
