internal import Vocabulary

/// XGBoost's JSON model, of any size.
enum XGBoostJSON: HeaderFormat {
    static let format = ModelFormat.xgboostJSON

    static func recognises(_ head: Head) -> Bool {
        let key = head.firstJSONKey
        return key == "learner" || key == "version" && head.bytes.containsRun("\"learner\"")
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var json = JSONReader(ByteReader(source), limits: .init(keys: .max))
        var model = XGBoostModel()
        defer { model.note(in: &report) }
        try model.read(&json)
        guard model.isComplete else { return report.format = .unknown }
        guard try json.isAtEnd() else { throw json.malformed("the file goes on behind its JSON object") }
    }
}

/// XGBoost's model in UBJSON: the same document as the JSON one.
enum XGBoostUBJ: HeaderFormat {
    static let format = ModelFormat.xgboostUBJ

    static func recognises(_ head: Head) -> Bool {
        [("learner", 7), ("version", 7)].contains {
            head.has([0x7B, 0x4C, 0, 0, 0, 0, 0, 0, 0, $0.1] + Array($0.0.utf8))
        }
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        var document = UBJSONReader(ByteReader(source))
        var model = XGBoostModel()
        defer { model.note(in: &report) }
        try model.read(&document)
        guard model.isComplete else { throw document.malformed("there is no learner or no version") }
        guard try document.bytes.isAtEnd() else { throw document.malformed("the file goes on behind its object") }
    }
}

/// XGBoost's binary model of the time before JSON.
enum XGBoostBinary: HeaderFormat {
    static let format = ModelFormat.xgboostBinary

    static func recognises(_ head: Head) -> Bool { head.has("binf") || head.has("bs64") }

    /// LearnerModelParamLegacy of 136 bytes, then the names of objective and booster.
    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        let reader = ByteReader(source)
        guard try reader.bytes(4, "the magic") == Array("binf".utf8) else {
            throw .unsupported("an XGBoost model in base64 is not decoded")
        }
        let baseScore = Float(bitPattern: try reader.little(UInt32.self, "the base score"))
        report.set("base_score", .real(Double(baseScore)))
        report.set("num_feature", try reader.little(UInt32.self, "the number of features"))
        report.set("num_class", try reader.little(Int32.self, "the number of classes"))
        try reader.skip(136 - 12, "the learner's parameters")
        report.set("objective", try name(reader, "the objective's name"))
        report.set("booster", try name(reader, "the booster's name"))
    }

    private static func name(_ reader: ByteReader, _ what: String) throws(ReadFailure) -> String {
        let size = try reader.little(UInt64.self, what)
        guard size <= UInt64(reader.remaining) else {
            throw .truncated(what: "\(what) of \(size) bytes", offset: reader.offset)
        }
        guard size <= 4096 else { throw .malformed(what: "\(what) has \(size) bytes", offset: reader.offset) }
        return String(decoding: try reader.bytes(Int(size), what), as: UTF8.self)
    }
}
