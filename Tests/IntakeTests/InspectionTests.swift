import Glibc
import LinuxSystem
import Manifest
import ModelFormats
import Settings
import TestKit
import Testing
import Vocabulary

/// `pickle.dumps` of something that calls `os.system`.
private let malicious = Array("cposix\nsystem\n(S'true'\ntR.".utf8)

/// A safetensors file with two tensors.
private let safetensors: [UInt8] = {
    let header = """
        {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F16","shape":[4],"data_offsets":[24,32]}}
        """
    let length = UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
        + [UInt8](repeating: 7, count: 32)
}()

/// What is inside a payload decides what its row says, and whether there is one.
@Suite(.waitsApart, .requiresPostgres) struct `A look inside` {
    private func daemon(_ dropOptions: [String] = [], environment: [String: String] = [:]) throws -> Daemon {
        let daemon = try Daemon(dropOptions: dropOptions)
        try daemon.start(environment: environment)
        return daemon
    }

    private func name(_ word: String, _ index: Int) -> FileName { FileName(Array("\(word)\(index).bin".utf8)) ?? "x" }

    private func reason(_ receipt: JSON?) throws -> JSON {
        let path = try #require(receipt?["rejected_path"]?.string)
        return try JSON.parse(Descriptor.openDirectory(path: path).open("reason.json").readAll(limit: 1 << 20))
    }

    @Test func `puts the format, its facts and the verdict into the row, the receipt and the journal`() throws {
        let daemon = try daemon()
        try daemon.submit("a.safetensors", safetensors, id: "a", extra: "\"format\": \"safetensors\"")
        let receipt = daemon.await("registered", "a.safetensors")
        #expect(receipt?["format"]?.string == "safetensors" && receipt?["safety"]?.string == "no-code")
        #expect(receipt?["findings_count"] == .number("0") && receipt?["warnings"] == .array([]))
        let row = try daemon.rows(
            """
            SELECT format, safety, safety_findings, format_details ->> 'tensor_count', scanner_version > 0,
                allow_list_version > 0, imports
            FROM registry.models JOIN registry.blobs USING (sha256, store_id)
            """)
        #expect(row == [["safetensors", "no-code", "[]", "2", "t", "t", "[]"]])
        #expect(eventually { daemon.log.contains("safetensors (no-code)") }, "\(daemon.log)")
        #expect(!daemon.log.contains("shut in by no more"), "\(daemon.log)")
    }

    @Test func `finds the imports of a pickle, one row each`() throws {
        let daemon = try daemon()
        try daemon.submit("a.pkl", malicious, id: "a")
        let receipt = daemon.await("registered", "a.pkl")
        #expect(receipt?["safety"]?.string == "dangerous")
        #expect(try daemon.column("SELECT safety_findings -> 0 ->> 'severity' FROM registry.models") == ["dangerous"])
        let rows = try daemon.rows(
            "SELECT model_id, model_version, module, name, uses, verdict, part, count FROM registry.imports")
        #expect(rows == [["a", "1", "posix", "system", "{call}", "dangerous", "", "1"]])
        #expect(daemon.log.contains("(dangerous)"))
    }

    @Test func `refuses what the drop directory does not want, with what was found`() throws {
        let daemon = try daemon(["reject_safety: [dangerous]"])
        try daemon.submit("a.pkl", malicious, id: "a")
        let receipt = daemon.await("rejected", "a.pkl")
        #expect(receipt?["code"]?.string == "unsafe_payload" && receipt?["safety"]?.string == "dangerous")
        let reason = try reason(receipt)
        guard case .array(let findings)? = reason["findings"] else {
            Issue.record("no findings: \(reason.text)")
            return
        }
        #expect(findings.contains { $0["severity"]?.string == "dangerous" && $0["message"]?.string?.isEmpty == false })
        #expect(reason["message"]?.string?.contains("dangerous") == true)
        // Nobody is kept from dropping what cannot carry code.
        try daemon.submit("b.safetensors", safetensors, id: "b")
        daemon.await("registered", "b.safetensors")
        #expect(
            try eventually {
                try daemon.column("SELECT code FROM registry.submissions WHERE outcome = 'rejected'") == [
                    "unsafe_payload"
                ]
            })
        #expect(try daemon.count("registry.models") == 1)
    }

    @Test func `refuses a file that is cut short`() throws {
        let daemon = try daemon()
        try daemon.submit("a.safetensors", Array(safetensors.dropLast(5)), id: "a")
        let receipt = daemon.await("rejected", "a.safetensors")
        #expect(receipt?["code"]?.string == "truncated" && receipt?["hint"]?.string?.isEmpty == false)
        #expect(receipt?["message"]?.string?.hasPrefix("The payload is cut short: ") == true, "\(receipt?.text ?? "")")
    }

    @Test func `refuses a format that the manifest names otherwise`() throws {
        let daemon = try daemon()
        try daemon.submit("a.bin", safetensors, id: "a", extra: "\"format\": \"onnx\"")
        let receipt = daemon.await("rejected", "a.bin")
        #expect(receipt?["code"]?.string == "format_mismatch" && receipt?["field"]?.string == "format")
        let message = receipt?["message"]?.string ?? ""
        #expect(message.contains("onnx") && message.contains("safetensors"))
    }

    @Test func `warns of an extension that promises another format`() throws {
        let daemon = try daemon()
        try daemon.submit("a.onnx", safetensors, id: "a")
        let receipt = daemon.await("registered", "a.onnx")
        #expect(receipt?["warnings"]?.text.contains("extension_mismatch") == true)
        let warned = "SELECT warnings @> '[{\"code\": \"extension_mismatch\"}]' FROM registry.models"
        #expect(try daemon.column(warned) == ["t"])
    }

    @Test(.requiresFaultInjection, arguments: ["trap", "memory"])
    func `that brings its process down costs nobody else anything`(
        how: String
    ) throws {
        let daemon = try daemon()
        for index in 0..<4 {
            try daemon.submit(
                name("evil", index), Array("INGOT-INSPECTOR-TEST \(how)".utf8), id: "evil", version: "\(index)")
        }
        try daemon.submit("good.pkl", malicious, id: "good")
        for index in 0..<4 {
            let receipt = daemon.await("registered", name("evil", index))
            #expect(receipt?["safety"]?.string == "unscannable")
        }
        daemon.await("registered", "good.pkl")
        let codes = try daemon.column(
            "SELECT DISTINCT safety_findings -> 0 ->> 'code' FROM registry.models WHERE model_id = 'evil'")
        #expect(codes == ["inspector_died"])
        #expect(daemon.process?.ending == nil)
    }

    @Test(.requiresFaultInjection) func `that never ends holds up no small file`() throws {
        let daemon = try daemon()
        for index in 0..<3 {
            try daemon.submit(
                name("slow", index), Array("INGOT-INSPECTOR-TEST hang".utf8), id: "slow", version: "\(index)")
        }
        try daemon.submit("good.pkl", malicious, id: "good")
        daemon.await("registered", "good.pkl")
        #expect(try daemon.column("SELECT model_id FROM registry.models") == ["good"])
        // What is under way is given up at once, and is there again after the next start.
        let begun = ContinuousClock.now
        #expect(daemon.stop() == .exited(0))
        #expect(ContinuousClock.now - begun < .seconds(20))
        #expect(try daemon.claims().count == 3)
    }

    @Test func `comes before the row also for a claim that waited for the database`() throws {
        let daemon = try Daemon(reaching: "host=/nowhere dbname=ingot")
        try daemon.start(withDatabase: false)
        try daemon.submit("a.pkl", malicious, id: "a")
        #expect(
            try eventually {
                try daemon.claims().contains { id in
                    try daemon.names([".claims", try #require(FileName(Array(id.utf8)))]).contains(".blob")
                }
            }, "\(daemon.log)")
        daemon.stop()
        try daemon.start(environment: ["INGOT_DATABASE": daemon.database])
        #expect(daemon.await("registered", "a.pkl")?["safety"]?.string == "dangerous")
        #expect(try daemon.column("SELECT DISTINCT module FROM registry.imports") == ["posix"])
    }

    private func inspectAgain(
        _ daemon: Daemon, _ options: String..., database: String? = nil
    ) throws -> (String, Int32?) {
        var command = ChildProcess.Command(
            Daemon.programBesideBundle("ingot"),
            ["inspect", "--stored", "--config", daemon.configurationPath] + options,
            environment: ["INGOT_DATABASE": database ?? daemon.database])
        let output = daemon.scratch.path + "/inspect.out"
        _ = unsafe unlink(output)
        command.output = .file(output)
        command.errors = .file(output)
        let ending = try ChildProcess.start(command).wait(until: .now + .seconds(60))
        let text = String(decoding: try daemon.scratch.content(of: "inspect.out"), as: UTF8.self)
        guard case .exited(let status)? = ending else { return (text, nil) }
        return (text, status)
    }

    @Test func `is renewed in every row of a blob when the scanner is newer`() throws {
        let daemon = try daemon()
        try daemon.submit("a.pkl", malicious, id: "a")
        try daemon.submit("b.pkl", malicious, id: "b")
        try daemon.submit("c.safetensors", safetensors, id: "c")
        for name in ["a.pkl", "b.pkl", "c.safetensors"] as [FileName] { daemon.await("registered", name) }
        #expect(try inspectAgain(daemon) == ("Looked into 0 files; 0 versions have another verdict than before.\n", 0))
        // As an older scanner would have left it, and a newer one what it has seen.
        for change in [
            "UPDATE registry.models SET safety = 'safe', safety_findings = '[]', format = 'unknown' WHERE model_id <> 'c'",
            """
            UPDATE registry.blobs SET imports = '[]', scanner_version = 1
            WHERE sha256 IN (SELECT sha256 FROM registry.models WHERE model_id <> 'c')
            """,
            "UPDATE registry.blobs SET scanner_version = 1000 WHERE scanner_version > 1",
        ] { _ = try daemon.rows(change) }
        let (said, status) = try inspectAgain(daemon)
        #expect(
            said.split(separator: "\n").sorted() == [
                "Looked into 1 files; 2 versions have another verdict than before.", "a 1: safe → dangerous",
                "b 1: safe → dangerous",
            ])
        #expect(status == 0)
        #expect(
            try daemon.rows(
                "SELECT DISTINCT format, safety, safety_findings <> '[]' FROM registry.models WHERE model_id <> 'c'")
                == [["pickle", "dangerous", "t"]])
        #expect(try daemon.column("SELECT model_id FROM registry.imports ORDER BY 1") == ["a", "b"])
        // What a newer program found stands, also when everything is to be looked into.
        #expect(try inspectAgain(daemon, "--all").0.hasPrefix("Looked into 2 files; 0 versions"))
        #expect(try daemon.count("registry.blobs WHERE scanner_version = 1000") == 1)
    }

    @Test func `that cannot be renewed says why`() throws {
        let daemon = try daemon()
        try daemon.submit("a.pkl", malicious, id: "a")
        daemon.await("registered", "a.pkl")
        let path = try #require(try daemon.column("SELECT file_path FROM registry.models")[0])
        let digest = try #require(try daemon.column("SELECT sha256 FROM registry.models")[0])
        _ = try Tool.run("rm", ["-f", path, "\(daemon.storePath)/sha256/\(digest.prefix(2))/\(digest)"])
        let (said, status) = try inspectAgain(daemon, "--all")
        #expect(status == 2 && said.contains("\(digest) cannot be read"), "\(said)")
        #expect(try daemon.column("SELECT safety FROM registry.models") == ["dangerous"])
        let (away, unavailable) = try inspectAgain(daemon, database: "host=/nowhere dbname=ingot")
        #expect(unavailable == 69 && away.contains("/nowhere"), "\(away)")
        let empty = try PostgresFixture.freshDatabase()
        let (missing, unmade) = try inspectAgain(daemon, database: empty)
        #expect(unmade == 69 && missing.contains("Start the ingotd of this version once"), "\(missing)")
    }

    @Test(.requiresTool("strace"))
    func `that nobody can make costs no model its row, and the status says so`() throws {
        // The daemon makes a worker of its own program by this path.
        let noWorker = [
            "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", "/proc/self/exe", "-e", "inject=execve:error=EACCES",
        ]
        let daemon = try Daemon()
        try daemon.start(under: noWorker)
        try daemon.submit("a.safetensors", safetensors, id: "a")
        #expect(daemon.await("registered", "a.safetensors")?["safety"]?.string == "unscannable")
        let code = "SELECT safety_findings -> 0 ->> 'code' FROM registry.models"
        #expect(try daemon.column(code) == ["inspector_unavailable"])
        #expect(eventually { daemon.status?["problems"]?.text.contains("registered as unscannable") == true })
        daemon.stop()
        // Where that verdict is refused, the model waits for a better one.
        try daemon.configure(dropOptions: ["reject_safety: [unscannable]"])
        try daemon.start(under: noWorker)
        try daemon.submit("b.safetensors", safetensors, id: "b")
        #expect(daemon.await("accepted", "b.safetensors")?["waiting_for"]?.string == "inspector")
        daemon.stop()
        try daemon.start()
        #expect(daemon.await("registered", "b.safetensors")?["safety"]?.string == "no-code")
    }

    @Test func `knows every verdict that a drop directory may refuse`() {
        #expect(DropSettings.safetyVerdicts.allSatisfy { Safety(rawValue: $0) != nil })
        #expect(Set(Safety.allCases.map(\.rawValue)).subtracting(DropSettings.safetyVerdicts) == ["no-code", "safe"])
    }
}
