import Glibc
import Manifest
import Testing
import Vocabulary

/// Inputs of a mebibyte, each made to be expensive for some reader of JSON or YAML.
@Suite struct `Hostile manifests` {
    struct Bomb: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var testDescription: String { name }

        /// A pattern repeated to the size limit, between a beginning and an end.
        init(_ name: String, _ head: String = "", repeating pattern: String, _ tail: String = "") {
            let room = Limits.sizeInBytes - head.utf8.count - tail.utf8.count
            self.name = name
            bytes = Array((head + String(repeating: pattern, count: room / pattern.utf8.count) + tail).utf8)
        }

        /// Numbered patterns up to the size limit.
        init(_ name: String, _ head: String = "", counting pattern: (Int) -> String, _ tail: String = "") {
            self.name = name
            bytes = Array(head.utf8)
            var number = 0
            while bytes.count + 1_100 + tail.utf8.count < Limits.sizeInBytes {
                bytes += pattern(number).utf8
                number += 1
            }
            bytes += tail.utf8
        }
    }

    static let head = #"{"model_id":"m","model_version":"1","x":"#

    static let bombs: [Bomb] = [
        Bomb("open brackets", repeating: "["),
        Bomb("open braces", repeating: #"{"a":"#),
        Bomb("bare braces", repeating: "{"),
        Bomb("closing brackets", repeating: "]"),
        Bomb("thirty levels again and again", head + "[", repeating: deep + ",", "0]}"),
        Bomb("numbers", head + "[", repeating: "0,", "0]}"),
        Bomb("numbers that unfold", head + "[", repeating: "1e307,", "0]}"),
        Bomb("numbers at the edge", head + "[", repeating: "5e-324,", "0]}"),
        Bomb("one number", head, repeating: "9", "}"),
        Bomb("one fraction", head + "0.", repeating: "0", "1}"),
        Bomb("one exponent", head + "1e", repeating: "9", "}"),
        Bomb("strings", head + "[", repeating: #""","#, "0]}"),
        Bomb("one string", head + "\"", repeating: "x", "\"}"),
        Bomb("escapes", head + "\"", repeating: #"\u00e9"#, "\"}"),
        Bomb("no end of a string", head + "\"", repeating: "\\\\"),
        Bomb("empty lists", head + "[", repeating: "[],", "0]}"),
        Bomb("empty objects", head + "[", repeating: "{},", "0]}"),
        Bomb("keys", head + "{", counting: { "\"\($0)\":0," }, "\"a\":0}}"),
        Bomb("keys that look like ours", "{", counting: { "\"model_i\($0)\":0," }, "\"a\":0}"),
        Bomb("spaces", repeating: " "),
        Bomb("line breaks", head, repeating: "\n", "0}"),
        Bomb("carriage returns", head, repeating: "\r", "0}"),
        Bomb("commas", head + "[", repeating: ","),
        Bomb("bad parents", head + "0,\"parents\":[", repeating: "0,", "0]}"),
        Bomb("equal parents", head + "0,\"parents\":[", repeating: "\"a:1\",", "\"a:1\"]}"),
        Bomb("combining characters", head + "\"", repeating: "\u{301}", "\"}"),
        Bomb("combining key", head + "{\"", repeating: "\u{301}", "\":0}}"),
        Bomb("block sequences", repeating: "- "),
        Bomb("block keys", repeating: "? "),
        Bomb("block values", repeating: ": "),
        Bomb("ever deeper", counting: { String(repeating: " ", count: $0 % 900) + "a:\n" }),
        Bomb("aliases", "a: &a [x]\nb: [", repeating: "*a,", "*a]"),
        Bomb("anchors", counting: { "k\($0): &a\($0) x\n" }),
        Bomb("ampersands", repeating: "&a "),
        Bomb("tags", repeating: "!a "),
        Bomb("long tag", "a: !", repeating: "%41", " x"),
        Bomb("tag directives", counting: { "%TAG !\($0)! x\n" }),
        Bomb("tag directives after the end", "a: 1\n...\n", counting: { "%TAG !\($0)! x\n" }),
        Bomb("unknown directives", repeating: "%FOO\n"),
        Bomb("documents", repeating: "---\n"),
        Bomb("document ends", repeating: "...\n"),
        Bomb("comments", repeating: "#\n"),
        Bomb("plain scalar", "a: ", repeating: "x"),
        Bomb("plain scalar of words", "a: ", repeating: "x "),
        Bomb("plain scalar of lines", "a:\n ", repeating: "x\n "),
        Bomb("plain scalar with spaces", "a: x", repeating: " ", "x"),
        Bomb("plain scalar with blank lines", "a: x", repeating: "\n", " x"),
        Bomb("colons", "a", repeating: ":"),
        Bomb("quoted lines", "a: \"", repeating: "\n", "\""),
        Bomb("quoted backslash lines", "a: \"", repeating: "\\\n", "\""),
        Bomb("single quotes", "a: ", repeating: "'"),
        Bomb("double quotes", "a: ", repeating: "\""),
        Bomb("literal block", "a: |\n", repeating: " x\n"),
        Bomb("folded block", "a: >\n", repeating: " x\n"),
        Bomb("block of blank lines", "a: |\n", repeating: "\n"),
        Bomb("block with indented blank lines", "a: |\n", repeating: "  \n", " x"),
        Bomb("block that grows", "a: |\n", counting: { String(repeating: " ", count: $0 % 1_000) + "\n" }, "x"),
        Bomb("flow pairs", "a: [", repeating: "b: 1, "),
        Bomb("flow keys", "a: {", repeating: "b, "),
        Bomb("flow questions", "a: [", repeating: "? "),
        Bomb("flow lists one after the other", "a: [", repeating: "[],"),
        Bomb("flow lists over lines", "a: [", repeating: "[\n],\n"),
        Bomb("dashes", repeating: "-"),
        Bomb("tabs", "a:", repeating: "\t"),
        Bomb("block keys and lines", counting: { "k\($0): {a: [1]}\n" }),
        Bomb("block list", "a:\n", repeating: "- 1\n"),
        Bomb("ambiguous scalars", "a:\n", repeating: "- 1_0\n"),
        Bomb("long ambiguous scalar", "a: ", repeating: "1_"),
        Bomb("zeros", "a: ", repeating: "0"),
    ]

    static let deep = String(repeating: "[", count: 30) + "0" + String(repeating: "]", count: 30)

    /// The bound is for unoptimised code, in processor time, so that it holds on a busy machine too; optimised, the worst takes a
    /// fraction of a second.
    @Test(arguments: bombs)
    func `a mebibyte of malice is judged at once`(bomb: Bomb) {
        for syntax in ManifestSyntax.allCases {
            let start = processorTime()
            let verdict = Verdict(bomb.bytes, syntax)
            let duration = processorTime() - start
            #expect(duration < .seconds(10), "\(bomb.name), \(syntax)")
            #expect(verdict.reasons.count <= Limits.reasons)
            #expect(verdict.reasons.allSatisfy { $0.message.utf8.count < 600 })
            if Environment.printsDurations {
                print("duration", duration, syntax, bomb.name, verdict.marks.first ?? "ok")
            }
        }
    }

    @Test func `an alias bomb is refused at its first anchor`() {
        let levels = (1...9).map { "l\($0): &l\($0) [*l\($0 - 1), *l\($0 - 1), *l\($0 - 1), *l\($0 - 1)]" }
        let text = yaml(with: (["l0: &l0 lol"] + levels).joined(separator: "\n"))
        #expect(Verdict(text, .yaml).marks == ["manifest_unsupported 3:5"])
    }

    @Test func `a thread with 128 KiB of stack is enough`() throws {
        let deepest = String(repeating: #"{"a":["#, count: 15) + "1e-5" + String(repeating: "]}", count: 15)
        let texts = [manifest(with: "\"x\": \(deepest)"), String(repeating: "[", count: Limits.sizeInBytes)]
        try onThread(stackSizeInBytes: 128 << 10) {
            for text in texts {
                for syntax in ManifestSyntax.allCases { _ = Verdict(text, syntax).manifest?.document.text }
            }
        }
    }
}

/// What this thread has used of a processor, clock_gettime(2).
private func processorTime() -> Duration {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// Runs a function on a thread of its own and waits for it.
private func onThread(stackSizeInBytes: Int, _ body: @escaping @Sendable () -> Void) throws {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { unsafe attributes.deallocate() }
    try #require(unsafe pthread_attr_init(attributes) == 0)
    defer { unsafe pthread_attr_destroy(attributes) }
    try #require(unsafe pthread_attr_setstacksize(attributes, stackSizeInBytes) == 0)
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
    let created = unsafe pthread_create(
        &thread, attributes,
        { argument in
            if let argument = unsafe argument { unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box)
    try #require(created == 0)
    #expect(pthread_join(thread, nil) == 0)
}
