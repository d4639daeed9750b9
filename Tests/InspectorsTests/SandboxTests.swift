import Glibc
import LinuxSystem
import ModelFormats
import TestKit
import Testing
import Vocabulary

@testable import Inspectors

/// Bytes in a file of their own.
private func file(_ content: [UInt8], in scratch: Scratch, _ name: FileName = "file") throws -> Descriptor {
    try scratch.directory.unlink(name)
    let file = try scratch.directory.open(name, [.readWrite, .create])
    try file.write(content)
    return file
}

/// `pickle.dumps` of something that calls `os.system`.
let malicious = Array("cposix\nsystem\n(S'true'\ntR.".utf8)

@Suite struct `An inspector in its sandbox` {
    let scratch: Scratch
    let inspector: SandboxedInspector

    init() throws {
        scratch = try Scratch()
        inspector = SandboxedInspector(program: Daemon.program)
    }

    private func inspect(_ content: [UInt8], patience: Duration? = nil) throws -> Inspection? {
        let outcome = inspector.inspect(
            try file(content, in: scratch), sizeInBytes: Int64(content.count), patience: patience
        ) { () throws(Never) in }
        switch outcome {
        case .inspected(let inspection): return inspection
        case .unfinished: return nil
        case .unavailable(let error): throw error
        }
    }

    private func misbehave(_ word: String, patience: Duration? = nil) throws -> Inspection? {
        try inspect(Array((InspectionWorker.misbehaviour + word).utf8), patience: patience)
    }

    /// The next file is read as if nothing had been.
    private func expectWorks(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try inspect(malicious)?.safety == .dangerous, sourceLocation: sourceLocation)
    }

    @Test func `finds what is in a file`() throws {
        let inspection = try #require(try inspect(malicious))
        #expect(inspection == Inspector.inspect(MemoryBytes(malicious)))
        #expect(inspection.imports.map(\.module) == ["posix"])
    }

    @Test func `can do nothing but read it`() throws {
        let inspection = try #require(try misbehave("probe"))
        let results = try #require(inspection.details.members)
        #expect(results.count == 11)
        for result in results where result.value != .number("\(EPERM)") && result.value != .number("\(EACCES)") {
            Issue.record("\(result.key): \(result.value.text)")
        }
        #expect(inspector.sandbox?.contains([.seccomp, .noNewPrivileges, .noCapabilities, .limits]) == true)
    }

    @Test(.enabled(if: Sandbox.kernelHasLandlock, "This kernel has no Landlock")) func `is shut in by Landlock too`()
        throws
    {
        try expectWorks()
        #expect(inspector.sandbox == .complete)
    }

    @Test func `runs in one thread, with three descriptors and no right`() throws {
        try expectWorks()
        let number = try #require(inspector.workerProcessID)
        let status = try Tool.run("cat", ["/proc/\(number)/status"])
        #expect(status.contains("Threads:\t1\n"), "\(status)")
        #expect(status.contains("CapPrm:\t0000000000000000"))
        #expect(status.contains("NoNewPrivs:\t1"))
        #expect(status.contains("Seccomp:\t2"))
        #expect(try Tool.run("ls", ["/proc/\(number)/fd"]).split(separator: "\n").count <= 3)
    }

    @Test(arguments: ["trap", "memory", "babble"]) func `that a file brings down is replaced`(how: String) throws {
        try expectWorks()
        let inspection = try #require(try misbehave(how))
        #expect(inspection.safety == .unscannable && inspection.format == .unknown)
        #expect(inspection.findings.map(\.code) == ["inspector_died"])
        #expect(inspection.damage == nil)
        try expectWorks()
    }

    @Test func `that is late is replaced`() throws {
        var deadline = SandboxedInspector.Deadline()
        deadline.least = .seconds(2)
        let strict = SandboxedInspector(program: Daemon.program, deadline: deadline)
        let content = Array((InspectionWorker.misbehaviour + "hang").utf8)
        for _ in 0..<2 {
            let outcome = strict.inspect(try file(content, in: scratch), sizeInBytes: Int64(content.count)) {
                () throws(Never) in
            }
            guard case .inspected(let inspection) = outcome else {
                Issue.record("no verdict")
                return
            }
            #expect(inspection.findings.map(\.code) == ["inspector_timed_out"])
            #expect(inspection.safety == .unscannable)
            #expect(strict.workerProcessID == nil)
        }
    }

    @Test func `gives nobody a verdict whose patience ends before`() throws {
        #expect(try misbehave("hang", patience: .milliseconds(300)) == nil)
        try expectWorks()
    }

    @Test func `that was ended while it waited costs no file anything`() throws {
        try expectWorks()
        let number = try #require(inspector.workerProcessID)
        #expect(kill(number, SIGKILL) == 0)
        try expectWorks()
    }

    @Test func `is stopped when the caller does not want to know any more`() throws {
        struct Enough: Error {}
        let content = Array((InspectionWorker.misbehaviour + "hang").utf8)
        let hanging = try file(content, in: scratch)
        #expect(throws: Enough.self) {
            _ = try inspector.inspect(hanging, sizeInBytes: Int64(content.count)) { () throws(Enough) in throw Enough()
            }
        }
        try expectWorks()
    }

    @Test func `without a program makes the file unscannable, never safe`() throws {
        let none = SandboxedInspector(program: "/nowhere/ingotd")
        let outcome = none.inspect(try file(malicious, in: scratch), sizeInBytes: 10) { () throws(Never) in }
        guard case .inspected(let inspection) = outcome else {
            Issue.record("no verdict")
            return
        }
        #expect(inspection.safety == .unscannable && inspection.findings.map(\.code) == ["inspector_unavailable"])
    }

    private static let harmless = Array("just text".utf8)

    /// Hands all of them in, then inspects one after the other.
    private func inspect(all contents: [[UInt8]], patience: Duration? = nil) throws -> [Inspection?] {
        let files = try contents.enumerated().map { index, content in
            try file(content, in: scratch, #require(FileName(Array("file-\(index)".utf8))))
        }
        let tickets = zip(files, contents).map { inspector.handIn($0, sizeInBytes: Int64($1.count)) }
        return try zip(zip(files, contents), tickets).map { pair, ticket in
            let outcome = inspector.inspect(
                pair.0, sizeInBytes: Int64(pair.1.count), patience: patience, ticket: ticket
            ) { () throws(Never) in }
            switch outcome {
            case .inspected(let inspection): return inspection
            case .unfinished: return nil
            case .unavailable(let error): throw error
            }
        }
    }

    @Test func `answers in order for files that were handed in together`() throws {
        let contents = (0..<20).map { $0 % 3 == 0 ? malicious : Self.harmless }
        let inspections = try inspect(all: contents)
        #expect(inspections == contents.map { Inspector.inspect(MemoryBytes($0)) })
        try expectWorks()
    }

    /// Whatever one of them does to the worker costs only that one its verdict.
    @Test(arguments: [("trap", "inspector_died"), ("memory", "inspector_died"), ("babble", "inspector_died")])
    func `blames only the one at fault`(word: String, code: String) throws {
        let bad = Array((InspectionWorker.misbehaviour + word).utf8)
        let inspections = try inspect(all: [malicious, bad, malicious, Self.harmless, bad, malicious])
        for (index, inspection) in inspections.enumerated() {
            if index == 1 || index == 4 {
                #expect(inspection?.findings.map(\.code) == [code], "\(index): \(String(describing: inspection))")
            } else {
                let isMalicious = index != 3
                #expect((inspection?.safety == .dangerous) == isMalicious, "\(index): \(inspection.debugDescription)")
            }
        }
    }

    @Test func `lets the others through when patience with one is over`() throws {
        let hang = Array((InspectionWorker.misbehaviour + "hang").utf8)
        // Enough for the start of another worker on a busy machine.
        let inspections = try inspect(all: [malicious, hang, malicious], patience: .seconds(4))
        #expect(inspections.map { $0?.safety } == [.dangerous, nil, .dangerous])
    }

    @Test func `answers for the file that is asked about, also when another was handed in and forgotten`() throws {
        _ = try #require(inspector.handIn(try file(Self.harmless, in: scratch, "forgotten"), sizeInBytes: 9))
        try expectWorks()
        let two = try [malicious, Self.harmless].map { try file($0, in: scratch) }
        let tickets = try two.map { try #require(inspector.handIn($0, sizeInBytes: 9)) }
        // The second is asked about first.
        let outcome = inspector.inspect(two[1], sizeInBytes: Int64(Self.harmless.count), ticket: tickets[1]) {
            () throws(Never) in
        }
        guard case .inspected(let inspection) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(inspection == Inspector.inspect(MemoryBytes(Self.harmless)))
    }

    @Test(.enabled(if: isTimingWanted, "INGOT_TIMING is not set")) func `takes little time`() throws {
        try expectWorks()
        let one = try file(malicious, in: scratch)
        let time = ContinuousClock().measure {
            for _ in 0..<1_000 {
                _ = inspector.inspect(one, sizeInBytes: Int64(malicious.count)) { () throws(Never) in }
            }
        }
        print("an inspection through the sandbox: \(time / 1_000)")
    }
}

private let isTimingWanted = unsafe getenv("INGOT_TIMING") != nil
