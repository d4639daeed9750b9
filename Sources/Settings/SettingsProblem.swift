internal import Vocabulary

/// One thing that is wrong with the configuration.
public struct SettingsProblem: Sendable, Equatable, CustomStringConvertible {
    /// The file, or `environment`.
    public var file: String
    /// The line at fault, counted from 1.
    public var line: Int?
    /// The column at fault, counted from 1 in characters.
    public var column: Int?
    /// The key as a path such as `drops[0].settle`, or the name of the environment variable.
    public var key: String?
    /// What is wrong, never with a secret in it.
    public var message: String
    /// What to do about it.
    public var hint: String?

    /// A problem.
    public init(
        file: String, line: Int? = nil, column: Int? = nil, key: String? = nil, message: String, hint: String? = nil
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.message = message
        self.hint = hint
    }

    /// One line, such as `/etc/ingot/ingot.yaml:12:5: drops[0].completness: unknown key; did you mean "completeness"?`
    public var description: String {
        var text = escaped(file)
        if let line { text += ":\(line)" }
        if let column { text += ":\(column)" }
        if let key { text += ": \(key)" }
        text += ": \(message)"
        if let hint { text += "; \(hint)" }
        return text
    }
}

/// Everything that is wrong with the configuration, in the order of the file.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The problems, at least one; those of environment variables come last.
    public var problems: [SettingsProblem]

    /// An error of these problems.
    public init(problems: [SettingsProblem]) { self.problems = problems }

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
