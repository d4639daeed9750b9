internal import Vocabulary

/// A text from a manifest inside a message: in quotation marks, escaped, on one line, and short.
func quoted(_ text: String) -> String {
    "\"\(shortened(text))\""
}

/// The first characters of a text, escaped, with an ellipsis when there are more.
func shortened(_ text: String, to limit: Int = 60) -> String {
    let scalars = text.unicodeScalars
    guard let cut = scalars.index(scalars.startIndex, offsetBy: limit, limitedBy: scalars.endIndex),
        cut < scalars.endIndex
    else { return escaped(text) }
    return escaped(text[..<cut].utf8) + "…"
}

/// The way to a value, such as `training_parameters.layers[3].lr`.
struct FieldPath {
    private(set) var text: String

    init(_ key: String) { text = shortened(key) }

    func appending(key: String) -> FieldPath {
        var path = self
        path.text += (path.text.isEmpty ? "" : ".") + shortened(key)
        return path
    }

    func appending(index: Int) -> FieldPath {
        var path = self
        path.text += "[\(index)]"
        return path
    }
}
