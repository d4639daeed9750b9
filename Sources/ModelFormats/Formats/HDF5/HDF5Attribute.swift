/// An attribute whose value is one or several strings; of others only the name is known.
struct HDF5Attribute {
    let name: String
    private let elementSize: Int64
    private let isVariable: Bool
    private let isText: Bool
    private let count: Int64
    private let data: HDF5Extent

    /// Reads an attribute message; `nil` when its type is kept elsewhere.
    init?(_ file: HDF5File, _ message: HDF5Object.Message) throws(ReadFailure) {
        let start = message.data.start
        let version = try file.pages.byte(at: start, "an attribute")
        guard (1...3).contains(version) else {
            throw .malformed(what: "attributes have no version \(version)", offset: start)
        }
        let flags = try file.pages.byte(at: start + 1, "an attribute")
        guard !message.isShared, version == 1 || flags & 3 == 0 else { return nil }
        func size(_ offset: Int64) throws(ReadFailure) -> Int64 {
            Int64(try file.pages.little(2, at: start + offset, "an attribute"))
        }
        func padded(_ size: Int64) -> Int64 { version == 1 ? (size + 7) / 8 * 8 : size }
        let (nameSize, typeSize, spaceSize) = (try size(2), try size(4), try size(6))
        let nameStart = start + (version == 3 ? 9 : 8)
        let typeStart = nameStart + padded(nameSize)
        let spaceStart = typeStart + padded(typeSize)
        let dataStart = spaceStart + padded(spaceSize)
        guard dataStart <= message.data.end else {
            throw .malformed(what: "an attribute does not fit into its message", offset: start)
        }
        let nameBytes = try file.pages.bytes(at: nameStart, count: Int(min(nameSize, 1024)), "an attribute's name")
        name = String(decoding: nameBytes.prefix { $0 != 0 }, as: UTF8.self)
        data = HDF5Extent(start: dataStart, size: message.data.end - dataStart)
        let typeClass = try file.pages.byte(at: typeStart, "a datatype") & 0x0F
        isVariable = typeClass == 9
        let variableKind = try file.pages.byte(at: typeStart + 1, "a datatype") & 0x0F
        isText = typeClass == 3 || isVariable && variableKind == 1
        elementSize = Int64(try file.pages.little(4, at: typeStart + 4, "a datatype"))
        let space = HDF5Extent(start: spaceStart, size: spaceSize)
        count = Int64(clamping: try HDF5Object.elementCount(file, space).value ?? .max)
        guard !isText || elementSize > 0 && count <= data.size / elementSize else {
            throw .malformed(what: "the value of the attribute \(quoted(name)) is not all there", offset: start)
        }
    }

    /// Where the characters of its strings are, 64 of them at most; none for an attribute that is no text.
    func strings(_ file: HDF5File) throws(ReadFailure) -> [HDF5Extent] {
        guard isText else { return [] }
        var strings: [HDF5Extent] = []
        for index in 0..<min(count, Int64(HeaderReport.listLimit)) {
            let start = data.start + index * elementSize
            if !isVariable {
                strings.append(HDF5Extent(start: start, size: elementSize))
            } else if let string = try variable(file, at: start) {
                strings.append(string)
            }
        }
        return strings
    }

    /// How many strings it has.
    var stringCount: Int64 { isText ? count : 0 }

    /// A length, a global heap's address and an object's number in it.
    private func variable(_ file: HDF5File, at start: Int64) throws(ReadFailure) -> HDF5Extent? {
        guard elementSize >= Int64(8 + file.addressSize) else {
            throw .malformed(what: "the attribute \(quoted(name)) has too short references", offset: start)
        }
        let size = Int64(try file.pages.little(4, at: start, "a string"))
        guard size > 0, let heap = try file.address(at: start + 4, "a global heap"), heap > 0 else { return nil }
        let index = try file.pages.little(4, at: start + 4 + Int64(file.addressSize), "a string")
        let object = try file.heapObject(index, inCollectionAt: heap)
        guard size <= object.size else {
            throw .malformed(what: "a string of \(size) bytes is longer than its heap object", offset: object.start)
        }
        return HDF5Extent(start: object.start, size: size)
    }

    /// The first characters of a string, without what fills it up.
    static func text(_ file: HDF5File, _ extent: HDF5Extent) throws(ReadFailure) -> String {
        let bytes = try file.pages.bytes(at: extent.start, count: Int(min(extent.size, 4096)), "a string")
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
