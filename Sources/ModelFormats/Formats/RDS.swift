internal import Vocabulary

/// R's serialization (`saveRDS`, `save`), not compressed: XDR or the machine's own byte order.
public enum RDS: HeaderFormat {
    static let format = ModelFormat.rds
    static let atBest = Safety.safe

    /// What stands before the serialization in a file that `save` wrote.
    private static let workspaceMagic = ["RDX2\n", "RDX3\n", "RDA2\n", "RDA3\n", "RDB2\n", "RDB3\n"]

    static func recognises(_ head: Head) -> Bool {
        let start = workspaceMagic.contains { head.has($0) } ? 5 : 0
        if head.has("A\n2\n", at: start) || head.has("A\n3\n", at: start) { return true }
        if head.has("X\n", at: start) {
            return head.has([0, 0, 0, 2], at: start + 2) || head.has([0, 0, 0, 3], at: start + 2)
        }
        return head.has([0x42, 0x0A, 2, 0, 0, 0], at: start) || head.has([0x42, 0x0A, 3, 0, 0, 0], at: start)
    }

    /// Reads a serialization that comes out of a decompressor, to its end.
    ///
    /// - Returns: format `rds` with what was found in it; `nil` when the stream does not begin like one.
    public static func inspect(stream: any ByteStream) -> Inspection? {
        let reader = ByteReader(stream: stream)
        var report = HeaderReport(.unknown, atBest: atBest)
        do { try read(reader, into: &report) } catch { report.note(error, sizeInBytes: reader.offset) }
        return report.format == .unknown ? nil : report.inspection
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        try read(ByteReader(source), into: &report)
    }

    private static func read(_ reader: ByteReader, into report: inout HeaderReport) throws(ReadFailure) {
        report.format = .unknown
        if try reader.peek() == UInt8(ascii: "R") {
            let magic = String(decoding: try reader.bytes(5, "the magic"), as: UTF8.self)
            guard workspaceMagic.contains(magic) else { return }
            report.set("workspace", .bool(true))
        }
        let marks = try reader.bytes(2, "the encoding")
        let encoding = marks[0]
        guard "XAB".utf8.contains(encoding), marks[1] == 0x0A else { return }
        report.format = format
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
