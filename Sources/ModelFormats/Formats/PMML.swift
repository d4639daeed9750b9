internal import Vocabulary

/// PMML: an XML document whose outermost element is `PMML`.
enum PMML: HeaderFormat {
    static let format = ModelFormat.pmml

    static func recognises(_ head: Head) -> Bool {
        guard head.trimmed.first == UInt8(ascii: "<") else { return false }
        return head.trimmed.starts(with: Array("<PMML".utf8))
            || head.trimmed.starts(with: Array("<?xml".utf8)) && head.bytes.containsRun("<PMML")
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        let space = ByteReader(source)
        while let byte = try space.peek(), byte == 0x20 || (0x09...0x0D).contains(byte) { _ = try space.byte() }
        var xml = try XMLReader(space)
        var document = Document()
        defer { document.note(in: &report) }
        while let token = try xml.next() {
            guard case .start(let element) = token else { continue }
            document.see(element, depth: xml.path.count)
        }
    }

    /// What the elements near the outermost one say.
    private struct Document {
        /// Elements beside the models on the second level.
        private static let others: Set = [
            "Header", "MiningBuildTask", "DataDictionary", "TransformationDictionary", "Extension",
        ]

        private var facts: [(String, String)] = []
        private var models = Tally()
        private var fields = 0
        private var extensions = 0

        mutating func see(_ element: XMLReader.Element, depth: Int) {
            let name = element.name.split(separator: ":").last.map(String.init) ?? element.name
            switch (depth, name) {
            case (1, _): add("version", element["version"])
            case (2, _) where !Self.others.contains(name):
                if models.total == 0 {
                    add("function", element["functionName"])
                    add("model_name", element["modelName"])
                }
                models.count(name)
            case (3, "Application"):
                add("application", element["name"])
                add("application_version", element["version"])
            case (3, "DataField"): fields += 1
            case (_, "Extension"): extensions += 1
            default: break
            }
        }

        private mutating func add(_ key: String, _ value: String?) {
            if let value, facts.count < HeaderReport.listLimit { facts.append((key, value)) }
        }

        func note(in report: inout HeaderReport) {
            for (key, value) in facts { report.set(key, value) }
            report.set("models", .counts(models.counts))
            report.set("data_field_count", fields)
            if extensions > 0 { report.set("extension_count", extensions) }
        }
    }
}
