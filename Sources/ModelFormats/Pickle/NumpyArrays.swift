/// What is known of a `numpy.dtype`: the size of an element, and whether elements are Python objects.
///
/// Where an array's bytes end depends on both. So a state is only believed when numpy writes such a one, and when every value in it
/// that numpy might go by says the same.
struct NumpyType {
    /// In bytes; `nil` when it could not be understood.
    private(set) var elementSize: Int64?
    private(set) var hasObjects: Bool?
    private let kind: UInt8?

    /// What the fields, or the subarray, of a structured type say.
    struct Fields {
        var hasObjects: Bool
        /// Behind the last byte of all of them.
        var end: Int64
    }

    /// From the string that `numpy.dtype` is called with: `f8`, `O8`, `V16`, `<U3`, `M8[ns]`.
    init(_ name: ArraySlice<UInt8>?) {
        let type = name.flatMap { NumpyTypeString(Array($0)) }
        kind = type?.kind
        elementSize = type?.elementSize
        hasObjects = type?.hasObjects
    }

    /// From the state: `(version, order, subarray, names, fields, size, alignment, flags[, metadata])`.
    ///
    /// - Parameter fields: `nil` where there are some that could not be understood.
    /// - Returns: whether it was understood.
    mutating func setState(_ parts: [PickleValue], _ fields: Fields?) -> Bool {
        guard (8...9).contains(parts.count), case .int(let size) = parts[5], case .int(let flags) = parts[7],
            let kind, let known = elementSize,
            let understood = understand(parts, kind, known, size, flags, fields)
        else {
            (elementSize, hasObjects) = (nil, nil)
            return false
        }
        (elementSize, hasObjects) = understood
        return true
    }

    /// NPY_ITEM_REFCOUNT, NPY_LIST_PICKLE, NPY_NEEDS_INIT and NPY_NEEDS_PYAPI: what a structured type inherits from an object in it.
    /// Without all of them numpy takes raw bytes for pointers.
    private static let objectFlags: Int64 = 0x1B

    private func understand(
        _ parts: [PickleValue], _ kind: UInt8, _ known: Int64, _ size: Int64, _ flags: Int64, _ fields: Fields?
    ) -> (Int64, Bool)? {
        let isPlain = parts[2...4].allSatisfy { if case .none = $0 { true } else { false } }
        switch kind {
        case UInt8(ascii: "O"):
            return isPlain && [-1, known].contains(size) && flags & 0x3F == 0x3F ? (known, true) : nil
        case UInt8(ascii: "S"), UInt8(ascii: "a"), UInt8(ascii: "U"):
            return isPlain && size >= -1 && flags & 1 == 0 ? (size < 0 ? known : size, false) : nil
        case UInt8(ascii: "V"):
            if isPlain { return size >= 0 && flags & 1 == 0 ? (size, false) : nil }
            guard let fields, fields.end <= size else { return nil }
            let areRight = fields.hasObjects ? flags & Self.objectFlags == Self.objectFlags : flags & 1 == 0
            return areRight ? (size, fields.hasObjects) : nil
        default:
            // numpy does not look at the size here.
            return isPlain && [-1, known].contains(size) && flags & 1 == 0 ? (known, false) : nil
        }
    }
}

/// A type of elements as numpy writes it: `<f8`, `|O`, `|S12`, `<U3`, `<M8[ns]`, `|V16`.
struct NumpyTypeString {
    let kind: UInt8
    let elementSize: Int64
    var hasObjects: Bool { kind == UInt8(ascii: "O") }

    init?(_ text: [UInt8]) {
        var rest = text[...]
        if let order = rest.first, "<>|=".utf8.contains(order) { rest = rest.dropFirst() }
        guard let kind = rest.popFirst(), "?bBiufcmMOSUVa".utf8.contains(kind) else { return nil }
        self.kind = kind
        if kind == UInt8(ascii: "M") || kind == UInt8(ascii: "m"), let unit = rest.firstIndex(of: 0x5B) {
            rest = rest[..<unit]
        }
        if rest.isEmpty {
            guard "?bBO".utf8.contains(kind) else { return nil }
            elementSize = kind == UInt8(ascii: "O") ? 8 : 1
            return
        }
        guard rest.count <= 10, rest.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let count = Int64(String(decoding: rest, as: UTF8.self))
        else { return nil }
        elementSize = kind == UInt8(ascii: "U") ? 4 * count : count
    }
}

/// joblib's arrays: the bytes stand in the middle of the pickle, behind their description.
extension PickleMachine {
    /// BUILD on a `numpy.dtype`.
    mutating func setState(_ state: PickleValue, ofType index: UInt32, at start: Int64) {
        let parts = window.elements(of: state) ?? []
        let fields = parts.count > 4 ? fields(parts) : nil
        guard !dtypes[Int(index)].setState(parts, fields) else { return }
        evidence.report(
            .unscannable, "odd_dtype", "It describes a type of array elements in a way that numpy does not write.",
            at: start)
    }

    /// - Returns: `nil` when there are none, or when they could not be understood.
    private func fields(_ parts: [PickleValue]) -> NumpyType.Fields? {
        if case .none = parts[4] {
            // A subarray: `(type, shape)`.
            guard let pair = window.elements(of: parts[2]), pair.count == 2, let (inner, size) = type(pair[0]),
                let count = product(of: pair[1]) ?? single(pair[1])
            else { return nil }
            let (end, overflow) = count.multipliedReportingOverflow(by: size)
            return overflow ? nil : .init(hasObjects: inner, end: end)
        }
        guard let fields = window.pairs(of: parts[4]), hasUniqueTextKeys(fields) else { return nil }
        var result = NumpyType.Fields(hasObjects: false, end: 0)
        for field in fields {
            guard let place = window.elements(of: field.value), place.count >= 2, let (inner, size) = type(place[0]),
                case .int(let offset) = place[1], offset >= 0
            else { return nil }
            let (end, overflow) = offset.addingReportingOverflow(size)
            if overflow { return nil }
            result.hasObjects = result.hasObjects || inner
            result.end = max(result.end, end)
        }
        return result
    }

    private func type(_ value: PickleValue) -> (hasObjects: Bool, size: Int64)? {
        guard case .dtype(let index) = value, let hasObjects = dtypes[Int(index)].hasObjects,
            let size = dtypes[Int(index)].elementSize
        else { return nil }
        return (hasObjects, size)
    }

    private func single(_ value: PickleValue) -> Int64? {
        if case .int(let count) = value, count >= 0 { count } else { nil }
    }

    /// Whether every key is a string that stands in the stream, and no two are the same: what a dictionary holds under a name can then be
    /// told by looking.
    private func hasUniqueTextKeys(_ pairs: [(key: PickleValue, value: PickleValue)]) -> Bool {
        let keys = pairs.compactMap { text(of: $0.key) }
        return keys.count == pairs.count && Set(keys).count == keys.count
    }

    /// What joblib writes into the state of its `NumpyArrayWrapper`. Any other name could take the place of one of its methods.
    private static let wrapperKeys: Set<String> = [
        "subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes",
    ]

    /// Passes what follows the state of a `NumpyArrayWrapper`: raw bytes, or a pickle of its own for objects.
    mutating func skipArray(_ state: PickleValue, at start: Int64) throws(ReadFailure) {
        // Known before anything can fail: plain `pickle` goes on whatever the description is.
        let isFirst = firstArray == nil
        if isFirst { firstArray = reader.offset }
        guard let pairs = window.pairs(of: state), hasUniqueTextKeys(pairs),
            pairs.allSatisfy({ pair in Self.wrapperKeys.contains { shows(pair.key, $0) } }),
            let shape = value("shape", in: pairs), let elements = product(of: shape),
            let (hasObjects, elementSize) = value("dtype", in: pairs).flatMap(type)
        else { throw .malformed(what: "the description of an array", offset: start) }
        leaveFrameForArray()
        if isFirst { firstArrayHasObjects = hasObjects }
        evidence.facts.arrays += 1
        if hasObjects {
            try walkNested()
        } else {
            try skipPadding(value("numpy_array_alignment_bytes", in: pairs))
            let (size, overflow) = elements.multipliedReportingOverflow(by: elementSize)
            guard !overflow else { throw .malformed(what: "the size of an array", offset: start) }
            try reader.skip(size, "an array of \(size) bytes")
            evidence.facts.arrayBytes &+= size
        }
        _ = try pop()
        try push(.array)
    }

    private func value(_ key: String, in pairs: [(key: PickleValue, value: PickleValue)]) -> PickleValue? {
        pairs.last { shows($0.key, key) }?.value
    }

    /// How many elements a shape has; `nil` for anything but a tuple of small integers.
    private func product(of shape: PickleValue) -> Int64? {
        guard let sizes = window.elements(of: shape) else { return nil }
        var count: Int64 = 1
        for size in sizes {
            guard case .int(let size) = size, size >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            if overflow { return nil }
            count = product
        }
        return count
    }

    /// One byte says how many follow before the array; older versions of joblib have none.
    private mutating func skipPadding(_ alignment: PickleValue?) throws(ReadFailure) {
        guard let alignment else { return }
        if case .none = alignment { return }
        guard case .int = alignment else { throw .malformed(what: "the alignment of an array", offset: reader.offset) }
        let count = try reader.byte("an array's padding")
        for _ in 0..<count {
            guard try reader.byte("an array's padding") == 0xFF else {
                throw .malformed(what: "an array's padding", offset: reader.offset)
            }
        }
    }

    private mutating func walkNested() throws(ReadFailure) {
        guard depth < limits.nestedPickles else { throw .limit("pickles inside pickles, \(depth) deep") }
        var machine = PickleMachine(reader, of: source, reading: .plain, depth: depth + 1, evidence: evidence)
        _ = try machine.run()
        otherStarts += machine.otherStarts.prefix(4)
    }
}
