internal import PostgresClient

/// What every transaction starts with: nothing is left to the session, which behind PgBouncer is everybody's.
enum Guards {
    /// Begins. READ COMMITTED, so that the statement after the lock sees what was committed under it; not READ WRITE,
    /// so that a server that its operator made read only stays so.
    static let begin = Statement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED")

    /// Ends.
    static let commit = Statement("commit", "COMMIT")

    /// Settings for this transaction alone.
    ///
    /// An acknowledged COMMIT has to mean durable, whatever role and database prefer; what waits for even more is left
    /// alone. The server's limits lie below ours, so that it is the server that gives up first and says why. A plan is made
    /// once per connection, perhaps when the tables are empty: a scan of them all must not be kept for the day they are not.
    ///
    /// A daemon that is cut off in the middle of its commands leaves a transaction that waits for the rest with the lock of
    /// writers in its hands, and none of the time limits runs there: by the system's usual keepalive it would keep
    /// all daemons waiting for two hours. `transaction_timeout` (17 and later) ends it even when the network swears that the daemon is alive.
    static func settings(patience: Duration) -> Statement {
        let milliseconds = max(Int(patience / .milliseconds(1)) * 9 / 10, 100)
        return Statement(
            "settings",
            """
            SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                    WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true),
                set_config('search_path', 'pg_catalog', true),
                set_config('statement_timeout', '\(milliseconds)', true),
                set_config('lock_timeout', '\(milliseconds)', true),
                set_config('idle_in_transaction_session_timeout', '\(milliseconds)', true),
                set_config('tcp_keepalives_idle', '10', true), set_config('tcp_keepalives_interval', '5', true),
                set_config('tcp_keepalives_count', '3', true), set_config('tcp_user_timeout', '20000', true),
                CASE WHEN current_setting('server_version_num')::integer >= 170000
                    THEN set_config('transaction_timeout', '\(milliseconds)', true) END,
                set_config('plan_cache_mode', 'force_generic_plan', true),
                set_config('enable_seqscan', 'off', true)
            """)
    }

    /// Waits for one of `Migration.Lock`.
    static func lock(_ object: Int) -> Statement { Statement("lock", Migration.Lock.sql(object)) }
}
