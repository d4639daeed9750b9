/// A piece of a document of objects, lists and scalars.
enum DocumentToken: Equatable {
    case beginObject, endObject, beginArray, endArray
    /// Their text is in ``DocumentReader/text``.
    case key, string, number
    case bool(Bool)
    case null
}

/// Reads a document a token at a time: JSON, or what encodes the same in bytes.
protocol DocumentReader {
    var bytes: ByteReader { get }
    /// What the last key, string or number was; long ones are cut.
    var text: [UInt8] { get }
    /// How many containers are open.
    var depth: Int { get }
    /// Whether a member's value comes next.
    var isBeforeValue: Bool { get }
    /// The next token; `nil` after the end of the document's one value.
    mutating func next() throws(ReadFailure) -> DocumentToken?
}

extension DocumentReader {
    /// The last key, string or number; bytes that are not UTF-8 are replaced.
    var string: String { String(decoding: text, as: UTF8.self) }

    /// A failure at the place that was just read.
    func malformed(_ what: String) -> ReadFailure { .malformed(what: what, offset: bytes.offset) }

    /// Passes one value, whatever it is.
    mutating func skipValue() throws(ReadFailure) {
        let level = depth
        repeat { _ = try next() } while depth > level
    }

    /// Reads the object that must come next; what `body` leaves of a member's value is passed.
    mutating func object(_ body: (String, inout Self) throws(ReadFailure) -> Void) throws(ReadFailure) {
        guard try next() == .beginObject else { throw malformed("an object was expected here") }
        while try next() == .key {
            try body(string, &self)
            if isBeforeValue { try skipValue() }
        }
    }

    /// Reads the list of scalars that must come next; containers in it are passed.
    mutating func list(_ body: (DocumentToken, inout Self) throws(ReadFailure) -> Void) throws(ReadFailure) {
        guard try next() == .beginArray else { throw malformed("a list was expected here") }
        let level = depth
        while let token = try next(), depth >= level {
            if depth == level { try body(token, &self) }
            while depth > level { _ = try next() }
        }
    }

    /// Passes the list that must come next and counts its elements.
    mutating func count() throws(ReadFailure) -> Int {
        guard try next() == .beginArray else { throw malformed("a list was expected here") }
        let level = depth
        var count = 0
        while try next() != nil, depth >= level {
            count += 1
            while depth > level { _ = try next() }
        }
        return count
    }

    /// Reads the string that must come next.
    mutating func expectString(_ what: @autoclosure () -> String) throws(ReadFailure) -> String {
        guard try next() == .string else { throw malformed("\(what()) is not a string") }
        return string
    }

    /// Reads a scalar as text; passes a container and returns `nil`.
    mutating func scalar() throws(ReadFailure) -> String? {
        let level = depth
        switch try next() {
        case .string, .number: return string
        case .bool(let value): return "\(value)"
        default:
            while depth > level { _ = try next() }
            return nil
        }
    }
}
