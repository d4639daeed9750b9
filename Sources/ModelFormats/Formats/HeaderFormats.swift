/// Every format that is recognised by its first bytes and described by its header.
///
/// Nothing is executed, decompressed or loaded; of a file of any size only its header is read. Pickles and archives are
/// looked into elsewhere, whatever this finds.
public enum HeaderFormats {
    /// In the order in which they are tried: fixed magic first, then what takes a closer look. Protocol buffers follow.
    private static var all: [any HeaderFormat.Type] {
        [
            GGUF.self, GGMLLegacy.self, HDF5.self, CatBoost.self, TFLite.self, RDS.self, LightGBM.self,
            XGBoostBinary.self, XGBoostUBJ.self, Safetensors.self, XGBoostJSON.self, KerasArchitecture.self,
            CatBoostJSON.self, PMML.self,
        ]
    }

    /// Recognises a file by its content and reads its header.
    ///
    /// - Returns: what the header says, with `damage` when it contradicts the file; `nil` for a format that is not among
    ///   these; ``ModelFormat/unknown`` when not even the first bytes could be read.
    public static func inspect(_ source: any ByteSource) -> Inspection? {
        do {
            let head = try Head(of: source)
            for format in all {
                if let inspection = try format.inspect(head) { return inspection }
            }
            if let inspection = try ProtobufFormats.inspect(head) { return inspection }
            return try Flax.inspect(head)
        } catch {
            var report = HeaderReport(.unknown, atBest: .safe)
            report.note(error, sizeInBytes: source.sizeInBytes)
            return report.inspection
        }
    }
}

/// A format that is recognised by its first bytes and described by its header.
protocol HeaderFormat {
    static var format: ModelFormat { get }
    /// What a file of this format is when nothing is found in it.
    static var atBest: Safety { get }
    /// Whether the first bytes are those of this format.
    static func recognises(_ head: Head) throws(ReadFailure) -> Bool
    /// Reads the header; what was noted before a failure counts. Sets the report's format to `.unknown` when a closer
    /// look shows that it is another format after all.
    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure)
}

extension HeaderFormat {
    static var atBest: Safety { .noCode }

    /// What the header of a file of this format says; `nil` when it is another format.
    static func inspect(_ source: any ByteSource) throws(ReadFailure) -> Inspection? {
        try inspect(try Head(of: source))
    }

    static func inspect(_ head: Head) throws(ReadFailure) -> Inspection? {
        try recognises(head) ? read(head) : nil
    }

    /// What the header of a file says that was recognised.
    static func read(_ head: Head) -> Inspection? {
        var report = HeaderReport(format, atBest: atBest)
        do { try read(head.source, into: &report) } catch {
            report.note(error, sizeInBytes: head.source.sizeInBytes)
        }
        return report.format == .unknown ? nil : report.inspection
    }
}

/// The first bytes of a file, by which formats are told apart.
struct Head {
    static let sizeInBytes = 4096

    let source: any ByteSource
    let bytes: [UInt8]

    init(of source: any ByteSource) throws(ReadFailure) {
        self.source = source
        bytes = try source.bytes(at: 0, count: Int(min(source.sizeInBytes, Int64(Self.sizeInBytes))), "the first bytes")
    }

    /// Whether these characters stand at an offset, one byte each.
    func has(_ characters: String, at offset: Int = 0) -> Bool {
        has(Array(characters.utf8), at: offset)
    }

    /// Whether these bytes stand at an offset.
    func has(_ expected: [UInt8], at offset: Int = 0) -> Bool {
        offset <= bytes.count && bytes[offset...].starts(with: expected)
    }

    /// A whole number at an offset, least significant byte first; `nil` behind the end.
    func little<Value: FixedWidthInteger>(_ type: Value.Type = Value.self, at offset: Int) -> Value? {
        let width = Value.bitWidth / 8
        guard offset >= 0, offset + width <= bytes.count else { return nil }
        return bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    /// The first bytes without a byte order mark and leading white space.
    var trimmed: ArraySlice<UInt8> {
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        return bytes[start...].drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
    }

    /// The first key, when this looks like the beginning of a JSON object.
    var firstJSONKey: String? {
        let space: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        guard trimmed.first == UInt8(ascii: "{") else { return nil }
        let rest = trimmed.dropFirst().drop(while: space)
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        return String(validating: rest.dropFirst().prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
}
