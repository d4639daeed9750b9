import ContentStore
import DropWatch
import Glibc
import Intake
import LinuxSystem
import Logging
import ServiceLifecycle
import ServiceManager
import Settings
import UnixSignals

/// The daemon's wiring: logging, the service manager, the pipeline, signals.
struct Daemon {
    let configurationFile: String
    let settings: Settings
    /// Where `status.json` goes: systemd's runtime directory, or what the caller says.
    var statusDirectory = ProcessEnvironment.variables["RUNTIME_DIRECTORY"]
    /// Called when everything is watched.
    var whenReady: @Sendable () -> Void = {}

    /// Runs until SIGTERM or SIGINT.
    func run() async throws {
        let threshold = LoggingSetup.bootstrap(
            level: settings.logLevel.asLoggerLevel, environment: ProcessEnvironment.variables)
        let logger = Logger(label: "ingotd")
        let notifier = ServiceNotifier()
        let intake: IntakeService
        do {
            intake = try IntakeService(settings: settings, surroundings: surroundings(logger, notifier))
        } catch let error as StoreError {
            throw Failure.unavailable(error.description)
        } catch let error as DropError {
            throw Failure.unavailable(error.description)
        }
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: intake),
                    .init(
                        service: Reloader(
                            file: configurationFile, intake: intake, notifier: notifier, threshold: threshold,
                            logger: logger)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger)))
        try await group.run()
        logger.notice("Stopped", metadata: ["INGOT_EVENT": "stopped"])
    }

    private func surroundings(_ logger: Logger, _ notifier: ServiceNotifier) -> IntakeService.Surroundings {
        IntakeService.Surroundings(
            logger: logger, notifier: notifier,
            watchdogInterval: ServiceNotifier.watchdogInterval(environment: ProcessEnvironment.variables),
            statusDirectory: statusDirectory, version: Version.text,
            whenReady: { [whenReady, settings] in
                notifier.ready()
                logger.notice(
                    "Started: ingotd \(Version.text), store \(settings.store), \(settings.drops.count) drop directories",
                    metadata: ["INGOT_EVENT": "started"])
                whenReady()
            })
    }

    // The group tells every step of its life at debug level; nobody needs that.
    private func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        quiet.logLevel = .warning
        return quiet
    }
}

/// Reads the configuration again at SIGHUP: all of it is checked first, then it is swapped; on error the old one stays.
struct Reloader: Service {
    let file: String
    let intake: IntakeService
    let notifier: ServiceNotifier
    let threshold: LogThreshold
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            notifier.reloading()
            reload()
            notifier.ready()
        }
    }

    private func reload() {
        let problem: String?
        do throws(Failure) {
            let settings = try loadSettings(file)
            problem = intake.reload(settings)
            if problem == nil { threshold.level = settings.logLevel.asLoggerLevel }
        } catch {
            problem = error.message
        }
        guard let problem else {
            return logger.notice("Configuration reloaded from \(file)", metadata: ["INGOT_EVENT": "reloaded"])
        }
        intake.reloadFailed(problem)
        logger.error(
            "Configuration not reloaded, the old one stays in force: \(problem)",
            metadata: ["INGOT_EVENT": "reload_failed"])
    }
}

extension LogLevel {
    var asLoggerLevel: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}
