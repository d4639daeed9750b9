/// Durations and sizes as people write them: a whole number and a unit.
enum Quantity {
    /// Units of time in milliseconds, smallest first.
    static let durations: [(unit: String, factor: Int64)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Units of size in bytes, smallest first.
    static let sizes: [(unit: String, factor: Int64)] = [
        ("", 1), ("B", 1), ("kB", 1_000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20),
        ("GB", 1_000_000_000), ("GiB", 1 << 30), ("TB", 1_000_000_000_000), ("TiB", 1 << 40), ("PiB", 1 << 50),
    ]

    /// `500ms`, `5s`, `10m`, `24h`, `7d`; `nil` for anything else, also for what does not fit.
    static func duration(_ text: String) -> Duration? {
        value(text, durations).map { .milliseconds($0) }
    }

    /// `1TiB`, `500GB`, `12345` in bytes; `nil` for anything else, also for what does not fit.
    static func size(_ text: String) -> Int64? { value(text, sizes) }

    /// The shortest way to write a duration, rounded up to a millisecond.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return text(milliseconds, durations.reversed())
    }

    /// The shortest way to write a number of bytes: the largest unit that leaves a whole number.
    static func text(_ bytes: Int64) -> String { text(bytes, sizes.filter { $0.unit != "B" }.reversed()) }

    private static func value(_ text: String, _ units: [(unit: String, factor: Int64)]) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let suffix = text[digits.endIndex...].drop { $0 == " " }
        guard let number = Int64(digits), let unit = units.first(where: { $0.unit == suffix }) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit.factor)
        return overflow ? nil : product
    }

    private static func text(_ value: Int64, _ units: [(unit: String, factor: Int64)]) -> String {
        guard value != 0 else { return units.contains { $0.unit == "s" } ? "0s" : "0" }
        for unit in units where value % unit.factor == 0 { return "\(value / unit.factor)\(unit.unit)" }
        return "\(value)"
    }
}

/// The candidate that a mistyped word most likely meant, if any is near enough.
func nearest(_ word: String, among candidates: [String]) -> String? {
    let typed = Array(word.lowercased().map { $0 == "-" ? "_" : $0 })
    let ranked = candidates.map { (candidate: $0, distance: distance(typed, Array($0.lowercased()))) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, min(typed.count, best.candidate.count) / 3) ? best.candidate : nil
}

/// Edits between two words: insertions, deletions, replacements, swapped neighbours.
private func distance(_ left: [Character], _ right: [Character]) -> Int {
    var rows = [Array(0...right.count)]
    for (i, character) in left.enumerated() {
        var row = [i + 1]
        for j in right.indices {
            var best = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (character == right[j] ? 0 : 1))
            if i > 0, j > 0, character == right[j - 1], left[i - 1] == right[j] {
                best = min(best, rows[i - 1][j - 1] + 1)
            }
            row.append(best)
        }
        rows.append(row)
    }
    return rows[left.count][right.count]
}
