internal import Vocabulary

/// What Flax writes: a MessagePack map of maps whose leaves are arrays in extensions of type 1.
enum Flax: HeaderFormat {
    static let format = ModelFormat.flax

    static func recognises(_ head: Head) -> Bool {
        let headerSize: Int
        guard let first = head.bytes.first else { return false }
        switch first {
        case 0x81...0x8F: headerSize = 1
        case 0xDE: headerSize = 3
        case 0xDF: headerSize = 5
        default: return false
        }
        guard let marker = head.bytes.dropFirst(headerSize).first else { return false }
        let key = head.bytes.dropFirst(headerSize + 1)
        switch marker {
        case 0xA1...0xBF:
            let name = key.prefix(Int(marker & 0x1F))
            return name.count == Int(marker & 0x1F) && name.allSatisfy { (0x20..<0x7F).contains($0) }
        case 0xD9: return key.dropFirst().first.map { (0x20..<0x7F).contains($0) } ?? false
        default: return false
        }
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var tree = FlaxTree(ByteReader(source))
        do {
            defer { tree.note(in: &report) }
            try tree.read()
        } catch {
            // Any bytes can look like the beginning of a map; an array in it proves it.
            guard tree.hasArrays else { return report.format = .unknown }
            throw error
        }
    }
}

/// The arrays and names in a Flax file.
struct FlaxTree {
    private static let depthLimit = 64

    private struct Container {
        var left: Int64
        var isMap: Bool
    }

    private let reader: MessagePackReader
    private var open: [Container] = []
    private var keys: [String] = []
    private var keyCount: Int64 = 0
    private var types = Tally()
    private var parameters = CheckedCount()
    private var foreign = Set<Int8>()
    private var chunked = 0

    init(_ bytes: ByteReader) { reader = MessagePackReader(bytes: bytes) }

    var hasArrays: Bool { types.total > 0 }

    func note(in report: inout HeaderReport) {
        report.set("keys", .list(keys.map { .text($0) }))
        report.set("key_count", keyCount)
        report.set("tensor_count", types.total)
        report.set("parameter_count", parameters.value)
        report.set("dtypes", .counts(types.counts))
        if chunked > 0 { report.set("chunked_tensor_count", chunked) }
        for type in foreign.sorted() {
            report.find(
                .unknownImports, "msgpack_extension", "Nobody but its writer knows extension type \(type).")
        }
    }

    /// Reads the one map that the file is.
    mutating func read() throws(ReadFailure) {
        guard case .map(let count) = try reader.next() else { throw malformed("there is no map") }
        keyCount = count
        open = [Container(left: count, isMap: true)]
        while let last = open.last {
            guard last.left > 0 else {
                open.removeLast()
                continue
            }
            open[open.count - 1].left -= 1
            if last.isMap { try readKey() }
            try readValue()
        }
        guard try reader.bytes.isAtEnd() else { throw malformed("the file goes on behind its map") }
    }

    private func malformed(_ what: String) -> ReadFailure { .malformed(what: what, offset: reader.bytes.offset) }

    private mutating func readKey() throws(ReadFailure) {
        guard case .string(let size) = try reader.next() else { throw malformed("a key is not a string") }
        let kept = try reader.bytes.bytes(Int(min(size, 1024)), "a key")
        try reader.bytes.skip(size - Int64(kept.count), "a key")
        let name = String(decoding: kept, as: UTF8.self)
        if name == "__msgpack_chunked_array__" { chunked += 1 }
        if open.count == 1, keys.count < HeaderReport.listLimit { keys.append(name) }
    }

    private mutating func readValue() throws(ReadFailure) {
        switch try reader.next() {
        case .null, .bool, .number: break
        case .string(let size), .bytes(let size): try reader.bytes.skip(size, "a string")
        case .list(let count): try push(Container(left: count, isMap: false))
        case .map(let count): try push(Container(left: count, isMap: true))
        case .extended(let type, let size): try readExtension(type, size)
        }
    }

    private mutating func push(_ container: Container) throws(ReadFailure) {
        guard open.count < Self.depthLimit else { throw malformed("maps are nested deeper than \(Self.depthLimit)") }
        open.append(container)
    }

    /// Type 1 is an array, 2 a complex number, 3 a NumPy scalar; others are no part of the format.
    private mutating func readExtension(_ type: Int8, _ size: Int64) throws(ReadFailure) {
        let end = reader.bytes.offset + size
        if type == 1 || type == 3 { try readArray(to: end) } else if type != 2 { foreign.insert(type) }
        try reader.bytes.skip(end - reader.bytes.offset, "an extension")
    }

    /// `[shape, dtype, bytes]`: the bytes end where the extension does, and there are as many as the shape says.
    private mutating func readArray(to end: Int64) throws(ReadFailure) {
        let damaged = malformed("an array is not a shape, a type and bytes")
        guard case .list(3) = try reader.next(), case .list(let rank) = try reader.next(), rank <= 32 else {
            throw damaged
        }
        var dimensions: [UInt64] = []
        for _ in 0..<rank { dimensions.append(try Self.whole(reader.bytes)) }
        guard case .string(let length) = try reader.next(), length <= 32 else { throw damaged }
        let type = String(decoding: try reader.bytes.bytes(Int(length), "a type"), as: UTF8.self)
        guard case .bytes(let size) = try reader.next(), reader.bytes.offset + size == end else { throw damaged }
        if let width = Self.widths[type] {
            guard CheckedCount(product: dimensions + [width]).value == UInt64(size) else {
                throw malformed("an array of \(type) and shape \(dimensions) does not have \(size) bytes")
            }
        }
        types.count(cut(type, to: 32))
        parameters.add(CheckedCount(product: dimensions))
    }

    private static let widths: [String: UInt64] = [
        "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4,
        "uint32": 4, "float32": 4, "int64": 8, "uint64": 8, "float64": 8, "complex64": 8, "complex128": 16,
    ]

    /// An unsigned whole number.
    private static func whole(_ bytes: ByteReader) throws(ReadFailure) -> UInt64 {
        let marker = try bytes.byte("a shape")
        switch marker {
        case 0x00...0x7F: return UInt64(marker)
        case 0xCC: return UInt64(try bytes.big(UInt8.self))
        case 0xCD: return UInt64(try bytes.big(UInt16.self))
        case 0xCE: return UInt64(try bytes.big(UInt32.self))
        case 0xCF: return try bytes.big(UInt64.self)
        default: throw .malformed(what: "a shape has something else than whole numbers", offset: bytes.offset)
        }
    }
}
