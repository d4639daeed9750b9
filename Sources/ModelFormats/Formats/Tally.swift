/// How often names occur, for no more names than anybody will read about.
struct Tally {
    /// How many different names are told apart; the rest is counted together.
    static let nameLimit = 4096

    private(set) var counts: [String: Int] = [:]
    private(set) var total = 0

    /// Counts a name, and says whether it is the first of its name.
    @discardableResult
    mutating func count(_ name: String) -> Bool {
        total += 1
        if let known = counts[name] {
            counts[name] = known + 1
            return false
        }
        guard counts.count < Self.nameLimit else { return true }
        counts[name] = 1
        return true
    }

    /// Adds everything that another one has counted.
    mutating func add(_ other: Tally) {
        total += other.total
        for (name, count) in other.counts where counts[name] != nil || counts.count < Self.nameLimit {
            counts[name, default: 0] += count
        }
    }
}

/// A product or sum of hostile numbers: `nil` from the first overflow or negative factor on.
struct CheckedCount {
    private(set) var value: UInt64? = 0

    init(_ value: UInt64 = 0) { self.value = value }

    /// The product of a tensor's dimensions.
    init(product dimensions: some Sequence<some BinaryInteger>) {
        value = 1
        for dimension in dimensions { multiply(by: UInt64(exactly: dimension)) }
    }

    private mutating func multiply(by factor: UInt64?) {
        guard let left = value, let right = factor else { return value = nil }
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        value = overflow ? nil : product
    }

    /// Adds another count; unknown when either is.
    mutating func add(_ other: CheckedCount) {
        guard let left = value, let right = other.value else { return value = nil }
        let (sum, overflow) = left.addingReportingOverflow(right)
        value = overflow ? nil : sum
    }
}

/// Sixteen bytes that stand for a name: keyed per process, so that nobody can prepare two names with the same one.
struct Fingerprint: Hashable {
    private let first: Int
    private let second: Int

    init(_ bytes: some Sequence<UInt8>) {
        var left = Hasher()
        var right = Hasher()
        right.combine(0xFF as UInt8)
        for byte in bytes {
            left.combine(byte)
            right.combine(byte)
        }
        first = left.finalize()
        second = right.finalize()
    }
}
