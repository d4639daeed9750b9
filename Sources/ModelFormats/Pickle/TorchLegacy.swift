/// What stands between the pickles of a source, besides what a pickle itself announces.
public enum PickleFraming: Sendable {
    /// Nothing.
    case none
    /// The member `storages` of PyTorch's oldest files, which are tar archives: behind each pickle a storage.
    case torchStorages
    /// The member `tensors` of these: behind each pickle a tensor's sizes.
    case torchTensors
}

/// PyTorch's files before 1.6: five pickles, the last of them the storages' keys, then the storages' bytes.
enum TorchLegacy {
    /// The number that the first pickle holds, 0x1950a86a20f9469cfc6c, as LONG1 writes it.
    static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    /// Bytes of an element by the storage's class.
    static let elementSizes: [String: Int64] = [
        "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8,
        "IntStorage": 4,
        "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1, "ComplexDoubleStorage": 16,
        "ComplexFloatStorage": 8, "QUInt8Storage": 1, "QInt8Storage": 1, "QInt32Storage": 4, "QUInt4x2Storage": 1,
        "QUInt2x4Storage": 1, "UntypedStorage": 1,
    ]

    /// Passes the storages: for every key the number of elements, then the elements.
    ///
    /// - Throws: when a storage is not as the pickle says.
    static func skipStorages(_ keys: [String], _ reader: ByteReader, _ facts: PickleFacts) throws(ReadFailure) {
        guard keys.count == Set(keys).count, Set(keys) == Set(facts.storages.keys) else {
            throw .malformed(what: "the list of storages", offset: reader.offset)
        }
        for key in keys {
            guard let storage = facts.storages[key], let size = storage.sizeInBytes else {
                throw .malformed(what: "a storage of an unknown type", offset: reader.offset)
            }
            let at = reader.offset
            guard try reader.little(Int64.self, "a storage") == storage.elements else {
                throw .malformed(what: "the size of a storage", offset: at)
            }
            try reader.skip(size, "a storage of \(size) bytes")
        }
    }

    /// Passes what follows one pickle in a member of the oldest, tar, layout.
    static func skipItem(_ framing: PickleFraming, _ type: String?, _ reader: ByteReader) throws(ReadFailure) {
        let at = reader.offset
        switch framing {
        case .none: return
        case .torchStorages:
            guard let type, let elementSize = elementSizes[type] else {
                throw .malformed(what: "a storage of an unknown type", offset: at)
            }
            let count: Int64 = try reader.little(Int64.self, "a storage")
            let (size, overflow) = count.multipliedReportingOverflow(by: elementSize)
            guard count >= 0, !overflow else { throw .malformed(what: "the size of a storage", offset: at) }
            try reader.skip(size, "a storage of \(size) bytes")
        case .torchTensors:
            let dimensions: Int32 = try reader.little(Int32.self, "a tensor")
            guard dimensions >= 0, dimensions <= 64 else { throw .malformed(what: "a tensor's dimensions", offset: at) }
            try reader.skip(4 + 16 * Int64(dimensions) + 8, "a tensor")
        }
    }
}
