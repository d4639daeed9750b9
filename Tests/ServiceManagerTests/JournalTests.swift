import Glibc
import Logging
import TestKit
import Testing
import Vocabulary

@testable import ServiceManager

/// An event as a logger makes it.
func event(_ message: String, level: Logger.Level = .info, error: (any Error)? = nil) -> LogEvent {
    LogEvent(
        level: level, message: "\(message)", error: error, metadata: nil, source: nil, file: "Sources/F.swift",
        function: "f()", line: 7)
}

@Suite struct `Journal records` {
    @Test func `carry message, priority, identifier, message id, place and every key`() {
        let metadata: Logger.Metadata = [
            "INGOT_EVENT": "rejected", "INGOT_MODEL_ID": "fraud", "drop.path": "/srv\n<0>x", "MESSAGE": "no",
        ]
        let fields = JournalRecord.fields(event("m", level: .warning), metadata: metadata, identifier: "ingotd")
        let expected = [
            JournalField("MESSAGE", "m"), JournalField("PRIORITY", "4"), JournalField("SYSLOG_IDENTIFIER", "ingotd"),
            JournalField("MESSAGE_ID", EventKind.rejected.messageID), JournalField("CODE_FILE", "Sources/F.swift"),
            JournalField("CODE_LINE", "7"), JournalField("CODE_FUNC", "f()"), JournalField("INGOT_EVENT", "rejected"),
            JournalField("INGOT_MODEL_ID", "fraud"), JournalField("INGOT_MESSAGE", "no"),
            JournalField("INGOT_DROP_PATH", "/srv\n<0>x"),
        ]
        #expect(fields == expected)
    }

    @Test func `have no message id without an event of ours`() {
        let fields = JournalRecord.fields(event("m"), metadata: ["INGOT_EVENT": "x"], identifier: "i")
        #expect(!fields.contains { $0.name == "MESSAGE_ID" })
    }

    @Test(arguments: [
        ("INGOT_SHA256", "INGOT_SHA256"), ("error", "INGOT_ERROR"), ("_UID", "INGOT__UID"), ("9", "INGOT_9"),
        ("é", "INGOT__"), ("PRIORITY", "INGOT_PRIORITY"), ("", "INGOT_"), ("Ab", "INGOT_AB"),
        (String(repeating: "A", count: 65), "INGOT_" + String(repeating: "A", count: 58)),
    ])
    func `have only names that journald takes`(key: String, name: String) {
        #expect(JournalRecord.fieldName(key) == name)
    }

    @Test(arguments: zip(Logger.Level.allCases, ["7", "7", "6", "5", "4", "3", "2"]))
    func `know syslog's priorities`(level: Logger.Level, priority: String) {
        let fields = JournalRecord.fields(event("m", level: level), metadata: [:], identifier: "i")
        #expect(fields.contains(JournalField("PRIORITY", priority)))
    }

    /// With a journald of our own: libsystemd's socket path is fixed, so the test gets its own /run.
    @Test(.enabled(if: geteuid() == 0, "needs root for a mount namespace of its own"))
    func `arrive at journald byte for byte, whatever is in them`() async {
        await #expect(processExitsWith: .success) {
            try #require(enterPrivateRun(), "no mount namespace")
            let journald = try #require(DatagramSocket(at: "/run/systemd/journal/socket"))
            var logger = Logger(label: "test") { _ in
                JournalLogHandler(threshold: LogThreshold(.info), identifier: "test")
            }
            logger[metadataKey: "INGOT_SOURCE"] = "a\nMESSAGE=forged\nPRIORITY=0\u{0}é"
            logger.debug("not this one")
            logger.error("hello\nworld", metadata: ["INGOT_EVENT": "failed"])
            let fields = try #require(parseNativeProtocol(journald.receive()))
            #expect(fields["MESSAGE"] == ["hello\nworld"] && fields["PRIORITY"] == ["3"])
            #expect(fields["INGOT_SOURCE"] == ["a\nMESSAGE=forged\nPRIORITY=0\u{0}é"])
            #expect(fields["MESSAGE_ID"] == [EventKind.failed.messageID])
            #expect(fields["SYSLOG_IDENTIFIER"] == ["test"])
        }
    }

    @Test(.enabled(if: hasJournald(), "no journald is running here"))
    func `can be found in the real journal`() throws {
        let token = "ingot-test-\(getpid())-\(MonotonicClock.nanoseconds())"
        #expect(JournalLogHandler.send([JournalField("MESSAGE", "test"), JournalField("INGOT_TEST", token)]) == 0)
        let command = "journalctl --sync; journalctl -q -o cat INGOT_TEST=\(token) | grep -qx test"
        let status = unsafe system(command)
        #expect(status == 0)
    }
}

/// Gives this thread a /run that nobody else sees.
///
/// By name, because Glibc's module leaves out what needs `_GNU_SOURCE`.
func enterPrivateRun() -> Bool {
    typealias Unshare = @convention(c) (Int32) -> Int32
    let newMountNamespace: Int32 = 0x20000
    guard let symbol = unsafe dlsym(nil, "unshare") else { return false }
    guard unsafe unsafeBitCast(symbol, to: Unshare.self)(newMountNamespace) == 0 else { return false }
    guard unsafe mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0 else { return false }
    guard unsafe mount("tmpfs", "/run", "tmpfs", 0, nil) == 0 else { return false }
    return unsafe mkdir("/run/systemd", 0o755) == 0 && mkdir("/run/systemd/journal", 0o755) == 0
}

/// Whether a journald listens here.
func hasJournald() -> Bool { unsafe access("/run/systemd/journal/socket", F_OK) == 0 }

/// Reads a datagram of the journal's native protocol strictly; `nil` when it is malformed.
func parseNativeProtocol(_ datagram: [UInt8]) -> [String: [String]]? {
    var fields: [String: [String]] = [:]
    var rest = datagram[...]
    while !rest.isEmpty {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = rest[..<end]
        rest = rest[(end + 1)...]
        if let equals = line.firstIndex(of: UInt8(ascii: "=")) {
            let name = String(decoding: line[..<equals], as: UTF8.self)
            fields[name, default: []].append(String(decoding: line[(equals + 1)...], as: UTF8.self))
        } else {
            guard rest.count >= 8 else { return nil }
            let count = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(8)
            guard rest.count > count, rest.dropFirst(count).first == UInt8(ascii: "\n") else { return nil }
            let name = String(decoding: line, as: UTF8.self)
            fields[name, default: []].append(String(decoding: rest.prefix(count), as: UTF8.self))
            rest = rest.dropFirst(count + 1)
        }
    }
    return fields
}
