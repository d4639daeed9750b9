internal import Glibc
public import Logging
internal import Synchronization

/// The level of all loggers at once; a reload changes it while they write.
public final class LogThreshold: Sendable {
    private let index: Atomic<Int>

    /// A threshold.
    public init(_ level: Logger.Level) { index = Atomic(Self.index(level)) }

    /// The least important level that is still written.
    public var level: Logger.Level {
        get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
        set { index.store(Self.index(newValue), ordering: .relaxed) }
    }

    private static func index(_ level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}

/// A handler's level: the shared one until somebody sets its own.
struct ThresholdLevel: Sendable {
    let shared: LogThreshold
    var own: Logger.Level?

    var value: Logger.Level { own ?? shared.level }
}

/// Where records go.
public enum LoggingSetup {
    /// The two places.
    public enum Destination: Sendable, Equatable {
        /// The journal, natively.
        case journal
        /// Lines on stderr.
        case standardError
    }

    /// Sends all loggers of the process to the right place; once, before the first one is made.
    ///
    /// - Parameters:
    ///   - level: the level to begin with.
    ///   - environment: where `JOURNAL_STREAM` is looked up.
    /// - Returns: the level, to change it later.
    public static func bootstrap(level: Logger.Level, environment: [String: String]) -> LogThreshold {
        let threshold = LogThreshold(level)
        switch destination(environment: environment) {
        case .journal:
            LoggingSystem.bootstrap { _ in JournalLogHandler(threshold: threshold) }
        case .standardError:
            LoggingSystem.bootstrap { _ in StandardErrorLogHandler(threshold: threshold) }
        }
        return threshold
    }

    /// The journal if stderr is the very stream that systemd connected to it, else stderr: systemd.exec(5) on
    /// `JOURNAL_STREAM`. A variable inherited by a shell in the unit, whose stderr went elsewhere, proves nothing.
    ///
    /// - Parameter descriptor: the descriptor that has to be the stream; stderr but for tests.
    public static func destination(environment: [String: String], descriptor: Int32 = 2) -> Destination {
        guard let stream = environment["JOURNAL_STREAM"] else { return .standardError }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return .standardError }
        return stream == "\(status.st_dev):\(status.st_ino)" ? .journal : .standardError
    }
}
