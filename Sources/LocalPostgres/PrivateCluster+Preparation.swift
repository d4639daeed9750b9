internal import Glibc
internal import LinuxSystem
internal import Vocabulary

extension PrivateCluster {
    /// The longest path of a Unix socket that the kernel takes, `sun_path` of unix(7) with its NUL.
    private static let longestSocketPath = 107

    /// Where the socket lies: in the cluster's directory if its path is short enough, else in a directory of its own.
    static func socketDirectory(for directory: String, user: ServerUser) -> String {
        let own = "\(directory)/run"
        // A comma would make a list of it, for server and client.
        if "\(own)/.s.PGSQL.5432".utf8.count <= longestSocketPath, !own.contains(",") { return own }
        // FNV-1a, so that the next start finds the same place; `make` sees to it that it is nobody else's.
        let hash = directory.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "/tmp/ingot-\(user.userID)-\(String(hash, radix: 16))"
    }

    /// The version of the server that made a cluster; `nil` when there is none.
    static func majorVersion(ofClusterIn data: String) -> Int? {
        content(of: "\(data)/PG_VERSION").flatMap { Int($0.prefix { $0 != "\n" }) }
    }

    /// Makes what is missing: directories, and the cluster itself.
    func prepare(deadline: ContinuousClock.Instant) throws(LocalPostgresError) {
        try make(directory, mode: 0o755, owner: nil)
        try make(socketDirectory, mode: 0o700, owner: user)
        let reach = user.command("/usr/bin/test", ["-x", directory])
        guard try finished(reach, deadline: deadline).isSuccess else {
            throw LocalPostgresError(
                code: .directory, message: "The user \(user.name), who runs PostgreSQL, cannot enter \(directory).",
                hint: "Choose a directory that everybody can reach, such as one in /srv or /var/lib.")
        }
        guard Self.majorVersion(ofClusterIn: "\(directory)/data") == nil else { return }
        try makeCluster(deadline: deadline)
    }

    /// Makes the cluster beside its place and moves it there when it is complete.
    private func makeCluster(deadline: ContinuousClock.Instant) throws(LocalPostgresError) {
        let (unfinished, data) = ("\(directory)/data.new", "\(directory)/data")
        try succeed(ChildProcess.Command("/bin/rm", ["-rf", "--", unfinished]), deadline: deadline)
        try make(unfinished, mode: 0o700, owner: user)
        var arguments = [
            "-D", unfinished, "-U", options.superuser, "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust",
        ]
        if !options.isDurable { arguments.append("--no-sync") }
        try succeed(user.command(programs.path("initdb"), arguments), deadline: deadline)
        try write("local all all trust\n", to: "\(unfinished)/pg_hba.conf")
        guard unsafe rename(unfinished, data) == 0 else { throw failure("rename", data) }
    }

    /// Makes way after a crash (invariant 3).
    ///
    /// PostgreSQL copes with a `postmaster.pid` whose process is gone, but not with one whose number belongs to somebody
    /// else by now, and in a container numbers come back soon. Backends of a killed server end by themselves; as long as
    /// one is left, the file has to stay.
    func clearLeftovers(deadline: ContinuousClock.Instant) throws(LocalPostgresError) {
        let data = "\(directory)/data"
        guard let lock = content(of: "\(data)/postmaster.pid") else { return }
        let owner = Int32(lock.prefix { $0 != "\n" }) ?? 0
        while true {
            let working = workers
            if working.isEmpty { break }
            // A server that is not our child.
            if working.contains(owner) {
                throw LocalPostgresError(
                    code: .alreadyRunning, message: "Process \(owner) already serves the cluster in \(directory).")
            }
            guard ContinuousClock.now < deadline else {
                throw LocalPostgresError(
                    code: .timedOut,
                    message: "Processes of a server that was killed are still at work in \(data): \(working).")
            }
            usleep(10_000)
        }
        _ = unsafe unlink("\(data)/postmaster.pid")
        _ = unsafe unlink("\(socketDirectory)/.s.PGSQL.5432.lock")
        _ = unsafe unlink("\(socketDirectory)/.s.PGSQL.5432")
    }

    /// The server's processes.
    var workers: [Int32] { processes(workingIn: "\(directory)/data") }

    /// The end of the server's log, as one line.
    var lastLogLines: String {
        let lines = (content(of: "\(directory)/postgres.log") ?? "").split(separator: "\n").suffix(4)
        return escaped(lines.joined(separator: " / "))
    }

    /// Runs a program that has to succeed.
    @discardableResult
    func succeed(
        _ command: ChildProcess.Command, deadline: ContinuousClock.Instant
    ) throws(LocalPostgresError) -> String {
        let completion = try finished(command, deadline: deadline)
        guard completion.isSuccess else {
            let words = completion.errors.isEmpty ? completion.output : completion.errors
            let program = command.arguments.first { $0.hasPrefix("/") } ?? command.executable
            throw LocalPostgresError(
                code: completion.ending == nil ? .timedOut : .programFailed,
                message: "\(program) failed: \(escaped(words.suffix(1_000)))")
        }
        return String(decoding: completion.output, as: UTF8.self)
    }

    private func make(_ path: String, mode: mode_t, owner: ServerUser?) throws(LocalPostgresError) {
        guard unsafe mkdir(path, mode) == 0 else {
            guard errno == EEXIST else { throw failure("mkdir", path) }
            if let owner { try checkPrivate(path, owner: owner) }
            return
        }
        // mkdir(2) takes the umask away.
        guard unsafe chmod(path, mode) == 0 else { throw failure("chmod", path) }
        guard let owner, owner.isSomebodyElse else { return }
        guard unsafe chown(path, owner.userID, owner.groupID) == 0 else { throw failure("chown", path) }
    }

    /// A private directory that was there before must be what we would have made.
    private func checkPrivate(_ path: String, owner: ServerUser) throws(LocalPostgresError) {
        var found = stat()
        guard unsafe lstat(path, &found) == 0 else { throw failure("lstat", path) }
        guard found.st_mode == S_IFDIR | 0o700, found.st_uid == owner.userID else {
            throw LocalPostgresError(
                code: .directory, message: "\(escaped(path)) is not a directory of mode 0700 of the server's user.")
        }
    }

    private func write(_ text: String, to path: String) throws(LocalPostgresError) {
        let descriptor = unsafe open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw failure("write", path) }
    }

    private func failure(_ operation: String, _ path: String) -> LocalPostgresError {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return LocalPostgresError(code: .directory, message: "\(operation) of \(escaped(path)): \(reason).")
    }
}

/// A small file's text; `nil` when it cannot be read. At most its last 64 KiB.
func content(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let limit = 65_536
    let start = max(lseek(descriptor, 0, SEEK_END) - limit, 0)
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        count = unsafe max(pread(descriptor, buffer.baseAddress, limit, start), 0)
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// The processes whose working directory this is, proc_pid_cwd(5).
///
/// Every process of a PostgreSQL server works in its data directory.
private func processes(workingIn directory: String) -> [Int32] {
    var wanted = stat()
    guard unsafe stat(directory, &wanted) == 0 else { return [] }
    return entries(of: "/proc").compactMap { Int32($0) }.filter { process in
        var actual = stat()
        return unsafe stat("/proc/\(process)/cwd", &actual) == 0 && actual.st_ino == wanted.st_ino
            && actual.st_dev == wanted.st_dev
    }
}
