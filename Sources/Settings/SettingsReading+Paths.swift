internal import Vocabulary

/// A path as it is compared with others, and where it was set.
struct PlacedPath {
    var path: String
    var field: Field

    /// Whether this is that directory or lies below it.
    func isWithin(_ other: PlacedPath) -> Bool {
        path == other.path || path.utf8.starts(with: (other.path + "/").utf8)
    }
}

extension SettingsReading {
    mutating func storePath(_ field: Field) -> PlacedPath? {
        path(field).map { PlacedPath(path: $0, field: field) }
    }

    /// An absolute path without `.`, doubled and trailing slashes; reports what cannot be made one.
    mutating func path(_ field: Field) -> String? {
        guard let text = reader.text(field)?.text else { return nil }
        let shown = "\"\(escaped(text))\""
        guard text.utf8.first == UInt8(ascii: "/") else {
            let hint = text.hasPrefix("~") ? "there is no home directory here" : nil
            reader.report(field, "\(shown) is no absolute path", hint: hint ?? "begin with \"/\"")
            return nil
        }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            reader.report(field, "\(shown) contains a control character")
            return nil
        }
        let components = text.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard !components.contains("..") else {
            reader.report(field, "\(shown) contains \"..\"", hint: "write the directory that is meant")
            return nil
        }
        let kept = components.filter { $0 != "." }
        guard !kept.isEmpty else {
            reader.report(field, "the root directory cannot be used")
            return nil
        }
        return "/" + kept.joined(separator: "/")
    }

    /// Refuses drops that share a place with one another or with the store: a file would be two submissions, or a
    /// blob would be one.
    mutating func refuseNesting(_ drops: [PlacedDrop], store: PlacedPath?) {
        for (index, drop) in drops.enumerated() {
            let field = drop.path.field
            let shown = "\"\(escaped(drop.path.path))\""
            let other = drops[..<index].first { drop.path.isWithin($0.path) || $0.path.isWithin(drop.path) }
            if let other {
                let name = other.path.field.key
                let inside = drop.path.isWithin(other.path) ? "lies in" : "contains"
                let relation = drop.path.path == other.path.path ? "is" : inside
                reader.report(
                    field, "\(shown) \(relation) the drop directory of \(name)",
                    hint: "every file has to belong to one drop directory only")
            }
            guard let store else { continue }
            if drop.path.isWithin(store) {
                reader.report(
                    field, "\(shown) lies in the store",
                    hint: "producers must not be able to write there; put the two side by side")
            } else if store.isWithin(drop.path) {
                let culprit = store.field.variable == nil ? field : store.field
                reader.report(
                    culprit, "the drop directory \(shown) contains the store \"\(escaped(store.path))\"",
                    hint: "blobs would be taken for submissions; put the two side by side")
            }
        }
    }
}

extension SettingsReading {
    /// A connection string libpq can make sense of; never quotes it, it may hold a password.
    mutating func database(_ field: Field) -> String? {
        guard let text = reader.text(field)?.text else { return nil }
        let example = "write postgresql://host/name, or keywords such as host=/run/postgresql dbname=ingot"
        if text.isEmpty || text.utf8.contains(0) {
            reader.report(field, "is no connection string", hint: example)
        } else if ConnectionString.isURI(text) {
            return text
        } else if let end = text.utf8.firstRange(of: Array("://".utf8))?.lowerBound,
            text[..<end].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        {
            reader.report(field, "\"\(text[..<end])://\" is not a scheme of libpq", hint: example)
        } else if case .failure(let malformed) = ConnectionString.parameters(text) {
            reader.report(field, "is no connection string: \(malformed.message)", hint: example)
        } else {
            return text
        }
        return nil
    }
}
