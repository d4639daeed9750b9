internal import Vocabulary

/// The keys and values of a GGUF file.
struct GGUFMetadata {
    /// How many bytes of a chat template are looked through; the largest in use have some 20 KiB.
    private static let templateLimit = 1 << 20
    private static let sampleLimit = 16

    private(set) var alignment: UInt64 = 32
    private var keys: Set<Fingerprint> = []
    private var facts: [JSON.Member] = []
    private var findings: [Finding] = []
    private var templates: [String] = []

    func note(in report: inout HeaderReport) {
        let named = JSON.object(facts)
        report.set("architecture", named["general.architecture"])
        report.set("name", named["general.name"])
        if case .number(let type)? = named["general.file_type"] {
            report.set("file_type", GGML.fileTypes[type] ?? type)
        }
        report.set("key_count", keys.count)
        report.set("metadata", .object(Array(facts.prefix(HeaderReport.listLimit))))
        if !templates.isEmpty { report.set("chat_templates", .list(templates.map { .text($0) })) }
        for finding in findings { report.find(finding) }
    }

    mutating func readPair(_ fields: inout GGUFFields) throws(ReadFailure) {
        let start = fields.bytes.offset
        let (key, isCut) = try fields.string(keeping: 65_535, "a key")
        guard !isCut, keys.insert(Fingerprint(key.utf8)).inserted else {
            throw .malformed(what: "the key \(quoted(key)) is over-long or occurs twice", offset: start)
        }
        let type = try fields.number(UInt32.self, "the type of \(quoted(key))")
        if type == 8, key.hasPrefix("tokenizer.chat_template") { return try readTemplate(key, &fields) }
        let value = type == 9 ? try array(key, &fields) : try scalar(type, key, &fields)
        if key == "general.alignment" { try setAlignment(value, at: start) }
        guard facts.count < HeaderReport.listLimit || key.hasPrefix("general.") && facts.count < 256 else { return }
        facts.append(.init(cut(key, to: 128), value))
    }

    private mutating func setAlignment(_ value: JSON, at offset: Int64) throws(ReadFailure) {
        guard case .number(let text) = value, let number = UInt32(text), number.nonzeroBitCount == 1 else {
            throw .malformed(what: "general.alignment is not a power of two", offset: offset)
        }
        alignment = UInt64(number)
    }

    private func scalar(_ type: UInt32, _ key: String, _ fields: inout GGUFFields) throws(ReadFailure) -> JSON {
        let what = "the value of \(quoted(key))"
        switch type {
        case 0: return .whole(try fields.number(UInt8.self, what))
        case 1: return .whole(try fields.number(Int8.self, what))
        case 2: return .whole(try fields.number(UInt16.self, what))
        case 3: return .whole(try fields.number(Int16.self, what))
        case 4: return .whole(try fields.number(UInt32.self, what))
        case 5: return .whole(try fields.number(Int32.self, what))
        case 6:
            let value = Float(bitPattern: try fields.number(UInt32.self, what))
            return value.isFinite ? .number("\(value)") : .string("\(value)")
        case 7: return .bool(try flag(key, &fields))
        case 8: return .text(try fields.string(keeping: 4096, what).0)
        case 10: return .whole(try fields.number(UInt64.self, what))
        case 11: return .whole(try fields.number(Int64.self, what))
        case 12: return .real(Double(bitPattern: try fields.number(UInt64.self, what)))
        default:
            throw .malformed(what: "the key \(quoted(key)) has the unknown type \(type)", offset: fields.bytes.offset)
        }
    }

    private func flag(_ key: String, _ fields: inout GGUFFields) throws(ReadFailure) -> Bool {
        let value = try fields.number(UInt8.self, "the value of \(quoted(key))")
        guard value <= 1 else {
            throw .malformed(what: "\(quoted(key)) is neither true nor false but \(value)", offset: fields.bytes.offset)
        }
        return value == 1
    }

    /// An array's length and first elements. Arrays in arrays are refused, as the reference reader does.
    private func array(_ key: String, _ fields: inout GGUFFields) throws(ReadFailure) -> JSON {
        let type = try fields.number(UInt32.self, "the element type of \(quoted(key))")
        let count = try fields.size("the length of \(quoted(key))")
        guard type != 9, let width = Self.smallestWidth(type, fields.version) else {
            throw .malformed(what: "\(quoted(key)) has elements of type \(type)", offset: fields.bytes.offset)
        }
        let (size, overflow) = count.multipliedReportingOverflow(by: width)
        guard !overflow, size <= UInt64(fields.bytes.remaining) else {
            throw .truncated(what: "\(quoted(key)) with \(count) elements", offset: fields.bytes.offset)
        }
        var sample: [JSON] = []
        for _ in 0..<min(count, UInt64(Self.sampleLimit)) { sample.append(try scalar(type, key, &fields)) }
        let rest = count - UInt64(sample.count)
        if type == 8 {
            for _ in 0..<rest { _ = try fields.string(keeping: 0, "an element of \(quoted(key))") }
        } else {
            try fields.bytes.skip(Int64(rest * width), "\(quoted(key))")
        }
        return .object([.init("count", .whole(count)), .init("first", .array(sample.map(Self.short)))])
    }

    /// Samples are there to recognise a list by.
    private static func short(_ value: JSON) -> JSON {
        if case .string(let text) = value { .string(cut(text, to: 32)) } else { value }
    }

    /// How many bytes an element has at least.
    private static func smallestWidth(_ type: UInt32, _ version: UInt32) -> UInt64? {
        switch type {
        case 0, 1, 7: 1
        case 2, 3: 2
        case 4, 5, 6: 4
        case 8: version == 1 ? 4 : 8
        case 10, 11, 12: 8
        default: nil
        }
    }

    private mutating func readTemplate(_ key: String, _ fields: inout GGUFFields) throws(ReadFailure) {
        let start = fields.bytes.offset
        let (template, isCut) = try fields.string(keeping: Self.templateLimit, "the value of \(quoted(key))")
        if templates.count < HeaderReport.listLimit { templates.append(key) }
        if isCut {
            findings.append(
                Finding(
                    .unscannable, "limit", "\(quoted(key)) is longer than \(Self.templateLimit) bytes", offset: start))
        }
        for suspicion in JinjaTemplate.suspicions(in: template) where findings.count < HeaderReport.listLimit {
            findings.append(
                Finding(
                    .dangerous, "suspicious_template", "The template in \(quoted(key)) \(suspicion).", offset: start))
        }
    }
}
