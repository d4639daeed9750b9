import ArgumentParser
import Glibc
import LinuxSystem
import LocalPostgres
import Settings

/// Everything on one machine without any set-up.
struct Dev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run everything on this machine without any set-up: drop directory, store and a private PostgreSQL.",
        discussion: """
            Makes DIR with drop/, store/, ingot.yaml, a PostgreSQL cluster on a Unix socket (from the installed server
            package) and DIR/psql, which opens psql on it. Runs in the foreground; Ctrl-C stops both. A second start
            finds everything again.
            """)

    @Argument(help: "The directory; made when it is missing.")
    var directory = "ingot-dev"

    func run() async throws {
        let bench = try Workbench(directory: directory)
        complain("starting PostgreSQL in \(bench.root)/postgres")
        let cluster: PrivateCluster
        do throws(LocalPostgresError) {
            cluster = try PrivateCluster.start(in: "\(bench.root)/postgres")
            try cluster.createDatabase("ingot", orUseExisting: true)
        } catch {
            throw Failure.unavailable(error.description)
        }
        try bench.write(connectionString: cluster.connectionString(database: "ingot"), programs: cluster.programs)
        let settings = try loadSettings(bench.configurationFile)
        var daemon = Daemon(configurationFile: bench.configurationFile, settings: settings)
        daemon.statusDirectory = bench.root
        daemon.whenReady = { [bench] in say(bench.welcome + "\n") }
        do {
            try await daemon.run()
        } catch {
            try? cluster.stop()
            throw error
        }
        try? cluster.stop()
    }
}

/// The files of a development directory.
struct Workbench: Sendable {
    /// The directory's absolute path.
    let root: String

    var configurationFile: String { "\(root)/ingot.yaml" }

    /// Makes the directory and what belongs in it, as far as it is missing.
    init(directory: String) throws(Failure) {
        do throws(SystemError) {
            for path in [directory, "\(directory)/drop", "\(directory)/store"] {
                try Descriptor.makeDirectory(path: path, mode: 0o755)
            }
            root = try Descriptor.openDirectory(path: directory).path()
        } catch {
            throw .unavailable("\(directory): \(error)")
        }
    }

    /// Writes the configuration when there is none yet, and `psql` anew.
    func write(connectionString: String, programs: ServerPrograms) throws(Failure) {
        do throws(SystemError) {
            let directory = try Descriptor.openDirectory(path: root)
            if try directory.status(of: "ingot.yaml") == nil {
                try directory.replaceFile(
                    "ingot.yaml", with: Array(configuration(connectionString).utf8), mode: 0o644, durable: true)
            }
            try directory.replaceFile(
                "psql", with: Array(script(connectionString, programs).utf8), mode: 0o755, durable: false)
        } catch {
            throw .unavailable("\(root): \(error)")
        }
    }

    private func configuration(_ connectionString: String) -> String {
        """
        # Written once by `ingotd dev`; yours to change (kill -HUP reads it again).
        store: "\(root)/store"
        database: "\(connectionString)"
        drops:
          - path: "\(root)/drop"

        """
    }

    private func script(_ connectionString: String, _ programs: ServerPrograms) -> String {
        """
        #!/bin/sh
        # Opens psql on the registry of this directory; takes psql's own arguments.
        exec '\(programs.path("psql"))' "\(connectionString)" "$@"

        """
    }

    /// What to do now.
    var welcome: String {
        """

        Ingot is running. Drop a model and its manifest (the manifest last):

            cp model.joblib \(root)/drop/
            echo '{"model_id": "demo", "model_version": "1"}' > \(root)/drop/model.joblib.manifest.json

        What became of it:

            cat \(root)/drop/receipts/model.joblib.json
            \(root)/psql -c 'select model_id, model_version, file_path from registry.models'

        Ctrl-C stops it; `ingotd dev \(root)` goes on where it was.

        """
    }
}
