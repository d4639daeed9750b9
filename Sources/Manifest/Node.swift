internal import Vocabulary

/// A place in a manifest.
struct Position: Sendable, Hashable, Comparable {
    /// Counted from 1; a line ends with LF, CR or CR LF.
    var line: Int
    /// Counted from 1 in Unicode scalars.
    var column: Int

    static let start = Position(line: 1, column: 1)

    static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }

    /// The place of a byte in UTF-8 text that is valid up to there.
    init(of offset: Int, in bytes: [UInt8]) {
        self = .start
        for index in 0..<min(offset, bytes.count) {
            switch bytes[index] {
            case 0x0A:
                line += 1
                column = 1
            case 0x0D where index + 1 < bytes.count && bytes[index + 1] == 0x0A: break
            case 0x0D:
                line += 1
                column = 1
            case 0x80..<0xC0: break
            default: column += 1
            }
        }
    }

    init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A value and where it stood: what both readers make, and what the rules are checked on.
struct Node: Sendable {
    var position: Position
    var value: Value

    enum Value: Sendable {
        case null
        case bool(Bool)
        case number(String)
        /// `NaN`, `Infinity` or `-Infinity` written as a token: a string from here on, but no valid name of anything.
        case notFinite(String)
        case string(String)
        case array([Node])
        case object([Member])
    }

    struct Member: Sendable {
        var key: String
        var keyPosition: Position
        var node: Node
    }

    /// The value without its places. Recursion is bounded by `Limits.depth`.
    var json: JSON {
        switch value {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number(let literal): .number(literal)
        case .notFinite(let text), .string(let text): .string(text)
        case .array(let elements): .array(elements.map(\.json))
        case .object(let members): .object(members.map { JSON.Member($0.key, $0.node.json) })
        }
    }

    /// What a person calls this type of value.
    var typeName: String {
        switch value {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .notFinite: "not a finite number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}
