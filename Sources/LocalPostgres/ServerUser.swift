internal import Glibc
internal import LinuxSystem

/// Who runs the server: we, or somebody else when we are root, as whom PostgreSQL refuses to run.
struct ServerUser: Sendable {
    let name: String
    let userID: uid_t
    let groupID: gid_t
    /// Whether we have to change to that user.
    let isSomebodyElse: Bool

    /// Who it is here: `postgres` if there is one, else `nobody`, for root; ourselves for everybody else.
    static func find() throws(LocalPostgresError) -> ServerUser {
        guard geteuid() == 0 else {
            return ServerUser(name: "", userID: geteuid(), groupID: getegid(), isSomebodyElse: false)
        }
        for name in ["postgres", "nobody"] {
            guard let entry = unsafe getpwnam(name) else { continue }
            return unsafe ServerUser(
                name: name, userID: entry.pointee.pw_uid, groupID: entry.pointee.pw_gid, isSomebodyElse: true)
        }
        throw LocalPostgresError(
            code: .noUser, message: "PostgreSQL does not run as root, and there is neither a user postgres nor nobody.",
            hint: "Run this as an ordinary user.")
    }

    /// A command that runs as that user and gets a signal when the thread that started it dies.
    ///
    /// setpriv(1) asks for the signal after it has changed the user: the change itself takes the wish away again,
    /// PR_SET_PDEATHSIG(2const).
    func command(_ executable: String, _ arguments: [String], endsWithUsBy signal: String = "KILL")
        -> ChildProcess.Command
    {
        var wrapped = ["--pdeathsig", signal]
        if isSomebodyElse { wrapped += ["--reuid=\(userID)", "--regid=\(groupID)", "--clear-groups"] }
        var environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"]
        if let zone = unsafe getenv("TZ") { environment["TZ"] = unsafe String(cString: zone) }
        var command = ChildProcess.Command(
            "/usr/bin/setpriv", wrapped + ["--", executable] + arguments, environment: environment)
        command.hasOwnGroup = true
        return command
    }
}
