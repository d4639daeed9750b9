/// Walks one pickle stream the way its loader would, without creating, importing or calling anything.
///
/// 1. It accepts what any loader accepts (Python's C and Python unpicklers, joblib's, PyTorch's) and says where they
///    differ.
/// 2. One opcode costs one step and the bytes of its arguments; long literals are passed, not read.
/// 3. It never recurses on values; only a pickle inside a pickle starts another machine, to a bounded depth.
/// 4. What it has reported before it throws stays reported.
struct PickleMachine {
    /// Which loader's rules decide what follows an array's description.
    enum Reading {
        /// The bytes of the array, as joblib writes and reads them.
        case joblib
        /// The next opcode.
        case plain
    }

    let reader: ByteReader
    /// Where literals can be read again.
    let source: any ByteSource
    let reading: Reading
    /// How many pickles this one is inside of.
    let depth: Int
    let evidence: PickleEvidence
    let limits: InspectionLimits

    var stack: [PickleValue] = []
    /// The heights of the stack at its marks.
    var marks: [Int] = []
    var memo = PickleMemo()
    var window = PickleWindow()
    var dtypes: [NumpyType] = []
    var line: [UInt8] = []

    var opcodes = 0
    var protocolVersion: UInt8?
    private var frameEnd = Int64.max
    /// Where hidden opcodes may begin: the ends of frames that an argument reaches over.
    var otherStarts: [Int64] = []
    /// Where the first array's bytes were skipped.
    var firstArray: Int64?
    var firstArrayHasObjects = false
    /// The strings that were appended to lists, when they are wanted.
    var appended: [String]?
    /// Whether a name was imported that a real pickle could import.
    var hasPlausibleImport = false
    /// Whether it did something besides building values.
    var hasActed = false
    /// Whether, in a plain reading, the bytes of an array were taken for opcodes.
    var hasPassedArray = false

    init(
        _ reader: ByteReader, of source: any ByteSource, reading: Reading, depth: Int = 0, evidence: PickleEvidence
    ) {
        self.reader = reader
        self.source = source
        self.reading = reading
        self.depth = depth
        self.evidence = evidence
        limits = evidence.budget.limits
    }

    /// Walks to the end of the stream, STOP.
    ///
    /// - Returns: the pickle's value.
    /// - Throws: what keeps every loader from going on.
    mutating func run() throws(ReadFailure) -> PickleValue {
        var uncounted = 0
        defer { evidence.facts.opcodes += opcodes }
        while true {
            let start = reader.offset
            let byte = try reader.byte("a pickle")
            guard let opcode = PickleOpcode(rawValue: byte) else {
                throw .malformed(what: "the opcode \(byte)", offset: start)
            }
            opcodes += 1
            uncounted += 1
            if uncounted == 4096 {
                try count(uncounted)
                uncounted = 0
            }
            if opcode == .stop {
                try count(uncounted)
                return try stop(at: start)
            }
            try execute(opcode, at: start)
            if reader.offset >= frameEnd { leaveFrame(after: start) }
        }
    }

    private func count(_ more: Int) throws(ReadFailure) {
        try evidence.budget.spend(opcodes: more)
        if opcodes > limits.opcodesPerStream {
            throw .limit("a pickle of more than \(limits.opcodesPerStream) opcodes")
        }
    }

    private mutating func stop(at offset: Int64) throws(ReadFailure) -> PickleValue {
        if frameEnd != .max, reader.offset < frameEnd { badFrame("The pickle stops inside a frame", at: offset) }
        return try pop()
    }

    // MARK: Frames

    /// C's unpickler reads on across a frame's end, Python's does not: opcodes can be hidden from either.
    private mutating func badFrame(_ what: String, at offset: Int64) {
        evidence.report(.unscannable, "pickle_frame", "\(what): loaders differ in what they read.", at: offset)
        if otherStarts.count < 16 { otherStarts.append(frameEnd) }
    }

    mutating func enterFrame(at offset: Int64) throws(ReadFailure) {
        let length: UInt64 = try reader.little()
        if frameEnd != .max { badFrame("A frame begins inside another one", at: offset) }
        guard let length = Int64(exactly: length), length <= reader.remaining else {
            frameEnd = .max
            evidence.report(
                .unscannable, "pickle_frame", "A frame of \(length) bytes is longer than the file.", at: offset)
            return
        }
        frameEnd = length == 0 ? .max : reader.offset + length
    }

    /// joblib ends the frame where an array's bytes begin.
    mutating func leaveFrameForArray() {
        if frameEnd > reader.offset, frameEnd != .max { badFrame("An array begins inside a frame", at: reader.offset) }
        if reader.offset >= frameEnd { leaveFrame(after: reader.offset) }
        frameEnd = .max
    }

    /// C's unpickler forgets what it had of an argument when the frame ends in it, and reads the whole argument behind
    /// the frame: it goes on that much later. The argument begins behind the opcode, or behind its length.
    private mutating func leaveFrame(after start: Int64) {
        if reader.offset > frameEnd {
            badFrame("An argument reaches over the end of its frame", at: start)
            for lengthSize: Int64 in [0, 1, 4, 8] where frameEnd > start + 1 + lengthSize && otherStarts.count < 16 {
                otherStarts.append(reader.offset + frameEnd - start - 1 - lengthSize)
            }
        }
        frameEnd = .max
    }

    // MARK: Stack and memo

    /// The height that nothing may pop below.
    var fence: Int { marks.last ?? 0 }

    @inline(__always)
    mutating func push(_ value: PickleValue) throws(ReadFailure) {
        guard stack.count < limits.stackDepth else {
            throw .limit("a pickle's stack of more than \(stack.count) values")
        }
        stack.append(value)
    }

    @inline(__always)
    mutating func pop() throws(ReadFailure) -> PickleValue {
        guard stack.count > fence, let value = stack.popLast() else { throw underflow }
        return value
    }

    @inline(__always)
    func top() throws(ReadFailure) -> PickleValue {
        guard stack.count > fence, let value = stack.last else { throw underflow }
        return value
    }

    /// Removes the topmost mark.
    ///
    /// - Returns: the index of the first value above it.
    mutating func popMark() throws(ReadFailure) -> Int {
        guard let height = marks.popLast() else {
            throw .malformed(what: "a pickle without a mark", offset: reader.offset)
        }
        return height
    }

    mutating func pushMark() throws(ReadFailure) {
        guard marks.count < limits.stackDepth else {
            throw .limit("more than \(marks.count) marks on a pickle's stack")
        }
        marks.append(stack.count)
    }

    /// POP drops a value, or the mark when that is on top.
    mutating func dropTop() throws(ReadFailure) {
        if let height = marks.last, height == stack.count { marks.removeLast() } else { _ = try pop() }
    }

    var underflow: ReadFailure {
        .malformed(what: "a pickle that takes more from its stack than there is", offset: reader.offset)
    }

    mutating func put(_ key: UInt64, at offset: Int64) throws(ReadFailure) {
        let value = try top()
        if key > UInt64(limits.memoEntries) {
            evidence.report(.unscannable, "pickle_memo", "It uses the memo entry \(key).", at: offset)
        }
        guard memo.count < limits.memoEntries else {
            throw .limit("a pickle's memo of more than \(memo.count) entries")
        }
        memo.set(key, value)
    }

    mutating func get(_ key: UInt64) throws(ReadFailure) {
        guard let value = memo[key] else {
            throw .malformed(what: "a reference to a missing memo entry", offset: reader.offset)
        }
        try push(value)
    }
}
