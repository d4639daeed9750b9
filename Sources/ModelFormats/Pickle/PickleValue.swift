/// What is known of a value that a loader would have: where it came from, and as much of it as a verdict may depend on.
///
/// Sixteen bytes without references, so that a million of them on a stack or in a memo cost little.
enum PickleValue {
    case none
    case bool(Bool)
    case int(Int64)
    /// A number whose value does not matter.
    case number
    /// A short string in the evidence's text.
    case text(at: UInt32, count: UInt16)
    /// A literal that is too long to matter.
    case longLiteral
    /// A literal of bytes, by its place in the source.
    case bytes(at: Int64, count: UInt32)
    /// A tuple whose elements may still be in the window.
    case tuple(at: UInt32, count: UInt8)
    case longTuple
    case list
    case set
    /// A dictionary whose pairs may still be in the window.
    case dict(UInt32)
    /// Something that was imported, by its index in the evidence.
    case global(UInt32)
    /// What calling or instantiating an import gave.
    case instance(UInt32)
    /// A `numpy.dtype`, by its index.
    case dtype(UInt32)
    /// An array whose bytes were skipped.
    case array
    /// A tensor's storage outside of the pickle.
    case storage
    /// The number that legacy PyTorch files begin with.
    case torchMagic
    /// What nobody can know: a finding was made when it came to be.
    case computed
}

/// The memo: dense as picklers write it, sparse where a stream jumps.
struct PickleMemo {
    private var dense: [PickleValue] = []
    private var sparse: [UInt64: PickleValue] = [:]

    /// How many entries there are, which is the index MEMOIZE uses.
    var count: Int { dense.count + sparse.count }

    subscript(key: UInt64) -> PickleValue? {
        key < UInt64(dense.count) ? dense[Int(key)] : sparse.isEmpty ? nil : sparse[key]
    }

    mutating func set(_ key: UInt64, _ value: PickleValue) {
        if key < UInt64(dense.count) {
            dense[Int(key)] = value
        } else if key == UInt64(dense.count) {
            dense.append(value)
            if !sparse.isEmpty { sparse[key] = nil }
        } else {
            sparse[key] = value
        }
    }
}

/// The elements of the tuples and the pairs of the dictionaries that were built last.
///
/// Older ones are forgotten, which is no loss: what a rule needs is built right before it is used, and a rule that
/// cannot see its arguments does not hold.
struct PickleWindow {
    private static let values = 1 << 14
    private static let dictionaries = 1 << 9
    static let longestTuple = 64
    static let longestDictionary = 64

    private var ring: [PickleValue] = []
    private var written: UInt32 = 0
    private var pairs: [[(key: PickleValue, value: PickleValue)]] = []
    private var nextDictionary: UInt32 = 0
    private var special: Set<UInt32> = []
    private static let mostSpecial = 1 << 16

    /// Keeps the elements of a tuple.
    mutating func tuple(_ elements: ArraySlice<PickleValue>) -> PickleValue {
        guard elements.count <= Self.longestTuple, written < .max - 64 else { return .longTuple }
        let at = written
        for element in elements {
            if ring.count < Self.values { ring.append(element) } else { ring[Int(written) % Self.values] = element }
            written += 1
        }
        return .tuple(at: at, count: UInt8(elements.count))
    }

    /// The elements of a tuple, as long as they are kept.
    func elements(of value: PickleValue) -> [PickleValue]? {
        guard case .tuple(let at, let count) = value, written - at <= UInt32(Self.values) else { return nil }
        return (0..<UInt32(count)).map { ring[Int(at + $0) % Self.values] }
    }

    /// Makes a dictionary.
    mutating func dictionary() -> PickleValue {
        let slot = Int(nextDictionary) % Self.dictionaries
        if slot < pairs.count { pairs[slot].removeAll(keepingCapacity: true) } else { pairs.append([]) }
        nextDictionary &+= 1
        return .dict(nextDictionary &- 1)
    }

    /// Remembers a pair, when the dictionary is small and young.
    mutating func insert(_ key: PickleValue, _ value: PickleValue, into dictionary: UInt32) {
        guard nextDictionary &- dictionary <= UInt32(Self.dictionaries) else { return }
        let slot = Int(dictionary) % Self.dictionaries
        if pairs[slot].count <= Self.longestDictionary { pairs[slot].append((key, value)) }
    }

    /// Remembers, as long as the stream lasts, that a dictionary has a key that must be no attribute's name.
    mutating func markSpecial(_ dictionary: UInt32) {
        if special.count < Self.mostSpecial { special.insert(dictionary) }
    }

    /// Whether a dictionary has such a key, or may have one.
    func isSpecial(_ dictionary: UInt32) -> Bool {
        special.count == Self.mostSpecial || special.contains(dictionary)
    }

    /// Whether nothing was put into a dictionary, as far as that is known.
    func isEmpty(_ dictionary: UInt32) -> Bool { pairs(of: .dict(dictionary))?.isEmpty == true }

    /// The pairs of a dictionary, when all of them are kept.
    func pairs(of value: PickleValue) -> [(key: PickleValue, value: PickleValue)]? {
        guard case .dict(let id) = value, nextDictionary &- id <= UInt32(Self.dictionaries) else { return nil }
        let found = pairs[Int(id) % Self.dictionaries]
        return found.count <= Self.longestDictionary ? found : nil
    }
}
