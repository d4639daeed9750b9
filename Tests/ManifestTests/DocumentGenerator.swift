import Manifest
import TestKit
import Vocabulary

/// Random JSON texts: mostly well-formed, with everything that readers are known to disagree about.
struct DocumentGenerator {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// The text of an object with the two required keys and random members.
    mutating func document() -> [UInt8] {
        var members = [#""model_id": "m""#, #""model_version": "1""#]
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            members.append("\(string()):\(space())\(value(depth: 4))")
        }
        members.shuffle(using: &random)
        return Array("\(space()){\(members.joined(separator: ",\(space())"))}\(space())".utf8)
    }

    /// A text with some of its bytes changed, doubled, removed or replaced by pieces that hurt.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: pick(Self.pieces).utf8, at: place)
            case 3: bytes.replaceSubrange(place..<min(place + 3, bytes.count), with: pick(Self.pieces).utf8)
            case 4: bytes.insert(contentsOf: bytes[place..<min(place + 12, bytes.count)], at: place)
            default: bytes.removeLast(Int.random(in: 0...min(4, bytes.count), using: &random))
            }
        }
        return bytes
    }

    private mutating func value(depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 0 ? 10 : 7), using: &random) {
        case 0...2: pick(isRarely ? Self.hardNumbers : Self.numbers)
        case 3...4: string()
        case 5...6: pick(["true", "false", "null", "NaN", "Infinity", "-Infinity"])
        case 7...8: "[\(list(depth: depth - 1) { $0.value(depth: $1) })]"
        default: "{\(list(depth: depth - 1) { "\($0.string()):\($0.space())\($0.value(depth: $1))" })}"
        }
    }

    private mutating func list(
        depth: Int, _ element: (inout DocumentGenerator, Int) -> String
    ) -> String {
        var elements: [String] = []
        for _ in 0..<Int.random(in: 0...4, using: &random) { elements.append(space() + element(&self, depth)) }
        return elements.joined(separator: ",")
    }

    private mutating func string() -> String {
        var text = "\""
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            text += pick(isRarely ? Self.hardCharacters : Self.characters)
        }
        return text + "\""
    }

    /// True once in forty times: what is refused must not be in every document.
    private var isRarely: Bool { mutating get { Int.random(in: 0..<40, using: &random) == 0 } }

    private mutating func space() -> String { pick(["", "", " ", "\n", "\r\n", "\t", "  "]) }

    private mutating func pick(_ choices: [String]) -> String {
        choices.randomElement(using: &random) ?? ""
    }

    static let numbers = [
        "0", "-0", "1", "-1", "10", "1.10", "-0.0", "0.1", "1e5", "1E+05", "1e-05", "123456789012345678901234567890",
        "1e308", "5e-324", "0e500", "0e-998", "9007199254740993", "1.0000000000000000000000001",
        "18446744073709551616", "3.141592653589793238462643383279",
    ]

    static let characters = [
        "a", "b", "Z", " ", "é", "e\u{301}", "€", "😀", "\u{7F}", "\u{85}", "\u{2028}", "\u{FFFF}", "\u{FEFF}", "\\n",
        "\\\"",
        "\\\\", "\\/", "\\b\\f\\r\\t", "\\u0041", "\\u00E9", "\\u0001", "\\ud83d\\ude00",
        "'",
        "\\uFFFF", "\\udbff\\udfff",
    ]

    static let hardNumbers = ["1e309", "1e-400", "-1e999999999", "0e1001", "01", "+1", ".5", "5.", "1e", "- 1"]

    static let hardCharacters = ["\\u0000", "\\ud83d", "\\ude00", "\\ude00\\ud83d", "\\x", "\n", "\u{1}", "\\u12"]

    static let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "null", "NaN", "-", "+", ".", "e9", "0", "01", "\n", "\r",
        "\t", " ",
        "\u{1}", "\u{0}", "\u{FEFF}", "é", "'", "#", "//", "&a ", "*a", "!!int ", "<<", "- ", "? ", "|\n", ">\n",
        "---\n",
        "...\n", "%TAG", "%YAML 1.1\n", "True", "1_0", "0x1", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "\u{A0}", "@", "`",
        "~",
    ]

    /// The YAML that mutations begin with.
    static let yamlSeeds = [
        "model_id: m\nmodel_version: \"1\"\ntraining_parameters:\n  lr: 1e-3\n  layers: [1, 2, {a: b}]\ntags: {a: b}\n",
        "---\nmodel_id: m\nmodel_version: 1.0\ndescription: |\n  text\n\n  more\nx:\n- a\n- - b\n  - c: d\n...\n",
        "model_id: 'm'\nmodel_version: \"\\u00e9\\x41\"\ndescription: >-\n  a\n  b\nparents: [a:1]\ny: two words\n  and more\n",
        "{model_id: m, model_version: v, x: [.nan, -.inf, 0x1, 010, ~, yes, +1, .5], y: {z: 'a''b'}}",
        "model_id: m\nmodel_version: v\n? x\n: y\n\"q\\n\": \"a\n  b\"\nk: # c\n  - &a 1\n  - *a\n  - !!str x\n",
    ]
}
