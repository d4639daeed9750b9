import ArgumentParser
import Glibc
import Inspectors
import LinuxSystem
import Settings

/// The daemon's command line.
@main
struct Ingotd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingotd",
        abstract:
            "Registers model files that are dropped into directories: checksummed, stored, one row each in PostgreSQL.",
        version: Version.text,
        subcommands: [Run.self, Dev.self],
        defaultSubcommand: Run.self)

    static func main() async {
        // Before anything else: a worker shuts itself in while it has one thread.
        if CommandLine.arguments.dropFirst().first == InspectionWorker.command { InspectionWorker.run() }
        // A reader of our output or a database that goes away must show as an error, not as our death.
        _ = signal(SIGPIPE, SIG_IGN)
        // Modes are always given in full; the caller's umask must not make receipts unreadable.
        umask(0)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            complain(failure.message)
            _exit(failure.status)
        } catch {
            exit(withError: error)
        }
    }
}

/// The daemon itself.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the daemon (the default).",
        discussion: """
            Reads the configuration from --config, else from the file that INGOT_CONFIG names, else from
            /etc/ingot/ingot.yaml. INGOT_STORE, INGOT_DATABASE and INGOT_LOG_LEVEL override what stands there.

            Exit status: 0 after SIGTERM or SIGINT, 64 wrong usage, 69 the store is in use or unusable,
            70 internal error, 78 wrong configuration.
            """)

    @Option(name: .long, help: "The configuration file.")
    var config: String?

    @Flag(name: .long, help: "Print the effective configuration, secrets redacted, and end.")
    var checkConfig = false

    func run() async throws {
        let file = Settings.file(named: config, environment: ProcessEnvironment.variables)
        let settings = try loadSettings(file)
        if checkConfig { return say(settings.effectiveYAML) }
        try await Daemon(configurationFile: file, settings: settings).run()
    }
}
