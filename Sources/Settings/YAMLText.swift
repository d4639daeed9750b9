internal import Yams

/// The file's text as Yams sees it, and Yams' errors as problems with a place.
///
/// Yams gives up at the first mapping with a duplicate key, and everything is to be reported at once. So one of
/// the two keys is renamed: its first character gives way to one of Unicode's private use area, which moves no
/// column, and the text is composed again. ``restored(_:)`` undoes it.
struct YAMLText {
    private var lines: [[Unicode.Scalar]]
    /// The characters that gave way, in the order of their stand-ins.
    private var replaced: [Unicode.Scalar] = []

    private static let standIns: ClosedRange<UInt32> = 0xE000...0xE0FF

    /// Splits at the line breaks of YAML 1.1, which are libyaml's.
    init(_ source: String) {
        let scalars = Array(source.unicodeScalars.drop { $0 == "\u{FEFF}" })
        lines = [[]]
        for (index, scalar) in scalars.enumerated() {
            if scalar == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { continue }
            if ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar) {
                lines.append([])
            } else {
                lines[lines.count - 1].append(scalar)
            }
        }
    }

    /// The root node, `nil` when there is none.
    mutating func compose() throws(YAMLProblem) -> Node? {
        while true {
            do {
                return try Parser(yaml: joined, encoding: .utf8).singleRoot()
            } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
                let position = Position(line: context.mark.line, column: context.mark.column)
                guard rename(at: position, from: duplicates) else {
                    throw YAMLProblem(message: "duplicate key", position: position, key: duplicates.first)
                }
            } catch let error as YamlError {
                throw problem(error)
            } catch {
                throw YAMLProblem(message: "cannot be read as YAML")
            }
        }
    }

    /// A key with its own first character.
    func restored(_ key: String) -> String {
        guard let first = key.unicodeScalars.first, Self.standIns.contains(first.value) else { return key }
        let index = Int(first.value - Self.standIns.lowerBound)
        guard index < replaced.count else { return key }
        return String(replaced[index]) + String(key.unicodeScalars.dropFirst())
    }

    /// The character at a place; `nil` behind the end of a line.
    func character(at position: Position) -> Unicode.Scalar? {
        guard lines.indices.contains(position.line - 1), position.column >= 1 else { return nil }
        let line = lines[position.line - 1]
        return position.column <= line.count ? line[position.column - 1] : nil
    }

    /// The text for Yams, which points into the string beyond the call: the padding keeps it out of Swift's
    /// small strings, which have no address to point to.
    private var joined: String {
        var text = String.UnicodeScalarView()
        for line in lines {
            text.append(contentsOf: line)
            text.append("\n")
        }
        text.append(contentsOf: String(repeating: "\n", count: 16).unicodeScalars)
        var string = String(text)
        string.makeContiguousUTF8()
        return string
    }

    private mutating func rename(at position: Position, from duplicates: [String]) -> Bool {
        var place = position
        if character(at: place) == "\"" || character(at: place) == "'" { place.column += 1 }
        guard let first = character(at: place), replaced.count < Self.standIns.count,
            duplicates.contains(where: { $0.unicodeScalars.first == first }),
            let standIn = Unicode.Scalar(Self.standIns.lowerBound + UInt32(replaced.count))
        else { return false }
        lines[place.line - 1][place.column - 1] = standIn
        replaced.append(first)
        return true
    }

    private func problem(_ error: YamlError) -> YAMLProblem {
        switch error {
        case .scanner(let context, let message, let mark, _), .parser(let context, let message, let mark, _),
            .composer(let context, let message, let mark, _):
            let position = Position(line: mark.line, column: mark.column)
            let whole = [context?.text, message].compactMap { $0 }.joined(separator: ": ")
            return YAMLProblem(message: "no valid YAML: \(whole)", position: position, hint: hint(at: position))
        case .reader(let message, _, _, _):
            return YAMLProblem(message: "no valid YAML: \(message)", position: firstControlCharacter)
        default:
            return YAMLProblem(message: "cannot be read as YAML")
        }
    }

    private func hint(at position: Position) -> String? {
        // The scanner complains at the character or, after an alias' star, behind it.
        for column in [position.column, position.column - 1] {
            let character = character(at: Position(line: position.line, column: column))
            if let character, ["*", "@", "`", "%"].contains(character) {
                return "put a value that begins with \"\(character)\" in quotes"
            }
        }
        let line = lines.indices.contains(position.line - 1) ? lines[position.line - 1] : []
        return line.contains("\t") ? "indent with spaces, YAML does not allow tabs" : nil
    }

    private var firstControlCharacter: Position? {
        for (index, line) in lines.enumerated() {
            if let column = line.firstIndex(where: { $0.properties.generalCategory == .control && $0 != "\t" }) {
                return Position(line: index + 1, column: column + 1)
            }
        }
        return nil
    }
}
