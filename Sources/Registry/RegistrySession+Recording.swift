internal import PostgresClient
public import Vocabulary

extension RegistrySession {
    /// The bounds of one transaction: what a server holds in memory without noticing.
    private static let largestGroup = (entries: 1_000, bytes: 16 << 20)

    /// Records a group in one transaction and one round trip, and says what became of each entry.
    ///
    /// Of two entries of one version the first in the array wins. What is too much for one transaction is spread over
    /// several; an entry that PostgreSQL does not take is found by halving, recorded as rejected and answered with `refused`,
    /// and the others go through.
    ///
    /// - Parameter entries: the blobs of registrations are durable already. Of two with one submission the first counts.
    /// - Returns: a verdict for each submission.
    /// - Throws: what concerns all of them. Which of them are recorded is unknown then; the same call on a new session
    ///   settles it.
    public func record(_ entries: [Entry]) throws(RegistryError) -> [SubmissionID: Verdict] {
        var verdicts: [SubmissionID: Verdict] = [:]
        for group in Self.groups(of: entries) {
            try record(group[...], into: &verdicts)
        }
        return verdicts
    }

    /// Cuts entries into groups that fit a transaction each.
    private static func groups(of entries: [Entry]) -> [[Entry]] {
        var groups: [[Entry]] = []
        var group: [Entry] = []
        var bytes = 0
        var seen: Set<SubmissionID> = []
        for entry in entries where seen.insert(entry.submissionID).inserted {
            let size = EntryColumns.size(of: entry)
            if !group.isEmpty, group.count == largestGroup.entries || bytes + size > largestGroup.bytes {
                groups.append(group)
                (group, bytes) = ([], 0)
            }
            group.append(entry)
            bytes += size
        }
        if !group.isEmpty { groups.append(group) }
        return groups
    }

    /// Records a group; one that PostgreSQL refuses is halved until the entry at fault stands alone.
    private func record(
        _ group: ArraySlice<Entry>, into verdicts: inout [SubmissionID: Verdict]
    ) throws(RegistryError) {
        do {
            try transaction(Array(group), into: &verdicts)
        } catch {
            guard error.scope == .submission else { throw RegistryError(error, operation: "recording") }
            // Under the lock of writers no row can be in the way: this is somebody who writes without it, or a sequence
            // that was set back. To refuse a submission for that would be wrong.
            if error.sqlState == "23505" || error.sqlState == "23503" {
                throw RegistryError(error, operation: "recording")
            }
            guard group.count == 1, let entry = group.first else {
                let middle = group.startIndex + group.count / 2
                try record(group[..<middle], into: &verdicts)
                try record(group[middle...], into: &verdicts)
                return
            }
            try recordRefusal(of: entry, because: error, into: &verdicts)
        }
    }

    /// Records that PostgreSQL does not take an entry: with all that is known, else with as little as possible, else not
    /// at all.
    private func recordRefusal(
        of entry: Entry, because refusal: PostgresError, into verdicts: inout [SubmissionID: Verdict]
    ) throws(RegistryError) {
        let full: Rejection =
            switch entry {
            case .registration(let registration): Rejection(registration, reason: Reason(refusal))
            case .rejection(let rejection): rejection
            }
        let bare = Rejection(
            submissionID: full.submissionID, reason: full.reason, sourceName: full.sourceName, dropPath: full.dropPath,
            host: full.host)
        if try !isRecorded(full, into: &verdicts) { _ = try isRecorded(bare, into: &verdicts) }
        // A submission that was recorded before has kept its answer; otherwise the rejection is the answer.
        switch (entry, verdicts[full.submissionID]) {
        case (.registration, .rejectionRecorded?), (_, nil): verdicts[full.submissionID] = .refused(full.reason)
        default: break
        }
    }

    /// Records a rejection, unless PostgreSQL does not even take that.
    private func isRecorded(
        _ rejection: Rejection, into verdicts: inout [SubmissionID: Verdict]
    ) throws(RegistryError) -> Bool {
        do {
            try transaction([.rejection(rejection)], into: &verdicts)
            return true
        } catch {
            guard error.scope == .submission else { throw RegistryError(error, operation: "recording a rejection") }
            return false
        }
    }

    private func transaction(
        _ entries: [Entry], into verdicts: inout [SubmissionID: Verdict]
    ) throws(PostgresError) {
        let operation = entries.count == 1 ? "recording a submission" : "recording \(entries.count) submissions"
        let results = try connection.pipeline(
            [
                Guards.begin, Guards.settings(patience: patience.record), Guards.lock(Migration.Lock.record),
                EntryColumns(entries).statement(storeID: store.id), Guards.commit,
            ], operation: operation, deadline: ContinuousClock.now + patience.record)
        for row in 0..<results[3].rowCount {
            guard let (id, verdict) = VerdictRow(result: results[3], row: row).verdict else {
                throw PostgresError(
                    code: .protocolViolation, operation: operation,
                    primary: "registry.record_1 returned a row that makes no sense")
            }
            verdicts[id] = verdict
        }
    }
}

extension Reason {
    /// Why PostgreSQL does not take a row.
    init(_ refusal: PostgresError) {
        self.init(
            code: "registry_refused", message: "PostgreSQL does not take the row: \(escaped(refusal.primary)).",
            field: refusal.column,
            hint: "SQLSTATE \(refusal.sqlState ?? "none")" + (refusal.constraint.map { ", constraint \($0)." } ?? "."))
    }
}
