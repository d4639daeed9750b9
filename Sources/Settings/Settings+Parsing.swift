internal import Vocabulary

extension Settings {
    /// Reads and checks a configuration file.
    ///
    /// - Parameters:
    ///   - text: the file's contents, at most 1 MiB of YAML.
    ///   - file: its name, for messages.
    ///   - environment: where `INGOT_STORE`, `INGOT_DATABASE` and `INGOT_LOG_LEVEL` are looked up; they override
    ///     the file and are checked the same way.
    /// - Throws: everything that is wrong, in the order of the file.
    public static func parse(
        _ text: String, file: String, environment: [String: String]
    ) throws(SettingsError) -> Settings {
        var reading = SettingsReading(file: file, environment: environment)
        let settings = reading.settings(text)
        let problems = reading.problems
        guard let settings, problems.isEmpty else { throw SettingsError(problems: problems) }
        return settings
    }
}

/// One pass over a configuration file.
struct SettingsReading {
    static let sections = [
        "store", "database", "drops", "rescan", "receipts_keep", "reserve", "workers", "log_level",
    ]
    static let dropKeys = [
        "path", "recursive", "completeness", "settle", "take", "producers", "max_payload", "remote_writers",
        "manifest_wait", "orphans", "reject_safety", "model_ids", "owners", "ignore",
    ]
    private static let variables = [
        "store": "INGOT_STORE", "database": "INGOT_DATABASE", "log_level": "INGOT_LOG_LEVEL",
    ]

    var reader: FieldReader
    private let environment: [String: String]

    init(file: String, environment: [String: String]) {
        reader = FieldReader(file: file)
        self.environment = environment
    }

    /// What is wrong, in the order of the file; the environment comes last.
    var problems: [SettingsProblem] {
        let placed = reader.problems.enumerated().sorted { left, right in
            let (first, second) = (Self.rank(left.element), Self.rank(right.element))
            return first == second ? left.offset < right.offset : first < second
        }
        return placed.map(\.element)
    }

    private static func rank(_ problem: SettingsProblem) -> Position {
        let fallback = problem.file == "environment" ? Int.max : 0
        return Position(line: problem.line ?? fallback, column: problem.column ?? 0)
    }

    /// The settings, `nil` when something that has no default is missing; only valid if there are no problems.
    mutating func settings(_ text: String) -> Settings? {
        guard let root = root(text) else { return nil }
        let fields = reader.fields(
            root, path: nil, keys: Self.sections, elsewhere: (Self.dropKeys, "to a drop directory, under \"drops:\""))
        let store = required("store", fields, root) { $0.storePath($1) }
        let database = required("database", fields, root) { $0.database($1) }
        let drops = required("drops", fields, root) { $0.drops($1) }
        let rescan = reader.duration(fields["rescan"], Settings.defaultRescan, .seconds(1) ... .seconds(86_400))
        let keep = reader.duration(
            fields["receipts_keep"], Settings.defaultReceiptsKeep, .seconds(1) ... .seconds(3_650 * 86_400))
        let reserve = reserve(fields["reserve"])
        let workers = workers(fields["workers"])
        let level = logLevel(fields["log_level"])
        refuseNesting(drops ?? [], store: store)
        guard let store, let database, let drops else { return nil }
        return Settings(
            store: store.path, database: database, drops: drops.map(\.settings), rescan: rescan,
            receiptsKeep: keep, reserve: reserve, workers: workers, logLevel: level)
    }

    private mutating func root(_ text: String) -> YAMLNode? {
        guard text.utf8.count <= 1 << 20 else {
            reader.report(nil, at: nil, "larger than 1 MiB")
            return nil
        }
        do {
            let document = try YAMLDocument(text)
            for problem in document.problems { report(problem) }
            guard let root = document.root, !root.isNull else {
                reader.report(nil, at: nil, "holds no settings", hint: "it needs store, database and drops")
                return nil
            }
            return root
        } catch {
            report(error)
            return nil
        }
    }

    private mutating func report(_ problem: YAMLProblem) {
        reader.report(problem.key.map { escaped($0) }, at: problem.position, problem.message, hint: problem.hint)
    }

    /// A setting without a default: from the environment, else from the file, and checked in both.
    private mutating func required<Value>(
        _ key: String, _ fields: [String: Field], _ root: YAMLNode,
        _ read: (inout SettingsReading, Field) -> Value?
    ) -> Value? {
        let value = fields[key].flatMap { read(&self, $0) }
        if let override = override(key) { return read(&self, override) }
        if fields[key] == nil, case .mapping = root.content {
            reader.report(key, at: root.position, "is missing")
        }
        return value
    }

    private func override(_ key: String) -> Field? {
        guard let variable = Self.variables[key], let text = environment[variable] else { return nil }
        let node = YAMLNode(content: .scalar(text, isPlain: false), position: Position(line: 1, column: 1))
        return Field(key: key, node: node, variable: variable)
    }

    private mutating func logLevel(_ field: Field?) -> LogLevel {
        let level = reader.choice(field, LogLevel.info)
        return override("log_level").map { reader.choice($0, level) } ?? level
    }

    private mutating func reserve(_ field: Field?) -> Reserve {
        guard let field, let text = reader.text(field)?.text else { return Settings.defaultReserve }
        if text.hasSuffix("%") {
            let number = text.dropLast()
            if number.first?.isNumber == true, let percent = Double(number), percent < 100 { return .percent(percent) }
            reader.report(field, "\"\(escaped(text))\" is no share", hint: "it can be 0% to less than 100%")
        } else if let size = Quantity.size(text) {
            return .bytes(size)
        } else {
            reader.reportSize(field, text)
        }
        return Settings.defaultReserve
    }

    private mutating func workers(_ field: Field?) -> Int? {
        guard let field, let text = reader.text(field)?.text, text != "auto" else { return nil }
        if let count = Int(text), (1...1_024).contains(count) { return count }
        reader.report(field, "\"\(escaped(text))\" is no number of workers", hint: "it can be auto, or 1 to 1024")
        return nil
    }
}
