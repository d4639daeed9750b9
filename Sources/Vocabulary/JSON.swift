/// A JSON value that keeps what `Double` and dictionaries lose: every digit of a number, the order of the members.
///
/// Equality and hashing go by bytes. Swift's own string equality treats canonically equivalent text as equal;
/// `jsonb` does not, and what it tells apart must stay apart here.
public enum JSON: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, as the literal that stood in the manifest.
    case number(String)
    /// A string, its escapes resolved.
    case string(String)
    /// An array.
    case array([JSON])
    /// An object, its members in the order they were written; parsed objects have no key twice.
    case object([Member])

    /// One key and its value.
    public struct Member: Sendable, Hashable {
        /// The key, its escapes resolved.
        public var key: String
        /// The value.
        public var value: JSON

        /// A member.
        public init(_ key: String, _ value: JSON) {
            self.key = key
            self.value = value
        }

        /// Whether key and value are the same, byte by byte.
        public static func == (left: Member, right: Member) -> Bool {
            left.key.utf8.elementsEqual(right.key.utf8) && left.value == right.value
        }

        /// Mixes in key and value.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(bytesOf: key)
            hasher.combine(value)
        }
    }

    /// The members of an object; `nil` for anything else.
    public var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The value of an object's member; `nil` when there is no such member or this is no object.
    public subscript(key: String) -> JSON? {
        members?.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    }
}

extension JSON: Hashable {
    /// Whether both are the same: literals and strings byte by byte, members in the same order.
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left.utf8.elementsEqual(right.utf8)
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    /// Mixes in everything that equality looks at.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .number(let literal): hasher.combine(bytesOf: literal)
        case .string(let text): hasher.combine(bytesOf: text)
        case .array(let elements): hasher.combine(elements)
        case .object(let members): hasher.combine(members)
        }
    }
}

extension Hasher {
    /// Mixes in a string's bytes, not its canonical form.
    public mutating func combine(bytesOf text: String) {
        for byte in text.utf8 { combine(byte) }
        combine(0xFF as UInt8)
    }
}
