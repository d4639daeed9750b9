internal import Glibc

/// The directory with PostgreSQL's server programs.
public struct ServerPrograms: Sendable {
    /// The directory, such as `/usr/lib/postgresql/15/bin`.
    public let directory: String
    /// The major version, such as 15; `nil` for programs from PATH.
    public let majorVersion: Int?

    /// A program's path.
    public func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// Finds the newest server that is installed, or one of a certain version.
    ///
    /// Debian keeps them out of PATH, in `/usr/lib/postgresql/<version>/bin`; others in `/usr/pgsql-<version>/bin`, or
    /// in PATH.
    ///
    /// - Parameter majorVersion: the version that a cluster on disk needs; `nil` for the newest.
    /// - Throws: `notInstalled`.
    public static func find(majorVersion: Int? = nil) throws(LocalPostgresError) -> ServerPrograms {
        let versioned =
            entries(of: "/usr/lib/postgresql").compactMap { name in
                Int(name).map { ServerPrograms(directory: "/usr/lib/postgresql/\(name)/bin", majorVersion: $0) }
            }
            + entries(of: "/usr").compactMap { name in
                guard name.hasPrefix("pgsql-"), let version = Int(name.dropFirst(6)) else { return nil }
                return ServerPrograms(directory: "/usr/\(name)/bin", majorVersion: version)
            }
        let search = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        let unversioned = search.split(separator: ":").map {
            ServerPrograms(directory: String($0), majorVersion: nil)
        }
        let candidates = versioned.sorted { ($0.majorVersion ?? 0) > ($1.majorVersion ?? 0) } + unversioned
        let found = candidates.first { candidate in
            let isAsked = majorVersion == nil || candidate.majorVersion == nil || candidate.majorVersion == majorVersion
            return isAsked && candidate.isComplete
        }
        guard let found else {
            let package = majorVersion.map { "postgresql-\($0)" } ?? "postgresql"
            throw LocalPostgresError(
                code: .notInstalled,
                message: "PostgreSQL's server\(majorVersion.map { " \($0)" } ?? "") is not installed.",
                hint: "Install it: apt install \(package)")
        }
        return found
    }

    private var isComplete: Bool {
        ["postgres", "initdb", "pg_isready", "psql", "createdb"].allSatisfy { unsafe access(path($0), X_OK) == 0 }
    }
}

/// The names in a directory; none when it cannot be read.
func entries(of directory: String) -> [String] {
    guard let stream = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}
