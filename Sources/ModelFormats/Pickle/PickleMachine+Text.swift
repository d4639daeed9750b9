/// Arguments that are text: up to a line feed, as protocol 0 writes them.
///
/// Loaders differ in what they take for a number. What all writers write is accepted; what only some loaders read is
/// reported, and walked on from; what none reads ends the stream.
extension PickleMachine {
    /// Strings up to this length can be names.
    static let longestText: Int64 = 1024
    private static let longestNumber = 4096

    /// Where the next string goes.
    func roomForText() throws(ReadFailure) -> UInt32 {
        guard evidence.text.count < limits.retainedText, let at = UInt32(exactly: evidence.text.count) else {
            throw .limit("a pickle with more than \(limits.retainedText) bytes of short strings")
        }
        return at
    }

    /// The bytes of a short string.
    func text(of value: PickleValue) -> ArraySlice<UInt8>? {
        guard case .text(let at, let count) = value else { return nil }
        return evidence.text[Int(at)..<Int(at) + Int(count)]
    }

    /// Reads a line into ``line``: at most its first 4096 bytes, all of them passed.
    ///
    /// Where the source ends instead of the line, loaders take what there is, and drop its last byte for the missing
    /// line feed.
    ///
    /// - Returns: whether it is complete.
    mutating func readLine() throws(ReadFailure) -> Bool {
        line.removeAll(keepingCapacity: true)
        var isWhole = true
        while let byte = try reader.peek() {
            reader.advance()
            if byte == 0x0A { return isWhole }
            if line.count < Self.longestNumber { line.append(byte) } else { isWhole = false }
        }
        _ = line.popLast()
        return isWhole
    }

    /// Reads a number's line. One that is too long to be kept is a limit when it could be a number, and else no pickle.
    private mutating func readNumberLine(at start: Int64) throws(ReadFailure) {
        if try readLine() { return }
        guard let first = line.first(where: { $0 > 0x20 && $0 != 0x2B && $0 != 0x2D }), isDigit(first) else {
            throw .malformed(what: "a number in a pickle", offset: start)
        }
        throw .limit("a number of more than \(Self.longestNumber) digits")
    }

    /// Reads a name's line, likewise.
    private mutating func readNameLine(at start: Int64) throws(ReadFailure) {
        if try readLine() { return }
        guard Self.isPlausible(line[...]) else { throw .malformed(what: "a name in a pickle", offset: start) }
        throw .limit("a name of more than \(Self.longestNumber) bytes")
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private func reportText(_ what: String, at start: Int64) {
        evidence.report(
            .unscannable, "pickle_text",
            "\(what) is written in a way that no pickler writes and loaders read differently.", at: start)
    }

    /// INT and LONG.
    mutating func pushTextNumber(isLong: Bool, at start: Int64) throws(ReadFailure) {
        try readNumberLine(at: start)
        var digits = line[...]
        if !isLong, line == [0x30, 0x31] || line == [0x30, 0x30] { return try push(.bool(line[1] == 0x31)) }
        if isLong, digits.last == UInt8(ascii: "L") { digits = digits.dropLast() }
        let unsigned = digits.first == UInt8(ascii: "-") ? digits.dropFirst() : digits
        let isCanonical =
            !unsigned.isEmpty && unsigned.allSatisfy(isDigit) && (unsigned.first != 0x30 || unsigned.count == 1)
        if isCanonical { return try push(Int64(String(decoding: digits, as: UTF8.self)).map { .int($0) } ?? .number) }
        try acceptOddNumber("An integer", at: start)
    }

    /// FLOAT.
    mutating func pushTextFloat(at start: Int64) throws(ReadFailure) {
        try readNumberLine(at: start)
        let text = String(decoding: line, as: UTF8.self)
        let isPlain =
            line.allSatisfy { isDigit($0) || [0x2B, 0x2D, 0x2E, 0x65, 0x45].contains($0) } && Double(text) != nil
        if isPlain || ["inf", "-inf", "nan", "-nan"].contains(text) { return try push(.number) }
        try acceptOddNumber("A float", at: start)
    }

    /// `0x10`, `1_0`, ` 5`, `5\0junk`: some loader takes it when it begins like a number.
    private mutating func acceptOddNumber(_ what: String, at start: Int64) throws(ReadFailure) {
        let first = line.first { $0 > 0x20 && $0 != 0x2B && $0 != 0x2D && $0 != 0x2E }
        let word = String(decoding: line.prefix(9), as: UTF8.self).lowercased()
        guard first.map(isDigit) == true || word.contains("inf") || word.contains("nan") else {
            throw .malformed(what: "a number in a pickle", offset: start)
        }
        reportText(what, at: start)
        try push(.number)
    }

    /// The decimal index of PUT and GET.
    mutating func readMemoKey(at start: Int64) throws(ReadFailure) -> UInt64 {
        try readNumberLine(at: start)
        if !line.isEmpty, line.allSatisfy(isDigit), let key = UInt64(String(decoding: line, as: UTF8.self)) {
            return key
        }
        // Python's int(): white space around, a sign, single underscores.
        let kept = line.filter { $0 > 0x20 && $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "+") }
        guard let key = UInt64(String(decoding: kept.prefix { $0 != 0 }, as: UTF8.self)) else {
            throw .malformed(what: "a memo index", offset: start)
        }
        reportText("A memo index", at: start)
        return key
    }

    /// STRING: quoted, with Python's escapes.
    mutating func pushQuotedText(at start: Int64) throws(ReadFailure) {
        let isWhole = try readLine()
        guard let quote = line.first, quote == 0x27 || quote == 0x22 else {
            throw .malformed(what: "a string without quotes in a pickle", offset: start)
        }
        guard isWhole else { return try push(.longLiteral) }
        guard line.count >= 2, line.last == quote else {
            throw .malformed(what: "a string without quotes in a pickle", offset: start)
        }
        try pushDecoded(PythonEscapes.bytes(line[1..<line.count - 1]), at: start)
    }

    /// UNICODE: raw-unicode-escape.
    mutating func pushEscapedText(at start: Int64) throws(ReadFailure) {
        guard try readLine() else { return try push(.longLiteral) }
        try pushDecoded(PythonEscapes.text(line[...]), at: start)
    }

    private mutating func pushDecoded(_ bytes: [UInt8], at start: Int64) throws(ReadFailure) {
        guard bytes.count <= Self.longestText else {
            // What was escaped has no place in the source where it could be read again.
            return try push(.longLiteral)
        }
        let at = try roomForText()
        evidence.text += bytes
        try push(.text(at: at, count: UInt16(bytes.count)))
    }

    /// The two lines of GLOBAL and INST.
    mutating func readGlobal(at start: Int64) throws(ReadFailure) -> UInt32 {
        try readNameLine(at: start)
        let module = line
        try readNameLine(at: start)
        return try importName(module[...], line[...], at: start)
    }
}

/// Python's escapes in text of protocol 0.
enum PythonEscapes {
    /// Those of a bytes literal: `\xHH`, octal, the usual letters; unknown ones stay.
    static func bytes(_ raw: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var rest = raw
        while let byte = rest.popFirst() {
            guard byte == 0x5C, let next = rest.first else {
                result.append(byte)
                continue
            }
            let octal = rest.prefix(3).prefix { $0 >= 0x30 && $0 <= 0x37 }
            if let simple = letters[next] {
                result.append(simple)
                rest = rest.dropFirst()
            } else if next == UInt8(ascii: "x"), let value = number(rest.dropFirst().prefix(2), count: 2) {
                result.append(UInt8(truncatingIfNeeded: value))
                rest = rest.dropFirst(3)
            } else if !octal.isEmpty {
                result.append(UInt8(truncatingIfNeeded: octal.reduce(0) { $0 << 3 | UInt32($1 - 0x30) }))
                rest = rest.dropFirst(octal.count)
            } else {
                result.append(byte)
            }
        }
        return result
    }

    /// `\uXXXX` and `\UXXXXXXXX` behind an odd number of backslashes; everything else is Latin-1. As UTF-8.
    static func text(_ raw: ArraySlice<UInt8>) -> [UInt8] {
        var result = ""
        var rest = raw
        while let byte = rest.popFirst() {
            if byte == 0x5C, rest.first == 0x5C {
                result += "\\\\"
                rest = rest.dropFirst()
                continue
            }
            let count = rest.first == UInt8(ascii: "u") ? 4 : rest.first == UInt8(ascii: "U") ? 8 : 0
            if byte == 0x5C, count > 0, let value = number(rest.dropFirst().prefix(count), count: count) {
                result.unicodeScalars.append(Unicode.Scalar(value) ?? "\u{FFFD}")
                rest = rest.dropFirst(count + 1)
            } else {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return Array(result.utf8)
    }

    private static let letters: [UInt8: UInt8] = [
        0x5C: 0x5C, 0x27: 0x27, 0x22: 0x22, 0x61: 7, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9, 0x76: 11,
    ]

    private static func number(_ digits: ArraySlice<UInt8>, count: Int) -> UInt32? {
        guard digits.count == count,
            digits.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x66 || $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
