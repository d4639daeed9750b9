import Glibc
import ServiceManager
import TestKit
import Testing
import Vocabulary

@Suite struct `Messages to the service manager` {
    /// In a process of its own: sd_notify(3) reads the environment, which belongs to all tests at once.
    @Test func `reach the socket that NOTIFY_SOCKET names, as systemd expects them`() async {
        await #expect(processExitsWith: .success) {
            let name = "@ingot-notify-\(getpid())"
            let manager = try #require(DatagramSocket(at: name))
            unsafe setenv("NOTIFY_SOCKET", name, 1)
            let notifier = ServiceNotifier()
            #expect(notifier.isSupervised)

            notifier.ready(status: "3 drops, 0 pending")
            #expect(manager.text() == "READY=1\nSTATUS=3 drops, 0 pending")
            notifier.status("a\nREADY=0\u{7}é")
            #expect(manager.text() == "STATUS=a\\nREADY=0\\x07é")
            notifier.stopping(status: "draining")
            #expect(manager.text() == "STOPPING=1\nSTATUS=draining")
            notifier.extendTimeout(.seconds(30))
            #expect(manager.text() == "EXTEND_TIMEOUT_USEC=30000000")
            notifier.watchdogPing()
            #expect(manager.text() == "WATCHDOG=1")

            let before = MonotonicClock.nanoseconds() / 1_000
            notifier.reloading()
            let lines = manager.text().split(separator: "\n")
            #expect(lines.count == 2 && lines[0] == "RELOADING=1")
            let time = try #require(lines[1].wholeMatch(of: /MONOTONIC_USEC=(\d+)/).flatMap { UInt64($0.1) })
            #expect(time >= before && time <= MonotonicClock.nanoseconds() / 1_000)
        }
    }

    @Test func `go nowhere without a service manager`() async {
        await #expect(processExitsWith: .success) {
            unsafe unsetenv("NOTIFY_SOCKET")
            let notifier = ServiceNotifier()
            #expect(!notifier.isSupervised)
            notifier.ready(status: "")
            notifier.reloading()
            notifier.watchdogPing()
        }
    }

    @Test func `are harmless when nobody listens on the socket`() async {
        await #expect(processExitsWith: .success) {
            unsafe setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1)
            ServiceNotifier().ready(status: "x")
        }
    }

    @Test func `keep the status line short`() async {
        await #expect(processExitsWith: .success) {
            let name = "@ingot-status-\(getpid())"
            let manager = try #require(DatagramSocket(at: name))
            unsafe setenv("NOTIFY_SOCKET", name, 1)
            ServiceNotifier().status(String(repeating: "é", count: 500))
            let text = manager.text()
            #expect(text.utf8.count <= "STATUS=".utf8.count + 200 && text.hasSuffix("é..."))
            ServiceNotifier().status(String(repeating: "x", count: 200))
            #expect(manager.text().utf8.count == "STATUS=".utf8.count + 200)
        }
    }
}

@Suite struct `The watchdog's interval` {
    @Test(arguments: [
        (["WATCHDOG_USEC": "30000000"], Duration.seconds(30)),
        (["WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "42"], .milliseconds(1_500)),
        (["WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "43"], nil), (["WATCHDOG_PID": "42"], nil), ([:], nil),
        (["WATCHDOG_USEC": "0"], nil), (["WATCHDOG_USEC": "soon"], nil),
        (["WATCHDOG_USEC": "1", "WATCHDOG_PID": "x"], nil),
    ])
    func `is the service manager's, when it means this process`(environment: [String: String], interval: Duration?) {
        #expect(ServiceNotifier.watchdogInterval(environment: environment, processID: 42) == interval)
    }
}
