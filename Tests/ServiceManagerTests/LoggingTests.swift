import Glibc
import Logging
import Testing
import Vocabulary

@testable import ServiceManager

@Suite struct `Lines on stderr` {
    @Test func `are one line each, with what libraries put beside the message`() {
        let metadata: Logger.Metadata = ["INGOT_SHA256": "ab", "service": "x\ny", "a\n": "1"]
        let line = StandardErrorLogHandler.line(event("took a\\xff.pkl\nx", level: .notice), metadata: metadata)
        #expect(line == "notice: took a\\xff.pkl\\nx a\\n=1 service=x\\ny")
    }

    @Test func `name the error`() {
        let reason = Reason(code: "x", message: "No.\nNever.")
        #expect(StandardErrorLogHandler.line(event("m", error: reason), metadata: [:]) == "info: m error=No.\\nNever.")
    }

    @Test func `are written at once and whole, also when they are longer than a pipe`() async throws {
        let result = try await #require(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let threshold = LogThreshold(.info)
            let logger = Logger(label: "test") { _ in StandardErrorLogHandler(threshold: threshold) }
            logger.debug("no")
            logger.info("\(String(repeating: "x", count: 200_000))")
            threshold.level = .debug
            logger.debug("yes")
            threshold.level = .error
            logger.warning("no")
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("info: " + String(repeating: "x", count: 200_000) + "\ndebug: yes\n"))
        #expect(!text.contains("no\n"))
    }
}

@Suite struct `The place of the log` {
    @Test func `is the journal only if stderr is the journal's stream`() {
        var status = stat()
        unsafe fstat(2, &status)
        let own = "\(status.st_dev):\(status.st_ino)"
        #expect(LoggingSetup.destination(environment: ["JOURNAL_STREAM": own]) == .journal)
        #expect(LoggingSetup.destination(environment: ["JOURNAL_STREAM": own + "1"]) == .standardError)
        #expect(LoggingSetup.destination(environment: ["JOURNAL_STREAM": "x"]) == .standardError)
        #expect(LoggingSetup.destination(environment: [:]) == .standardError)
        #expect(LoggingSetup.destination(environment: ["JOURNAL_STREAM": own], descriptor: -1) == .standardError)
    }

    @Test func `has one level that all loggers share, until one has its own`() {
        let threshold = LogThreshold(.info)
        var (one, two) = (StandardErrorLogHandler(threshold: threshold), JournalLogHandler(threshold: threshold))
        two.logLevel = .error
        threshold.level = .debug
        #expect(one.logLevel == .debug && two.logLevel == .error)
        one[metadataKey: "a"] = "1"
        #expect(one.metadata == ["a": "1"] && two.metadata.isEmpty)
    }
}
