internal import Vocabulary

/// What the JSON of a Keras model says: which layers it has, and which of them bring code with them.
public enum KerasConfiguration {
    /// Reads a `config.json` or `metadata.json` of a `.keras` archive, or the attribute `model_config` of an HDF5 file.
    ///
    /// - Parameters:
    ///   - source: the JSON text.
    ///   - part: the name of the archive's member, for findings.
    /// - Returns: format `keras`; `details` with `class_name`, `name`, `layer_count`, `layer_classes`, and
    ///   `keras_version`, `date_saved`, `backend` where they stand; `damage` when the text is no JSON object.
    public static func inspect(_ source: any ByteSource, part: String = "") -> Inspection {
        var report = HeaderReport(.keras, atBest: .safe)
        do { try read(ByteReader(source), part: part, into: &report) } catch {
            report.note(error, sizeInBytes: source.sizeInBytes)
        }
        return report.inspection
    }

    static func read(_ bytes: ByteReader, part: String = "", into report: inout HeaderReport) throws(ReadFailure) {
        var walker = KerasWalker(bytes, part: part)
        defer { walker.note(in: &report) }
        try walker.walk()
    }
}

/// The architecture of a Keras model in a JSON file of its own (`model.to_json()`).
enum KerasArchitecture: HeaderFormat {
    static let format = ModelFormat.keras
    static let atBest = Safety.safe

    static func recognises(_ head: Head) -> Bool {
        guard let key = head.firstJSONKey, ["class_name", "module", "config"].contains(key) else { return false }
        return head.bytes.containsRun("\"class_name\"")
    }

    static func read(_ source: any ByteSource, into report: inout HeaderReport) throws(ReadFailure) {
        try KerasConfiguration.read(ByteReader(source), into: &report)
        report.set("serialization", "json")
    }
}

/// Reads serialized Keras objects however deeply they are nested, with a stack of its own.
struct KerasWalker {
    /// What counts of one object that is open.
    private struct Object {
        var className: String?
        var module: String?
        var registeredName: String?
        /// Whether it is an element of a model's list of layers: then it is one, whatever its class is called.
        var isListed: Bool
        var start: Int64
    }

    private enum Open {
        case object(Object)
        case array(isOfLayers: Bool)
    }

    private var json: JSONReader
    private let part: String
    private var open: [Open] = []
    private var key: String?
    private var facts: [JSON.Member] = []
    private var layers = Tally()
    private var findings: [Finding] = []

    init(_ bytes: ByteReader, part: String) {
        json = JSONReader(bytes, limits: .init(depth: 256, keys: 1_000_000, refusesDuplicateKeys: true))
        self.part = part
    }

    func note(in report: inout HeaderReport) {
        for fact in facts { report.set(fact.key, fact.value) }
        if layers.total > 0 {
            report.set("layer_count", layers.total)
            report.set("layer_classes", .counts(layers.counts))
        }
        for finding in findings { report.find(finding) }
    }

    mutating func walk() throws(ReadFailure) {
        while let token = try json.next() {
            switch token {
            case .beginObject:
                var isListed = false
                if case .array(true)? = open.last { isListed = true }
                open.append(.object(Object(isListed: isListed, start: json.bytes.offset - 1)))
            case .beginArray: open.append(.array(isOfLayers: key == "layers"))
            case .endObject, .endArray:
                if case .object(let object)? = open.popLast() { judge(object) }
            case .key:
                key = json.string
                continue
            case .string: see(json.string)
            default: break
            }
            key = nil
            guard !open.isEmpty || token == .endObject else { throw json.malformed("the text is not a JSON object") }
        }
        guard try json.isAtEnd() else { throw json.malformed("the text goes on behind its JSON object") }
    }

    /// A string that is a member of the innermost object.
    private mutating func see(_ text: String) {
        guard let key, case .object(var object)? = open.last else { return }
        switch key {
        case "class_name": object.className = text
        case "module": object.module = text
        case "registered_name": object.registeredName = text
        default: break
        }
        open[open.count - 1] = .object(object)
        noteFact(key, text)
        guard text == "enable_unsafe_deserialization" else { return }
        find(.dangerous, "keras_gadget", "The configuration switches the checks of the loader off.", json.bytes.offset)
    }

    /// What stands at the top, or in the configuration right below it.
    private mutating func noteFact(_ key: String, _ text: String) {
        let top: Set = ["class_name", "keras_version", "date_saved", "backend"]
        guard open.count == 1 && top.contains(key) || open.count == 2 && key == "name",
            !facts.contains(where: { $0.key == key })
        else { return }
        facts.append(.init(key, .text(text)))
    }

    private mutating func judge(_ object: Object) {
        guard let name = object.className else { return }
        if !open.isEmpty, object.isListed || KerasNames.isLayer(name, module: object.module) { layers.count(name) }
        guard let verdict = KerasNames.verdict(name, object.module, object.registeredName) else { return }
        find(verdict.severity, verdict.code, verdict.message, object.start)
    }

    private mutating func find(_ severity: Safety, _ code: String, _ message: String, _ offset: Int64) {
        let isNews = !findings.contains { $0.code == code && $0.message == message }
        guard isNews, findings.count < HeaderReport.listLimit || severity == .dangerous && findings.count < 128 else {
            return
        }
        findings.append(Finding(severity, code, message, part: part, offset: offset))
    }
}
