import Settings
import Testing

/// The problems of a text, as lines; empty when there is none.
func problems(_ text: String, environment: [String: String] = [:]) -> [String] {
    do {
        _ = try Settings.parse(text, file: "f", environment: environment)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// A file that is right, with something more in its one drop directory and at its end.
func configuration(drop: String = "", end: String = "") -> String {
    """
    store: /srv/store
    database: dbname=ingot
    drops:
      - path: /srv/drop
    """ + (drop.isEmpty ? "" : "\n    \(drop)") + "\n\(end)\n"
}

@Suite struct `A right configuration` {
    @Test func `silence means the documented defaults`() throws {
        let settings = try Settings.parse(configuration(), file: "f", environment: [:])
        let drop = DropSettings(path: "/srv/drop")
        #expect(settings == Settings(store: "/srv/store", database: "dbname=ingot", drops: [drop]))
        #expect(drop.settle == .seconds(5) && drop.maxPayload == 1 << 40 && drop.manifestWait == .seconds(86_400))
        #expect(settings.rescan == .seconds(60) && settings.reserve == .percent(2) && settings.workers == nil)
    }

    @Test func `every key is read`() throws {
        let text = """
            store: /a//store/
            database: postgresql:///x
            drops:
              - path: /a/./one
                recursive: false
                completeness: digest
                settle: 500ms
                take: copy
                producers: hostile
                max_payload: 500GB
                remote_writers: yes
                manifest_wait: 2h
                orphans: reject
                reject_safety: [dangerous, unscannable]
                model_ids: ["team/*"]
                owners: [alice, "@ml", 1000]
                ignore: ["*.log"]
              - path: /a/two
                remote_writers: no
            rescan: 10m
            receipts_keep: 30d
            reserve: 10GiB
            workers: 4
            log_level: debug
            """
        let one = DropSettings(
            path: "/a/one", recursive: false, completeness: .digest, settle: .milliseconds(500), take: .copy,
            producers: .hostile, maxPayload: 500_000_000_000, remoteWriters: .yes, manifestWait: .seconds(7_200),
            orphans: .reject, rejectSafety: ["dangerous", "unscannable"], modelIDs: ["team/*"],
            owners: ["alice", "@ml", "1000"], ignore: ["*.log"])
        let two = DropSettings(path: "/a/two", remoteWriters: .no)
        let settings = try Settings.parse(text, file: "f", environment: [:])
        let expected = Settings(
            store: "/a/store", database: "postgresql:///x", drops: [one, two], rescan: .seconds(600),
            receiptsKeep: .seconds(30 * 86_400), reserve: .bytes(10 << 30), workers: 4, logLevel: .debug)
        #expect(settings == expected)
    }

    @Test func `what is in force can be printed and read again`() throws {
        var drop = DropSettings(
            path: "/srv/a \"b\" é\\", maxPayload: 123, orphans: .reject, modelIDs: ["*", "yes", "1e3"])
        drop.ignore = []
        let settings = Settings(
            store: "/srv/store", database: "host=/run dbname='a b'", drops: [drop], rescan: .milliseconds(90_500),
            reserve: .percent(2.5), workers: 7, logLevel: .warning)
        let text = settings.effectiveYAML
        #expect(try Settings.parse(text, file: "f", environment: [:]) == settings)
        #expect(text.hasPrefix("#") && text.contains("rescan: 90500ms\n") && text.contains("reserve: 2.5%\n"))
    }

    @Test func `what is printed holds no password`() throws {
        let settings = Settings(
            store: "/s", database: "postgresql://me:geheim@h/db", drops: [DropSettings(path: "/d")])
        #expect(!settings.effectiveYAML.contains("geheim"))
        #expect(try Settings.parse(settings.effectiveYAML, file: "f", environment: [:]).drops == settings.drops)
    }

    @Test(arguments: ["\u{FEFF}", "# é\r\n", "---\n"])
    func `byte order mark, carriage returns and a document start are harmless`(start: String) {
        #expect(problems(start + configuration()) == [])
    }
}

@Suite struct `The environment` {
    @Test func `overrides the file`() throws {
        let environment = [
            "INGOT_STORE": "/other", "INGOT_DATABASE": "service=x", "INGOT_LOG_LEVEL": "error", "INGOT_ELSE": "?",
        ]
        let settings = try Settings.parse("drops: [{path: /d}]", file: "f", environment: environment)
        #expect(settings.store == "/other" && settings.database == "service=x" && settings.logLevel == .error)
    }

    @Test func `is checked like the file, and a malformed override is named`() {
        let environment = ["INGOT_STORE": "", "INGOT_DATABASE": "password=geheim x", "INGOT_LOG_LEVEL": "inf"]
        let found = problems(configuration(), environment: environment)
        #expect(found.count == 3)
        #expect(found[0].hasPrefix("environment: INGOT_STORE: \"\" is no absolute path"))
        #expect(found[1].hasPrefix("environment: INGOT_DATABASE: is no connection string: a keyword without"))
        #expect(found[2].hasSuffix("did you mean \"info\"?"))
        #expect(!found.joined().contains("geheim"))
    }

    @Test func `cannot put the store where producers drop`() {
        let found = problems(configuration(), environment: ["INGOT_STORE": "/srv/drop/store"])
        #expect(
            found.count == 1
                && found[0].hasPrefix("environment: INGOT_STORE: the drop directory \"/srv/drop\" contains"))
    }
}

@Suite struct `Connection strings` {
    @Test(arguments: [
        ("host=h password=geheim dbname=d", "host=h password=*** dbname=d"),
        ("password = 'ge\\'he im' user=u", "password = *** user=u"),
        ("password=ge\\ heim\tsslpassword=x", "password=***\tsslpassword=***"),
        ("host=h password=", "host=h password=***"),
        ("dbname='not password=x'", "dbname='not password=x'"),
        ("host=h password='geheim", "***"),
        ("geheim", "***"),
        ("postgresql:///ingot", "postgresql:///ingot"),
        ("postgres://u@h1:1,h2:2/d?sslmode=require", "postgres://u@h1:1,h2:2/d?sslmode=require"),
        ("postgresql://u:geheim@h:1/d", "postgresql://u:***@h:1/d"),
        ("postgresql://u:ge@heim@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:ge/heim@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:ge?heim@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h:5432/d?user=a@b", "postgresql://h:5432/d?user=a@b"),
        ("postgresql:///d?user=u&password=geheim&x=1", "postgresql:///d?user=u&password=***&x=1"),
        ("postgresql:///d?pass%77ord=geheim", "postgresql:///d?pass%77ord=***"),
        ("postgresql://u:g@h/d?sslpassword=geheim", "postgresql://u:***@h/d?sslpassword=***"),
    ])
    func `show everything but secrets`(text: String, shown: String) {
        #expect(Settings.redacted(connectionString: text) == shown)
    }

    @Test(arguments: [
        ("ingot", "without"), ("postgresql+psycopg://h/d", "scheme"), ("mysql://h", "scheme"),
        ("dbname='x", "quoted"), ("", "is no"),
    ])
    func `that libpq could not read are refused`(text: String, word: String) {
        let found = problems("store: /s\ndatabase: \"\(text)\"\ndrops: [{path: /d}]")
        #expect(found.count == 1 && found[0].contains(word) && found[0].hasPrefix("f:2:11: database: "))
    }
}

@Suite struct `Globs` {
    @Test(arguments: [
        (["*"], "team/model", true), (["fraud-*"], "fraud-detector", true), (["fraud-*"], "x-fraud-", false),
        (["a?c"], "aéc", true), (["a?c"], "ac", false), (["[!a-c]x"], "dx", true), (["[!a-c]x"], "bx", false),
        (["[]-]"], "]", true), (["\\*"], "*", true), (["\\*"], "a", false), (["a", "b"], "b", true),
        (["*a*b"], "xaxxb", true), (["*a*b"], "xaxx", false), (["**"], "", true), ([], "x", false),
    ])
    func `decide which models a drop directory may register`(globs: [String], identity: String, admitted: Bool) {
        #expect(DropSettings(path: "/d", modelIDs: globs).admits(modelID: identity) == admitted)
    }

    @Test(arguments: [
        ".model.pkl.Xy3", "m.pkl.part", "m.filepart", "m~", ".nfs00012", "_tmp", "@eaDir", "__MACOSX", "lost+found",
    ])
    func `ignore what is unfinished or litter`(name: String) {
        #expect(DropSettings(path: "/d").ignores(name: Array(name.utf8)))
    }

    @Test(arguments: ["model.pkl", "model.partial.pkl", "tmp", "a_b"])
    func `ignore nothing else`(name: String) {
        #expect(!DropSettings(path: "/d").ignores(name: Array(name.utf8)))
    }

    @Test func `work on names that are no text`() {
        let drop = DropSettings(path: "/d", ignore: ["?\\?", "*.log"])
        #expect(drop.ignores(name: [0xFF, 0x3F]) && drop.ignores(name: [0xFF, 0xC3] + Array(".log".utf8)))
    }

    @Test func `take bounded time on patterns made to be slow`() {
        let drop = DropSettings(path: "/d", ignore: [String(repeating: "*a", count: 100) + "b"])
        #expect(!drop.ignores(name: Array(repeating: UInt8(ascii: "a"), count: 255)))
    }
}
