import Manifest
import Vocabulary

/// What the registry would be handed: for comparing with a live `jsonb`.
enum JsonbVectors {
    /// Documents of accepted manifests, as `JSON.text` writes them: chosen ones first, then generated ones.
    static func accepted() -> [JSON] {
        var generator = DocumentGenerator(seed: Environment.fuzzSeed &+ 2)
        var documents = values.compactMap { Verdict(manifest(with: "\"x\": \($0)")).manifest?.document }
        documents += DocumentGenerator.yamlSeeds.compactMap { Verdict($0, .yaml).manifest?.document }
        for round in 0..<Environment.fuzzIterations {
            let plain = generator.document()
            let text = round.isMultiple(of: 2) ? plain : generator.mutated(plain)
            for syntax in ManifestSyntax.allCases {
                if let document = Verdict(text, syntax).manifest?.document { documents.append(document) }
            }
        }
        return documents
    }

    /// Values at the limits, and those that readers of JSON are known to disagree about.
    static let values: [String] =
        (DocumentGenerator.characters + DocumentGenerator.hardCharacters).map { "\"\($0)\"" }
        + DocumentGenerator.numbers + [
            String(repeating: "[", count: 31) + String(repeating: "]", count: 31),
            "\"" + String(repeating: "€", count: Limits.stringSizeInBytes / 3) + "\"",
            "{\"" + String(repeating: "k", count: Limits.stringSizeInBytes) + "\": 1}",
            "[\(Array(repeating: "1e299", count: Limits.allNumberDigits / 300).joined(separator: ","))]",
            "{\((0..<Limits.keys - 3).map { "\"k\($0)\":\($0)" }.joined(separator: ","))}",
            "[NaN, Infinity, -Infinity, 1e-05, -0, -0.00, 1E2, 1.00]", #"{"é": 1, "e\u0301": 2, "": 3}"#,
        ]

    /// Numbers around the edges of `float8` and of the thousand digits.
    static let literals: [String] = [
        "1.7976931348623157e308", "1.7976931348623158e308", "1.79769313486231580793e308", "1.79769313486231580794e308",
        "1.7976931348623159e308", "-1e309", "1e400", "5e-324", "4.9e-324", "2.4703282292062328e-324",
        "2.4703282292062327e-324", "2.5e-324", "2e-324", "1e-323", "-1e-400", "0e500", "0.0e-500", "1e-308", "1e308",
        "0." + String(repeating: "0", count: 323) + "5", "0." + String(repeating: "0", count: 324) + "5",
        "1" + String(repeating: "0", count: 308), "2" + String(repeating: "0", count: 308),
        String(repeating: "9", count: 999) + "e-800", "0." + String(repeating: "3", count: 999),
        "-0", "-0.0e-10", "1.10", "9007199254740993",
    ]
}

extension JSON {
    /// What the value means to `jsonb`: members sorted, numbers as sign, digits and exponent without idle zeros.
    var meaning: JSON {
        switch self {
        case .null, .bool, .string: self
        case .number(let literal): .number(Self.meaning(of: literal))
        case .array(let elements): .array(elements.map(\.meaning))
        case .object(let members):
            .object(
                members.map { Member($0.key, $0.value.meaning) }
                    .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
        }
    }

    private static func meaning(of literal: String) -> String {
        let parts = literal.lowercased().split(separator: "e")
        let mantissa = parts[0].drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        var digits = Array(mantissa.joined())
        if mantissa.count > 1 { exponent -= mantissa[1].count }
        while digits.last == "0" {
            digits.removeLast()
            exponent += 1
        }
        let significant = String(digits.drop { $0 == "0" })
        if significant.isEmpty { return "0" }
        return "\(literal.hasPrefix("-") ? "-" : "")\(significant)e\(exponent)"
    }
}
