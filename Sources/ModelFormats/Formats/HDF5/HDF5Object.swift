/// The messages of an object header, version 1 or 2, with its continuations.
struct HDF5Object {
    /// What an object header says about its object.
    struct Message {
        let type: UInt8
        let isShared: Bool
        let data: HDF5Extent
    }

    enum MessageType {
        static let dataspace: UInt8 = 0x01
        static let linkInformation: UInt8 = 0x02
        static let link: UInt8 = 0x06
        static let externalFiles: UInt8 = 0x07
        static let layout: UInt8 = 0x08
        static let attribute: UInt8 = 0x0C
        static let continuation: UInt8 = 0x10
        static let symbolTable: UInt8 = 0x11
        static let attributeInformation: UInt8 = 0x15
    }

    private static let messageLimit = 65_536
    private static let blockLimit = 1024

    private(set) var messages: [Message] = []
    private let file: HDF5File
    /// Version 2: how long a message's header is.
    private var messageHeaderSize: Int64 = 8
    private var isVersion2 = false
    private var blocks: [HDF5Extent] = []

    /// Reads the header at an address.
    init(_ file: HDF5File, at address: Int64) throws(ReadFailure) {
        self.file = file
        let first = try file.pages.byte(at: address, "an object header")
        if first == UInt8(ascii: "O") {
            try beginVersion2(at: address)
        } else if first == 1 {
            let size = Int64(try file.pages.little(4, at: address + 8, "an object header"))
            blocks = [HDF5Extent(start: address + 16, size: size)]
        } else {
            throw .malformed(what: "there is no object header here", offset: address)
        }
        var next = 0
        while next < blocks.count {
            try readBlock(blocks[next])
            next += 1
        }
    }

    private mutating func beginVersion2(at address: Int64) throws(ReadFailure) {
        try file.expect("OHDR", at: address)
        let flags = try file.pages.byte(at: address + 5, "an object header")
        isVersion2 = true
        messageHeaderSize = flags & 0x04 != 0 ? 6 : 4
        let sizeStart = address + 6 + (flags & 0x20 != 0 ? 16 : 0) + (flags & 0x10 != 0 ? 4 : 0)
        let width = 1 << Int(flags & 3)
        let size = Int64(clamping: try file.pages.little(width, at: sizeStart, "an object header"))
        blocks = [HDF5Extent(start: sizeStart + Int64(width), size: size)]
    }

    private mutating func readBlock(_ block: HDF5Extent) throws(ReadFailure) {
        guard block.size <= file.pages.sizeInBytes - block.start else {
            throw .truncated(what: "object header messages of \(block.size) bytes", offset: block.start)
        }
        var offset = block.start
        while offset + messageHeaderSize <= block.end {
            try file.step()
            let width = isVersion2 ? 1 : 2
            let type = try file.pages.little(width, at: offset, "a message")
            let size = Int64(try file.pages.little(2, at: offset + Int64(width), "a message"))
            let flags = try file.pages.byte(at: offset + Int64(width) + 2, "a message")
            let data = HDF5Extent(start: offset + messageHeaderSize, size: size)
            guard data.end <= block.end else {
                throw .malformed(what: "a message of \(size) bytes does not fit into its header", offset: offset)
            }
            try add(Message(type: UInt8(clamping: type), isShared: flags & 2 != 0, data: data))
            offset = data.end
        }
    }

    private mutating func add(_ message: Message) throws(ReadFailure) {
        guard messages.count < Self.messageLimit else { throw .limit("an object header has too many messages") }
        guard message.type == MessageType.continuation else { return messages.append(message) }
        guard let start = try file.address(at: message.data.start, "a continuation") else { return }
        let size = try file.length(at: message.data.start + Int64(file.addressSize), "a continuation")
        guard blocks.count < Self.blockLimit else { throw .limit("an object header has too many continuations") }
        guard isVersion2 else { return blocks.append(HDF5Extent(start: start, size: size)) }
        try file.expect("OCHK", at: start)
        guard size >= 8 else { throw .malformed(what: "a continuation has \(size) bytes", offset: start) }
        blocks.append(HDF5Extent(start: start + 4, size: size - 8))
    }

    /// The messages of one type.
    func messages(_ type: UInt8) -> [Message] { messages.filter { $0.type == type } }

    /// How many elements a dataspace has; `nil` when that overflows.
    static func elementCount(_ file: HDF5File, _ dataspace: HDF5Extent) throws(ReadFailure) -> CheckedCount {
        let version = try file.pages.byte(at: dataspace.start, "a dataspace")
        let rank = try file.pages.byte(at: dataspace.start + 1, "a dataspace")
        guard rank <= 32 else { throw .malformed(what: "a dataspace has \(rank) dimensions", offset: dataspace.start) }
        let kind = try file.pages.byte(at: dataspace.start + 3, "a dataspace")
        if version == 2, kind == 2 { return CheckedCount(0) }
        var dimensions: [UInt64] = []
        let start = dataspace.start + (version == 1 ? 8 : 4)
        for index in 0..<Int64(rank) {
            let offset = start + index * Int64(file.lengthSize)
            dimensions.append(try file.pages.little(file.lengthSize, at: offset, "a dimension"))
        }
        return CheckedCount(product: dimensions)
    }
}
