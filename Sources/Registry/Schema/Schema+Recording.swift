extension Migration {
    /// The function that records a group of submissions. Its name carries a number: one that behaves differently gets
    /// the next, and stays beside this one as long as binaries that call this one may write.
    static let recordSQL = #"""

        -- Records a group: one element of every array is one submission, in the order in which the first wins.
        -- A submission with a reason is a rejection; one without is to be registered.
        --
        -- The caller holds the lock of writers, taken in an earlier statement. So the snapshot of this one shows
        -- everything that any writer before has committed, and nothing that it does not see can come in between.
        --
        -- What is recorded of a submission stands: a replay changes nothing and gets the same answer.
        CREATE FUNCTION registry.record_1(
            store uuid, submission_ids text[], reasons text[], model_ids text[], model_versions text[],
            creation_timestamps text[], training_parameters text[], evaluation_metrics text[], tags text[],
            parents text[], manifests text[], manifest_sha256s text[], sha256s text[], sizes text[],
            file_paths text[], formats text[], format_details text[], safeties text[], safety_findings text[],
            imports text[], scanner_versions text[], allow_list_versions text[], source_names text[], submitted_bys text[], submitted_uids text[], drop_paths text[], hosts text[],
            proofs text[], warnings text[]
        ) RETURNS TABLE (
            submission_id uuid, verdict text, registered_at timestamptz, file_path text, seq bigint,
            existing_sha256 text, existing_submission_id uuid, manifest_differs boolean, free_version text,
            code text, reason text, reason_details jsonb
        )
        LANGUAGE plpgsql VOLATILE
        AS $function$
        #variable_conflict use_column
        DECLARE
            moment CONSTANT timestamptz := clock_timestamp();
        BEGIN
            RETURN QUERY
            WITH entry AS (
                SELECT given.submission_id::uuid, given.reason::jsonb, given.model_id, given.model_version,
                    given.creation_timestamp::timestamptz, given.training_parameters::jsonb,
                    given.evaluation_metrics::jsonb, given.tags::jsonb, given.parents, given.manifest::jsonb,
                    given.manifest_sha256, given.sha256, given.size_bytes::bigint, given.file_path, given.format,
                    given.format_details::jsonb, given.safety, given.safety_findings::jsonb, given.imports::jsonb,
                    given.scanner_version::integer, given.allow_list_version::integer, given.source_name, given.submitted_by, given.submitted_uid::bigint, given.drop_path, given.host, given.proof,
                    given.warnings::jsonb, given.place
                FROM unnest(
                    submission_ids, reasons, model_ids, model_versions, creation_timestamps, training_parameters,
                    evaluation_metrics, tags, parents, manifests, manifest_sha256s, sha256s, sizes, file_paths, formats,
                    format_details, safeties, safety_findings, imports, scanner_versions, allow_list_versions,
                    source_names, submitted_bys, submitted_uids, drop_paths, hosts, proofs, warnings
                ) WITH ORDINALITY AS given (
                    submission_id, reason, model_id, model_version, creation_timestamp, training_parameters,
                    evaluation_metrics, tags, parents, manifest, manifest_sha256, sha256, size_bytes, file_path, format,
                    format_details, safety, safety_findings, imports, scanner_version, allow_list_version,
                    source_name, submitted_by, submitted_uid, drop_path, host, proof, warnings, place
                )
            ),
            -- What the registry knows: the same submission, and whoever has the version.
            examined AS (
                SELECT entry.*, past.submission_id IS NOT NULL AS is_replay, past.outcome, past.code AS past_code,
                    past.reason AS past_reason, past.reason_details AS past_details, holder.sha256 AS holder_sha256,
                    holder.submission_id AS holder_submission_id, holder.file_path AS holder_file_path,
                    holder.registered_at AS holder_registered_at, holder.seq AS holder_seq,
                    holder.manifest AS holder_manifest,
                    past.submission_id IS NULL AND entry.reason IS NULL AND holder.model_id IS NULL AS may_win
                FROM entry
                LEFT JOIN registry.submissions AS past ON past.submission_id = entry.submission_id
                LEFT JOIN registry.models AS holder
                    ON holder.model_id = coalesce(past.model_id, entry.model_id)
                    AND holder.model_version = coalesce(past.model_version, entry.model_version)
            ),
            -- Among those of one version that nobody has yet, the first wins. Windows, because joining the group to
            -- itself would cost the square of its size where the planner does not know that size.
            ranked AS (
                SELECT examined.*, may_win AND row_number() OVER same_version = 1 AS wins,
                    first_value(sha256) OVER same_version AS winner_sha256,
                    first_value(submission_id) OVER same_version AS winner_submission_id,
                    first_value(file_path) OVER same_version AS winner_file_path,
                    first_value(manifest) OVER same_version AS winner_manifest
                FROM examined
                WINDOW same_version AS (PARTITION BY may_win, model_id, model_version ORDER BY place)
                ORDER BY place
            ),
            -- The sort below keeps numbers in the order of the group: they are drawn after it.
            numbered AS MATERIALIZED (
                SELECT ranked.*, CASE WHEN wins THEN nextval('registry.models_seq') END AS new_seq FROM ranked
            ),
            held AS (
                SELECT numbered.*,
                    CASE WHEN may_win THEN winner_sha256 ELSE holder_sha256 END AS held_sha256,
                    CASE WHEN may_win THEN winner_submission_id ELSE holder_submission_id END AS held_submission_id,
                    CASE WHEN may_win THEN winner_file_path ELSE holder_file_path END AS held_file_path,
                    CASE WHEN may_win THEN moment ELSE holder_registered_at END AS held_registered_at,
                    CASE WHEN may_win THEN winner_manifest ELSE holder_manifest END AS held_manifest,
                    CASE WHEN may_win THEN first_value(new_seq) OVER same_version ELSE holder_seq END AS held_seq
                FROM numbered
                WINDOW same_version AS (PARTITION BY may_win, model_id, model_version ORDER BY place)
            ),
            judged AS MATERIALIZED (
                SELECT held.*,
                    CASE
                        WHEN is_replay AND outcome = 'rejected' AND past_code = 'version_conflict'
                            AND held_sha256 IS NOT NULL AND reason IS NULL THEN 'conflict'
                        WHEN is_replay AND outcome = 'rejected' AND reason IS NULL THEN 'refused'
                        WHEN is_replay THEN outcome
                        WHEN reason IS NOT NULL THEN 'rejected'
                        WHEN wins THEN 'registered'
                        WHEN held_sha256 = sha256 THEN 'duplicate'
                        ELSE 'conflict'
                    END AS verdict,
                    held_manifest IS DISTINCT FROM manifest AS manifest_differs,
                    CASE
                        WHEN is_replay THEN past_details ->> 'free_version'
                        WHEN reason IS NULL AND NOT wins AND held_sha256 <> sha256
                            THEN registry.free_version(model_id, model_version, model_versions)
                    END AS free_version
                FROM held
            ),
            blob AS (
                INSERT INTO registry.blobs AS known (
                    sha256, store_id, size_bytes, stored_at, imports, scanner_version, allow_list_version)
                SELECT DISTINCT ON (sha256) sha256, store, size_bytes, moment, imports, scanner_version, allow_list_version
                FROM judged WHERE wins
                -- A newer look replaces an older one; an older binary beside a newer one takes nothing back.
                ON CONFLICT (sha256, store_id) DO UPDATE SET verify_status = 'ok', stored_at = moment,
                    (imports, scanner_version, allow_list_version) = (
                        SELECT latest.imports, latest.scanner_version, latest.allow_list_version
                        FROM (VALUES
                            (known.imports, known.scanner_version, known.allow_list_version),
                            (excluded.imports, excluded.scanner_version, excluded.allow_list_version)
                        ) AS latest (imports, scanner_version, allow_list_version)
                        ORDER BY scanner_version DESC NULLS LAST, allow_list_version DESC NULLS LAST LIMIT 1)
                    WHERE known.verify_status <> 'ok'
                        OR (coalesce(excluded.scanner_version, 0), coalesce(excluded.allow_list_version, 0))
                            > (coalesce(known.scanner_version, 0), coalesce(known.allow_list_version, 0))
            ),
            model AS (
                INSERT INTO registry.models (
                    model_id, model_version, creation_timestamp, training_parameters, evaluation_metrics, file_path,
                    sha256, size_bytes, format, format_details, safety, safety_findings, tags, manifest,
                    manifest_sha256, parents, source_name, submitted_by, submitted_uid, drop_path, host, proof,
                    warnings, store_id, submission_id, registered_at, seq)
                SELECT model_id, model_version, creation_timestamp, training_parameters, evaluation_metrics, file_path,
                    sha256, size_bytes, format, format_details, safety, safety_findings, tags, manifest,
                    manifest_sha256, ARRAY(SELECT jsonb_array_elements_text(parents::jsonb)), source_name,
                    submitted_by, submitted_uid, drop_path, host, proof,
                    warnings, store, submission_id, moment, new_seq
                FROM judged WHERE wins
            ),
            submission AS (
                INSERT INTO registry.submissions (
                    submission_id, outcome, code, reason, reason_details, model_id, model_version, sha256, size_bytes,
                    manifest_sha256, source_name, submitted_by, submitted_uid, drop_path, host, warnings, recorded_at)
                SELECT submission_id, CASE verdict WHEN 'conflict' THEN 'rejected' ELSE verdict END,
                    CASE verdict WHEN 'conflict' THEN 'version_conflict' WHEN 'rejected' THEN reason ->> 'code' END,
                    CASE verdict
                        WHEN 'conflict' THEN
                            'Version "' || model_version || '" of "' || model_id || '" is registered with sha256:'
                            || held_sha256 || ', and this payload is sha256:' || sha256 || '.'
                        WHEN 'rejected' THEN reason ->> 'message'
                    END,
                    CASE verdict
                        WHEN 'conflict' THEN
                            jsonb_strip_nulls(jsonb_build_object(
                                'field', 'model_version', 'free_version', free_version,
                                'hint', 'A version never changes: give this one a new name'
                                    || coalesce('; "' || free_version || '" is free.', '.')))
                        WHEN 'rejected' THEN nullif(reason - 'code' - 'message', '{}')
                    END,
                    model_id, model_version, sha256, size_bytes, manifest_sha256, source_name, submitted_by,
                    submitted_uid, drop_path, host, warnings, moment
                FROM judged WHERE NOT is_replay
            )
            SELECT judged.submission_id, judged.verdict, judged.held_registered_at,
                coalesce(judged.held_file_path, CASE WHEN judged.verdict = 'registered' THEN judged.file_path END),
                judged.held_seq, judged.held_sha256, judged.held_submission_id, judged.manifest_differs,
                judged.free_version, judged.past_code, judged.past_reason, judged.past_details
            FROM judged;
        END
        $function$;
        COMMENT ON FUNCTION registry.record_1 IS
            'Records a group of submissions; for daemons, which hold the lock of writers while they call it.';

        CREATE FUNCTION registry.free_version(model text, taken text, beside text[]) RETURNS text
        LANGUAGE plpgsql STABLE
        AS $function$
        DECLARE
            candidate text;
        BEGIN
            FOR number IN 2 .. 1000 LOOP
                candidate := taken || '-' || number;
                EXIT WHEN char_length(candidate) > 255;
                -- A version in the same group may be about to take it.
                CONTINUE WHEN candidate = ANY (beside);
                IF NOT EXISTS (
                    SELECT FROM registry.models WHERE model_id = model AND model_version = candidate
                ) THEN
                    RETURN candidate;
                END IF;
            END LOOP;
            RETURN NULL;
        END
        $function$;
        COMMENT ON FUNCTION registry.free_version(text, text, text[]) IS
            'The first of version-2, version-3 … that nobody has; NULL when there is none below 1000.';
        """#

    /// The function by which a daemon announces its store.
    static let adoptStoreSQL = #"""

        -- A store that was moved takes the paths of its files along. The caller holds the lock of writers, so that no
        -- path of the old place comes in meanwhile.
        CREATE FUNCTION registry.adopt_store_1(store uuid, new_host text, new_root text)
        RETURNS TABLE (old_host text, old_root text, paths bigint)
        LANGUAGE plpgsql VOLATILE
        AS $function$
        #variable_conflict use_column
        DECLARE
            old record;
            changed bigint := 0;
        BEGIN
            SELECT host, root INTO old FROM registry.stores WHERE store_id = store;
            INSERT INTO registry.stores AS known (store_id, host, root) VALUES (store, new_host, new_root)
            ON CONFLICT (store_id) DO UPDATE SET host = new_host, root = new_root, last_seen_at = clock_timestamp();
            IF old.root <> new_root THEN
                UPDATE registry.models
                SET file_path = new_root || substr(file_path, char_length(old.root) + 1)
                WHERE store_id = store AND starts_with(file_path, old.root || '/');
                GET DIAGNOSTICS changed = ROW_COUNT;
            END IF;
            RETURN QUERY SELECT old.host, old.root, changed;
        END
        $function$;
        COMMENT ON FUNCTION registry.adopt_store_1(uuid, text, text) IS
            'Announces a store, and rewrites the paths of its files when it was moved; for daemons.';
        """#

    /// The role for readers. No step of the schema: it is made or served whenever it can be.
    static let readerSQL = #"""
        DO $$
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'ingot_reader') THEN
                IF NOT EXISTS (
                    SELECT FROM pg_catalog.pg_roles WHERE rolname = current_user AND (rolsuper OR rolcreaterole)
                ) THEN
                    RAISE NOTICE 'There is no role ingot_reader, and % may not create one.', current_user;
                    RETURN;
                END IF;
                -- Roles belong to the whole cluster: another database may be doing the same.
                BEGIN
                    CREATE ROLE ingot_reader NOLOGIN;
                EXCEPTION
                    WHEN duplicate_object OR unique_violation THEN NULL;
                END;
            END IF;
            GRANT USAGE ON SCHEMA registry TO ingot_reader;
            GRANT SELECT ON ALL TABLES IN SCHEMA registry TO ingot_reader;
            ALTER DEFAULT PRIVILEGES IN SCHEMA registry GRANT SELECT ON TABLES TO ingot_reader;
        END
        $$;

        """#
}
