internal import Vocabulary

/// safetensors: a length, that many bytes of JSON, and the tensors' bytes without a gap.
///
/// The checks are those of the format's own reference reader, which refuses what they refuse.
enum Safetensors: HeaderFormat {
    static let format = ModelFormat.safetensors
    /// What the format allows.
    static let headerLimit: UInt64 = 100_000_000
    private static let tensorLimit = 1_000_000

    static func recognises(_ head: Head) -> Bool {
        guard let size = head.little(UInt64.self, at: 0), head.has("{", at: 8) else { return false }
        let next = head.bytes.dropFirst(9).first { $0 != 0x20 && !(0x09...0x0D).contains($0) }
        guard next == nil || next == UInt8(ascii: "\"") || next == UInt8(ascii: "}") else { return false }
        return size <= headerLimit || head.bytes.containsRun("\"data_offsets\"")
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        let size = try ByteReader(source).little(UInt64.self, "the header's length")
        guard size <= headerLimit else {
            throw .malformed(
                what: "the header announces \(size) bytes of JSON, the format allows \(headerLimit)", offset: 0)
        }
        let end = 8 + Int64(size)
        guard end <= source.sizeInBytes else { throw .truncated(what: "a header of \(size) bytes", offset: 8) }
        report.set("header_size_bytes", size)
        var header = Header()
        defer { header.note(in: &report) }
        do { try header.read(ByteReader(source, from: 8, to: end)) } catch .truncated(_, let offset) {
            throw .malformed(what: "the header ends before its JSON does", offset: offset)
        }
        try header.checkTiling(bufferSize: UInt64(source.sizeInBytes - end), from: end)
    }

    private static let bitsPerElement: [String: UInt64] = [
        "BOOL": 8, "U8": 8, "I8": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
        "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
        "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
    ]

    /// What the JSON says.
    private struct Header {
        private struct Tensor {
            var type: String?
            var dimensions: [UInt64]?
            var range: [UInt64]?
        }

        private var ranges: [(begin: UInt64, end: UInt64)] = []
        private var parameters = CheckedCount()
        private var types = Tally()
        private var metadata: [JSON.Member] = []
        private var metadataCount = 0

        func note(in report: inout HeaderReport) {
            report.set("tensor_count", ranges.count)
            report.set("parameter_count", parameters.value)
            report.set("dtypes", .counts(types.counts))
            guard metadataCount > 0 else { return }
            report.set("metadata", .object(metadata))
            report.set("metadata_count", metadataCount)
        }

        mutating func read(_ bytes: ByteReader) throws(ReadFailure) {
            var json = JSONReader(bytes, limits: .init(depth: 8, refusesDuplicateKeys: true))
            try json.object { name, json throws(ReadFailure) in
                if name == "__metadata__" { try readMetadata(&json) } else { try readTensor(name, &json) }
            }
            guard try json.isAtEnd() else { throw json.malformed("the header goes on behind its JSON object") }
        }

        private mutating func readMetadata(_ json: inout JSONReader) throws(ReadFailure) {
            try json.object { key, json throws(ReadFailure) in
                let value = try json.expectString("__metadata__ value \(quoted(key))")
                metadataCount += 1
                guard metadata.count < HeaderReport.listLimit else { return }
                metadata.append(.init(cut(key, to: 128), .text(value)))
            }
        }

        private mutating func readTensor(_ name: String, _ json: inout JSONReader) throws(ReadFailure) {
            guard ranges.count < tensorLimit else { throw .limit("there are more than \(tensorLimit) tensors") }
            var tensor = Tensor()
            try json.object { key, json throws(ReadFailure) in
                switch key {
                case "dtype": tensor.type = try json.expectString("the dtype of \(quoted(name))")
                case "shape": tensor.dimensions = try numbers(&json, "the shape of \(quoted(name))")
                case "data_offsets": tensor.range = try numbers(&json, "the data_offsets of \(quoted(name))")
                default: throw json.malformed("tensor \(quoted(name)) has a member \(quoted(key))")
                }
            }
            try add(tensor, name, json)
        }

        private mutating func add(_ tensor: Tensor, _ name: String, _ json: JSONReader) throws(ReadFailure) {
            guard let type = tensor.type, let dimensions = tensor.dimensions, let range = tensor.range else {
                throw json.malformed("tensor \(quoted(name)) lacks its dtype, shape or data_offsets")
            }
            guard let bits = bitsPerElement[type] else {
                throw json.malformed("tensor \(quoted(name)) has the unknown dtype \(quoted(type))")
            }
            guard range.count == 2, range[0] <= range[1] else {
                throw json.malformed("tensor \(quoted(name)) has no range of bytes as its data_offsets")
            }
            let count = CheckedCount(product: dimensions)
            guard let total = CheckedCount(product: dimensions + [bits]).value, total % 8 == 0,
                total / 8 == range[1] - range[0]
            else {
                throw json.malformed(
                    "tensor \(quoted(name)) of dtype \(type) and shape \(dimensions.prefix(16)) does not fill the "
                        + "\(range[1] - range[0]) bytes of its data_offsets")
            }
            parameters.add(count)
            types.count(type)
            ranges.append((range[0], range[1]))
        }

        private func numbers(
            _ json: inout JSONReader, _ what: @autoclosure () -> String
        ) throws(ReadFailure) -> [UInt64] {
            guard try json.next() == .beginArray else { throw json.malformed("\(what()) is not a list") }
            var numbers: [UInt64] = []
            while try json.next() == .number {
                guard let number = UInt64(json.string), numbers.count < 64 else {
                    throw json.malformed("\(what()) does not consist of at most 64 whole numbers")
                }
                numbers.append(number)
            }
            guard json.depth == 2 else { throw json.malformed("\(what()) does not consist of whole numbers") }
            return numbers
        }

        /// The tensors' ranges must cover the buffer without a hole, an overlap or a rest.
        mutating func checkTiling(bufferSize: UInt64, from start: Int64) throws(ReadFailure) {
            ranges.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
            var covered: UInt64 = 0
            for range in ranges {
                guard range.begin == covered else {
                    let fault = range.begin > covered ? "belong to no tensor" : "belong to two tensors"
                    throw .malformed(
                        what: "bytes \(min(covered, range.begin)) to \(max(covered, range.begin)) of the data \(fault)",
                        offset: start)
                }
                covered = range.end
            }
            guard covered <= bufferSize else {
                throw .truncated(what: "tensor data of \(covered) bytes", offset: start)
            }
            guard covered == bufferSize else {
                throw .malformed(
                    what: "the tensors end after \(covered) bytes of data, the file has \(bufferSize)", offset: start)
            }
        }
    }
}
