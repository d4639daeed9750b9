internal import Vocabulary

/// Puts values together into a tree, without recursion, and keeps the limits while it does so.
///
/// Both readers feed it, so that depth, number of keys, length of strings, duplicate keys and U+0000 are refused by the same code
/// with the same words. It relies on the readers for well-formedness: a key before each value of an object, and
/// as many ends as beginnings.
struct NodeBuilder {
    private var open: [Container] = []
    private var keyCount = 0
    /// The tree, once its outermost value is complete.
    private(set) var root: Node?

    /// An object or array whose end has not been seen.
    private struct Container {
        var isObject: Bool
        var position: Position
        var elements: [Node] = []
        var members: [Node.Member] = []
        var places: [Key: Position] = [:]
        var key: (text: String, position: Position)?
    }

    /// A key compared by its bytes, as `jsonb` does.
    private struct Key: Hashable {
        var text: String

        static func == (left: Key, right: Key) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

        func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: text) }
    }

    /// Whether the innermost open container is an object; `nil` when none is open.
    var isInObject: Bool? { open.last?.isObject }

    /// Whether the next value of the innermost object still needs its key.
    var needsKey: Bool { open.last.map { $0.isObject && $0.key == nil } ?? false }

    /// Opens an object or an array.
    mutating func begin(object isObject: Bool, at position: Position) throws(Reason) {
        guard open.count < Limits.depth else {
            throw Reason(
                .limit, "The manifest is nested more than \(Limits.depth) levels deep.", at: position,
                hint: "Flatten it, or store the structure as a string.")
        }
        open.append(Container(isObject: isObject, position: position))
    }

    /// Takes the key of the innermost object's next member.
    mutating func key(_ text: String, at position: Position) throws(Reason) {
        try check(text, at: position)
        keyCount += 1
        guard keyCount <= Limits.keys else {
            throw Reason(
                .limit, "The manifest has more than \(Limits.keys) keys.", at: position,
                hint: "Keep bulk data in a file of its own.")
        }
        let last = open.count - 1
        if let first = open[last].places.updateValue(position, forKey: Key(text: text)) {
            throw Reason(
                .duplicateKey,
                "The key \(quoted(text)) stands twice in one object, first on line \(first.line), "
                    + "column \(first.column).", at: position,
                hint: "Remove or rename one of the two.")
        }
        open[last].key = (text, position)
    }

    /// Takes a value that is no container.
    mutating func scalar(_ value: Node.Value, at position: Position) throws(Reason) {
        if case .string(let text) = value { try check(text, at: position) }
        place(Node(position: position, value: value))
    }

    /// Closes the innermost container.
    mutating func end() {
        guard let container = open.popLast() else { return }
        let value: Node.Value = container.isObject ? .object(container.members) : .array(container.elements)
        place(Node(position: container.position, value: value))
    }

    private mutating func place(_ node: Node) {
        let last = open.count - 1
        guard last >= 0 else {
            root = node
            return
        }
        if let key = open[last].key {
            open[last].members.append(Node.Member(key: key.text, keyPosition: key.position, node: node))
            open[last].key = nil
        } else {
            open[last].elements.append(node)
        }
    }

    private func check(_ text: String, at position: Position) throws(Reason) {
        guard text.utf8.count <= Limits.stringSizeInBytes else {
            throw Reason(
                .limit,
                "The string \(quoted(text)) is \(text.utf8.count) bytes long; \(Limits.stringSizeInBytes) are allowed.",
                at: position, hint: "Keep long text in a file of its own.")
        }
        guard !text.utf8.contains(0) else {
            throw Reason(
                .encoding, "The string \(quoted(text)) contains U+0000, which PostgreSQL cannot store.", at: position,
                hint: "Remove the character.")
        }
    }
}
