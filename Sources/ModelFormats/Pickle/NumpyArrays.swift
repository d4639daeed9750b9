/// What is known of a `numpy.dtype`: the size of an element, and whether elements are Python objects.
struct NumpyType {
    /// In bytes; `nil` when it could not be understood.
    var elementSize: Int64?
    var hasObjects: Bool?
    /// Whether the size stands in the state, for lack of one in the name.
    private let isStructured: Bool

    /// From the string that `numpy.dtype` is called with: `f8`, `O8`, `V16`, `<U3`, `M8[ns]`.
    init(_ name: ArraySlice<UInt8>?) {
        isStructured = name.map { $0.first == UInt8(ascii: "V") || $0.first == UInt8(ascii: "|") } ?? false
        guard let name, let type = NumpyTypeString(Array(name)) else { return }
        elementSize = type.elementSize
        hasObjects = isStructured ? nil : type.hasObjects
    }

    /// From the state: `(version, order, subarray, names, fields, size, alignment, flags[, metadata])`.
    mutating func setState(_ parts: [PickleValue], _ fieldsHaveObjects: Bool?) {
        guard parts.count >= 8, case .int(let size) = parts[5] else {
            (elementSize, hasObjects) = (nil, nil)
            return
        }
        if size >= 0 { elementSize = size }
        if case .none = parts[3], case .none = parts[2] {
            if isStructured { hasObjects = false }
        } else {
            hasObjects = fieldsHaveObjects
        }
        // NPY_ITEM_HASOBJECT.
        if case .int(let flags) = parts[7], flags & 1 != 0, hasObjects == false { hasObjects = nil }
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
    mutating func setState(_ state: PickleValue, ofType index: UInt32) {
        let parts = window.elements(of: state) ?? []
        let fields = parts.count > 4 ? fieldsHaveObjects(parts) : nil
        dtypes[Int(index)].setState(parts, fields)
    }

    /// - Returns: `nil` when the fields could not be understood.
    private func fieldsHaveObjects(_ parts: [PickleValue]) -> Bool? {
        if case .none = parts[4] {
            // A subarray: `(type, shape)`.
            guard let pair = window.elements(of: parts[2]), case .dtype(let inner)? = pair.first else { return nil }
            return dtypes[Int(inner)].hasObjects
        }
        guard let fields = window.pairs(of: parts[4]) else { return nil }
        var result = false
        for field in fields {
            guard case .dtype(let inner)? = window.elements(of: field.value)?.first,
                let hasObjects = dtypes[Int(inner)].hasObjects
            else { return nil }
            result = result || hasObjects
        }
        return result
    }

    /// Passes what follows the state of a `NumpyArrayWrapper`: raw bytes, or a pickle of its own for objects.
    mutating func skipArray(_ state: PickleValue, at start: Int64) throws(ReadFailure) {
        // Known before anything can fail: plain `pickle` goes on whatever the description is.
        let isFirst = firstArray == nil
        if isFirst { firstArray = reader.offset }
        guard let pairs = window.pairs(of: state), let shape = value("shape", in: pairs),
            let elements = product(of: shape),
            case .dtype(let index)? = value("dtype", in: pairs), let type = dtypes[safe: Int(index)],
            let hasObjects = type.hasObjects, let elementSize = type.elementSize,
            pairs.filter({ shows($0.key, "shape") || shows($0.key, "dtype") }).count == 2
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

extension Array {
    subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
