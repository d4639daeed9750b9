internal import Vocabulary

/// R's serialization (`saveRDS`, `save`), not compressed: XDR or the machine's own byte order.
enum RDS: HeaderFormat {
    static let format = ModelFormat.rds
    static let atBest = Safety.safe

    /// What stands before the serialization in a file that `save` wrote.
    private static let workspaceMagic = ["RDX2\n", "RDX3\n", "RDA2\n", "RDA3\n", "RDB2\n", "RDB3\n"]

    static func recognises(_ head: Head) -> Bool {
        let start = workspaceMagic.contains { head.has($0) } ? 5 : 0
        if head.has("A\n2\n", at: start) || head.has("A\n3\n", at: start) { return true }
        if head.has("X\n", at: start) { return head.has([0, 0, 0, 2], at: start + 2) || head.has([0, 0, 0, 3], at: start + 2) }
        return head.has([0x42, 0x0A, 2, 0, 0, 0], at: start) || head.has([0x42, 0x0A, 3, 0, 0, 0], at: start)
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        let reader = ByteReader(source)
        if try reader.peek() == UInt8(ascii: "R") {
            report.set("workspace", .bool(true))
            try reader.skip(5, "the magic")
        }
        let encoding = try reader.bytes(2, "the encoding")[0]
        guard encoding != UInt8(ascii: "A") else { throw .unsupported("R's serialization in text is not read") }
        var walker = RDSWalker(reader, isBigEndian: encoding == UInt8(ascii: "X"))
        try walker.readHeader(into: &report)
        defer { walker.note(in: &report) }
        try walker.walk()
        guard try reader.isAtEnd() else {
            throw .malformed(what: "the file goes on behind its object", offset: reader.offset)
        }
    }
}
