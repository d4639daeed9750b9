/// Why a submission was refused: what a producer reads in `reason.json` and in the receipt.
public struct Reason: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable word for programs, such as `version_conflict` or `manifest_syntax`; lower case and underscores.
    public var code: String
    /// One sentence for a person: what is wrong, with the value at fault.
    public var message: String
    /// The manifest's key at fault, as a path such as `training_parameters.optimizer.lr`.
    public var field: String?
    /// The line at fault, counted from 1.
    public var line: Int?
    /// The column at fault, counted from 1 in characters.
    public var column: Int?
    /// What to do about it, as one sentence.
    public var hint: String?
    /// A version that is free, when the version was the conflict.
    public var freeVersion: String?

    /// A reason.
    public init(
        code: String, message: String, field: String? = nil, line: Int? = nil, column: Int? = nil,
        hint: String? = nil, freeVersion: String? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.line = line
        self.column = column
        self.hint = hint
        self.freeVersion = freeVersion
    }

    /// Everything on one line.
    public var description: String {
        var text = message
        if let line, let column { text += " (line \(line), column \(column))" }
        if let hint { text += " \(hint)" }
        return text
    }
}

/// Something a producer should know that did not cost the model.
public struct Warning: Hashable, Sendable {
    /// A stable word for programs, such as `manifest_first`.
    public var code: String
    /// One sentence for a person.
    public var message: String

    /// A warning.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}
