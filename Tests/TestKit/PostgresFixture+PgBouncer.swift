internal import Glibc
internal import LinuxSystem
internal import LocalPostgres
public import Testing

extension PostgresFixture {
    /// PgBouncer, where it is installed; INGOT_PGBOUNCER may name another place.
    public static let bouncerPath: String? = {
        let named = unsafe getenv("INGOT_PGBOUNCER").map { unsafe String(cString: $0) }
        return [named, "/usr/sbin/pgbouncer"].compactMap { $0 }.first { unsafe access($0, X_OK) == 0 }
    }()

    /// Runs something while a PgBouncer in transaction mode stands before the shared server.
    ///
    /// - Parameters:
    ///   - poolSize: how many connections it opens for each database.
    ///   - body: gets the socket directory and the port to connect to instead.
    public static func withBouncer<Value>(
        poolSize: Int, _ body: (_ host: String, _ port: Int) async throws -> Value
    ) async throws -> Value {
        let server = try cluster()
        let path = try #require(bouncerPath)
        let directory = "\(server.directory)/bouncer"
        try #require(unsafe mkdir(directory, 0o755) == 0)
        let settings = """
            [databases]
            * = host=\(server.socketDirectory) port=5432 user=ingot
            [pgbouncer]
            listen_addr =
            unix_socket_dir = \(server.socketDirectory)
            listen_port = 6432
            auth_type = any
            pool_mode = transaction
            default_pool_size = \(poolSize)
            """
        let file = "\(directory)/pgbouncer.ini"
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        let bytes = Array(settings.utf8)
        try #require(unsafe write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        // Like PostgreSQL it does not run as root; whoever owns the socket directory may put a socket there.
        var owner = stat()
        try #require(unsafe stat(server.socketDirectory, &owner) == 0)
        var arguments = ["--pdeathsig", "KILL"]
        if geteuid() == 0 { arguments += ["--reuid=\(owner.st_uid)", "--regid=\(owner.st_gid)", "--clear-groups"] }
        var command = ChildProcess.Command("/usr/bin/setpriv", arguments + ["--", path, "-q", file])
        command.output = .file("\(directory)/log")
        command.errors = .file("\(directory)/log")
        let child = try ChildProcess.start(command)
        defer {
            child.signal(SIGKILL)
            _ = child.wait(until: ContinuousClock.now + .seconds(10))
        }
        let probe = ChildProcess.Command(
            server.programs.path("pg_isready"), ["-q", "-h", server.socketDirectory, "-p", "6432", "-d", "postgres"])
        while try !ChildProcess.run(probe, deadline: ContinuousClock.now + .seconds(5)).isSuccess {
            try #require(child.ending == nil, "pgbouncer ended: see \(directory)/log")
            _ = child.wait(until: ContinuousClock.now + .milliseconds(10))
        }
        return try await body(server.socketDirectory, 6432)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test where PgBouncer is not installed, and says how to get it.
    public static var requiresPgBouncer: Self {
        .enabled(
            if: PostgresFixture.bouncerPath != nil && PostgresFixture.obstacle == nil,
            "PgBouncer is not installed: apt install pgbouncer")
    }
}
