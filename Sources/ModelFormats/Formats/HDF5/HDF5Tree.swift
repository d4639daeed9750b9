/// The objects that can be reached from the root group, each visited once.
struct HDF5Tree {
    private static let objectLimit = 100_000
    private static let levelLimit: UInt8 = 16

    private let file: HDF5File
    private var waiting: [Int64]
    private var seen: Set<Int64>
    private(set) var rootNames: [String] = []
    private(set) var groupCount = 0
    private(set) var datasetCount = 0
    private(set) var elements = CheckedCount()
    private(set) var findings: [Finding] = []

    init(_ file: HDF5File) {
        self.file = file
        waiting = [file.root]
        seen = [file.root]
    }

    mutating func walk() throws(ReadFailure) {
        while let address = waiting.popLast() {
            guard seen.count <= Self.objectLimit else {
                throw .limit("there are more than \(Self.objectLimit) objects")
            }
            let object = try HDF5Object(file, at: address)
            if object.messages(HDF5Object.MessageType.layout).isEmpty {
                try readGroup(object, isRoot: address == file.root)
            } else {
                try readDataset(object)
            }
        }
    }

    private mutating func readDataset(_ object: HDF5Object) throws(ReadFailure) {
        datasetCount += 1
        for space in object.messages(HDF5Object.MessageType.dataspace) where !space.isShared {
            elements.add(try HDF5Object.elementCount(file, space.data))
        }
        if let list = object.messages(HDF5Object.MessageType.externalFiles).first {
            find(.dangerous, "hdf5_external_file", "A dataset's values are in another file.", list.data.start)
        }
    }

    private mutating func readGroup(_ object: HDF5Object, isRoot: Bool) throws(ReadFailure) {
        groupCount += 1
        for message in object.messages(HDF5Object.MessageType.symbolTable) {
            guard let tree = try file.address(at: message.data.start, "a group's tree"),
                let heap = try file.address(at: message.data.start + Int64(file.addressSize), "a group's names")
            else { continue }
            try readTree(tree, heap, level: Self.levelLimit, isRoot: isRoot)
        }
        for message in object.messages(HDF5Object.MessageType.link) { try readLink(message.data, isRoot: isRoot) }
        for message in object.messages(HDF5Object.MessageType.linkInformation) {
            let flags = try file.pages.byte(at: message.data.start + 1, "a group")
            let heap = message.data.start + 2 + (flags & 1 != 0 ? 8 : 0)
            for link in try file.denseObjects(at: heap, identifierOffset: 4) { try readLink(link, isRoot: isRoot) }
        }
    }

    /// A node of a version 1 B-tree: at level 0 its children are symbol nodes, above that other nodes of lower levels.
    private mutating func readTree(_ node: Int64, _ heap: Int64, level: UInt8, isRoot: Bool) throws(ReadFailure) {
        try file.step()
        try file.expect("TREE", at: node)
        let own = try file.pages.byte(at: node + 5, "a tree node")
        guard try file.pages.byte(at: node + 4, "a tree node") == 0, own < level else {
            throw .malformed(what: "a tree node of a group is none, or on the wrong level", offset: node)
        }
        let count = Int64(try file.pages.little(2, at: node + 6, "a tree node"))
        let (addressSize, lengthSize) = (Int64(file.addressSize), Int64(file.lengthSize))
        var offset = node + 8 + 2 * addressSize + lengthSize
        for _ in 0..<count {
            try file.step()
            if let child = try file.address(at: offset, "a tree node's child") {
                if own == 0 {
                    try readSymbols(child, heap, isRoot: isRoot)
                } else {
                    try readTree(child, heap, level: own, isRoot: isRoot)
                }
            }
            offset += addressSize + lengthSize
        }
    }

    private mutating func readSymbols(_ node: Int64, _ heap: Int64, isRoot: Bool) throws(ReadFailure) {
        try file.step()
        try file.expect("SNOD", at: node)
        let count = Int64(try file.pages.little(2, at: node + 6, "a symbol node"))
        let entrySize = Int64(2 * file.addressSize + 24)
        for index in 0..<count {
            try file.step()
            let entry = node + 8 + index * entrySize
            if isRoot { try noteName(at: entry, heap) }
            visit(try file.address(at: entry + Int64(file.addressSize), "a symbol"))
        }
    }

    private mutating func noteName(at entry: Int64, _ heap: Int64) throws(ReadFailure) {
        guard rootNames.count < HeaderReport.listLimit else { return }
        try file.expect("HEAP", at: heap)
        let size = try file.length(at: heap + 8, "a group's names")
        let place = heap + 8 + 2 * Int64(file.lengthSize)
        let offset = Int64(clamping: try file.pages.little(file.addressSize, at: entry, "a name"))
        guard let names = try file.address(at: place, "a group's names"), offset < size else {
            throw .malformed(what: "a name lies outside of its group's names", offset: entry)
        }
        let extent = HDF5Extent(
            start: names + offset, size: min(size - offset, file.pages.sizeInBytes - names - offset))
        guard extent.size > 0 else { throw .truncated(what: "a name", offset: extent.start) }
        rootNames.append(try HDF5Attribute.text(file, extent))
    }

    /// A link message: version, flags, what the flags announce, the name, and where it leads.
    private mutating func readLink(_ data: HDF5Extent, isRoot: Bool) throws(ReadFailure) {
        let flags = try file.pages.byte(at: data.start + 1, "a link")
        var offset = data.start + 2
        var type: UInt8 = 0
        if flags & 0x08 != 0 {
            type = try file.pages.byte(at: offset, "a link")
            offset += 1
        }
        offset += (flags & 0x04 != 0 ? 8 : 0) + (flags & 0x10 != 0 ? 1 : 0)
        let width = 1 << Int(flags & 3)
        let size = Int64(clamping: try file.pages.little(width, at: offset, "a link"))
        offset += Int64(width)
        guard size <= data.end - offset else { throw .malformed(what: "a link's name is too long", offset: offset) }
        if isRoot, rootNames.count < HeaderReport.listLimit {
            rootNames.append(try HDF5Attribute.text(file, HDF5Extent(start: offset, size: size)))
        }
        if type == 0 { visit(try file.address(at: offset + size, "a link")) }
        if type == 64 {
            find(.dangerous, "hdf5_external_link", "A link leads to an object in another file.", data.start)
        }
    }

    private mutating func visit(_ address: Int64?) {
        guard let address, seen.insert(address).inserted else { return }
        waiting.append(address)
    }

    private mutating func find(_ severity: Safety, _ code: String, _ message: String, _ offset: Int64) {
        guard !findings.contains(where: { $0.code == code }) else { return }
        findings.append(Finding(severity, code, message, offset: offset))
    }
}
