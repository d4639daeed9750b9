internal import PostgresClient
public import Vocabulary

extension RegistrySession {
    /// A blob whose inspection may be renewed.
    public struct StoredBlob: Sendable {
        /// Its name in the store.
        public let digest: Digest
        /// Its size.
        public let sizeInBytes: Int64
    }

    /// A registered version whose file was looked into again.
    public struct RenewedVersion: Sendable {
        /// Its model.
        public let modelID: String
        /// Its version.
        public let modelVersion: String
        /// Its verdict before; `nil` when nobody had looked.
        public let oldSafety: String?
        /// Its verdict now.
        public let safety: String
    }

    /// A session beside a running daemon: it changes no schema and announces no store.
    ///
    /// - Parameters:
    ///   - connectionString: any that libpq takes.
    ///   - store: the store that it is about, as it knows itself.
    ///   - deadline: when to stop connecting.
    /// - Throws: why not; also when no daemon has made the schema yet.
    public static func visit(
        connectionString: String, store: StoreRecord, deadline: ContinuousClock.Instant
    ) throws(RegistryError) -> RegistrySession {
        var remarks: [String] = []
        let connection = try Registry.connect(connectionString, deadline: deadline, remarks: &remarks)
        let patience = Patience()
        try Migrator(connection: connection, patience: patience).check()
        return RegistrySession(connection: connection, store: store, patience: patience)
    }

    /// The blobs of this store that were looked into by an older scanner or allow-list, or never, in the order of their digests.
    ///
    /// - Parameters:
    ///   - versions: what is current; `nil` for all blobs.
    ///   - after: where the page before ended.
    ///   - limit: the longest page.
    public func blobs(
        olderThan versions: (scanner: Int, allowList: Int)?, after: Digest?, limit: Int
    ) throws(RegistryError) -> [StoredBlob] {
        let sql = """
            SELECT sha256, size_bytes FROM registry.blobs
            WHERE store_id = $1::uuid AND sha256 > $2 AND verify_status IN ('ok', 'corrupt')
                AND ($3::integer IS NULL OR (coalesce(scanner_version, 0), coalesce(allow_list_version, 0))
                    < ($3::integer, $4::integer))
            ORDER BY sha256 LIMIT $5::integer
            """
        let parameters: [Parameter] = [
            .text(store.id), .text(after?.hex ?? ""), Parameter(versions.map { "\($0.scanner)" }),
            Parameter(versions.map { "\($0.allowList)" }), .text("\(limit)"),
        ]
        let result = try query(sql, parameters, operation: "looking for blobs to inspect")
        return (0..<result.rowCount).compactMap { row in
            guard let digest = result.text(row, 0).flatMap({ Digest(hex: $0[...]) }), let size = result.integer(row, 1)
            else { return nil }
            return StoredBlob(digest: digest, sizeInBytes: size)
        }
    }

    /// Puts new findings in the place of older ones, in the blobs' rows and in those of every version that has them.
    ///
    /// Findings of a newer scanner stay, so that an older binary takes nothing back. One transaction under the lock of writers.
    ///
    /// - Returns: the versions whose row was written, also where the verdict is the same.
    public func renew(_ inspections: [(Digest, InspectionRecord)]) throws(RegistryError) -> [RenewedVersion] {
        let sql = """
            WITH given AS (
                SELECT sha256, format, details::jsonb, safety, findings::jsonb, imports::jsonb, scanner::integer,
                    allow_list::integer
                FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[])
                    AS given (sha256, format, details, safety, findings, imports, scanner, allow_list)
            ),
            blob AS (
                UPDATE registry.blobs AS known
                SET imports = given.imports, scanner_version = given.scanner, allow_list_version = given.allow_list
                FROM given
                WHERE known.sha256 = given.sha256 AND known.store_id = $1::uuid
                    AND (coalesce(known.scanner_version, 0), coalesce(known.allow_list_version, 0))
                        <= (given.scanner, given.allow_list)
                RETURNING known.sha256
            ),
            -- Reads what was before this statement.
            old AS (
                SELECT model_id, model_version, safety, sha256 FROM registry.models
                WHERE store_id = $1::uuid AND sha256 IN (SELECT sha256 FROM blob)
            )
            UPDATE registry.models AS model
            SET format = given.format, format_details = given.details, safety = given.safety,
                safety_findings = given.findings
            FROM old JOIN given USING (sha256)
            WHERE model.model_id = old.model_id AND model.model_version = old.model_version
            RETURNING model.model_id, model.model_version, old.safety, model.safety
            """
        func texts(_ value: (InspectionRecord) -> String) -> Parameter { .texts(inspections.map { value($0.1) }) }
        let statement = Statement(
            "renew inspections", sql,
            [
                .text(store.id), .texts(inspections.map(\.0.hex)), texts(\.format), texts(\.formatDetails),
                texts(\.safety), texts(\.safetyFindings), texts(\.imports), texts { "\($0.scannerVersion)" },
                texts { "\($0.allowListVersion)" },
            ])
        let result = try transaction(
            statement, under: Migration.Lock.record, operation: "renewing \(inspections.count) inspections")
        return (0..<result.rowCount).map { row in
            RenewedVersion(
                modelID: result.text(row, 0) ?? "", modelVersion: result.text(row, 1) ?? "",
                oldSafety: result.text(row, 2), safety: result.text(row, 3) ?? "")
        }
    }
}
