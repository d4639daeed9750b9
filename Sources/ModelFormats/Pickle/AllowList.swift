/// The names that pickles of models need and that are known to be harmless, each with the uses that are.
///
/// The set of what an installation could import is open, so a list of bad names always misses one; the set of what
/// models need is small. A name that is not here makes a file `unknown-imports`, which a person can review. Names are
/// exact, never patterns: a function of a harmless module can be made to run code.
public enum AllowList {
    /// To be raised with every change of a name, a use or a rule: a file's verdict depends on it.
    public static let version = 2

    /// What may be done with a name.
    struct Entry {
        var uses: Set<Import.Use>
        var rule: ArgumentRule = .any
    }

    /// What the list says about one use of a name alone, without its arguments.
    ///
    /// - Returns: `safe`, `unknown-imports` or `dangerous`.
    public static func verdict(module: String, name: String, use: Import.Use) -> Safety {
        if KnownBad.contains(module: module, name: name) || name.contains(".") { return .dangerous }
        guard let entry = entry(module: module, name: name) else { return .unknownImports }
        return use == .reference || entry.uses.contains(use) ? .safe : .unknownImports
    }

    /// Python 2's names are looked up as what Python 3 makes of them: the name as it is written must be on the list,
    /// too, unless its module exists in Python 2 only.
    static func entry(module: String, name: String, inTorchScript: Bool = false) -> Entry? {
        let mapped = PythonTwoNames.map(module: module, name: name)
        guard
            let found = names["\(mapped.module) \(mapped.name)"] ?? (inTorchScript ? script["\(module) \(name)"] : nil)
        else { return nil }
        let isSame = mapped.module == module && mapped.name == name
        return isSame || PythonTwoNames.isGone(module: module) || names["\(module) \(name)"] != nil ? found : nil
    }

    /// A type that a TorchScript archive declares itself.
    static let torchScriptType = Entry(uses: [.new, .build])

    private static let names: [String: Entry] = {
        var names = parse(commonNames)
        names.merge(parse(scikitLearnNames)) { common, _ in common }
        return names
    }()

    private static let script = parse(torchScriptNames)

    /// Reads a table of `module: Name[uses rule] ...`.
    ///
    /// Uses are `R` (called by REDUCE), `N` (NEWOBJ), `B` (state by BUILD), `-` (only mentioned); without brackets they
    /// are `NB`, and `()` stands for `RNB`, `-` behind the name for `-`.
    private static func parse(_ table: String) -> [String: Entry] {
        var result: [String: Entry] = [:]
        for line in table.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let module = line[..<colon].drop { $0 == " " }
            for word in line[line.index(after: colon)...].split(separator: " ") {
                let (name, entry) = parseWord(word)
                result["\(module) \(name)"] = entry
            }
        }
        return result
    }

    private static func parseWord(_ word: Substring) -> (name: Substring, entry: Entry) {
        if word.hasSuffix("()") { return (word.dropLast(2), Entry(uses: [.call, .new, .build])) }
        if word.hasSuffix("-") { return (word.dropLast(), Entry(uses: [])) }
        guard let bracket = word.firstIndex(of: "[") else { return (word, Entry(uses: [.new, .build])) }
        let parts = word[word.index(after: bracket)...].dropLast().split(separator: "|")
        var uses: Set<Import.Use> = []
        for letter in parts.first ?? "" {
            switch letter {
            case "R": uses.insert(.call)
            case "N": uses.insert(.new)
            case "B": uses.insert(.build)
            default: break
            }
        }
        let rule = parts.count > 1 ? ArgumentRule(rawValue: String(parts[1])) : nil
        return (word[..<bracket], Entry(uses: uses, rule: rule ?? .any))
    }
}

/// What the arguments of a call must be, so that the call is harmless.
enum ArgumentRule: String {
    /// Anything that is itself harmless.
    case any
    /// No callable: literals, containers, instances.
    case plain
    /// `_codecs.encode(text, 'latin1')`.
    case latin1
    /// `copyreg._reconstructor(type, object, None)`, or with a plain built-in type and its value.
    case reconstructor
    /// The first is a type that the list lets be created.
    case type
    /// The first, which is called later, is a built-in type or missing.
    case factory
    /// The first is a kind of array.
    case arrayType
    /// The first names a type of elements.
    case dtype
    /// The first is a type whose elements are no objects.
    case scalar
    /// Names and constructors of numpy's generators.
    case generator
    /// Bytes that hold a pickle, which must itself be safe.
    case nestedPickle
    /// The first is one of the functions that rebuild tensors.
    case tensorFunction
}
