import LinuxSystem
import Logging
import Manifest
import ServiceManager
import Vocabulary

/// The lane that feeds the watchdog and keeps the status true.
struct Caretaker {
    let stages: Stages
    let notifier: ServiceNotifier
    let watchdogInterval: Duration?
    /// The directory for `status.json`; `nil` writes none.
    let statusDirectory: Descriptor?
    let version: String

    private static let statusInterval = Duration.seconds(10)

    func run() {
        var lastLine = ""
        var stalled = Set<String>()
        let interval = watchdogInterval.map { min($0 / 3, Self.statusInterval) } ?? Self.statusInterval
        while let rings = stages.statusBell.receive(until: .now + interval) {
            feedWatchdog(&stalled)
            write(&lastLine)
            // Changes come by the thousand under load; once a second is enough for anybody who looks.
            if !rings.isEmpty && !pauseForASecond(&stalled) { break }
        }
        write(&lastLine)
    }

    /// - Returns: `false` when the box was closed meanwhile.
    private func pauseForASecond(_ stalled: inout Set<String>) -> Bool {
        let pause = min(.seconds(1), watchdogInterval.map { $0 / 3 } ?? .seconds(1))
        guard stages.stopBell.receive(until: .now + pause) != nil else { return false }
        feedWatchdog(&stalled)
        return true
    }

    /// The watchdog is told that all is well only if every stage that works has got on within the bound that it declared.
    private func feedWatchdog(_ known: inout Set<String>) {
        let stalled = stages.stalled()
        defer { known = Set(stalled.map(\.name)) }
        if stalled.isEmpty {
            // A stop that gets on may take its time: a large fsync is not to be cut short.
            if stages.isStopping { notifier.extendTimeout(.seconds(30)) }
            return notifier.watchdogPing()
        }
        for stage in stalled {
            // Once for each hang: the watchdog may come only after several looks.
            if !known.contains(stage.name) { stages.reportHang(of: stage) }
            stages.log.complaint(
                .failed, .critical, key: "stalled \(stage.name)",
                "The stage \(stage.name) has not got on for \(spoken(stage.silence)); the watchdog is not fed")
        }
    }

    private func write(_ lastLine: inout String) {
        let state = stages.board.snapshot
        let now = Monotonic.now
        let line = state.line(now: now)
        if line != lastLine {
            notifier.status(line)
            lastLine = line
        }
        guard let statusDirectory else { return }
        let text = state.json(now: now, wall: WallClock.now, version: version).text + "\n"
        do throws(SystemError) {
            try statusDirectory.replaceFile("status.json", with: Array(text.utf8), mode: 0o644, durable: false)
        } catch {
            stages.log.complaint(.failed, .warning, key: "status.json", "status.json cannot be written: \(error)")
        }
    }
}
