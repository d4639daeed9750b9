import Vocabulary
internal import Yams

/// A place in the file, counted from 1; columns in characters.
struct Position: Comparable {
    var line: Int
    var column: Int

    static func < (left: Position, right: Position) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// The JSON-shaped part of YAML, with places: no anchors, aliases, tags or several documents.
struct YAMLNode {
    enum Content {
        /// A scalar's text, and whether it was written without quotes.
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case mapping([Entry])
    }

    struct Entry {
        var key: String
        var position: Position
        var value: YAMLNode
    }

    var content: Content
    var position: Position

    /// What it is, for an error message.
    var kind: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }

    /// Whether it is YAML's null: an empty value, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}

/// A refusal of the text as a whole or of one node, before anything is known about keys.
struct YAMLProblem: Error {
    var message: String
    var position: Position?
    var key: String?
    var hint: String?
}

/// Turns text into nodes; the only place that knows Yams.
struct YAMLDocument {
    /// The root, `nil` when there is nothing but comments.
    private(set) var root: YAMLNode?
    /// Anchors, tags, keys that are no text, duplicate keys.
    private(set) var problems: [YAMLProblem] = []
    private var text: YAMLText

    /// Reads one document; throws what leaves no tree to look at.
    init(_ source: String) throws(YAMLProblem) {
        text = YAMLText(source)
        guard let node = try text.compose() else { return }
        root = convert(node, path: "")
    }

    private mutating func convert(_ node: Node, path: String) -> YAMLNode {
        let position = position(node)
        refuseDecoration(at: position, path)
        switch node {
        case .scalar(let scalar):
            return YAMLNode(content: .scalar(scalar.string, isPlain: scalar.style == .plain), position: position)
        case .sequence(let sequence):
            let items = sequence.enumerated().map { convert($1, path: "\(path)[\($0)]") }
            return YAMLNode(content: .list(items), position: position)
        case .mapping(let mapping):
            return YAMLNode(content: .mapping(entries(mapping, path)), position: position)
        case .alias:
            return YAMLNode(content: .scalar("", isPlain: true), position: position)
        }
    }

    private mutating func entries(_ mapping: Node.Mapping, _ path: String) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        for (key, value) in mapping {
            let place = position(key)
            guard case .scalar(let scalar) = key else {
                problems.append(YAMLProblem(message: "a key has to be a word", position: place))
                continue
            }
            let name = text.restored(scalar.string)
            let valuePath = path.isEmpty ? name : "\(path).\(name)"
            let node = convert(value, path: valuePath)
            refuseDecoration(at: place, valuePath)
            if let first = entries.first(where: { $0.key == name }) {
                let (early, late) = (min(first.position, place), max(first.position, place))
                problems.append(
                    YAMLProblem(
                        message: "duplicate key", position: late, key: valuePath,
                        hint: "it was set on line \(early.line) already"))
            } else {
                entries.append(YAMLNode.Entry(key: name, position: place, value: node))
            }
        }
        return entries
    }

    /// Yams resolves anchors and tags away, but a decorated node begins at its decoration.
    private mutating func refuseDecoration(at position: Position, _ path: String) {
        let decoration =
            switch text.character(at: position) {
            case "&": "YAML anchors"
            case "!": "YAML tags"
            default: ""
            }
        // An alias converts the node of its anchor again: one report is enough.
        guard !decoration.isEmpty, !problems.contains(where: { $0.position == position }) else { return }
        problems.append(
            YAMLProblem(
                message: "\(decoration) are not used here", position: position, key: path.isEmpty ? nil : path,
                hint: "write the value out, in quotes when it begins with such a character"))
    }

    private func position(_ node: Node) -> Position {
        Position(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }
}
