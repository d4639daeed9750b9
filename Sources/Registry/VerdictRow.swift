internal import PostgresClient
internal import Vocabulary

/// One row of what `registry.record_1` answers.
struct VerdictRow {
    let result: QueryResult
    let row: Int

    /// The columns that are asked for, in the order in which they are read here. Times are RFC 3339 in UTC.
    static let columns = """
        submission_id, verdict, to_char(registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), file_path,
        seq, existing_sha256, existing_submission_id, manifest_differs, free_version, code, reason,
        reason_details ->> 'field', reason_details ->> 'line', reason_details ->> 'column', reason_details ->> 'hint'
        """

    /// The submission and what became of it; `nil` for a row that no version of the function returns.
    var verdict: (SubmissionID, Verdict)? {
        guard let id = result.text(row, 0).flatMap({ SubmissionID($0) }), let word = result.text(row, 1) else {
            return nil
        }
        let verdict: Verdict? =
            switch word {
            case "registered":
                existing.map { .registered(registeredAt: $0.registeredAt, filePath: $0.filePath ?? "", seq: $0.seq) }
            case "duplicate": existing.map { .duplicate($0, manifestDiffers: result.bool(row, 7) ?? false) }
            case "conflict": existing.map { .conflict($0, freeVersion: result.text(row, 8)) }
            case "rejected": .rejectionRecorded
            case "refused": .refused(reason)
            default: nil
            }
        return verdict.map { (id, $0) }
    }

    private var existing: ExistingVersion? {
        guard let registeredAt = result.text(row, 2), let seq = result.integer(row, 4),
            let digest = result.text(row, 5).flatMap({ Digest(hex: $0) }),
            let id = result.text(row, 6).flatMap({ SubmissionID($0) })
        else { return nil }
        return ExistingVersion(
            digest: digest, filePath: result.text(row, 3), registeredAt: registeredAt, submissionID: id, seq: seq)
    }

    private var reason: Reason {
        Reason(
            code: result.text(row, 9) ?? "rejected", message: result.text(row, 10) ?? "It was rejected before.",
            field: result.text(row, 11), line: result.integer(row, 12).map { Int($0) },
            column: result.integer(row, 13).map { Int($0) }, hint: result.text(row, 14),
            freeVersion: result.text(row, 8))
    }
}
