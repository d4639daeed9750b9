internal import Vocabulary

/// LightGBM's text model: `key=value` lines, the trees, `end of trees`, and the parameters of the training.
enum LightGBM: HeaderFormat {
    static let format = ModelFormat.lightgbm
    private static let lineLimit = 16 << 20
    private static let lineCountLimit = 4096

    static func recognises(_ head: Head) -> Bool {
        head.has("tree\nversion=v") || head.has("tree\r\nversion=v")
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        let reader = ByteReader(source)
        var treeSizes: [UInt8]?
        for _ in 0..<lineCountLimit {
            guard try reader.peek() != UInt8(ascii: "T") else { break }
            let line = try reader.line(limit: lineLimit, "the rest of the header")
            let key = String(decoding: line.prefix { $0 != UInt8(ascii: "=") }.prefix(64), as: UTF8.self)
            let value = line.drop { $0 != UInt8(ascii: "=") }.dropFirst()
            if key == "tree_sizes" { treeSizes = Array(value) } else { note(key, value, in: &report) }
        }
        guard let treeSizes else { return }
        let (count, size) = try total(treeSizes, at: reader.offset)
        report.set("tree_count", count)
        guard size <= UInt64(reader.remaining) else {
            throw .truncated(what: "\(count) trees of \(size) bytes", offset: reader.offset)
        }
        try reader.skip(Int64(size), "the trees")
        guard try reader.bytes(12, "'end of trees'") == Array("end of trees".utf8) else {
            throw .malformed(what: "the trees do not end where their sizes say", offset: reader.offset)
        }
    }

    private static func note(_ key: String, _ value: ArraySlice<UInt8>, in report: inout HeaderReport) {
        let text = String(decoding: value.prefix(1025).filter { $0 != 0x0D }, as: UTF8.self)
        switch key {
        case "version", "objective": report.set(key, text)
        case "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx":
            if let number = Int64(text) { report.set(key, number) }
        case "feature_names":
            let names = value.split(separator: 0x20)
            report.set("feature_names", .list(names.lazy.map { .text(String(decoding: $0, as: UTF8.self)) }))
            report.set("feature_name_count", names.count)
        default: break
        }
    }

    /// The number of trees and of their bytes.
    private static func total(_ sizes: [UInt8], at offset: Int64) throws(ReadFailure) -> (count: Int, size: UInt64) {
        var total = CheckedCount()
        var count = 0
        for text in sizes.split(whereSeparator: { $0 == 0x20 || $0 == 0x0D }) {
            guard let size = UInt64(String(decoding: text, as: UTF8.self)) else {
                throw .malformed(what: "tree_sizes has something else than numbers", offset: offset)
            }
            total.add(CheckedCount(size))
            count += 1
        }
        guard let size = total.value else { throw .malformed(what: "tree_sizes overflows", offset: offset) }
        return (count, size)
    }
}
