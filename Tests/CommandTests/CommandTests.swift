import LinuxSystem
import TestKit
import Testing
import Vocabulary

@Suite(.waitsApart, .requiresTool("python3")) struct `ingot check as a command` {
    @Test func `every object has every key`() throws {
        let keys = [
            "path", "sha256", "size_bytes", "format", "format_details", "safety", "safety_findings", "imports",
            "manifest",
            "problems",
        ]
        for file in ["plain.pkl", "fifo", "m/good.pkl.manifest.json", "missing"] {
            #expect(try Checked.object(file).0.members?.map(\.key) == keys, "\(file)")
        }
    }

    @Test func `the digest is that of sha256sum`() throws {
        let path = try "\(Checked.path)/plain.pkl"
        let digest = try Tool.run("sha256sum", [path]).prefix(64)
        let object = try Checked.object("plain.pkl").0
        #expect(object["sha256"] == .string(String(digest)))
        #expect(object["path"] == .string(path))
    }

    @Test(arguments: ["fifo", "missing", "plain.pkl/x"]) func `what cannot be read is status 2`(file: String) throws {
        let (object, status) = try Checked.object(file)
        #expect(status == 2)
        #expect(object.codes("problems") == ["unreadable"])
        #expect(object["safety"] == .null)
    }

    @Test func `devices are not opened`() throws {
        #expect(try Checked.run(["check", "/dev/zero"]).status == 2)
    }

    @Test func `a link on the command line is followed`() throws {
        #expect(try Checked.object("link").0["format"] == .string("pickle"))
    }

    @Test func `a directory is checked to its last regular file`() throws {
        let run = try Checked.run(["check", "--json", "\(Checked.path)/tree/"])
        let names = try Checked.list(run.output).compactMap { $0["path"]?.string }
        let root = try Checked.path
        #expect(
            names == ["inner/evil.bin", "orphan.bin.manifest.json", "plain.pkl"].map { "\(root)/tree/\($0)" })
        #expect(run.status == 1)
    }

    @Test func `names are bytes and are shown escaped`() throws {
        let run = try Checked.run(["check", "--json", Checked.path])
        let names = try Checked.list(run.output).compactMap { $0["path"]?.string }
        #expect(names.contains(try Checked.path + #"/odd\xff\nname.pkl"#))
        // As an argument, too, which a shell passes on.
        let path = try Checked.path
        let shell = try Tool.run(
            "sh", ["-c", "'\(Daemon.programBesideBundle("ingot"))' check --json '\(path)'/odd*"])
        #expect(try Checked.list(shell).first?["safety"] == .string("safe"))
    }

    @Test(arguments: [
        ("good", []), ("digest", ["digest_mismatch"]), ("size", ["size_mismatch"]), ("format", ["format_mismatch"]),
        ("word", []), ("near", []), ("syntax", ["manifest_rejected"]), ("yaml", []),
    ]) func `the manifest beside a file is compared with it`(name: String, codes: [String]) throws {
        let (object, status) = try Checked.object("m/\(name).pkl")
        #expect(object.codes("problems") == codes, "\(object.text)")
        #expect(status == (codes.isEmpty ? 0 : 1))
        #expect(object["manifest"]?["ok"] == .bool(name != "syntax"))
        if name == "near" { #expect(object["manifest"]?.codes("warnings") == ["manifest_similar_key"]) }
        guard name == "syntax", let error = object["manifest"]?["errors"]?.elements.first else { return }
        #expect(error["line"] == .number("2"))
        #expect(error["column"] != nil)
    }

    @Test func `a manifest can be checked alone`() throws {
        let (good, status) = try Checked.object("m/good.pkl.manifest.json")
        #expect(status == 0)
        #expect(good["manifest"]?["model_id"] == .string("fraud"))
        #expect(good["format"] == .null)
        #expect(try Checked.object("m/syntax.pkl.manifest.json").1 == 1)
    }

    @Test func `which verdicts fail can be chosen`() throws {
        let path = try Checked.path
        #expect(try Checked.run(["check", "\(path)/unknown.pkl"]).status == 1)
        #expect(try Checked.run(["check", "--fail-on", "dangerous,unscannable", "\(path)/unknown.pkl"]).status == 0)
        #expect(try Checked.run(["check", "--fail-on", "", "\(path)/evil.pkl"]).status == 0)
        #expect(try Checked.run(["check", "--fail-on", "bad", "\(path)/evil.pkl"]).status == 64)
        #expect(try Checked.run(["check"]).status == 64)
    }

    @Test func `people read names, findings with their offsets, and no colours in a pipe`() throws {
        let path = try Checked.path
        let run = try Checked.run(["check", "\(path)/evil.pkl", "\(path)/unknown.pkl", "\(path)/m/near.pkl"])
        #expect(run.status == 1)
        #expect(run.output.contains("evil.pkl: pickle, 26 bytes, dangerous"))
        #expect(run.output.contains("dangerous_import: It imports os.system, which can run code. (at byte 2)"))
        #expect(run.output.contains("import    unknown my_package.models.Scorer: new (at byte 2)"))
        #expect(run.output.contains("manifest  fraud 7"))
        #expect(run.output.contains("3 files: 1 dangerous, 1 unknown-imports, 1 safe"))
        #expect(!run.output.contains("\u{1B}"))
        #expect(run.errors.isEmpty)
    }

    @Test(.requiresTool("script")) func `colours are for terminals, unless somebody says no`() throws {
        let command = try "\(Daemon.programBesideBundle("ingot")) check \(Checked.path)/plain.pkl"
        #expect(
            try Tool.run("script", ["-qec", "TERM=xterm NO_COLOR= \(command)", "/dev/null"]).contains("\u{1B}[32m"))
        #expect(try !Tool.run("script", ["-qec", "NO_COLOR=1 \(command)", "/dev/null"]).contains("\u{1B}["))
    }
}
