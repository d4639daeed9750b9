import PostgresClient
import Registry
import TestKit
import Testing
import Vocabulary

@Suite(.requiresPgBouncer) struct `Behind PgBouncer in transaction mode` {
    @Test func `eight daemons share two connections and get in nobody's way`() async throws {
        let direct = try SampleRegistry()
        let rounds = 20
        let answers = try await PostgresFixture.withBouncer(poolSize: 2) { host, port in
            let pooled = SampleRegistry(connectionString: direct.connectionString + " host=\(host) port=\(port)")
            return try await withThrowingTaskGroup(of: [Verdict].self) { group in
                for daemon in 0..<8 {
                    group.addTask {
                        try await onThread {
                            let session = try pooled.session()
                            return try (0..<rounds).map {
                                try session.record(registration("pooled", "\($0)", content: daemon % 2))
                            }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        for round in 0..<rounds {
            #expect(answers.filter { $0[round].isRegistered }.count == 1)
            #expect(Set(answers.compactMap { $0[round].existing?.digest }).count == 1)
        }
        #expect(try direct.row("SELECT count(*), count(DISTINCT seq) FROM registry.models") == ["20", "20"])
        #expect(try direct.row("SELECT count(*) FROM registry.submissions") == ["160"])
    }
}
