/// How a submission ended.
public enum Outcome: String, Sendable, CaseIterable {
    /// A new row.
    case registered
    /// The same version with the same digest was there already: success, nothing changed.
    case duplicate
    /// Refused, kept in `rejected/` with its reason.
    case rejected
}
