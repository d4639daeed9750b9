internal import Vocabulary

/// GGUF, versions 1 to 3, in either byte order: typed keys and values, then where each tensor is.
enum GGUF: HeaderFormat {
    static let format = ModelFormat.gguf
    static let keyCountLimit: UInt64 = 65_536
    static let tensorCountLimit: UInt64 = 1_000_000

    static func recognises(_ head: Head) -> Bool { head.has("GGUF") }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var fields = try GGUFFields(source)
        report.set("version", fields.version)
        if fields.isBigEndian { report.set("byte_order", "big") }
        let tensorCount = try fields.size("the number of tensors")
        let keyCount = try fields.size("the number of keys")
        report.set("tensor_count", tensorCount)
        guard keyCount <= keyCountLimit else { throw .limit("there are more than \(keyCountLimit) keys") }
        guard tensorCount <= tensorCountLimit else { throw .limit("there are more than \(tensorCountLimit) tensors") }
        var metadata = GGUFMetadata()
        do {
            defer { metadata.note(in: &report) }
            for _ in 0..<keyCount { try metadata.readPair(&fields) }
        }
        var tensors = GGUFTensors(alignment: metadata.alignment)
        defer { tensors.note(in: &report) }
        for _ in 0..<tensorCount { try tensors.readTensor(&fields) }
        try tensors.checkEnd(headerEnd: fields.bytes.offset, sizeInBytes: source.sizeInBytes)
    }
}

/// Numbers and strings as the file's version and byte order have them.
struct GGUFFields {
    let bytes: ByteReader
    let version: UInt32
    let isBigEndian: Bool

    init(_ source: any ByteSource) throws(ReadFailure) {
        bytes = ByteReader(source)
        try bytes.skip(4, "the magic")
        let raw = try bytes.little(UInt32.self, "the version")
        isBigEndian = raw & 0xFFFF == 0 && raw != 0
        version = isBigEndian ? raw.byteSwapped : raw
        guard (1...3).contains(version) else { throw .malformed(what: "GGUF has no version \(version)", offset: 4) }
    }

    func number<Value: FixedWidthInteger>(
        _ type: Value.Type, _ what: @autoclosure () -> String
    ) throws(ReadFailure) -> Value {
        let value = try bytes.little(type, what())
        return isBigEndian ? value.byteSwapped : value
    }

    /// A length or count: 32 bits in version 1, 64 later.
    func size(_ what: @autoclosure () -> String) throws(ReadFailure) -> UInt64 {
        if version == 1 { return UInt64(try number(UInt32.self, what())) }
        return try number(UInt64.self, what())
    }

    /// The first bytes of a string; what is longer is passed.
    func string(keeping limit: Int, _ what: @autoclosure () -> String) throws(ReadFailure) -> (String, isCut: Bool) {
        let size = try size("the length of \(what())")
        guard let count = Int64(exactly: size), count <= bytes.remaining else {
            throw .truncated(what: "\(what()) of \(size) bytes", offset: bytes.offset)
        }
        let kept = try bytes.bytes(Int(min(count, Int64(limit))), what())
        try bytes.skip(count - Int64(kept.count), what())
        return (String(decoding: kept, as: UTF8.self), count > Int64(limit))
    }
}

/// Where the tensors are, and whether the file has room for them.
struct GGUFTensors {
    private let alignment: UInt64
    private var names: Set<Fingerprint> = []
    private var types = Tally()
    private var parameters = CheckedCount()
    private var ranges: [(begin: UInt64, end: UInt64)] = []

    init(alignment: UInt64) { self.alignment = alignment }

    func note(in report: inout HeaderReport) {
        report.set("parameter_count", parameters.value)
        report.set("tensor_types", .counts(types.counts))
    }

    mutating func readTensor(_ fields: inout GGUFFields) throws(ReadFailure) {
        let start = fields.bytes.offset
        let (name, isCut) = try fields.string(keeping: 4096, "a tensor's name")
        guard !isCut, names.insert(Fingerprint(name.utf8)).inserted else {
            throw .malformed(what: "tensor name \(quoted(name)) is over-long or occurs twice", offset: start)
        }
        let rank = try fields.number(UInt32.self, "the number of dimensions of \(quoted(name))")
        guard rank <= 4 else {
            throw .malformed(what: "tensor \(quoted(name)) has \(rank) dimensions, at most 4 exist", offset: start)
        }
        var dimensions: [UInt64] = []
        for _ in 0..<rank { dimensions.append(try fields.size("the shape of \(quoted(name))")) }
        let type = try fields.number(UInt32.self, "the type of \(quoted(name))")
        let offset = try fields.number(UInt64.self, "the offset of \(quoted(name))")
        guard offset % alignment == 0 else {
            throw .malformed(what: "tensor \(quoted(name)) is not aligned to \(alignment) bytes", offset: start)
        }
        try add(name, dimensions, type, offset, at: start)
    }

    private mutating func add(
        _ name: String, _ dimensions: [UInt64], _ type: UInt32, _ offset: UInt64, at start: Int64
    ) throws(ReadFailure) {
        let count = CheckedCount(product: dimensions)
        guard let elements = count.value, elements <= UInt64(Int64.max) else {
            throw .malformed(what: "the shape of tensor \(quoted(name)) overflows", offset: start)
        }
        parameters.add(count)
        guard let known = GGML.elementTypes[type] else {
            types.count("type \(type)")
            return
        }
        types.count(known.name)
        guard (dimensions.first ?? 1) % known.blockSize == 0 else {
            throw .malformed(
                what: "the rows of tensor \(quoted(name)) are no multiple of \(known.name)'s \(known.blockSize)",
                offset: start)
        }
        let (size, tooLong) = (elements / known.blockSize).multipliedReportingOverflow(by: known.sizeInBytes)
        let (end, tooFar) = offset.addingReportingOverflow(size)
        guard !tooLong, !tooFar else {
            throw .malformed(what: "the end of tensor \(quoted(name)) overflows", offset: start)
        }
        ranges.append((offset, end))
    }

    /// No tensor may overlap another one or end behind the file.
    mutating func checkEnd(headerEnd: Int64, sizeInBytes: Int64) throws(ReadFailure) {
        ranges.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        for (left, right) in zip(ranges, ranges.dropFirst()) where right.begin < left.end {
            throw .malformed(what: "two tensors share the bytes from \(right.begin) of the data on", offset: headerEnd)
        }
        guard let last = ranges.last?.end else { return }
        let dataStart = (UInt64(headerEnd) + alignment - 1) / alignment * alignment
        let (end, overflow) = dataStart.addingReportingOverflow(last)
        guard !overflow, end <= UInt64(sizeInBytes) else {
            throw .truncated(what: "tensor data of \(last) bytes", offset: Int64(dataStart))
        }
    }
}
