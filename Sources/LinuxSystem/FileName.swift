import Vocabulary

/// One name in a directory: bytes without `/` and NUL, and neither `.` nor `..`.
///
/// Every path that the daemon opens is such a name below a held directory descriptor, so no text from a producer can
/// lead anywhere else.
public struct FileName: Hashable, Sendable, CustomStringConvertible {
    /// The name's bytes.
    public let bytes: [UInt8]

    /// A name; `nil` when the bytes are not one (empty, too long, `.`, `..`, a slash or a NUL in it).
    public init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count <= 255, bytes != [0x2E], bytes != [0x2E, 0x2E] else { return nil }
        guard !bytes.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else { return nil }
        self.bytes = bytes
    }

    /// A name written in this program, which is known to be one.
    public init(_ literal: StaticString) {
        bytes = unsafe Array(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// A name that ends in more bytes; `nil` when it gets too long.
    public func appending(_ suffix: some StringProtocol) -> FileName? { FileName(bytes + Array(suffix.utf8)) }

    /// What the names of files begin with that the daemon is about to rename into place.
    static let temporaryPrefix = Array(".ingot-".utf8)

    /// Whether it is such a name: of the daemon's own, and never anybody's file.
    public var isTemporary: Bool { bytes.starts(with: Self.temporaryPrefix) }

    /// The name, escaped.
    public var description: String { escaped(bytes) }

    /// The name as text for the one place that wants text, lossy for invalid UTF-8.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
            for index in bytes.indices { unsafe buffer[index] = CChar(bitPattern: bytes[index]) }
            unsafe buffer[bytes.count] = 0
            guard let start = buffer.baseAddress else { preconditionFailure("an allocation of at least one byte") }
            return unsafe body(start)
        }
    }
}

extension FileName: ExpressibleByStringLiteral {
    /// A name written as a literal.
    public init(stringLiteral literal: StaticString) { self.init(literal) }
}

/// The way from a root directory to a directory or file below it: names, none of them `..`.
public struct RelativePath: Hashable, Sendable, CustomStringConvertible {
    /// The names, outermost first; empty for the root itself.
    public var names: [FileName]

    /// A path from its names.
    public init(_ names: [FileName] = []) { self.names = names }

    /// A path from bytes with `/` between the names; `nil` when a part of it is not a name.
    public init?(bytes: [UInt8]) {
        var names: [FileName] = []
        for part in bytes.split(separator: UInt8(ascii: "/")) {
            guard let name = FileName(Array(part)) else { return nil }
            names.append(name)
        }
        self.names = names
    }

    /// The path with one more name.
    public func appending(_ name: FileName) -> RelativePath { RelativePath(names + [name]) }

    /// The bytes, with `/` between the names.
    public var bytes: [UInt8] { Array(names.map(\.bytes).joined(separator: [UInt8(ascii: "/")])) }

    /// The path, escaped.
    public var description: String { escaped(bytes) }
}
