/// A small HDF5 file: superblock 0, a root group with text attributes and one dataset of 2 × 3 numbers.
struct HDF5Fixture {
    var attributes: [(String, String)] = []
    /// Whether the texts are kept in a global heap, as h5py does for `str`.
    var isVariable = true
    var announcedSize: UInt64?
    var datasetMessages: [[UInt8]] = []

    func bytes() -> [UInt8] {
        let heapObjects = attributes.enumerated().flatMap { index, attribute in
            (little(UInt16(index + 1)) + little(UInt16(1)) + little(UInt32(0)) + little(UInt64(attribute.1.utf8.count))
                + Array(attribute.1.utf8)).padded(to: 8)
        }
        let globalHeap = 96
        let globalHeapBytes =
            Array("GCOL") + [1, 0, 0, 0] + little(UInt64(16 + heapObjects.count + 16)) + heapObjects
            + [UInt8](repeating: 0, count: 16)
        let dataset = globalHeap + globalHeapBytes.count
        let datasetBytes = Self.header(
            [message(0x01, Self.dataspace([2, 3])), message(0x08, [3, 1] + [UInt8](repeating: 0xFF, count: 22))]
                + datasetMessages)
        let heap = dataset + datasetBytes.count
        let names = Array("\0\0\0\0\0\0\0\0weights\0")
        let heapBytes =
            Array("HEAP") + [0, 0, 0, 0] + little(UInt64(names.count)) + little(UInt64.max) + little(UInt64(heap + 32))
            + names
        let symbols = heap + heapBytes.count
        let symbolsBytes =
            Array("SNOD") + [1, 0] + little(UInt16(1)) + little(UInt64(8)) + little(UInt64(dataset))
            + [UInt8](repeating: 0, count: 24)
        let tree = symbols + symbolsBytes.count
        let treeBytes =
            Array("TREE") + [0, 0] + little(UInt16(1)) + little(UInt64.max) + little(UInt64.max) + little(UInt64(0))
            + little(UInt64(symbols)) + little(UInt64(8))
        let root = tree + treeBytes.count
        let rootBytes = Self.header(
            [message(0x11, little(UInt64(tree)) + little(UInt64(heap)))]
                + attributes.enumerated().map { attribute($0.offset, $0.element, globalHeap) })
        let end = root + rootBytes.count
        return superblock(root: root, end: announcedSize ?? UInt64(end)) + globalHeapBytes + datasetBytes + heapBytes
            + symbolsBytes + treeBytes + rootBytes
    }

    private func superblock(root: Int, end: UInt64) -> [UInt8] {
        [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0, 0, 8, 8, 0] + little(UInt16(4))
            + little(UInt16(16))
            + little(UInt32(0)) + little(UInt64(0)) + little(UInt64.max) + little(end) + little(UInt64.max)
            + little(UInt64(0)) + little(UInt64(root)) + [UInt8](repeating: 0, count: 24)
    }

    func message(_ type: UInt16, _ data: [UInt8]) -> [UInt8] {
        let data = data.padded(to: 8)
        return little(type) + little(UInt16(data.count)) + [0, 0, 0, 0] + data
    }

    private static func header(_ messages: [[UInt8]]) -> [UInt8] {
        let all = messages.flatMap { $0 }
        return [1, 0] + little(UInt16(messages.count)) + little(UInt32(1)) + little(UInt32(all.count)) + [0, 0, 0, 0]
            + all
    }

    private static func dataspace(_ dimensions: [UInt64]) -> [UInt8] {
        [1, UInt8(dimensions.count), 0, 0, 0, 0, 0, 0] + dimensions.flatMap { little($0) }
    }

    private func attribute(_ index: Int, _ attribute: (String, String), _ heap: Int) -> [UInt8] {
        let name = Array((attribute.0 + "\0").utf8)
        let text = Array(attribute.1.utf8)
        let type =
            isVariable
            ? [0x19, 1, 0, 0] + little(UInt32(16)) + [0x10, 0, 0, 0] + little(UInt32(1)) + [0, 0, 8, 0]
            : [0x13, 0, 0, 0] + little(UInt32(text.count))
        let space = Self.dataspace([])
        let data =
            isVariable ? little(UInt32(text.count)) + little(UInt64(heap)) + little(UInt32(index + 1)) : text
        let sizes = little(UInt16(name.count)) + little(UInt16(type.count)) + little(UInt16(space.count))
        return message(
            0x0C, [1, 0] + sizes + name.padded(to: 8) + type.padded(to: 8) + space.padded(to: 8) + data)
    }
}
