extension Settings {
    /// The whole configuration as a file that can be read again, defaults spelled out, secrets masked.
    public var effectiveYAML: String {
        var lines = [
            "# The effective configuration of ingotd: the file, environment overrides and defaults.",
            "# Passwords are shown as \(ConnectionString.mask).",
            "store: \(quoted(store))",
            "database: \(quoted(Self.redacted(connectionString: database)))",
            "drops:",
        ]
        lines += drops.flatMap(\.yaml)
        lines += [
            "rescan: \(Quantity.text(rescan))",
            "receipts_keep: \(Quantity.text(receiptsKeep))",
            "reserve: \(reserve.yaml)",
            "workers: \(workers.map(String.init) ?? "auto")",
            "log_level: \(logLevel.rawValue)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }
}

extension DropSettings {
    fileprivate var yaml: [String] {
        [
            "  - path: \(quoted(path))",
            "    recursive: \(recursive)",
            "    completeness: \(completeness.rawValue)",
            "    settle: \(Quantity.text(settle))",
            "    take: \(take.rawValue)",
            "    producers: \(producers.rawValue)",
            "    max_payload: \(Quantity.text(maxPayload))",
            "    remote_writers: \(remoteWriters.rawValue)",
            "    manifest_wait: \(Quantity.text(manifestWait))",
            "    orphans: \(orphans.rawValue)",
            "    reject_safety: \(list(rejectSafety))",
            "    model_ids: \(list(modelIDs))",
            "    owners: \(list(owners))",
            "    ignore: \(list(ignore))",
        ]
    }
}

extension Reserve {
    fileprivate var yaml: String {
        switch self {
        case .bytes(let bytes): Quantity.text(bytes)
        case .percent(let percent) where percent == percent.rounded(): "\(Int(percent))%"
        case .percent(let percent): "\(percent)%"
        }
    }
}

private func list(_ texts: [String]) -> String { "[" + texts.map(quoted).joined(separator: ", ") + "]" }

/// A double-quoted YAML scalar: always quoted, because `yes`, `1e3` and `*` would be something else without.
private func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case "\u{20}"..."\u{7E}": quoted.unicodeScalars.append(scalar)
        case _ where scalar.properties.isAlphabetic: quoted.unicodeScalars.append(scalar)
        default:
            let digits = String(scalar.value, radix: 16)
            quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
    }
    return quoted + "\""
}
