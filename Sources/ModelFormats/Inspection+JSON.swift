public import Vocabulary

/// An inspection as JSON, and back: how it travels from the process that made it.
///
/// The way back trusts nobody: whatever the other process became while it read a file, what comes out here is small, holds only
/// words and numbers that `jsonb` takes, and shows a terminal nothing but text.
extension Inspection {
    /// All of it.
    public var json: JSON {
        var members: [JSON.Member] = [
            .init("format", .string(format.rawValue)), .init("details", details),
            .init("safety", .string(safety.rawValue)), .init("findings", .array(findings.map(\.json))),
            .init("imports", .array(imports.map(\.json))),
        ]
        if let damage {
            members.append(
                .init(
                    "damage",
                    .object([.init("code", .string(damage.code)), .init("message", .string(damage.message))])))
        }
        return .object(members)
    }

    /// As a row of the registry and that of its blob hold it.
    public var record: InspectionRecord {
        InspectionRecord(
            format: format.rawValue, formatDetails: details.text, safety: safety.rawValue,
            safetyFindings: JSON.array(findings.map(\.json)).text, imports: JSON.array(imports.map(\.json)).text,
            scannerVersion: Inspector.version, allowListVersion: AllowList.version)
    }

    /// What a text says that ``json`` wrote; `nil` when it is anything else.
    public init?(jsonText bytes: [UInt8]) {
        var reader = InspectionText(bytes)
        guard let json = reader.document() else { return nil }
        self.init(json)
    }

    private init?(_ json: JSON) {
        guard let format = json["format"]?.word.flatMap(ModelFormat.init(rawValue:)),
            let safety = json["safety"]?.word.flatMap(Safety.init(rawValue:)), let details = json["details"],
            details.members != nil, let findings = json["findings"]?.list, let imports = json["imports"]?.list
        else { return nil }
        let readFindings = findings.prefix(1_000).compactMap(Finding.init)
        let readImports = imports.prefix(20_000).compactMap(Import.init)
        guard readFindings.count == min(findings.count, 1_000), readImports.count == min(imports.count, 20_000) else {
            return nil
        }
        self.init(format: format, details: details, safety: safety, findings: readFindings, imports: readImports)
        if let damage = json["damage"] {
            guard let code = damage["code"]?.word, ["truncated", "malformed"].contains(code),
                let message = damage["message"]?.word
            else { return nil }
            self.damage = Damage(code: code, message: message.asOneLine)
        }
    }
}

extension Import {
    /// For `registry.blobs.imports` and `ingot check --json`.
    public var json: JSON {
        var members: [JSON.Member] = [
            .init("module", .string(module.withoutNull)), .init("name", .string(name.withoutNull)),
            .init("uses", .array(uses.sorted().map { .string($0.rawValue) })),
            .init("verdict", .string(verdict.rawValue)), .init("offset", .number("\(offset)")),
            .init("count", .number("\(count)")),
        ]
        if !part.isEmpty { members.append(.init("part", .string(part.withoutNull))) }
        return .object(members)
    }

    fileprivate init?(_ json: JSON) {
        guard let module = json["module"]?.word, let name = json["name"]?.word, let uses = json["uses"]?.list,
            let verdict = json["verdict"]?.word.flatMap(Safety.init(rawValue:)),
            let offset = json["offset"]?.whole, let count = json["count"]?.whole
        else { return nil }
        self.init(
            module: module, name: name, uses: Set(uses.compactMap { $0.word.flatMap(Use.init(rawValue:)) }),
            verdict: verdict, part: (json["part"]?.word ?? "").asOneLine, offset: offset,
            count: Int(clamping: count))
    }
}

extension Finding {
    fileprivate init?(_ json: JSON) {
        guard let severity = json["severity"]?.word.flatMap(Safety.init(rawValue:)), let code = json["code"]?.word,
            let message = json["message"]?.word
        else { return nil }
        self.init(
            severity, code.asOneLine, message.asOneLine, part: (json["part"]?.word ?? "").asOneLine,
            offset: json["offset"]?.whole)
    }
}

extension JSON {
    fileprivate var word: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var list: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
    fileprivate var whole: Int64? { if case .number(let literal) = self { Int64(literal) } else { nil } }
}

extension String {
    /// `jsonb` holds no U+0000.
    fileprivate var withoutNull: String { utf8.contains(0) ? replacing("\0", with: "\u{FFFD}") : self }

    /// What ends a line or steers a terminal becomes U+FFFD.
    fileprivate var asOneLine: String {
        guard unicodeScalars.contains(where: \.steers) else { return self }
        var line = ""
        for scalar in unicodeScalars { line.unicodeScalars.append(scalar.steers ? "\u{FFFD}" : scalar) }
        return line
    }
}

extension Unicode.Scalar {
    fileprivate var steers: Bool { value < 0x20 || (0x7F...0x9F).contains(value) || value == 0x2028 || value == 0x2029 }
}

/// Strict JSON into a tree, with limits of its own.
private struct InspectionText {
    private static let maximumDepth = 64
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() -> JSON? {
        guard let value = value(depth: 0) else { return nil }
        skipSpace()
        return index == bytes.count ? value : nil
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func value(depth: Int) -> JSON? {
        guard depth <= Self.maximumDepth else { return nil }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return text().map { .string($0) }
        case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return number()
        default: return word()
        }
    }

    private mutating func object(depth: Int) -> JSON? {
        index += 1
        var members: [JSON.Member] = []
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\""), let key = text() else { return nil }
            skipSpace()
            guard take(":"), let value = value(depth: depth + 1) else { return nil }
            members.append(.init(key, value))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { return nil }
        }
    }

    private mutating func array(depth: Int) -> JSON? {
        index += 1
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array([]) }
        while true {
            guard let value = value(depth: depth + 1) else { return nil }
            elements.append(value)
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { return nil }
        }
    }

    private mutating func word() -> JSON? {
        let words: [(String, JSON)] = [("null", .null), ("true", .bool(true)), ("false", .bool(false))]
        for (word, value) in words where bytes[index...].starts(with: word.utf8) {
            index += word.utf8.count
            return value
        }
        return nil
    }

    /// A number; one that `numeric` might not hold becomes a string, so that no row breaks a query.
    private mutating func number() -> JSON? {
        let start = index
        _ = take("-")
        if !take("0"), digits() == 0 { return nil }
        if take("."), digits() == 0 { return nil }
        var exponent = 0
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            let first = index
            guard digits() > 0 else { return nil }
            exponent = Int(String(decoding: bytes[first..<index], as: UTF8.self)) ?? .max
        }
        let literal = String(decoding: bytes[start..<index], as: UTF8.self)
        return literal.utf8.count <= 1_000 && exponent <= 1_000 ? .number(literal) : .string(String(literal.prefix(64)))
    }

    private mutating func digits() -> Int {
        let start = index
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index - start
    }

    private mutating func text() -> String? {
        index += 1
        var content: [UInt8] = []
        while let byte = next {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: content, as: UTF8.self)?.withoutNull
            case UInt8(ascii: "\\"): guard escape(into: &content) else { return nil }
            case 0..<0x20: return nil
            default: content.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(into content: inout [UInt8]) -> Bool {
        guard let byte = next else { return false }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "u"):
            guard index + 4 <= bytes.count,
                let value = UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(value)
            else { return false }
            index += 4
            content += Array(String(Character(scalar)).utf8)
        default: return false
        }
        return true
    }
}
