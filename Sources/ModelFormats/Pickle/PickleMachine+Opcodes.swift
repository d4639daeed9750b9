extension PickleMachine {
    /// One opcode. A table of sixty cases; each does what Python's documentation of it says to the symbolic stack.
    mutating func execute(_ opcode: PickleOpcode, at start: Int64) throws(ReadFailure) {
        switch opcode {
        case .mark: try pushMark()
        case .stop: break
        case .pop: try dropTop()
        case .popMark: try popSlice()
        case .dup: try push(try top())
        case .proto: try declareProtocol(at: start)
        case .frame: try enterFrame(at: start)

        case .none: try push(.none)
        case .newTrue: try push(.bool(true))
        case .newFalse: try push(.bool(false))
        case .int: try pushTextNumber(isLong: false, at: start)
        case .long: try pushTextNumber(isLong: true, at: start)
        case .float: try pushTextFloat(at: start)
        case .binInt: try push(.int(Int64(try reader.little(Int32.self))))
        case .binInt1: try push(.int(Int64(try reader.byte())))
        case .binInt2: try push(.int(Int64(try reader.little(UInt16.self))))
        case .binFloat: try pushFloat()
        case .long1: try pushLong(Int64(try reader.byte()))
        case .long4: try pushLong(try positive(try reader.little(Int32.self)))

        case .string: try pushQuotedText(at: start)
        case .unicode: try pushEscapedText(at: start)
        case .shortBinUnicode, .shortBinString: try pushText(Int64(try reader.byte()))
        case .binUnicode: try pushText(Int64(try reader.little(UInt32.self)))
        case .binUnicode8: try pushText(try positive(try reader.little(UInt64.self)))
        case .binString: try pushText(try positive(try reader.little(Int32.self)), isBytes: true)
        case .shortBinBytes: try pushBytes(Int64(try reader.byte()))
        case .binBytes: try pushBytes(Int64(try reader.little(UInt32.self)))
        case .binBytes8, .byteArray8: try pushBytes(try positive(try reader.little(UInt64.self)))

        case .emptyTuple: try push(window.tuple([]))
        case .tuple1: try pushTuple(of: 1)
        case .tuple2: try pushTuple(of: 2)
        case .tuple3: try pushTuple(of: 3)
        case .tuple: try replaceSlice { machine, start in machine.window.tuple(machine.stack[start...]) }
        case .emptyList: try push(.list)
        case .list: try replaceSlice { _, _ in .list }
        case .emptySet: try push(.set)
        case .frozenSet: try replaceSlice { _, _ in .set }
        case .emptyDict: try push(window.dictionary())
        case .dict: try pushDictionary()
        case .append: try append(from: stack.count - 1)
        case .appends: try append(from: try popMark())
        case .setItem: try setItems(from: stack.count - 2)
        case .setItems: try setItems(from: try popMark())
        case .addItems: try addItems(from: try popMark())

        case .put: try put(try readMemoKey(at: start), at: start)
        case .binPut: try put(UInt64(try reader.byte()), at: start)
        case .longBinPut: try put(UInt64(try reader.little(UInt32.self)), at: start)
        case .memoize: try put(UInt64(memo.count), at: start)
        case .get: try get(try readMemoKey(at: start))
        case .binGet: try get(UInt64(try reader.byte()))
        case .longBinGet: try get(UInt64(try reader.little(UInt32.self)))

        case .global: try push(.global(try readGlobal(at: start)))
        case .stackGlobal: try pushStackGlobal(at: start)
        case .inst: try callInstance(at: start)
        case .obj: try callObject(at: start)
        case .reduce: try reduce(at: start)
        case .newObj: try createInstance(hasKeywords: false, at: start)
        case .newObjEx: try createInstance(hasKeywords: true, at: start)
        case .build: try build(at: start)
        case .persid: try pushTextPersistent(at: start)
        case .binPersid: try pushPersistent(try pop(), at: start)
        case .ext1: try pushExtension(1, at: start)
        case .ext2: try pushExtension(2, at: start)
        case .ext4: try pushExtension(4, at: start)
        case .nextBuffer: try pushBuffer(at: start)
        case .readOnlyBuffer: _ = try top()
        }
    }

    private mutating func popSlice() throws(ReadFailure) {
        let start = try popMark()
        stack.removeLast(stack.count - start)
    }

    private mutating func declareProtocol(at start: Int64) throws(ReadFailure) {
        let version = try reader.byte()
        guard version <= 5 else { throw .malformed(what: "the pickle protocol \(version)", offset: start) }
        protocolVersion = max(version, protocolVersion ?? 0)
    }

    /// A length that fits.
    private func positive(_ length: some FixedWidthInteger) throws(ReadFailure) -> Int64 {
        guard let length = Int64(exactly: length), length >= 0 else {
            throw .malformed(what: "a length of \(length) bytes in a pickle", offset: reader.offset)
        }
        return length
    }

    private mutating func pushFloat() throws(ReadFailure) {
        try reader.skip(8, "a float")
        try push(.number)
    }

    private mutating func pushLong(_ count: Int64) throws(ReadFailure) {
        guard count <= 16 else {
            try reader.skip(count, "an integer of \(count) bytes")
            return try push(.number)
        }
        let bytes = try reader.bytes(Int(count), "an integer")
        if bytes == TorchLegacy.magic { return try push(.torchMagic) }
        guard count <= 8 else { return try push(.number) }
        let negative = (bytes.last ?? 0) & 0x80 != 0
        var value: UInt64 = negative ? .max : 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        try push(.int(Int64(bitPattern: value)))
    }

    private mutating func pushBytes(_ count: Int64) throws(ReadFailure) {
        let at = reader.offset
        try reader.skip(count, "a literal of \(count) bytes")
        try push(UInt32(exactly: count).map { .bytes(at: at, count: $0) } ?? .longLiteral)
    }

    private mutating func pushText(_ count: Int64, isBytes: Bool = false) throws(ReadFailure) {
        guard count <= Self.longestText else {
            if isBytes { return try pushBytes(count) }
            try reader.skip(count, "a string of \(count) bytes")
            return try push(.longLiteral)
        }
        let at = try roomForText()
        try reader.append(Int(count), to: &evidence.text, "a string of \(count) bytes")
        try push(.text(at: at, count: UInt16(count)))
    }

    private mutating func pushTuple(of count: Int) throws(ReadFailure) {
        guard stack.count - count >= fence else { throw underflow }
        let value = window.tuple(stack[(stack.count - count)...])
        stack.removeLast(count)
        try push(value)
    }

    private mutating func replaceSlice(
        with value: (inout PickleMachine, Int) -> PickleValue
    ) throws(ReadFailure) {
        let start = try popMark()
        let result = value(&self, start)
        stack.removeLast(stack.count - start)
        try push(result)
    }

    private mutating func pushDictionary() throws(ReadFailure) {
        let start = try popMark()
        guard (stack.count - start) % 2 == 0 else {
            throw .malformed(what: "a dictionary with half a pair", offset: reader.offset)
        }
        let dictionary = window.dictionary()
        insertPairs(from: start, into: dictionary)
        stack.removeLast(stack.count - start)
        try push(dictionary)
    }

    /// The pairs from an index of the stack to its top.
    private mutating func insertPairs(from start: Int, into dictionary: PickleValue) {
        guard case .dict(let id) = dictionary else { return }
        for index in stride(from: start, to: stack.count - 1, by: 2) {
            window.insert(stack[index], stack[index + 1], into: id)
            if isSpecialKey(stack[index]) { window.markSpecial(id) }
            noteFact(stack[index], stack[index + 1])
        }
    }

    /// Elements from an index on join what stands below them.
    private mutating func append(from start: Int) throws(ReadFailure) {
        guard start > fence else { throw underflow }
        switch stack[start - 1] {
        case .list:
            if appended != nil {
                let strings = stack[start...].compactMap { text(of: $0).map { String(decoding: $0, as: UTF8.self) } }
                appended? += strings
            }
        case let target: alter(target, "appends to")
        }
        stack.removeLast(stack.count - start)
    }

    private mutating func setItems(from start: Int) throws(ReadFailure) {
        guard start > fence, (stack.count - start) % 2 == 0 else { throw underflow }
        let target = stack[start - 1]
        if case .dict = target { insertPairs(from: start, into: target) } else { alter(target, "sets an item of") }
        stack.removeLast(stack.count - start)
    }

    private mutating func addItems(from start: Int) throws(ReadFailure) {
        guard start > fence else { throw underflow }
        if case .set = stack[start - 1] {} else { alter(stack[start - 1], "adds to") }
        stack.removeLast(stack.count - start)
    }
}
