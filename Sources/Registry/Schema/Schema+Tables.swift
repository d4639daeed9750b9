extension Migration {
    /// The schema itself and its version.
    static let schemaVersionSQL = #"""
        -- CREATE SCHEMA IF NOT EXISTS asks for the right to create even where nothing has to be created.
        DO $$
        BEGIN
            IF to_regnamespace('registry') IS NULL THEN
                CREATE SCHEMA registry;
            END IF;
        END
        $$;
        COMMENT ON SCHEMA registry IS
            'Models registered by Ingot: the files lie in a content-addressed store, what is known of them lies here.';

        CREATE TABLE registry.schema_version (
            version       integer     PRIMARY KEY,
            name          text        NOT NULL,
            checksum      text        NOT NULL,
            oldest_writer integer     NOT NULL CHECK (oldest_writer <= version),
            applied_at    timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        COMMENT ON TABLE registry.schema_version IS
            'The steps by which this schema was made. A daemon that does not know the highest version refuses to write.';
        COMMENT ON COLUMN registry.schema_version.version IS 'The step; the highest is the version of the schema.';
        COMMENT ON COLUMN registry.schema_version.name IS 'What the step brought.';
        COMMENT ON COLUMN registry.schema_version.checksum IS 'A fingerprint of the commands that were run.';
        COMMENT ON COLUMN registry.schema_version.oldest_writer IS
            'The lowest schema version that a binary has to know in order to write from this step on.';
        COMMENT ON COLUMN registry.schema_version.applied_at IS 'When the step was made.';
        """#

    /// Where the blobs are.
    static let storesSQL = #"""

        CREATE TABLE registry.stores (
            store_id      uuid        PRIMARY KEY,
            host          text        NOT NULL CHECK (host <> ''),
            root          text        NOT NULL CHECK (root <> ''),
            registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            last_seen_at  timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        COMMENT ON TABLE registry.stores IS 'The stores that hold blobs.';
        COMMENT ON COLUMN registry.stores.store_id IS 'The identity that lies in the store, in ingot-store.json.';
        COMMENT ON COLUMN registry.stores.host IS 'The host that the store was last opened on.';
        COMMENT ON COLUMN registry.stores.root IS
            'The path of the store on that host. When it changes, every file_path below it changes with it.';
        COMMENT ON COLUMN registry.stores.registered_at IS 'When the store was opened for the first time.';
        COMMENT ON COLUMN registry.stores.last_seen_at IS 'When a daemon last opened the store.';

        -- A row stays when its blob is removed: the digests of models point here for ever.
        CREATE TABLE registry.blobs (
            sha256           text        NOT NULL CHECK (length(sha256) = 64 AND sha256 !~ '[^0-9a-f]'),
            store_id         uuid        NOT NULL REFERENCES registry.stores,
            size_bytes       bigint      NOT NULL CHECK (size_bytes >= 0),
            stored_at        timestamptz NOT NULL,
            last_verified_at timestamptz,
            verify_status    text        NOT NULL DEFAULT 'ok'
                CHECK (verify_status IN ('ok', 'corrupt', 'missing', 'removed')),
            imports            jsonb     CHECK (jsonb_typeof(imports) = 'array'),
            scanner_version    integer   CHECK (scanner_version > 0),
            allow_list_version integer   CHECK (allow_list_version > 0),
            PRIMARY KEY (sha256, store_id)
        );
        COMMENT ON TABLE registry.blobs IS 'The payloads that lie in the stores, each once per store.';
        COMMENT ON COLUMN registry.blobs.sha256 IS 'The digest of the content, 64 hexadecimal digits; the name of the blob.';
        COMMENT ON COLUMN registry.blobs.store_id IS 'The store that it lies in.';
        COMMENT ON COLUMN registry.blobs.size_bytes IS 'Its size.';
        COMMENT ON COLUMN registry.blobs.stored_at IS 'When its content was last written or found intact by a submission.';
        COMMENT ON COLUMN registry.blobs.last_verified_at IS 'When all of it was last read again and compared.';
        COMMENT ON COLUMN registry.blobs.verify_status IS
            'ok, corrupt (the content is not what the name says), missing, or removed (on purpose).';
        COMMENT ON COLUMN registry.blobs.imports IS
            'The names that pickles in it import; registry.imports shows them as rows. NULL when nobody looked.';
        COMMENT ON COLUMN registry.blobs.scanner_version IS
            'The version of the code that looked into it last; the same bytes may be judged otherwise by a later one.';
        COMMENT ON COLUMN registry.blobs.allow_list_version IS
            'The version of the list of harmless names that it was judged by.';
        """#

    /// What it is all about.
    static let modelsSQL = #"""

        CREATE SEQUENCE registry.models_seq;
        COMMENT ON SEQUENCE registry.models_seq IS
            'Numbers registrations. Taken only under the lock of writers, so that numbers become visible in order.';

        CREATE TABLE registry.models (
            model_id            text        NOT NULL
                -- Not {0,254}: a bounded repetition takes 14 us a row, the length 0.4.
                CHECK (length(model_id) <= 255 AND model_id ~ '^[A-Za-z0-9][A-Za-z0-9._/-]*$' AND model_id NOT LIKE '%..%'),
            model_version       text        NOT NULL CHECK (char_length(model_version) BETWEEN 1 AND 255),
            creation_timestamp  timestamptz NOT NULL,
            training_parameters jsonb       CHECK (jsonb_typeof(training_parameters) = 'object'),
            evaluation_metrics  jsonb       CHECK (jsonb_typeof(evaluation_metrics) = 'object'),
            file_path           text        CHECK (file_path <> ''),
            sha256              text        NOT NULL,
            size_bytes          bigint      NOT NULL CHECK (size_bytes >= 0),
            format              text        CHECK (format <> ''),
            format_details      jsonb       CHECK (jsonb_typeof(format_details) = 'object'),
            safety              text
                CHECK (safety IN ('no-code', 'safe', 'unknown-imports', 'unscannable', 'dangerous')),
            safety_findings     jsonb       CHECK (jsonb_typeof(safety_findings) = 'array'),
            tags                jsonb       CHECK (jsonb_typeof(tags) = 'object'),
            manifest            jsonb       NOT NULL CHECK (jsonb_typeof(manifest) = 'object'),
            manifest_sha256     text        NOT NULL CHECK (length(manifest_sha256) = 64 AND manifest_sha256 !~ '[^0-9a-f]'),
            parents             text[]      NOT NULL DEFAULT '{}' CHECK (array_position(parents, NULL) IS NULL),
            source_name         text        NOT NULL CHECK (source_name <> ''),
            submitted_by        text,
            submitted_uid       bigint      NOT NULL CHECK (submitted_uid BETWEEN 0 AND 4294967295),
            drop_path           text        NOT NULL CHECK (drop_path <> ''),
            host                text        NOT NULL CHECK (host <> ''),
            proof               text        NOT NULL CHECK (proof IN ('digest', 'lease', 'settle')),
            warnings            jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(warnings) = 'array'),
            store_id            uuid        NOT NULL,
            submission_id       uuid        NOT NULL UNIQUE,
            registered_at       timestamptz NOT NULL,
            seq                 bigint      NOT NULL UNIQUE CHECK (seq > 0),
            retired_at          timestamptz,
            retired_reason      text,
            PRIMARY KEY (model_id, model_version),
            FOREIGN KEY (sha256, store_id) REFERENCES registry.blobs,
            CONSTRAINT models_path_or_retired CHECK (file_path IS NOT NULL OR retired_at IS NOT NULL),
            CONSTRAINT models_reason_of_retired CHECK (retired_reason IS NULL OR retired_at IS NOT NULL)
        );
        -- "Which is the latest of this model". Partial also so that it cannot be mistaken for the primary key: while the
        -- tables are small both look the same to the planner, and a plan is kept for as long as its connection.
        CREATE INDEX models_latest ON registry.models (model_id, seq DESC) WHERE retired_at IS NULL;
        -- The foreign key's other direction: "what uses this blob".
        CREATE INDEX models_blob ON registry.models (sha256, store_id);

        COMMENT ON TABLE registry.models IS 'One row for each version of each model. A row never changes, except to be retired.';
        COMMENT ON COLUMN registry.models.model_id IS 'The name of the model.';
        COMMENT ON COLUMN registry.models.model_version IS 'The name of the version; free text. The order of versions is seq.';
        COMMENT ON COLUMN registry.models.creation_timestamp IS
            'When the model was made: from the manifest, else when its file was last changed.';
        COMMENT ON COLUMN registry.models.training_parameters IS
            'From the manifest, as it was given. See registry.parameters for one row per value.';
        COMMENT ON COLUMN registry.models.evaluation_metrics IS
            'From the manifest, as it was given. NaN and Infinity are strings. See registry.metrics for one row per value.';
        COMMENT ON COLUMN registry.models.file_path IS
            'Where the file is, on the host of its store. NULL once the version is retired and its file removed.';
        COMMENT ON COLUMN registry.models.sha256 IS 'The digest of the file, 64 hexadecimal digits, as sha256sum prints it.';
        COMMENT ON COLUMN registry.models.size_bytes IS 'The size of the file.';
        COMMENT ON COLUMN registry.models.format IS 'What kind of file it is, such as pickle, safetensors, gguf.';
        COMMENT ON COLUMN registry.models.format_details IS 'Facts from the header of the file.';
        COMMENT ON COLUMN registry.models.safety IS
            'How dangerous it is to load the file: no-code, safe, unknown-imports, unscannable or dangerous; NULL when nobody looked.';
        COMMENT ON COLUMN registry.models.safety_findings IS 'What was found in the file that could run code.';
        COMMENT ON COLUMN registry.models.tags IS 'Words of the producer, from the manifest.';
        COMMENT ON COLUMN registry.models.manifest IS 'The whole manifest, with keys that Ingot does not know.';
        COMMENT ON COLUMN registry.models.manifest_sha256 IS 'The digest of the manifest as it was dropped, byte for byte.';
        COMMENT ON COLUMN registry.models.parents IS 'What it was made from: model_id:model_version or sha256:digest.';
        COMMENT ON COLUMN registry.models.source_name IS 'The path under which it was dropped, relative to drop_path, escaped.';
        COMMENT ON COLUMN registry.models.submitted_by IS 'The user who dropped it; NULL when the number has no name.';
        COMMENT ON COLUMN registry.models.submitted_uid IS 'The number of the user who dropped it.';
        COMMENT ON COLUMN registry.models.drop_path IS 'The drop directory.';
        COMMENT ON COLUMN registry.models.host IS 'The host on which it was dropped.';
        COMMENT ON COLUMN registry.models.proof IS
            'Why the file is believed to be complete: digest (the manifest names it), lease (nobody had it open), settle (it was quiet).';
        COMMENT ON COLUMN registry.models.warnings IS 'What the producer should know: an array of code and message.';
        COMMENT ON COLUMN registry.models.store_id IS 'The store that holds the file.';
        COMMENT ON COLUMN registry.models.submission_id IS 'The submission that it came with; also in registry.submissions.';
        COMMENT ON COLUMN registry.models.registered_at IS 'When the row was made.';
        COMMENT ON COLUMN registry.models.seq IS
            'Grows with every registration, and shows up in that order: who has seen up to n asks for seq > n.';
        COMMENT ON COLUMN registry.models.retired_at IS 'Since when the version should not be used; NULL while it may.';
        COMMENT ON COLUMN registry.models.retired_reason IS 'Why it was retired.';
        """#

    /// How every submission ended.
    static let submissionsSQL = #"""

        CREATE TABLE registry.submissions (
            submission_id   uuid        PRIMARY KEY,
            outcome         text        NOT NULL CHECK (outcome IN ('registered', 'duplicate', 'rejected')),
            code            text        CHECK (code <> ''),
            reason          text        CHECK (reason <> ''),
            reason_details  jsonb       CHECK (jsonb_typeof(reason_details) = 'object'),
            model_id        text,
            model_version   text,
            sha256          text        CHECK (length(sha256) = 64 AND sha256 !~ '[^0-9a-f]'),
            size_bytes      bigint      CHECK (size_bytes >= 0),
            manifest_sha256 text        CHECK (length(manifest_sha256) = 64 AND manifest_sha256 !~ '[^0-9a-f]'),
            source_name     text        NOT NULL,
            submitted_by    text,
            submitted_uid   bigint      CHECK (submitted_uid BETWEEN 0 AND 4294967295),
            drop_path       text        NOT NULL,
            host            text        NOT NULL,
            warnings        jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(warnings) = 'array'),
            recorded_at     timestamptz NOT NULL,
            CONSTRAINT submissions_reason_of_rejected
                CHECK ((outcome = 'rejected') = (code IS NOT NULL AND reason IS NOT NULL)),
            CONSTRAINT submissions_complete_unless_rejected
                CHECK (outcome = 'rejected' OR (model_id IS NOT NULL AND model_version IS NOT NULL AND sha256 IS NOT NULL))
        );
        CREATE INDEX submissions_rejected ON registry.submissions (recorded_at) WHERE outcome = 'rejected';

        COMMENT ON TABLE registry.submissions IS 'How every submission ended, one row each.';
        COMMENT ON COLUMN registry.submissions.submission_id IS
            'The submission; its first characters are the time at which it was claimed (UUID version 7).';
        COMMENT ON COLUMN registry.submissions.outcome IS
            'registered, duplicate (the version was there with the same digest), or rejected.';
        COMMENT ON COLUMN registry.submissions.code IS 'Why it was rejected, as a stable word for programs.';
        COMMENT ON COLUMN registry.submissions.reason IS 'Why it was rejected, as a sentence for a person.';
        COMMENT ON COLUMN registry.submissions.reason_details IS
            'More of the reason, where there is more: field, line, column, hint, free_version.';
        COMMENT ON COLUMN registry.submissions.model_id IS 'The name of the model, as far as it is known.';
        COMMENT ON COLUMN registry.submissions.model_version IS 'The name of the version, as far as it is known.';
        COMMENT ON COLUMN registry.submissions.sha256 IS 'The digest of the payload, if it was computed.';
        COMMENT ON COLUMN registry.submissions.size_bytes IS 'The size of the payload, if it is known.';
        COMMENT ON COLUMN registry.submissions.manifest_sha256 IS 'The digest of the manifest, byte for byte, if it was read.';
        COMMENT ON COLUMN registry.submissions.source_name IS 'The path under which it was dropped, relative to drop_path, escaped.';
        COMMENT ON COLUMN registry.submissions.submitted_by IS 'The user who dropped it, if the number has a name.';
        COMMENT ON COLUMN registry.submissions.submitted_uid IS 'The number of the user who dropped it.';
        COMMENT ON COLUMN registry.submissions.drop_path IS 'The drop directory.';
        COMMENT ON COLUMN registry.submissions.host IS 'The host on which it was dropped.';
        COMMENT ON COLUMN registry.submissions.warnings IS 'What the producer should know: an array of code and message.';
        COMMENT ON COLUMN registry.submissions.recorded_at IS 'When the outcome was recorded.';
        """#
}
