internal import Vocabulary

/// CatBoost's own format: `CBM1`, a length, a FlatBuffers TModelCore of that length, and parts of the model after it.
enum CatBoost: HeaderFormat {
    static let format = ModelFormat.catboost

    static func recognises(_ head: Head) -> Bool { head.has("CBM1") }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        let reader = ByteReader(source, from: 4)
        var size = UInt64(try reader.little(UInt32.self, "the core's length"))
        if size == UInt64(UInt32.max) { size = try reader.little(UInt64.self, "the core's length") }
        guard size <= UInt64(reader.remaining) else {
            throw .truncated(what: "a core of \(size) bytes", offset: reader.offset)
        }
        let end = reader.offset + Int64(size)
        let core = try FlatbufferTable(rootOf: .init(source, from: reader.offset, to: end))
        report.set("format_version", try core.string(0, "the format version"))
        if let trees = try core.table(1, "the trees") { try note(trees, in: &report) }
        var information: [JSON.Member] = []
        try core.tables(2, "the model information") { index, entry throws(ReadFailure) in
            guard index < HeaderReport.listLimit, let key = try entry.string(0, "a key") else { return }
            information.append(.init(cut(key, to: 128), .text(try entry.string(1, "a value") ?? "")))
        }
        if !information.isEmpty { report.set("metadata", .object(information)) }
    }

    private static func note(_ trees: FlatbufferTable, in report: inout HeaderReport) throws(ReadFailure) {
        report.set("dimension", try trees.number(0, width: 4, "the dimension") ?? 1)
        report.set("tree_count", try trees.vector(2, elementSize: 4, "the tree sizes").count)
        report.set("categorical_feature_count", try trees.vector(4, elementSize: 4, "categorical features").count)
        report.set("numeric_feature_count", try trees.vector(5, elementSize: 4, "numeric features").count)
    }
}

/// CatBoost's JSON export.
enum CatBoostJSON: HeaderFormat {
    static let format = ModelFormat.catboost

    static func recognises(_ head: Head) -> Bool {
        let keys: Set = ["model_info", "oblivious_trees", "features_info", "ctr_data", "scale_and_bias"]
        guard let key = head.firstJSONKey else { return false }
        return keys.contains(key)
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var json = JSONReader(ByteReader(source), limits: .init(keys: .max))
        var keys: Set<String> = []
        var metadata: [JSON.Member] = []
        var trees = 0
        try json.object { key, json throws(ReadFailure) in
            keys.insert(cut(key, to: 64))
            if key == "model_info" {
                try json.object { key, json throws(ReadFailure) in
                    guard metadata.count < HeaderReport.listLimit, let value = try json.scalar() else { return }
                    metadata.append(.init(cut(key, to: 128), .text(value)))
                }
            } else if key == "oblivious_trees" || key == "trees" {
                trees = try json.count()
            }
        }
        guard keys.contains("oblivious_trees") || keys.contains("trees") else { return report.format = .unknown }
        report.set("serialization", "json")
        report.set("tree_count", trees)
        if !metadata.isEmpty { report.set("metadata", .object(metadata)) }
    }
}
