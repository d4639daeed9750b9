import TestKit
import Testing
import Vocabulary

extension `Ingot on a machine with systemd` {
    private static let count = 1500

    @Test func `stops cleanly under load, and goes on where it was`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.flood(Self.count)
        try await machine.run("systemctl stop ingotd")
        #expect(try await machine.property("Result") == "success")
        #expect(try await machine.property("ExecMainStatus") == "0")
        #expect(try await machine.property("ActiveState") == "inactive")
        try await machine.expectNothingLost(Self.count)
        try await machine.start()
        try await machine.expectEachRegisteredOnce(Self.count)
    }

    @Test func `is killed under load, started again by systemd, and loses nothing`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.flood(Self.count)
        try await machine.run("systemctl kill --signal=KILL ingotd")
        try await machine.expectNothingLost(Self.count)
        try await machine.until("systemd has started it again") { try await machine.property("NRestarts") == "1" }
        try await machine.expectEachRegisteredOnce(Self.count)
        #expect(try await machine.records("recovered").count == 1)
    }

    @Test func `is killed by the watchdog when it is stuck, and loses nothing`() async throws {
        let machine = try await Machine.fresh()
        try await machine.edit("[Service]\nWatchdogSec=5s")
        try await machine.start()
        try await machine.flood(Self.count)
        try await machine.run("kill -STOP $(systemctl show ingotd --value -p MainPID)")
        try await machine.drop("meanwhile.pkl", model: "meanwhile", content: "m")
        try await machine.until("systemd has started it again") { try await machine.property("NRestarts") == "1" }
        let said = try await machine.run("journalctl --quiet UNIT=ingotd.service --output=cat | tail -50")
        #expect(said.contains("Watchdog timeout"))
        #expect(said.contains("Failed with result 'watchdog'"))
        try await machine.expectEachRegisteredOnce(Self.count + 1)
        // A healthy one is left alone, with work and without.
        #expect(try await machine.property("NRestarts") == "1")
    }

    @Test func `stays within the memory that its unit may have`() async throws {
        let machine = try await Machine.fresh()
        // A debug build with its libraries is larger than what is shipped; no room to grow with the load is left.
        try await machine.edit("[Service]\nMemoryMax=160M\nMemorySwapMax=0")
        try await machine.start()
        try await machine.flood(Self.count)
        try await machine.expectEachRegisteredOnce(Self.count)
        #expect(try await machine.property("NRestarts") == "0")
    }

    @Test func `survives restarts of the database under load`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.flood(Self.count)
        try await machine.run("systemctl restart postgresql")
        try await machine.expectEachRegisteredOnce(Self.count)
    }
}

extension Machine {
    /// Has a producer drop that many models, and returns when the first of them are registered.
    fileprivate func flood(_ count: Int) async throws {
        try await run(
            """
            cd \(Self.drop); umask 022
            for number in $(seq \(count)); do
                printf 'model %s' $number > m$number.pkl
                printf '{"model_id": "flood", "model_version": "%s"}' $number > m$number.pkl.manifest.json
            done
            """, as: "alice")
        try await until("the first are registered") {
            try await run("ls \(Self.drop)/receipts | wc -l") != "0"
        }
    }

    /// P1: every submission is a row, a claim, or still in the drop directory.
    fileprivate func expectNothingLost(_ count: Int) async throws {
        let registered = try await query("select source_name from registry.models").split(separator: "\n")
        let files = try await run(
            "find \(Self.drop) -name '*.pkl' -not -path '*/receipts/*' -printf '%f\\n'"
        ).split(separator: "\n")
        #expect(registered.count < count, "there was no load")
        #expect(Set(registered).union(files).count == count)
    }

    /// P1, P3, P4: one row and one submission each, every blob with the content that its name says, and nothing left
    /// over.
    fileprivate func expectEachRegisteredOnce(_ count: Int) async throws {
        try await registered(count)
        try await until("every claim is done with") {
            try await run("ls -A \(Self.drop)/.claims") == ".lock"
        }
        let outcomes = try await query("select outcome, count(*) from registry.submissions group by 1")
        #expect(outcomes == "registered|\(count)")
        let verified = try await run(
            """
            cd /srv/ingot/store/sha256
            find . -type f -name '\(String(repeating: "?", count: 64))' -exec sha256sum {} + |
                while read -r digest path; do [ "$digest" = "${path##*/}" ] && echo ok; done | wc -l
            """)
        #expect(verified == "\(count)")
        #expect(try await run("ls \(Self.drop)/receipts | wc -l") == "\(count)")
        #expect(try await run("find \(Self.drop) -name '*.pkl' -not -path '*/receipts/*'") == "")
        #expect(try await run("ls -A /srv/ingot/store/tmp") == "")
    }
}
