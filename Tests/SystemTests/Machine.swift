import Glibc
import TestKit
import Testing
import Vocabulary

/// Everything that needs a machine with Ingot on it. One machine for all, one test after the other.
@Suite(.serialized, .runsApart, .requiresContainer, .timeLimit(.minutes(3)))
struct `Ingot on a machine with systemd` {}

/// A machine with Ingot installed as its package would: program, unit, user, directories, catalog, configuration, and a
/// PostgreSQL of the distribution beside it.
///
/// People on it: `alice` is a producer, `bob` a reader of the store, `carol` neither.
struct Machine {
    let container: Container

    private static let shared = Task {
        let machine = Machine(container: try await Container.boot())
        try await machine.installFiles()
        try await machine.setUp()
        return machine
    }

    /// The machine, with an empty store, registry, drop directory and journal, and Ingot as shipped but not started.
    static func fresh() async throws -> Machine {
        let machine = try await shared.value
        try await machine.reset()
        return machine
    }

    // MARK: Installing

    /// The program that was built along with these tests.
    static let program: String = {
        if let override = unsafe getenv("INGOTD") { return unsafe String(cString: override) }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/ingotd"
    }()

    /// The root of the project's files.
    static let project = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    private func installFiles() async throws {
        let program = Self.program
        try container.install(program, as: "/usr/bin/ingotd", mode: 0o755)
        let project = Self.project
        try container.install("\(project)/systemd/ingotd.service", as: "/usr/lib/systemd/system/ingotd.service")
        try container.install("\(project)/systemd/ingot.sysusers", as: "/usr/lib/sysusers.d/ingot.conf")
        try container.install("\(project)/systemd/ingot.tmpfiles", as: "/usr/lib/tmpfiles.d/ingot.conf")
        try container.install("\(project)/systemd/ingot.catalog", as: "/usr/lib/systemd/catalog/ingot.catalog")
        for name in ["local", "public"] {
            try container.install(
                "\(project)/systemd/ingotd-\(name)-database.conf",
                as: "/usr/share/doc/ingot/examples/ingotd-\(name)-database.conf")
        }
        // The Swift runtime is part of a package's program, but not of one that was just built: it is put where the
        // unit lets programs be.
        let libraries = try hostLibraries(of: program)
        for library in libraries {
            let name = library.split(separator: "/").last ?? ""
            try container.install(library, as: "\(Self.libraryDirectory)/\(name)", mode: 0o755)
        }
        try container.write(
            "[Service]\nEnvironment=LD_LIBRARY_PATH=\(Self.libraryDirectory)\n",
            to: "/usr/lib/systemd/system/ingotd.service.d/swift-runtime.conf")
    }

    /// Where the Swift runtime is on the machine.
    static let libraryDirectory = "/usr/lib/ingot"

    /// The libraries of the Swift toolchain that a program needs, ldd(1).
    private func hostLibraries(of program: String) throws -> [String] {
        try Tool.run("ldd", [program]).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 2, words[2].contains("/swift") else { return nil }
            return String(words[2])
        }
    }

    private func setUp() async throws {
        try await container.run(
            """
            systemd-sysusers ingot.conf
            useradd --create-home --groups ingot-producers alice
            useradd --create-home --groups ingot-readers bob
            useradd --create-home carol
            journalctl --update-catalog
            systemctl daemon-reload
            rm -rf /etc/postgresql/* /var/lib/postgresql/*
            pg_createcluster "$(ls /usr/lib/postgresql | sort -n | tail -1)" main -- --no-sync >/dev/null
            systemctl start postgresql
            runuser -u postgres -- createuser ingot
            """, within: .seconds(120))
    }

    // MARK: Starting over

    private func reset() async throws {
        try container.install("\(Self.project)/etc/ingot.yaml", as: "/etc/ingot/ingot.yaml")
        try await container.run(
            """
            systemctl stop ingotd
            rm -rf /etc/systemd/system/ingotd.service.d
            systemctl daemon-reload
            systemctl reset-failed
            systemctl start postgresql
            runuser -u postgres -- dropdb --if-exists --force ingot
            runuser -u postgres -- createdb --owner ingot ingot
            find /srv -mindepth 1 -delete
            systemd-tmpfiles --create ingot.conf
            date +@%s.%6N > /run/begun
            """)
    }
}
