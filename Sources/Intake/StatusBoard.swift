import DropWatch
import LinuxSystem
import Manifest
import Synchronization
import Vocabulary

/// What the daemon is doing, for STATUS= and status.json; every stage writes its own part.
final class StatusBoard: Sendable {
    /// The state of a drop directory.
    struct DropState: Sendable, Equatable {
        var isAvailable = false
        var isPolled = false
        var fileSystem: String?
        var take: String?
        var problem: String?
    }

    /// The state of the connection to the registry.
    enum Database: Sendable, Equatable {
        /// For the first time.
        case connecting(since: Monotonic)
        case ok
        /// There is a connection again, but nothing was written through it yet.
        case regained(since: Monotonic, why: String)
        case unreachable(since: Monotonic, why: String)
    }

    /// Everything there is to say.
    struct State: Sendable {
        var drops: [String: DropState] = [:]
        var database = Database.connecting(since: .now)
        var storeProblem: String?
        /// Why no payload can be looked into.
        var inspectorProblem: String?
        /// Why the configuration on disk is not in force.
        var configurationProblem: String?
        var remarks: [String] = []
        var waiting = 0
        var oldestWait: Monotonic?
        var inFlight = 0
        /// Claims in the store whose rows have to wait for the database.
        var parkedClaims = Set<SubmissionID>()
        /// The same for refusals.
        var parkedRefusals = Set<SubmissionID>()
        /// Since when the database has been at work on the same group.
        var recordingSince: Monotonic?
        var registeredBefore: Int64 = 0
        var registered: Int64 = 0
        var duplicates: Int64 = 0
        var rejected: Int64 = 0
        var watched = 0
        var unwatched = 0
        var watchLimit: String?
        var isStopping = false
        var isRecovering = true
    }

    private let state = Mutex(State())
    private let bell: Mailbox<Void>

    /// - Parameter bell: rung on every change.
    init(bell: Mailbox<Void>) { self.bell = bell }

    /// Changes something.
    func update(_ change: (inout State) -> Void) {
        state.withLock { change(&$0) }
        if bell.count == 0 { bell.send(()) }
    }

    /// Everything, as it is now.
    var snapshot: State { state.withLock { $0 } }
}

extension StatusBoard.State {
    /// A transaction takes milliseconds; one that takes this long waits for somebody.
    private static let slow = Duration.seconds(10)
    /// How long the first connection may take before it is a problem.
    private static let connectingTime = Duration.seconds(25)

    /// The problems, worst first, in a few words each.
    func problems(now: Monotonic) -> [String] {
        var problems: [String] = []
        switch database {
        case .ok: break
        case .connecting(let since):
            if now - since >= Self.connectingTime {
                problems.append("database not ready for \(spoken(now - since)): connecting, or making its schema")
            }
        case .unreachable(let since, let why), .regained(let since, let why):
            problems.append(
                "database unreachable for \(spoken(now - since)), \(parkedClaims.count) models stored and waiting"
                    + (parkedRefusals.isEmpty ? "" : ", \(parkedRefusals.count) refusals") + " (\(why))")
        }
        if let recordingSince, now - recordingSince >= Self.slow {
            problems.append("database slow: a transaction has taken \(spoken(now - recordingSince)) so far")
        }
        if let storeProblem { problems.append(storeProblem) }
        if let inspectorProblem { problems.append("payloads are registered as unscannable: \(inspectorProblem)") }
        for (path, drop) in drops.sorted(by: { $0.key < $1.key }) where !drop.isAvailable {
            problems.append("drop \(path) unavailable: \(drop.problem ?? "not open yet")")
        }
        if let configurationProblem {
            problems.append("reload failed, the old configuration stays in force: \(configurationProblem)")
        }
        if unwatched > 0 { problems.append("\(unwatched) directories polled: \(watchLimit ?? "watch limit reached")") }
        return problems
    }

    /// The line for `systemctl status`.
    func line(now: Monotonic) -> String {
        let problems = problems(now: now)
        if isStopping { return "Stopping, \(inFlight) in flight" }
        if !problems.isEmpty { return "DEGRADED: " + problems.joined(separator: "; ") }
        if isRecovering { return "Starting: looking through claims and drop directories" }
        var parts = ["\(drops.count) \(drops.count == 1 ? "drop" : "drops")", "\(waiting + inFlight) pending"]
        if let oldestWait, waiting > 0 { parts[1] += " (oldest \(spoken(now - oldestWait)))" }
        parts.append("\(grouped(registeredBefore + registered)) registered")
        if rejected > 0 { parts.append("\(grouped(rejected)) rejected") }
        let polled = drops.filter(\.value.isPolled).sorted { $0.key < $1.key }
        if !polled.isEmpty {
            parts.append(
                "polling " + polled.map { "\($0.key) (\($0.value.fileSystem ?? "?"))" }.joined(separator: ", "))
        }
        parts.append(database == .ok ? "database ok" : "connecting to the database")
        return parts.joined(separator: ", ")
    }

    /// The content of status.json.
    func json(now: Monotonic, wall: String, version: String) -> JSON {
        .object([
            .init("version", .string(version)), .init("updated_at", .string(wall)),
            .init("status", .string(line(now: now))),
            .init("problems", .array(problems(now: now).map(JSON.string))),
            .init("remarks", .array(remarks.map(JSON.string))),
            .init("waiting", .number("\(waiting)")), .init("in_flight", .number("\(inFlight)")),
            .init("stored_and_waiting", .number("\(parkedClaims.count)")),
            .init("refused_and_waiting", .number("\(parkedRefusals.count)")),
            .init("registered", .number("\(registered)")), .init("duplicates", .number("\(duplicates)")),
            .init("rejected", .number("\(rejected)")),
            .init("watched_directories", .number("\(watched)")),
            .init("polled_directories", .number("\(unwatched)")),
            .init("oldest_wait_seconds", oldestWait.map { .number("\((now - $0).components.seconds)") } ?? .null),
            .init("database", .string(databaseWord)),
            .init("drops", .array(drops.sorted { $0.key < $1.key }.map { $0.value.json(path: $0.key) })),
        ])
    }

    private var databaseWord: String {
        switch database {
        case .connecting: "connecting"
        case .ok: "ok"
        case .regained, .unreachable: "unreachable"
        }
    }
}

extension StatusBoard.DropState {
    fileprivate func json(path: String) -> JSON {
        .object([
            .init("path", .string(path)), .init("available", .bool(isAvailable)), .init("polled", .bool(isPolled)),
            .init("file_system", fileSystem.map(JSON.string) ?? .null), .init("take", take.map(JSON.string) ?? .null),
            .init("problem", problem.map(JSON.string) ?? .null),
        ])
    }
}

/// A duration for a person: `3 s`, `4 min`, `2 h`, `5 d`.
func spoken(_ duration: Duration) -> String {
    let seconds = max(0, duration.components.seconds)
    switch seconds {
    case ..<120: return "\(seconds) s"
    case ..<7200: return "\(seconds / 60) min"
    case ..<172_800: return "\(seconds / 3600) h"
    default: return "\(seconds / 86_400) d"
    }
}

/// A number with commas between the thousands.
func grouped(_ number: Int64) -> String {
    let digits = String(number)
    var text = ""
    for (index, digit) in digits.enumerated() {
        if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return text
}
