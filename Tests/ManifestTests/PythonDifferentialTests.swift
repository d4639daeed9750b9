import Glibc
import Manifest
import Testing
import Vocabulary

@Suite struct `JSON beside Python's reader` {
    /// Reads texts as hexadecimal lines, writes `E` or the serialisation of what a strict reader makes of each.
    ///
    /// The literals of numbers are kept, the tokens that are not finite become strings, and what Ingot refuses beyond
    /// the grammar (duplicate keys, U+0000, lone surrogates, depth) is refused here too, each in a line of its own.
    static let script = #"""
        import json, sys
        class Number(str): pass
        def unique(pairs):
            keys = [key for key, _ in pairs]
            if len(set(keys)) != len(keys): raise ValueError("duplicate key")
            return dict(pairs)
        def quote(text):
            if "\0" in text: raise ValueError("U+0000")
            text.encode("utf-8")
            return json.dumps(text, ensure_ascii=False)
        def write(value, depth):
            if depth > 32: raise ValueError("depth")
            if isinstance(value, Number): return str(value)
            if isinstance(value, str): return quote(value)
            if value is None: return "null"
            if isinstance(value, bool): return "true" if value else "false"
            if isinstance(value, list): return "[" + ",".join(write(v, depth + 1) for v in value) + "]"
            return "{" + ",".join(quote(k) + ":" + write(v, depth + 1) for k, v in value.items()) + "}"
        def read(data):
            text = data.decode("utf-8")
            return json.loads(text, object_pairs_hook=unique, parse_int=Number, parse_float=Number, parse_constant=str)
        for line in open(sys.argv[1]):
            try: print(write(read(bytes.fromhex(line.strip())), 0).encode("utf-8").hex())
            except (ValueError, RecursionError): print("E")
        """#

    @Test(.enabled(if: PythonDifferential.isAvailable, "python3 is not installed"))
    func `both accept the same texts with the same meaning`() throws {
        var generator = DocumentGenerator(seed: Environment.fuzzSeed &+ 1)
        var texts: [[UInt8]] = []
        for round in 0..<Environment.fuzzIterations {
            let document = generator.document()
            texts.append(round.isMultiple(of: 2) ? document : generator.mutated(document))
        }
        let verdicts = try PythonDifferential.run(Self.script, on: texts)
        try #require(verdicts.count == texts.count)
        for (text, theirs) in zip(texts, verdicts) { try compare(text, theirs) }
    }

    /// Values that break a rule of ours have passed the grammar: there is nothing to compare.
    private func compare(_ text: [UInt8], _ theirs: String) throws {
        switch Verdict(text, .json) {
        case .accepted(let manifest):
            let ours = PythonDifferential.hexadecimal(manifest.document.text.utf8)
            try #require(ours == theirs, "\(escaped(text))")
        case .refused(let reasons):
            let codes: Set = ["manifest_syntax", "manifest_encoding", "manifest_duplicate_key", "manifest_limit"]
            let isGrammar = reasons.contains { codes.contains($0.code) }
            try #require(isGrammar == (theirs == "E"), "\(escaped(text)): \(reasons)")
        }
    }
}

/// Runs a Python script on a list of texts.
enum PythonDifferential {
    static var isAvailable: Bool { unsafe system("python3 -c pass >/dev/null 2>&1") == 0 }

    struct Failure: Error {
        var operation: String
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    /// The script's output lines; the texts stand in the file that is its argument, one hexadecimal line each.
    static func run(_ script: String, on texts: [[UInt8]]) throws -> [String] {
        var template = Array("/tmp/ingot-manifest-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Failure(operation: "mkdtemp") }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { _ = unsafe system("rm -r \(directory)") }
        try write(script, to: "\(directory)/script.py")
        try write(texts.map(hexadecimal).joined(separator: "\n") + "\n", to: "\(directory)/texts")
        guard unsafe system("cd \(directory) && python3 script.py texts >verdicts") == 0 else {
            throw Failure(operation: "python3")
        }
        return try read("\(directory)/verdicts").split(separator: "\n").map(String.init)
    }

    private static func write(_ text: String, to path: String) throws {
        guard let file = unsafe fopen(path, "w") else { throw Failure(operation: "fopen \(path)") }
        let bytes = Array(text.utf8)
        let count = unsafe fwrite(bytes, 1, bytes.count, file)
        guard unsafe fclose(file) == 0, count == bytes.count else { throw Failure(operation: "fwrite \(path)") }
    }

    private static func read(_ path: String) throws -> String {
        guard let file = unsafe fopen(path, "r") else { throw Failure(operation: "fopen \(path)") }
        defer { unsafe fclose(file) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { return String(decoding: text, as: UTF8.self) }
            text += chunk[..<count]
        }
    }
}
