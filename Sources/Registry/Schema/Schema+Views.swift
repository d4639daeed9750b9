extension Migration {
    /// The values inside a JSON value.
    static let leavesSQL = #"""

        -- Reads every number as numeric, which holds whatever jsonb holds; float8 would raise for 1e400.
        -- Recursion by rows, not by calls: depth costs no stack.
        CREATE FUNCTION registry.leaves(prefix text, root jsonb) RETURNS TABLE (path text, leaf jsonb)
        LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
        SET search_path = pg_catalog
        AS $function$
            WITH RECURSIVE node (path, value) AS (
                SELECT prefix, root
                UNION ALL
                SELECT node.path || '.' || child.key, child.value
                FROM node
                CROSS JOIN LATERAL (
                    SELECT key, value
                    FROM jsonb_each(CASE WHEN jsonb_typeof(node.value) = 'object' THEN node.value END)
                    UNION ALL
                    SELECT (position - 1)::text, value
                    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(node.value) = 'array' THEN node.value END)
                        WITH ORDINALITY AS element (value, position)
                ) AS child
            )
            SELECT path, value FROM node WHERE jsonb_typeof(value) NOT IN ('object', 'array')
        $function$;
        COMMENT ON FUNCTION registry.leaves(text, jsonb) IS
            'The values inside a JSON value with their paths: keys, and positions counted from 0, joined by dots.';

        CREATE FUNCTION registry.finite(number jsonb) RETURNS float8
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $function$
            SELECT CASE
                WHEN jsonb_typeof(number) IS DISTINCT FROM 'number' THEN NULL
                -- The last that is rounded down to the largest float8, and the last that is rounded down to zero:
                -- beyond them the conversion raises.
                WHEN abs((number #>> '{}')::numeric) > 1.797693134862315807e308 THEN NULL
                WHEN abs((number #>> '{}')::numeric) < 2.4703282292062328e-324 THEN 0
                ELSE (number #>> '{}')::float8
            END
        $function$;
        COMMENT ON FUNCTION registry.finite(jsonb) IS
            'A JSON number as float8; NULL for anything else and for what float8 cannot hold. Never raises.';
        """#

    /// A view with one row for each value in one of the JSON columns of registry.models.
    ///
    /// Values at the top are taken without the recursion, for that is where nearly all of them are. The arms repeat the
    /// table so that a condition on model_id reaches its index.
    private static func valuesSQL(view: String, column: String, what: String) -> String {
        #"""

        CREATE VIEW registry.\#(view) AS
            SELECT model.model_id, model.model_version, top.key AS path, registry.finite(top.value) AS value,
                top.value #>> '{}' AS literal, jsonb_typeof(top.value) AS type, model.seq
            FROM registry.models AS model
            CROSS JOIN LATERAL jsonb_each(
                CASE WHEN jsonb_typeof(model.\#(column)) = 'object' THEN model.\#(column) END) AS top
            WHERE jsonb_typeof(top.value) NOT IN ('object', 'array')
            UNION ALL
            SELECT model.model_id, model.model_version, inner_value.path, registry.finite(inner_value.leaf),
                inner_value.leaf #>> '{}', jsonb_typeof(inner_value.leaf), model.seq
            FROM registry.models AS model
            CROSS JOIN LATERAL jsonb_each(
                CASE WHEN jsonb_typeof(model.\#(column)) = 'object' THEN model.\#(column) END) AS top
            CROSS JOIN LATERAL registry.leaves(top.key, top.value) AS inner_value
            WHERE jsonb_typeof(top.value) IN ('object', 'array');
        COMMENT ON VIEW registry.\#(view) IS 'One row for each value in \#(column): \#(what).';
        COMMENT ON COLUMN registry.\#(view).model_id IS 'The name of the model.';
        COMMENT ON COLUMN registry.\#(view).model_version IS 'The name of the version.';
        COMMENT ON COLUMN registry.\#(view).path IS
            'Keys, and positions in lists counted from 0, joined by dots: test.accuracy, loss.0.';
        COMMENT ON COLUMN registry.\#(view).value IS
            'The number; NULL for what is none and for NaN and infinities, so that they never win an ORDER BY.';
        COMMENT ON COLUMN registry.\#(view).literal IS 'The value as text, with every digit: 0.10, NaN, adam.';
        COMMENT ON COLUMN registry.\#(view).type IS 'number, string, boolean or null. NaN and infinities are strings.';
        COMMENT ON COLUMN registry.\#(view).seq IS 'The place of the version in the order of registrations.';
        """#
    }

    /// Views for people.
    static let viewsSQL =
        valuesSQL(view: "metrics", column: "evaluation_metrics", what: "how good a version is")
        + valuesSQL(view: "parameters", column: "training_parameters", what: "how a version was trained")
            + #"""

            CREATE VIEW registry.latest_models AS
                SELECT DISTINCT ON (model_id) *
                FROM registry.models
                WHERE retired_at IS NULL
                ORDER BY model_id, seq DESC;
            COMMENT ON VIEW registry.latest_models IS
                'Of each model the version that was registered last and is not retired; columns as in registry.models.';
            -- The columns are the table's, and so is what they mean.
            DO $$
            DECLARE
                described record;
            BEGIN
                FOR described IN
                    SELECT attname, col_description(attrelid, attnum) AS text
                    FROM pg_attribute
                    WHERE attrelid = 'registry.models'::regclass AND attnum > 0 AND NOT attisdropped
                LOOP
                    EXECUTE format('COMMENT ON COLUMN registry.latest_models.%I IS %L', described.attname, described.text);
                END LOOP;
            END
            $$;
            """#

    /// What code the files ask for.
    static let importsSQL = #"""

        CREATE VIEW registry.imports AS
            SELECT model.model_id, model.model_version, import.value ->> 'module' AS module,
                import.value ->> 'name' AS name,
                ARRAY(SELECT jsonb_array_elements_text(
                    CASE WHEN jsonb_typeof(import.value -> 'uses') = 'array' THEN import.value -> 'uses' END)) AS uses,
                import.value ->> 'verdict' AS verdict, coalesce(import.value ->> 'part', '') AS part,
                (import.value ->> 'count')::bigint AS count, model.seq
            FROM registry.models AS model
            JOIN registry.blobs AS blob USING (sha256, store_id)
            CROSS JOIN LATERAL jsonb_array_elements(blob.imports) AS import;
        COMMENT ON VIEW registry.imports IS
            'One row for each name that a pickle in the file of a version imports. Formats without code have none.';
        COMMENT ON COLUMN registry.imports.model_id IS 'The name of the model.';
        COMMENT ON COLUMN registry.imports.model_version IS 'The name of the version.';
        COMMENT ON COLUMN registry.imports.module IS 'The module, as it stands in the file: os.system is posix on Linux.';
        COMMENT ON COLUMN registry.imports.name IS 'The name in the module, dotted where it is.';
        COMMENT ON COLUMN registry.imports.uses IS
            'What is done with it: reference, call, new (made without its constructor), build (its state is set).';
        COMMENT ON COLUMN registry.imports.verdict IS 'What this import alone makes of the file; words as in registry.models.safety.';
        COMMENT ON COLUMN registry.imports.part IS 'The member of an archive that it is in; empty for the file itself.';
        COMMENT ON COLUMN registry.imports.count IS 'How often it is imported there.';
        COMMENT ON COLUMN registry.imports.seq IS 'The place of the version in the order of registrations.';
        """#

    /// What an operator should look at.
    static let problemsSQL = #"""

        CREATE VIEW registry.problems AS
            SELECT 'rejected'::text AS kind, rejected.recorded_at AS since, rejected.code, rejected.reason AS message,
                rejected.reason_details ->> 'hint' AS hint, rejected.model_id, rejected.model_version, rejected.sha256,
                rejected.host, rejected.drop_path || '/' || rejected.source_name AS subject, rejected.submission_id
            FROM registry.submissions AS rejected
            WHERE rejected.outcome = 'rejected'
                AND NOT EXISTS (
                    SELECT
                    FROM registry.submissions AS later
                    WHERE later.source_name = rejected.source_name AND later.drop_path = rejected.drop_path
                        AND later.host = rejected.host AND later.outcome <> 'rejected'
                        AND later.recorded_at > rejected.recorded_at)
            UNION ALL
            SELECT 'blob_' || blob.verify_status, blob.last_verified_at, blob.verify_status,
                'Blob ' || blob.sha256 || ' in ' || store.root || ' is ' || blob.verify_status || '.',
                'Put the file back from a copy, or retire the version.', model.model_id, model.model_version,
                blob.sha256, store.host, coalesce(model.file_path, store.root), model.submission_id
            FROM registry.blobs AS blob
            JOIN registry.stores AS store USING (store_id)
            LEFT JOIN registry.models AS model
                ON model.sha256 = blob.sha256 AND model.store_id = blob.store_id AND model.retired_at IS NULL
            WHERE blob.verify_status IN ('corrupt', 'missing');
        COMMENT ON VIEW registry.problems IS
            'What somebody should look at: submissions that were rejected and not dropped again with success, and damaged blobs.';
        COMMENT ON COLUMN registry.problems.kind IS 'rejected, blob_corrupt or blob_missing.';
        COMMENT ON COLUMN registry.problems.since IS 'When it was found.';
        COMMENT ON COLUMN registry.problems.code IS 'What is wrong, as a stable word for programs.';
        COMMENT ON COLUMN registry.problems.message IS 'What is wrong, as a sentence.';
        COMMENT ON COLUMN registry.problems.hint IS 'What to do about it.';
        COMMENT ON COLUMN registry.problems.model_id IS 'The model concerned, as far as it is known.';
        COMMENT ON COLUMN registry.problems.model_version IS 'The version concerned, as far as it is known.';
        COMMENT ON COLUMN registry.problems.sha256 IS 'The digest concerned.';
        COMMENT ON COLUMN registry.problems.host IS 'The host to look on.';
        COMMENT ON COLUMN registry.problems.subject IS 'What was dropped, or the file in the store.';
        COMMENT ON COLUMN registry.problems.submission_id IS 'The submission concerned.';
        """#
}
