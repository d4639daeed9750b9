/// A fractal heap, which keeps the links or attributes of an object that has many: blocks of growing size, which make
/// up one space that objects have their offsets in.
struct HDF5FractalHeap {
    private static let levelLimit = 16

    private let file: HDF5File
    private let width: UInt64
    private let startingSize: UInt64
    private let largestDirect: UInt64
    private let rootRows: UInt64
    private let root: Int64
    /// How many bytes of an object's identifier are its offset, and how many its size.
    private let offsetWidth: Int
    private let sizeWidth: Int

    /// Reads the heap's header at an address.
    init(_ file: HDF5File, at address: Int64) throws(ReadFailure) {
        try file.expect("FRHP", at: address)
        self.file = file
        let (lengthSize, addressSize) = (Int64(file.lengthSize), Int64(file.addressSize))
        guard try file.pages.little(2, at: address + 7, "a heap") == 0 else {
            throw .unsupported("a compressed fractal heap is not read")
        }
        let largestObject = try file.pages.little(4, at: address + 10, "a heap")
        let table = address + 14 + lengthSize * 10 + addressSize * 2
        width = try file.pages.little(2, at: table, "a heap")
        startingSize = try file.pages.little(file.lengthSize, at: table + 2, "a heap")
        largestDirect = try file.pages.little(file.lengthSize, at: table + 2 + lengthSize, "a heap")
        let bits = try file.pages.little(2, at: table + 2 + 2 * lengthSize, "a heap")
        let rootPlace = table + 6 + 2 * lengthSize
        guard let root = try file.address(at: rootPlace, "a heap's blocks") else {
            throw .malformed(what: "a heap that should have objects has no blocks", offset: address)
        }
        self.root = root
        rootRows = try file.pages.little(2, at: rootPlace + addressSize, "a heap")
        guard startingSize.nonzeroBitCount == 1, largestDirect.nonzeroBitCount == 1, width.nonzeroBitCount == 1,
            startingSize <= largestDirect, largestDirect <= 1 << 32, bits <= 64, largestObject > 0
        else { throw .malformed(what: "a heap's table is none", offset: table) }
        offsetWidth = Int(bits + 7) / 8
        sizeWidth = min((largestDirect.trailingZeroBitCount + 7) / 8, Self.width(of: largestObject))
    }

    /// How many bytes a number up to this one is written in.
    static func width(of largest: UInt64) -> Int { (63 - max(largest, 1).leadingZeroBitCount) / 8 + 1 }

    /// The bytes of the object whose identifier stands at a place.
    func object(identifiedAt place: Int64) throws(ReadFailure) -> HDF5Extent {
        let kind = try file.pages.byte(at: place, "an identifier")
        guard kind >> 4 & 3 == 0 else { throw .unsupported("an object outside of a fractal heap's blocks is not read") }
        let offset = try file.pages.little(offsetWidth, at: place + 1, "an identifier")
        let size = try file.pages.little(sizeWidth, at: place + 1 + Int64(offsetWidth), "an identifier")
        let (block, rest, blockSize) = try block(of: offset, at: place)
        guard size <= blockSize - rest, size <= UInt64(file.pages.sizeInBytes - block), rest < blockSize,
            block + Int64(rest) + Int64(size) <= file.pages.sizeInBytes
        else { throw .truncated(what: "a heap object of \(size) bytes", offset: block) }
        return HDF5Extent(start: block + Int64(rest), size: Int64(size))
    }

    /// The direct block that an offset is in, and the offset within it.
    private func block(of offset: UInt64, at place: Int64) throws(ReadFailure) -> (Int64, UInt64, UInt64) {
        if rootRows == 0 {
            guard offset < startingSize else {
                throw .malformed(what: "an object is outside of its heap", offset: place)
            }
            try file.expect("FHDB", at: root)
            return (root, offset, startingSize)
        }
        var (block, offset, rows) = (root, offset, rootRows)
        let firstRow = startingSize * width
        for _ in 0..<Self.levelLimit {
            try file.expect("FHIB", at: block)
            let row = offset < firstRow ? 0 : UInt64(63 - (offset / firstRow).leadingZeroBitCount) + 1
            guard row < rows, row < 64 else {
                throw .malformed(what: "an object is outside of its heap", offset: place)
            }
            let size = row == 0 ? startingSize : startingSize << (row - 1)
            let rest = offset - (row == 0 ? 0 : firstRow << (row - 1))
            let entry = row * width + rest / size
            let entries = block + 5 + Int64(file.addressSize + offsetWidth)
            guard let child = try file.address(at: entries + Int64(entry) * Int64(file.addressSize), "a heap's block")
            else { throw .malformed(what: "an object is in a block that is not there", offset: place) }
            if size <= largestDirect {
                try file.expect("FHDB", at: child)
                return (child, rest % size, size)
            }
            rows = size < firstRow ? 0 : UInt64(size.trailingZeroBitCount - firstRow.trailingZeroBitCount) + 1
            (block, offset) = (child, rest % size)
        }
        throw .malformed(what: "a heap has too many levels", offset: place)
    }
}

/// A version 2 B-tree, of which only the records' places are of interest.
struct HDF5RecordTree {
    private static let depthLimit = 16
    private static let recordLimit = 100_000

    private let file: HDF5File
    private let nodeSize: UInt64
    private let recordSize: UInt64
    private(set) var records: [Int64] = []

    /// Reads all records of the tree whose header is at an address.
    init(_ file: HDF5File, at address: Int64) throws(ReadFailure) {
        try file.expect("BTHD", at: address)
        self.file = file
        nodeSize = try file.pages.little(4, at: address + 6, "a record tree")
        recordSize = try file.pages.little(2, at: address + 10, "a record tree")
        let depth = Int(try file.pages.little(2, at: address + 12, "a record tree"))
        guard depth <= Self.depthLimit, recordSize > 0, nodeSize > 10 + recordSize else {
            throw .malformed(what: "a record tree's sizes are none", offset: address)
        }
        guard let root = try file.address(at: address + 16, "a record tree's root") else { return }
        let count = try file.pages.little(2, at: address + 16 + Int64(file.addressSize), "a record tree")
        try read(root, count: count, depth: depth)
    }

    /// Reads a node: its records, and the nodes below it, whose addresses and counts follow the records.
    private mutating func read(_ node: Int64, count: UInt64, depth: Int) throws(ReadFailure) {
        try file.expect(depth == 0 ? "BTLF" : "BTIN", at: node)
        guard records.count + Int(count) <= Self.recordLimit else {
            throw .limit("there are more than \(Self.recordLimit) records in a tree")
        }
        guard count * recordSize <= UInt64(file.pages.sizeInBytes - node) else {
            throw .truncated(what: "a node of \(count) records", offset: node)
        }
        for index in 0..<count {
            try file.step()
            records.append(node + 6 + Int64(index * recordSize))
        }
        guard depth > 0 else { return }
        let (countWidth, totalWidth) = widths(below: depth)
        var place = node + 6 + Int64(count * recordSize)
        for _ in 0...count {
            guard let child = try file.address(at: place, "a node") else {
                throw .malformed(what: "a node lacks a child", offset: place)
            }
            let below = try file.pages.little(countWidth, at: place + Int64(file.addressSize), "a node")
            guard below > 0, below <= 65_535 else {
                throw .malformed(what: "a node has \(below) records", offset: place)
            }
            try read(child, count: below, depth: depth - 1)
            place += Int64(file.addressSize + countWidth + totalWidth)
        }
    }

    /// How many bytes a child's number of records has, and that of all records below it.
    private func widths(below depth: Int) -> (count: Int, total: Int) {
        let leaf = (nodeSize - 10) / recordSize
        let countWidth = HDF5FractalHeap.width(of: leaf)
        var (total, totalWidth) = (CheckedCount(leaf), 0)
        for _ in 1..<max(depth, 1) {
            let pointer = UInt64(file.addressSize + countWidth + totalWidth)
            let own = nodeSize > 10 + pointer ? (nodeSize - 10 - pointer) / (recordSize + pointer) : 0
            var all = CheckedCount(product: [own + 1, total.value ?? .max])
            all.add(CheckedCount(own))
            total = all
            totalWidth = HDF5FractalHeap.width(of: total.value ?? .max)
        }
        return (countWidth, totalWidth)
    }
}

extension HDF5File {
    /// Where the objects are that a link or attribute information message leads to; none where it leads to nothing.
    ///
    /// - Parameters:
    ///   - place: where the addresses of the heap and of the index by name stand.
    ///   - identifierOffset: where in a record the object's identifier is.
    func denseObjects(at place: Int64, identifierOffset: Int64) throws(ReadFailure) -> [HDF5Extent] {
        guard let heapAddress = try address(at: place, "a heap"),
            let indexAddress = try address(at: place + Int64(addressSize), "an index")
        else { return [] }
        let heap = try HDF5FractalHeap(self, at: heapAddress)
        var objects: [HDF5Extent] = []
        for record in try HDF5RecordTree(self, at: indexAddress).records {
            objects.append(try heap.object(identifiedAt: record + identifierOffset))
        }
        return objects
    }
}
