import TestKit
import Testing
import Vocabulary

extension `Ingot on a machine with systemd` {
    @Test func `tells the journal of a model with every field`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.drop("fields.pkl", model: "fields", version: "7", content: "some")
        let record = try #require(try await machine.records("registered").first)
        let row = try await machine.query("select submission_id, sha256 from registry.models").split(separator: "|")
        let expected = [
            "INGOT_SUBMISSION": String(row[0]), "INGOT_SHA256": String(row[1]), "INGOT_MODEL_ID": "fields",
            "INGOT_MODEL_VERSION": "7", "INGOT_SIZE_BYTES": "4", "INGOT_DROP": Machine.drop,
            "INGOT_SOURCE": "fields.pkl", "INGOT_PROOF": "lease", "INGOT_FORMAT": "unknown",
            "INGOT_SAFETY": "no-code", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "ingotd",
            "MESSAGE_ID": "5b1e0c6a4f7d4c0c9f0a3f1d6f2a7e01", "_SYSTEMD_UNIT": "ingotd.service",
            "_TRANSPORT": "journal",
        ]
        for (field, value) in expected { #expect(record[field] == value, "\(field)") }
        #expect(Int(record["INGOT_DURATION_USEC"] ?? "").map { $0 > 0 } == true)
        #expect(record["MESSAGE"]?.hasPrefix("Registered fields 7: fields.pkl, 4 bytes") == true)
    }

    @Test func `explains a record by its catalog entry`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.drop("wrong.pkl", model: "not a name", content: "w")
        let record = try #require(try await machine.records("rejected").first)
        let submission = try #require(record["INGOT_SUBMISSION"])
        #expect(record["INGOT_REASON"]?.isEmpty == false)
        let text = try await machine.run("journalctl --catalog --quiet INGOT_SUBMISSION=\(submission)")
        #expect(text.contains("Subject: The submission wrong.pkl was rejected: \(record["INGOT_REASON"] ?? "")"))
        #expect(text.contains("rejected/\(submission), beside reason.json"))
    }

    @Test func `has the story of one model`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        for (number, content) in ["a", "a", "b"].enumerated() {
            try await machine.drop("story\(number).pkl", model: "story", content: content)
            try await machine.drop("other\(number).pkl", model: "other", version: "\(number)", content: content)
            let status = ["registered", "duplicate", "rejected"][number]
            _ = try await machine.receipt(of: "story\(number).pkl", status: status)
        }
        try await machine.until("the end of the story is told") {
            try await machine.journal("INGOT_MODEL_ID=story").count == 3
        }
        let story = try await machine.journal("INGOT_MODEL_ID=story")
        #expect(story.map { $0["INGOT_EVENT"] } == ["registered", "duplicate", "rejected"])
        #expect(story.last?["INGOT_REASON"] == "version_conflict")
    }

    @Test func `writes only lines that the catalog explains, from start to stop`() async throws {
        let machine = try await Machine.fresh()
        try await machine.start()
        try await machine.drop("quiet.pkl", model: "quiet", content: "q")
        try await machine.registered(1)
        try await machine.run("systemctl stop ingotd")
        let records = try await machine.journal().filter { $0["SYSLOG_IDENTIFIER"] == "ingotd" }
        for record in records where record["MESSAGE_ID"] == nil {
            Issue.record("no event: \(record["MESSAGE"] ?? "")")
        }
        let events = records.compactMap { $0["INGOT_EVENT"] }
        #expect(events.first == "drop_available" && events.contains("started"))
        #expect(events.contains("registered") && events.last == "stopped")
    }
}
