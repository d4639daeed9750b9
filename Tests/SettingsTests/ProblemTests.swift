import Settings
import Testing

@Suite struct `A wrong configuration` {
    @Test func `is refused with everything that is wrong, in the order of the file`() {
        let text = """
            store: srv/store
            databse: dbname=x
            drops:
              - path: /srv/drop
                completness: auto
                recursive: yes
                settle: 5
              - path: /srv/drop/inner
                max_payload: 1tb
                take: mvoe
              - take: copy
            rescan: 0s
            workers: 0
            log_level: verbose
            """
        let expected = [
            #"f:1:1: database: is missing"#,
            #"f:1:8: store: "srv/store" is no absolute path; begin with "/""#,
            #"f:2:1: databse: unknown key; did you mean "database"?"#,
            #"f:5:5: drops[0].completness: unknown key; did you mean "completeness"?"#,
            #"f:6:16: drops[0].recursive: "yes" is neither true nor false; write true"#,
            #"f:7:13: drops[0].settle: "5" is no duration; add the unit: 5s, 5m ..."#,
            #"f:8:11: drops[1].path: "/srv/drop/inner" lies in the drop directory of drops[0].path; "#
                + "every file has to belong to one drop directory only",
            #"f:9:18: drops[1].max_payload: "1tb" is no size; did you mean 1TB?"#,
            #"f:10:11: drops[1].take: "mvoe" is none of auto, clone, move, copy; did you mean "move"?"#,
            #"f:11:5: drops[2].path: is missing"#,
            #"f:12:9: rescan: 0s is out of range; it can be 1s to 1d"#,
            #"f:13:10: workers: "0" is no number of workers; it can be auto, or 1 to 1024"#,
            #"f:14:12: log_level: "verbose" is none of debug, info, notice, warning, error"#,
        ]
        #expect(problems(text) == expected)
    }

    @Test func `may have several duplicate keys among other problems`() {
        let text = """
            store: /s
            "store": /t
            database: dbname=x
            drops:
              - path: /d
                take: auto
                take: copy
                take: move
            Rescan: 1m
            """
        let expected = [
            #"f:2:1: store: duplicate key; it was set on line 1 already"#,
            #"f:7:5: drops[0].take: duplicate key; it was set on line 6 already"#,
            #"f:8:5: drops[0].take: duplicate key; it was set on line 6 already"#,
            #"f:9:1: Rescan: unknown key; did you mean "rescan"?"#,
        ]
        #expect(problems(text).sorted() == expected.sorted())
    }

    @Test(arguments: ["", "# only a comment\n", "---\n", "~"])
    func `may be empty`(text: String) {
        #expect(problems(text) == ["f: holds no settings; it needs store, database and drops"])
    }

    @Test(arguments: [
        ("store: [", "no valid YAML"), ("store:\n\t- x", "tabs"), ("owners: [*]", "in quotes"), ("a: @b", "in quotes"),
        ("- a", "has to be a mapping"), ("text", "has to be a mapping"), ("a: 1\n---\nb: 2", "another document"),
        ("a: \u{1}", "no valid YAML"), ("? [a]\n: 1", "a key has to be a word"),
        ("? [a]\n: 1\n? [a]\n: 2", "duplicate key"),
    ])
    func `may be no YAML that we use`(text: String, word: String) {
        let found = problems(text)
        #expect(found.contains { $0.contains(word) && $0.wholeMatch(of: /f:\d+:\d+: .*/) != nil }, "\(found)")
    }

    @Test(arguments: [
        "&a /srv/store", "!!str /srv/store", "! /srv/store", "!x {}", "&a [1]",
    ])
    func `may use YAML's anchors and tags, which are refused`(value: String) {
        let found = problems("store: \(value)\ndatabase: dbname=x\ndrops: [{path: /d}]")
        #expect(found.first?.hasPrefix("f:1:8: store: YAML \(value.hasPrefix("&") ? "anchors" : "tags")") == true)
    }

    @Test func `may use aliases, which are refused where they point`() {
        let found = problems(configuration(drop: "model_ids: &all [\"*\"]\n    owners: *all"))
        #expect(found.count == 1 && found[0].hasPrefix("f:5:16: drops[0].model_ids: YAML anchors"))
    }

    @Test(arguments: [
        ("path: rel", "no absolute path"), ("path: ~/x", "no home directory"), ("path: /a/../b", "contains \"..\""),
        ("path: /", "root directory"), ("path: \"/a\\nb\"", "control character"), ("path:", "has no value"),
        ("path: [/a]", "not a list"), ("path: /srv/store/x", "lies in the store"), ("path: /srv", "contains the store"),
        ("path: /srv/store/", "lies in the store"), ("path: 17", "no absolute path"),
    ])
    func `may name a place that cannot be used`(line: String, word: String) {
        let found = problems("store: /srv/store\ndatabase: dbname=x\ndrops:\n  - \(line)\n")
        #expect(found.count == 1 && found[0].contains(word), "\(found)")
    }

    @Test func `may name one directory twice, or one around another`() {
        let found = problems(
            "store: /s\ndatabase: dbname=x\ndrops: [{path: /a/b}, {path: /a/b/}, {path: /a}, {path: /a/bc}]")
        #expect(found.count == 3, "\(found)")
        #expect(found[0].contains("\"/a/b\" is the drop directory of drops[0].path"))
        #expect(found[1].contains("\"/a\" contains the drop directory of drops[0].path"))
        #expect(found[2].contains("\"/a/bc\" lies in the drop directory of drops[2].path"))
    }

    @Test(arguments: [
        ("recursive: on", "write true"), ("recursive: \"false\"", "remove the quotes"),
        ("recursive: No", "write false"),
        ("settle: 1w", "is no duration"), ("settle: 1.5s", "is no duration"), ("settle: -1s", "is no duration"),
        ("settle: 99999999999999999d", "is no duration"), ("settle: 2d", "out of range"),
        ("max_payload: 0", "more than nothing"), ("max_payload: 9999999PiB", "is no size"),
        ("max_payload: 5G", "whole number"), ("owners: alice", "write [\"alice\"]"),
        ("owners: []", "nothing could ever"),
        ("owners: [\"a b\"]", "is no user"), ("owners: [\"@\"]", "is no user"), ("owners: [a, a]", "twice"),
        ("model_ids: [\"[a\"]", "is no pattern"), ("model_ids: [\"\"]", "is no pattern"),
        ("reject_safety: [dangerus]", "did you mean \"dangerous\"?"), ("reject_safety: [[a]]", "not a list"),
        ("take: move\n    producers: hostile", "never moved"), ("take: move\n    remote_writers: yes", "never moved"),
        ("completeness: lease\n    remote_writers: yes", "prove nothing"), ("store: /x", "belongs at the top level"),
        ("remote_writers: true", "none of auto, yes, no"), ("\"a\\nb\": 1", "drops[0].a\\nb: unknown key"),
    ])
    func `may set a drop directory's values wrong`(line: String, word: String) {
        let found = problems(configuration(drop: line))
        #expect(found.count == 1 && found[0].contains(word), "\(found)")
    }

    @Test(arguments: [
        ("reserve: 100%", "no share"), ("reserve: -1%", "no share"), ("reserve: nan%", "no share"),
        ("reserve: 2", nil), ("reserve: 0%", nil), ("reserve: 2 %", "no share"), ("reserve: lots", "no size"),
        ("workers: auto", nil), ("workers: 2000", "no number"), ("owners: [a]", "belongs to a drop directory"),
        ("<<: {}", "unknown key"), ("log_level: [debug]", "not a list"),
    ])
    func `may set the daemon's values wrong`(line: String, word: String?) {
        let found = problems(configuration(end: line))
        #expect(found.count == (word == nil ? 0 : 1) && found.allSatisfy { $0.contains(word ?? "") }, "\(found)")
    }

    @Test(arguments: [
        ("drops: []", "at least one"), ("drops: {path: /d}", "begin every"), ("drops: [/d]", "a mapping"),
    ])
    func `may have no drop directory`(line: String, word: String) {
        let found = problems("store: /s\ndatabase: dbname=x\n\(line)")
        #expect(found.count == 1 && found[0].contains(word), "\(found)")
    }

    @Test func `may be too large`() {
        #expect(problems(String(repeating: "#", count: (1 << 20) + 1)) == ["f: larger than 1 MiB"])
    }

    @Test func `never shows the connection string`() {
        let found = problems(
            "store: /s\ndatabase: \"host=h password='geheim\"\ndrops: [{path: /d}]\ndatabase: geheim x")
        #expect(found.count == 2 && !found.joined().contains("geheim"), "\(found)")
    }
}
