/// A shell pattern over bytes: `*`, `?`, `[abc]`, `[!a-z]`, and a backslash before a literal one of these.
///
/// Unlike a shell's, its `*` also matches a leading dot and a slash: it is used for single names and for model ids.
/// `?` matches one UTF-8 character, or one byte that is not part of any. Matching takes at most
/// pattern × text steps, whatever the pattern.
struct Glob {
    private let pattern: String.UTF8View
    private typealias Index = String.UTF8View.Index

    init(_ pattern: String) { self.pattern = pattern.utf8 }

    func matches<Text: BidirectionalCollection<UInt8>>(_ text: Text) -> Bool {
        // Nearly every pattern is like this one, and every name in every listing is asked about all of them.
        if let ending = literalEnding { return text.reversed().starts(with: ending.reversed()) }
        var here = pattern.startIndex
        var position = text.startIndex
        // Where to go on after a mismatch: behind the last star, which then swallows one byte more. Earlier
        // stars need no second thought, because the last one can swallow whatever they could.
        var retry: (here: Index, position: Text.Index)?
        while position < text.endIndex {
            if here < pattern.endIndex, pattern[here] == UInt8(ascii: "*") {
                here = pattern.index(after: here)
                retry = (here, position)
            } else if let next = step(here, text, position) {
                (here, position) = next
            } else if let last = retry {
                position = text.index(after: last.position)
                here = last.here
                retry = (here, position)
            } else {
                return false
            }
        }
        return pattern[here...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// What stands behind the star of a pattern such as `*.tmp`, which has no other.
    private var literalEnding: Substring.UTF8View? {
        guard pattern.first == UInt8(ascii: "*") else { return nil }
        let ending = pattern.dropFirst()
        for byte in ending {
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "\\"): return nil
            default: break
            }
        }
        return ending
    }

    /// What is wrong with the pattern, if anything.
    var problem: String? {
        if pattern.isEmpty { return "an empty pattern matches nothing" }
        var here = pattern.startIndex
        while here < pattern.endIndex {
            switch pattern[here] {
            case UInt8(ascii: "["):
                guard let set = bracket(here, containing: 0) else { return "\"[\" without \"]\"" }
                here = set.end
            case UInt8(ascii: "\\"):
                here = pattern.index(after: here)
                if here == pattern.endIndex { return "nothing after the last backslash" }
                here = pattern.index(after: here)
            default: here = pattern.index(after: here)
            }
        }
        return nil
    }

    /// Matches one element of the pattern that is no star: the places behind it, or `nil`.
    private func step<Text: Collection<UInt8>>(
        _ here: Index, _ text: Text, _ position: Text.Index
    ) -> (Index, Text.Index)? {
        guard here < pattern.endIndex else { return nil }
        let byte = text[position]
        var after = text.index(after: position)
        let behind = pattern.index(after: here)
        switch pattern[here] {
        case UInt8(ascii: "?"):
            while byte >= 0xC0, after < text.endIndex, text[after] & 0xC0 == 0x80 { after = text.index(after: after) }
            return (behind, after)
        case UInt8(ascii: "["):
            guard let set = bracket(here, containing: byte) else { break }
            return set.contains ? (set.end, after) : nil
        case UInt8(ascii: "\\"):
            guard behind < pattern.endIndex else { break }
            return pattern[behind] == byte ? (pattern.index(after: behind), after) : nil
        default: break
        }
        return pattern[here] == byte ? (behind, after) : nil
    }

    /// Reads a bracket expression; `nil` when it is never closed (it is a literal bracket then).
    private func bracket(_ start: Index, containing byte: UInt8) -> (contains: Bool, end: Index)? {
        var rest = pattern[pattern.index(after: start)...]
        let negated = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
        if negated { rest.removeFirst() }
        var found = false
        var isFirst = true
        while let low = rest.popFirst() {
            // A closing bracket in the first place is a member (POSIX).
            if low == UInt8(ascii: "]"), !isFirst { return (found != negated, rest.startIndex) }
            isFirst = false
            var high = low
            if rest.first == UInt8(ascii: "-"), let end = rest.dropFirst().first, end != UInt8(ascii: "]") {
                rest = rest.dropFirst(2)
                high = end
            }
            if low <= byte, byte <= high { found = true }
        }
        return nil
    }
}
