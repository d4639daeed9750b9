/// What the `schema.json` of a skops archive makes its loader import.
///
/// The loader runs nothing by itself, but every node names a class or function that it looks up and, for most kinds of
/// node, calls. Whoever inspects the archive judges these names as it judges a pickle's.
public struct SkopsSchema: Sendable {
    /// A name and the kind of node it is in.
    public struct Node: Sendable, Hashable {
        /// The module, as it is written.
        public var module: String
        /// The class or function.
        public var name: String
        /// The kind of node, such as `ObjectNode`, `FunctionNode`, `MethodNode`; empty where none is said.
        public var loader: String

        /// A node.
        public init(module: String, name: String, loader: String) {
            self.module = module
            self.name = name
            self.loader = loader
        }
    }

    /// Every name once, in the order of their ends in the text.
    public private(set) var nodes: [Node] = []
    /// How many nodes there are.
    public private(set) var nodeCount = 0
    /// The protocol's number, where it is said.
    public private(set) var protocolVersion: String?
    /// Which skops wrote it, where it is said.
    public private(set) var skopsVersion: String?

    private static let distinctLimit = 65_536

    private struct Object {
        var module: String?
        var name: String?
        var loader: String?
        var functionModule: String?
        var function: String?
    }

    /// Reads a `schema.json`.
    ///
    /// - Throws: ``ReadFailure/malformed(what:offset:)`` for what is no JSON, has a key twice, or names no module; `.limit`
    ///   for more than 65,536 different names.
    public init(_ source: any ByteSource) throws(ReadFailure) {
        var json = JSONReader(ByteReader(source), limits: .init(depth: 1024, refusesDuplicateKeys: true))
        var open: [Object?] = []
        var seen: Set<Node> = []
        var key: String?
        while let token = try json.next() {
            switch token {
            case .beginObject: open.append(Object())
            case .beginArray: open.append(nil)
            case .endObject, .endArray:
                if let object = open.popLast() ?? nil { try add(object, &seen) }
            case .key:
                key = json.string
                continue
            case .string, .number:
                if let key, open.last != nil { note(key, json, in: &open) }
            default: break
            }
            key = nil
        }
    }

    private mutating func note(_ key: String, _ json: JSONReader, in open: inout [Object?]) {
        let text = json.isCut ? json.string + "…" : json.string
        guard var object = open[open.count - 1] else { return }
        switch key {
        case "__module__": object.module = text
        case "__class__": object.name = text
        case "__loader__": object.loader = text
        case "module_path": object.functionModule = text
        case "function": object.function = text
        case "protocol" where open.count == 1: protocolVersion = text
        case "_skops_version" where open.count == 1: skopsVersion = text
        default: break
        }
        open[open.count - 1] = object
    }

    private mutating func add(_ object: Object, _ seen: inout Set<Node>) throws(ReadFailure) {
        if let module = object.module, let name = object.name {
            try add(Node(module: module, name: name, loader: object.loader ?? ""), &seen)
        }
        if let module = object.functionModule, let name = object.function {
            try add(Node(module: module, name: name, loader: "FunctionNode"), &seen)
        }
    }

    private mutating func add(_ node: Node, _ seen: inout Set<Node>) throws(ReadFailure) {
        nodeCount += 1
        guard seen.insert(node).inserted else { return }
        guard nodes.count < Self.distinctLimit else {
            throw .limit("the schema has more than \(Self.distinctLimit) different names")
        }
        nodes.append(node)
    }
}
