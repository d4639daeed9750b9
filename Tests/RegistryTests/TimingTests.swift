import LocalPostgres
import PostgresClient
import Registry
import TestKit
import Testing
import Vocabulary

/// Measurements, for people who ask for them: INGOT_TIMING=1 swift test -c release --filter Timing.
@Suite(.requiresPostgres, .serialized, .enabled(if: isTimingWanted, "INGOT_TIMING is not set"))
struct `Timing` {
    @Test(arguments: [false, true]) func `recording groups of several sizes`(isDurable: Bool) throws {
        let cluster = try PostgresFixture.throwawayCluster(named: "timing", isDurable: isDurable)
        let registry = SampleRegistry(connectionString: cluster.connectionString())
        let session = try registry.session()
        let clock = ContinuousClock()
        var content = 0
        for size in [1, 100, 500] {
            var times: [Duration] = []
            for _ in 0..<(size == 1 ? 500 : 40) {
                let entries = (0..<size).map { _ in
                    content += 1
                    return Entry.registration(sample(content))
                }
                times.append(try clock.measure { _ = try session.record(entries) })
            }
            times.sort()
            let median = times[times.count / 2]
            let rate = Int(Double(size) / (median / .seconds(1)))
            print(
                "TIMING durable=\(isDurable) entries=\(size) median=\(median) best=\(times[0])",
                "p99=\(times[times.count * 99 / 100]) rows/s=\(rate)")
        }
        let commits = try (0..<200).map { _ in
            try clock.measure {
                _ = try session.record([.rejection(rejection())])
            }
        }.sorted()
        print("TIMING durable=\(isDurable) one rejection median=\(commits[100])")
        let connection = try registry.connection()
        _ = try connection.query("CREATE TABLE bare (n int)", deadline: soon)
        let bare = try (0..<200).map { _ in
            try clock.measure {
                _ = try connection.pipeline(
                    [Statement("a", "BEGIN"), Statement("b", "INSERT INTO bare VALUES (1)"), Statement("c", "COMMIT")],
                    deadline: soon)
            }
        }.sorted()
        print("TIMING durable=\(isDurable) bare one-row commit median=\(bare[100])")
        print("TIMING count", try clock.measure { _ = try session.registeredCount() })
    }

    private func sample(_ content: Int) -> Registration {
        registration(
            "model-\(content % 50)", "\(content)", content: content,
            parameters: #"{"lr":0.001,"optimizer":"adam","layers":[64,32,16],"batch":256,"epochs":20}"#,
            metrics: #"{"auc":0.9412,"f1":0.88,"loss":0.1234,"per_class":{"a":0.9,"b":0.87}}"#)
    }
}
