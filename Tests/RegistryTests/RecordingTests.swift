import PostgresClient
import Registry
import TestKit
import Testing
import Vocabulary

@Suite(.requiresPostgres) struct `Recording` {
    @Test func `a registration becomes a row with everything in its place`() throws {
        let registry = try SampleRegistry()
        let entry = registration(
            manifest: #"{"model_id":"fraud","odd":1.00}"#, parameters: #"{"lr":1.10,"name":"x"}"#,
            metrics: #"{"auc":0.9}"#)
        let verdict = try registry.session().record(entry)
        guard case .registered(let registeredAt, let filePath, let seq) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(filePath == entry.filePath)
        #expect(seq == 1)
        #expect(registeredAt.hasSuffix("Z") && registeredAt.contains("T"))
        let row = try registry.row(
            """
            SELECT model_id, model_version, creation_timestamp AT TIME ZONE 'UTC', training_parameters,
                evaluation_metrics, file_path, sha256, size_bytes, format, tags, manifest, parents, source_name,
                submitted_by, submitted_uid, drop_path, host, proof, warnings -> 0 ->> 'message', store_id,
                submission_id
            FROM registry.models
            """)
        #expect(
            row == [
                "fraud", "1", "2026-03-01 11:00:00", #"{"lr": 1.10, "name": "x"}"#, #"{"auc": 0.9}"#, entry.filePath,
                digest(1).hex, "42", "pickle", #"{"team": "risk"}"#, #"{"odd": 1.00, "model_id": "fraud"}"#, "{base:1}",
                "model.pkl", "ada", "1000", "/srv/ingot/drop", "here", "lease", "It \"said\"\nso.", registry.store.id,
                entry.submissionID.description,
            ])
        #expect(try registry.row("SELECT sha256, verify_status FROM registry.blobs") == [digest(1).hex, "ok"])
        #expect(try registry.row("SELECT outcome, code FROM registry.submissions") == ["registered", nil])
    }

    @Test func `the same version with the same digest is a duplicate and changes nothing`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        let first = registration()
        _ = try session.record(first)
        let before = try registry.row("SELECT m::text FROM registry.models m")
        guard case .duplicate(let existing, let same) = try session.record(registration()),
            case .duplicate(_, let other) = try session.record(registration(manifest: #"{"other":1}"#))
        else {
            Issue.record("not a duplicate")
            return
        }
        #expect(existing.digest == first.digest && existing.submissionID == first.submissionID)
        #expect(existing.filePath == first.filePath)
        #expect(!same && other)
        #expect(try registry.row("SELECT m::text FROM registry.models m") == before)
        #expect(try registry.row("SELECT count(*) FROM registry.submissions WHERE outcome = 'duplicate'") == ["2"])
    }

    @Test func `the same version with another digest is refused, in the same words everywhere`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        let first = registration()
        _ = try session.record(first)
        _ = try session.record(registration("fraud", "1-2", content: 2))
        let late = registration(content: 3)
        let verdict = try session.record(late)
        guard case .conflict(let existing, let freeVersion) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(freeVersion == "1-3")
        #expect(existing.digest == first.digest)
        let reason = Reason.versionConflict(
            modelID: "fraud", modelVersion: "1", digest: late.digest, existing: existing, freeVersion: freeVersion)
        let row = try registry.row(
            """
            SELECT outcome, code, reason, reason_details ->> 'hint', reason_details ->> 'free_version',
                reason_details ->> 'field'
            FROM registry.submissions WHERE submission_id = '\(late.submissionID)'
            """)
        #expect(row == ["rejected", reason.code, reason.message, reason.hint, "1-3", reason.field])
        #expect(try registry.row("SELECT code, model_version FROM registry.problems") == ["version_conflict", "1"])
        #expect(try session.record(late) == verdict)
    }

    @Test func `inside a group the first wins, in the order of the group`() throws {
        let registry = try SampleRegistry()
        let group = [
            registration(content: 5), registration(content: 5), registration(content: 6),
            registration("other", content: 7), registration("fraud", "0", content: 8),
        ]
        let verdicts = try registry.session().record(group.map(Entry.registration))
        let answers = group.map { verdicts[$0.submissionID] }
        #expect(answers[0]?.isRegistered == true)
        #expect(answers[1] == .duplicate(try #require(answers[1]?.existing), manifestDiffers: false))
        #expect(answers[1]?.existing?.submissionID == group[0].submissionID)
        #expect(answers[2] == .conflict(try #require(answers[1]?.existing), freeVersion: "1-2"))
        #expect(
            try registry.column("SELECT model_id FROM registry.models ORDER BY seq") == ["fraud", "other", "fraud"])
        #expect(try registry.column("SELECT seq FROM registry.models ORDER BY seq") == ["1", "2", "3"])
    }

    @Test func `a replay gets the same answers and changes nothing`() throws {
        let registry = try SampleRegistry()
        let taken = registration("taken")
        _ = try registry.session().record(taken)
        let entries: [Entry] = [
            .registration(registration()), .registration(registration("taken")),
            .registration(registration("taken", content: 2)), .rejection(rejection()),
        ]
        let first = try registry.session().record(entries)
        let before = try registry.row("SELECT count(*), max(recorded_at) FROM registry.submissions")
        let session = try registry.session()
        #expect(try session.record(entries) == first)
        #expect(first.count == 4)
        #expect(try registry.row("SELECT count(*), max(recorded_at) FROM registry.submissions") == before)
        let outcomes = try session.recordedOutcomes(of: entries.map(\.submissionID) + [newSubmissionID()])
        #expect(entries.map { outcomes[$0.submissionID] } == [.registered, .duplicate, .rejected, .rejected])
        #expect(outcomes.count == 4)
        #expect(try session.registeredCount() == 2)
    }

    @Test func `what is recorded first stands, whatever a replay says`() throws {
        let session = try SampleRegistry().session()
        let accepted = registration()
        let refused = rejection()
        let first = try session.record([.registration(accepted), .rejection(refused)])
        let second = try session.record([
            .rejection(Rejection(accepted, reason: Reason(code: "late", message: "Late."))),
            .registration(registration("other", submission: refused.submissionID)),
        ])
        #expect(second[accepted.submissionID] == first[accepted.submissionID])
        guard case .refused(let reason) = second[refused.submissionID] else {
            Issue.record("\(second)")
            return
        }
        #expect(reason.code == "manifest_syntax" && reason.line == 3 && reason.hint == "Mend it.")
        #expect(reason.message == "It is \u{FFFD} wrong.")
    }

    @Test func `a row that PostgreSQL refuses is found, recorded as rejected, and the others go through`() throws {
        let registry = try SampleRegistry()
        var group = (0..<100).map { registration("model-\($0)", content: $0) }
        group[37].evaluationMetrics = "[1]"
        group[38].modelVersion = "nul \u{0}"
        group[90].creationTimestamp = "2026-02-30T00:00:00Z"
        let session = try registry.session()
        let verdicts = try session.record(group.map(Entry.registration))
        #expect(verdicts.values.filter(\.isRegistered).count == 97)
        for poisoned in [37, 38, 90] {
            guard case .refused(let reason) = verdicts[group[poisoned].submissionID] else {
                Issue.record("entry \(poisoned) was not refused")
                continue
            }
            #expect(reason.code == "registry_refused")
        }
        #expect(try registry.row("SELECT count(*) FROM registry.submissions WHERE outcome = 'rejected'") == ["3"])
        #expect(try session.record(group.map(Entry.registration)).values.filter(\.isRegistered).count == 97)
    }

    @Test func `a row that a trigger of the operator's refuses costs the others nothing`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        _ = try registry.connection().script(
            """
            CREATE FUNCTION registry.policy() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.model_id = 'model-7' THEN RAISE EXCEPTION 'no model-7 here'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER policy BEFORE INSERT ON registry.models FOR EACH ROW EXECUTE FUNCTION registry.policy();
            """, name: "a policy", deadline: soon)
        let group = (0..<20).map { registration("model-\($0)", content: $0) }
        let verdicts = try session.record(group.map(Entry.registration))
        #expect(verdicts.values.filter(\.isRegistered).count == 19)
        guard case .refused(let reason) = verdicts[group[7].submissionID] else {
            Issue.record("it was not refused")
            return
        }
        #expect(reason.message.contains("no model-7 here"))
    }

    @Test func `more than one transaction holds is spread over several`() throws {
        let session = try SampleRegistry().session()
        let filler = String(repeating: "x", count: 9 << 20)
        let group = (0..<3).map { registration("model-\($0)", content: $0, manifest: "{\"filler\":\"\(filler)\"}") }
        let verdicts = try session.record(group.map(Entry.registration))
        #expect(verdicts.values.filter(\.isRegistered).count == 3)
        let many = (0..<1_100).map { Entry.rejection(rejection("code_\($0)")) }
        #expect(try session.record(many).count == 1_100)
    }

    @Test func `a blob that was removed and comes back is sound again`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        _ = try session.record(registration())
        _ = try registry.row("UPDATE registry.blobs SET verify_status = 'missing'")
        #expect(try registry.row("SELECT kind, model_id FROM registry.problems") == ["blob_missing", "fraud"])
        _ = try session.record(registration("fraud", "2"))
        #expect(try registry.column("SELECT verify_status FROM registry.blobs") == ["ok"])
    }

    @Test func `a rejection that was dropped again with success is no problem any more`() throws {
        let registry = try SampleRegistry()
        let session = try registry.session()
        var failed = rejection()
        failed.sourceName = "model.pkl"
        _ = try session.record([.rejection(failed), .rejection(rejection())])
        #expect(try registry.row("SELECT count(*) FROM registry.problems") == ["2"])
        _ = try session.record(registration())
        #expect(try registry.column("SELECT hint FROM registry.problems") == ["Mend it."])
    }

    @Test func `a store that was moved takes its paths along`() throws {
        let registry = try SampleRegistry()
        _ = try registry.session().record(registration())
        let moved = StoreRecord(id: registry.store.id, host: "there", root: "/mnt/é/store/")
        let session = try RegistrySession.open(
            connectionString: registry.connectionString, store: moved, deadline: soon)
        #expect(session.remarks.contains { $0.contains("1 paths were changed") })
        #expect(
            try registry.row("SELECT file_path FROM registry.models")
                == ["/mnt/é/store/sha256/\(digest(1).hex.prefix(2))/\(digest(1).hex)"])
        #expect(try registry.row("SELECT host, root FROM registry.stores") == ["there", "/mnt/é/store"])
    }
}
