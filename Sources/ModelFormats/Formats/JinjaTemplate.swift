/// A chat template is a program in Jinja2 that some loaders run without a sandbox.
enum JinjaTemplate {
    private static let hiddenUnderscores = ["\\x5f", "\\x5F", "\\u005f", "\\u005F", "\\137"]

    /// What in the code of a template (not in its text) reaches for Python's internals or for other files.
    static func suspicions(in template: String) -> [String] {
        var found: [String] = []
        func note(_ suspicion: String) { if !found.contains(suspicion) { found.append(suspicion) } }
        for block in blocks(of: Array(template.utf8)) {
            let dense = block.code.filter { $0 != 0x20 && !(0x09...0x0D).contains($0) }
            if dense.containsRun("__") || hiddenUnderscores.contains(where: { dense.containsRun($0) }) {
                note("uses names with two underscores")
            }
            if dense.containsRun("|attr") { note("reads attributes by computed names") }
            let words = String(decoding: block.code, as: UTF8.self)
                .split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            for word in ["cycler", "lipsum"] where words.contains(Substring(word)) {
                note("uses \(word), a way to Python's internals")
            }
            if block.isTag, let tag = words.first, ["import", "from", "include", "extends"].contains(tag) {
                note("loads another template (\(tag))")
            }
        }
        return found
    }

    /// What stands between `{{` or `{%` and `}}` or `%}`; the last one may lack its end.
    private static func blocks(of bytes: [UInt8]) -> [(code: ArraySlice<UInt8>, isTag: Bool)] {
        let (open, close, percent) = (UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "%"))
        var blocks: [(ArraySlice<UInt8>, Bool)] = []
        var start: Int?
        var index = 0
        while index + 1 < bytes.count {
            let (first, second) = (bytes[index], bytes[index + 1])
            if let begin = start, second == close, first == percent || first == close {
                blocks.append((bytes[begin..<index], bytes[begin - 1] == percent))
                start = nil
                index += 1
            } else if start == nil, first == open, second == open || second == percent {
                start = index + 2
                index += 1
            }
            index += 1
        }
        if let start { blocks.append((bytes[start...], bytes[start - 1] == percent)) }
        return blocks
    }
}

extension RandomAccessCollection<UInt8> where Index == Int {
    /// Whether these characters occur in a row.
    func containsRun(_ characters: String) -> Bool {
        let wanted = Array(characters.utf8)
        guard let first = wanted.first, count >= wanted.count else { return false }
        return (startIndex...endIndex - wanted.count).contains { self[$0] == first && self[$0...].starts(with: wanted) }
    }
}
