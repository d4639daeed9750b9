internal import Glibc
internal import LinuxSystem

extension PrivateCluster {
    /// Makes a database.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - isWelcome: whether one that is there already is fine.
    /// - Throws: what `createdb` said.
    public func createDatabase(_ name: String, orUseExisting isWelcome: Bool = false) throws(LocalPostgresError) {
        if isWelcome {
            let literal = name.replacing("'", with: "''")
            let known = try run("SELECT 1 FROM pg_database WHERE datname = '\(literal)'")
            if !known.isEmpty { return }
        }
        let arguments = ["-h", socketDirectory, "-p", "5432", "-U", options.superuser, "-T", "template0", "--", name]
        try succeed(
            ChildProcess.Command(programs.path("createdb"), arguments),
            deadline: ContinuousClock.now + options.patience)
    }

    /// Runs SQL with psql(1), as the cluster's superuser.
    ///
    /// - Parameters:
    ///   - sql: one command, or several with semicolons.
    ///   - database: where.
    /// - Returns: the rows as psql prints them unaligned: values separated by `|`, rows by line ends.
    /// - Throws: what psql said.
    @discardableResult
    public func run(_ sql: String, database: String = "postgres") throws(LocalPostgresError) -> String {
        let arguments = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", connectionString(database: database), "-c", sql]
        let output = try succeed(
            ChildProcess.Command(programs.path("psql"), arguments), deadline: ContinuousClock.now + options.patience)
        return output.hasSuffix("\n") ? String(output.dropLast()) : output
    }
}
