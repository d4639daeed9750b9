internal import Logging
internal import Vocabulary

/// One field of a journal record: a name that journald takes, and any bytes.
struct JournalField: Equatable {
    var name: String
    var value: [UInt8]

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = Array(value.utf8)
    }
}

/// What a log event looks like in the journal: systemd.journal-fields(7).
enum JournalRecord {
    /// The fields of a record, `MESSAGE` first, metadata in the order of their keys.
    ///
    /// `INGOT_EVENT` also decides on `MESSAGE_ID`, by which `journalctl -x` finds the explanation.
    static func fields(_ event: LogEvent, metadata: Logger.Metadata, identifier: String) -> [JournalField] {
        var fields = [
            JournalField("MESSAGE", event.message.description),
            JournalField("PRIORITY", String(priority(event.level))),
            JournalField("SYSLOG_IDENTIFIER", identifier),
        ]
        if let name = metadata["INGOT_EVENT"], let kind = EventKind(rawValue: name.description) {
            fields.append(JournalField("MESSAGE_ID", kind.messageID))
        }
        fields += [
            JournalField("CODE_FILE", event.file),
            JournalField("CODE_LINE", String(event.line)),
            JournalField("CODE_FUNC", event.function),
        ]
        if let error = event.error { fields.append(JournalField("INGOT_ERROR", String(describing: error))) }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            fields.append(JournalField(fieldName(key), value.description))
        }
        return fields
    }

    /// The journal's name for a metadata key: itself when it is a valid name that journald and we leave free, else
    /// in capitals, with underscores, behind `INGOT_`: `drop.path` becomes `INGOT_DROP_PATH`.
    static func fieldName(_ key: String) -> String {
        if isFieldName(key), !reserved.contains(key) { return key }
        let letters = key.uppercased().unicodeScalars.map { isFieldCharacter($0) ? Character($0) : "_" }
        return String(("INGOT_" + String(letters)).prefix(longestName))
    }

    /// Whether a key is a field by itself, which only our own code writes.
    static func isFieldName(_ key: String) -> Bool {
        guard let first = key.unicodeScalars.first, ("A"..."Z").contains(first) else { return false }
        return key.utf8.count <= longestName && key.unicodeScalars.allSatisfy(isFieldCharacter)
    }

    /// syslog(3)'s levels.
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// journald drops fields with longer names (journal-file.c: field name validation).
    private static let longestName = 64

    private static let reserved: Set<String> = [
        "MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "CODE_FILE", "CODE_LINE", "CODE_FUNC",
    ]

    private static func isFieldCharacter(_ scalar: Unicode.Scalar) -> Bool {
        ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "_"
    }
}
