internal import Vocabulary

/// numpy's `.npy`: a header that is a Python literal, then raw numbers, or a pickle where elements are objects.
enum NumpyFile {
    private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    /// `numpy.save` may append to an open file.
    private static let mostArrays = 10_000

    private struct Header {
        var version: UInt8
        var description: PythonLiteral
        var order: Bool
        var shape: [Int64]
        var elementSize: Int64
        var hasObjects: Bool
        var end: Int64

        /// How many bytes the elements have; `nil` when that is no number.
        var sizeInBytes: Int64? {
            var size = elementSize
            for length in shape {
                let (product, overflow) = size.multipliedReportingOverflow(by: length)
                if overflow { return nil }
                size = product
            }
            return size
        }
    }

    /// - Returns: `nil` when the source does not begin like such a file.
    static func inspect(_ source: any ByteSource, part: String, budget: InspectionBudget) -> Inspection? {
        guard source.head(6) == magic else { return nil }
        var result = Inspection(format: .npy, safety: .noCode)
        do throws(ReadFailure) {
            var position: Int64 = 0
            var arrays = 0
            repeat {
                let header = try read(source, at: position, budget.limits)
                arrays += 1
                if arrays == 1 { describe(header, in: &result) }
                guard arrays <= mostArrays else { throw .limit("more than \(mostArrays) arrays in a file") }
                guard !header.hasObjects else {
                    let scan = PickleScanner(source, from: header.end, part: part, budget: budget).scan()
                    result.absorb(Inspection(scan, part: part))
                    return result
                }
                position = try end(of: header, in: source)
            } while position < source.sizeInBytes && source.bytes(at: position, count: 6) == magic
            if position < source.sizeInBytes {
                result.report(.unscannable, "npy_trailing", "Bytes follow the array.", part: part)
            }
        } catch {
            result.report(.unscannable, "npy_damaged", error.sentence, part: part)
            if case .truncated = error { result.damage = .init(code: "truncated", message: error.sentence) }
            if case .malformed = error { result.damage = .init(code: "malformed", message: error.sentence) }
        }
        return result
    }

    private static func end(of header: Header, in source: any ByteSource) throws(ReadFailure) -> Int64 {
        guard let size = header.sizeInBytes else { throw .malformed(what: "the shape of an array", offset: 0) }
        guard size <= source.sizeInBytes - header.end else {
            throw .truncated(what: "an array of \(size) bytes", offset: header.end)
        }
        return header.end + size
    }

    private static func read(
        _ source: any ByteSource, at start: Int64, _ limits: InspectionLimits
    ) throws(ReadFailure) -> Header {
        let reader = ByteReader(source, from: start + 6)
        let version = try reader.byte("an array's header")
        _ = try reader.byte("an array's header")
        guard (1...3).contains(version) else {
            throw .malformed(what: "the version \(version) of an array file", offset: start)
        }
        let length = version == 1 ? Int64(try reader.little(UInt16.self)) : Int64(try reader.little(UInt32.self))
        guard length <= limits.arrayHeaderInBytes else { throw .limit("an array's header of \(length) bytes") }
        let text = try reader.bytes(Int(length), "an array's header")
        guard let literal = PythonLiteral(text), case .dict(let pairs) = literal, pairs.count == 3,
            let description = literal["descr"], case .bool(let order)? = literal["fortran_order"],
            case .tuple(let sizes)? = literal["shape"], let type = elementType(description, depth: 0)
        else { throw .malformed(what: "an array's header", offset: start) }
        var shape: [Int64] = []
        for size in sizes {
            guard case .int(let size) = size, size >= 0, shape.count < 64 else {
                throw .malformed(what: "the shape of an array", offset: start)
            }
            shape.append(size)
        }
        return Header(
            version: version, description: description, order: order, shape: shape, elementSize: type.size,
            hasObjects: type.hasObjects, end: reader.offset)
    }

    /// The size of an element, and whether there are objects in it: `'<f8'`, or a list of `(name, type[, shape])`.
    private static func elementType(_ description: PythonLiteral, depth: Int) -> (size: Int64, hasObjects: Bool)? {
        guard depth < 16 else { return nil }
        switch description {
        case .string(let text): return NumpyTypeString(text).map { ($0.elementSize, $0.hasObjects) }
        case .list(let fields):
            var total: (size: Int64, hasObjects: Bool) = (0, false)
            for field in fields {
                guard case .tuple(let parts) = field, parts.count == 2 || parts.count == 3,
                    let type = elementType(parts[1], depth: depth + 1),
                    let count = parts.count == 3 ? product(parts[2]) : 1
                else { return nil }
                let (size, overflow) = type.size.multipliedReportingOverflow(by: count)
                let (sum, sumOverflow) = total.size.addingReportingOverflow(size)
                if overflow || sumOverflow { return nil }
                total = (sum, total.hasObjects || type.hasObjects)
            }
            return total
        case .tuple(let parts):
            // A subarray: `(type, shape)`.
            guard parts.count == 2, let type = elementType(parts[0], depth: depth + 1), let count = product(parts[1])
            else { return nil }
            let (size, overflow) = type.size.multipliedReportingOverflow(by: count)
            return overflow ? nil : (size, type.hasObjects)
        default: return nil
        }
    }

    private static func product(_ shape: PythonLiteral) -> Int64? {
        if case .int(let size) = shape, size >= 0 { return size }
        guard case .tuple(let sizes) = shape else { return nil }
        var count: Int64 = 1
        for size in sizes {
            guard case .int(let size) = size, size >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            if overflow { return nil }
            count = product
        }
        return count
    }

    private static func describe(_ header: Header, in result: inout Inspection) {
        result.setDetail("npy_version", header.version)
        result.setDetail("shape", .array(header.shape.map { .number("\($0)") }))
        if case .string(let text) = header.description {
            result.setDetail("dtype", .string(Text.shown(text)))
        } else {
            result.setDetail("dtype", .string("structured"))
        }
        result.setDetail("order", .string(header.order ? "F" : "C"))
    }
}
