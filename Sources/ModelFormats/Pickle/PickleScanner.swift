/// Finds out what loading pickles would do, without loading them: every stream from an offset to the end of the source.
///
/// The bytes are read as joblib reads them, which passes the bytes of arrays; where that makes a difference they are
/// also read as plain `pickle` does, and the worse verdict counts. Every byte must be explained by a stream, an array
/// or a storage.
public struct PickleScanner {
    /// What came out.
    public struct Scan: Sendable {
        /// Whether there is a pickle at all: something that a loader would act on, or reach the end of.
        public var isPickle: Bool
        /// Whether it imports, calls or ends well, so that it is no mere resemblance.
        public var isActive: Bool
        /// Whether all bytes were understood.
        public var isComplete: Bool
        /// Whether the source ends where a pickle goes on.
        public var isTruncated: Bool
        /// `safe`, or the worst of the findings and imports.
        public var safety: Safety
        /// What was found.
        public var findings: [Finding]
        /// What is imported, in the order of first appearance.
        public var imports: [Import]
        /// How many streams were walked to their ends.
        public var streams: Int
        /// Opcodes, all streams together.
        public var opcodes: Int
        /// The highest protocol that is declared; 0 where none is.
        public var protocolVersion: Int
        /// Whether it is a file of PyTorch before 1.6.
        public var isTorchLegacy: Bool
        /// Further facts.
        var facts: PickleFacts
    }

    let source: any ByteSource
    let evidence: PickleEvidence
    let depth: Int
    let framing: PickleFraming
    private let start: Int64

    /// A scanner of a source.
    ///
    /// - Parameters:
    ///   - source: the bytes; of a compressed stream, ``UnpackedBytes``.
    ///   - start: where the first pickle begins.
    ///   - part: the member that the source is, for findings.
    ///   - isTorchScript: whether names of TorchScript's own types may occur.
    ///   - framing: what else stands between the pickles.
    ///   - budget: what the file may still use.
    public init(
        _ source: any ByteSource, from start: Int64 = 0, part: String = "", isTorchScript: Bool = false,
        framing: PickleFraming = .none, budget: InspectionBudget = .init()
    ) {
        self.framing = framing
        self.source = source
        self.start = start
        evidence = PickleEvidence(part: part, budget: budget, isTorchScript: isTorchScript)
        depth = 0
    }

    /// A scanner of a literal inside of a pickle, which adds to the same evidence.
    init(_ source: any ByteSource, evidence: PickleEvidence, depth: Int) {
        self.source = source
        self.evidence = evidence
        self.depth = depth
        framing = .none
        start = 0
    }

    /// Scans to the end of the source.
    public func scan() -> Scan {
        var walk = walk(.joblib, into: evidence)
        if let array = walk.firstArray { compare(&walk, withPlainReadingOf: array) }
        evidence.conclude()
        let facts = evidence.facts
        return Scan(
            isPickle: walk.isPickle || walk.isActive, isActive: walk.isActive, isComplete: walk.failure == nil,
            isTruncated: walk.isTruncated,
            safety: max(evidence.safety, walk.failure == nil ? .safe : .unscannable), findings: evidence.findings,
            imports: evidence.imports, streams: walk.streams, opcodes: facts.opcodes,
            protocolVersion: facts.protocolVersion,
            isTorchLegacy: walk.isTorchLegacy, facts: facts)
    }

    /// Walks for the evidence alone.
    func walk() { _ = walk(.plain, into: evidence) }

    /// What became of one reading.
    private struct Walk {
        var streams = 0
        var isPickle = false
        var isActive = false
        var isTorchLegacy = false
        /// Items of a legacy tar's member that are still to come.
        var itemsLeft: Int64?
        var failure: ReadFailure?
        var firstArray: Int64?
        var firstArrayHasObjects = false
        /// Where, in a plain reading, a stream ended that has taken an array's bytes for opcodes.
        var endInArray: Int64?

        var isTruncated: Bool { if case .truncated = failure { true } else { false } }
    }

    // MARK: One reading

    private func walk(_ reading: PickleMachine.Reading, into evidence: PickleEvidence) -> Walk {
        var walk = Walk()
        let reader = ByteReader(source, from: start)
        // A file of PyTorch in a literal has storages of its own.
        let outerStorages = evidence.facts.storages
        evidence.facts.storages = [:]
        defer { if depth > 0 { evidence.facts.storages = outerStorages } }
        var others: [Int64] = []
        do throws(ReadFailure) {
            var isAtEnd = false
            while !isAtEnd, walk.endInArray == nil {
                others += try walkStream(reader, reading, evidence, &walk)
                isAtEnd = try reader.isAtEnd()
            }
        } catch {
            walk.failure = error
            // What was not followed to its end may do anything behind that.
            switch error {
            case .limit, .unsupported, .system: walk.isActive = true
            case .truncated, .malformed: break
            }
            report(error, walk, evidence)
        }
        for other in others.prefix(16) { walkFrom(other, reading, evidence) }
        return walk
    }

    /// - Returns: where hidden opcodes may begin.
    private func walkStream(
        _ reader: ByteReader, _ reading: PickleMachine.Reading, _ evidence: PickleEvidence, _ walk: inout Walk
    ) throws(ReadFailure) -> [Int64] {
        let beginsWithProtocol = try reader.peek() == PickleOpcode.proto.rawValue
        var machine = PickleMachine(reader, of: source, reading: reading, depth: depth, evidence: evidence)
        if walk.isTorchLegacy, walk.streams == 4 { machine.appended = [] }
        defer {
            if walk.firstArray == nil {
                (walk.firstArray, walk.firstArrayHasObjects) = (machine.firstArray, machine.firstArrayHasObjects)
            }
            let version = Int(machine.protocolVersion ?? 0)
            evidence.facts.protocolVersion = max(evidence.facts.protocolVersion, version)
            walk.isPickle = walk.isPickle || beginsWithProtocol && machine.protocolVersion != nil
            walk.isActive = walk.isActive || machine.hasPlausibleImport || machine.hasActed
        }
        let value: PickleValue
        do throws(ReadFailure) { value = try machine.run() } catch {
            for other in machine.otherStarts { walkFrom(other, reading, evidence) }
            throw error
        }
        walk.streams += 1
        if machine.hasPassedArray { walk.endInArray = reader.offset }
        let isAtEnd = try reader.isAtEnd()
        if machine.protocolVersion != nil || isAtEnd { walk.isActive = true }
        noteRoot(value, evidence)
        if walk.streams == 1, case .torchMagic = value { walk.isTorchLegacy = true }
        if walk.isTorchLegacy, walk.streams == 5 {
            try TorchLegacy.skipStorages(machine.appended ?? [], reader, evidence.facts)
        }
        try skipFraming(behind: value, of: machine, reader, &walk)
        return machine.otherStarts
    }

    private func skipFraming(
        behind value: PickleValue, of machine: PickleMachine, _ reader: ByteReader, _ walk: inout Walk
    ) throws(ReadFailure) {
        guard framing != .none else { return }
        guard let left = walk.itemsLeft else {
            guard case .int(let count) = value else {
                throw .malformed(what: "a count in a PyTorch file", offset: reader.offset)
            }
            walk.itemsLeft = count
            return
        }
        guard left > 0 else { return }
        walk.itemsLeft = left - 1
        let parts = machine.window.elements(of: value) ?? []
        var type: String?
        if let last = parts.last, case .global(let index) = last { type = evidence.imports[Int(index)].name }
        try TorchLegacy.skipItem(framing, type, reader)
    }

    private func noteRoot(_ value: PickleValue, _ evidence: PickleEvidence) {
        guard evidence.facts.rootClass == nil else { return }
        switch value {
        case .instance(let index): evidence.facts.rootClass = evidence.shown(index)
        case .dict: evidence.facts.rootClass = "dict"
        case .list: evidence.facts.rootClass = "list"
        case .tuple, .longTuple: evidence.facts.rootClass = "tuple"
        case .array: evidence.facts.rootClass = "numpy.ndarray"
        default: break
        }
    }

    /// Opcodes that one loader sees and another does not; what they do counts, how they end does not.
    private func walkFrom(_ offset: Int64, _ reading: PickleMachine.Reading, _ evidence: PickleEvidence) {
        guard offset > 0, offset < source.sizeInBytes else { return }
        var machine = PickleMachine(
            ByteReader(source, from: offset), of: source, reading: reading, depth: depth, evidence: evidence)
        _ = try? machine.run()
    }

    private func report(_ failure: ReadFailure, _ walk: Walk, _ evidence: PickleEvidence) {
        let code: String
        switch failure {
        case .limit: code = "pickle_limit"
        case _ where walk.streams > 0: code = walk.isTorchLegacy ? "pytorch_storages" : "pickle_trailing"
        case .truncated: code = "pickle_truncated"
        default: code = "pickle_damaged"
        }
        let place = walk.streams > 0 ? "Bytes that are no pickle follow a complete one. " : ""
        evidence.report(.unscannable, code, place + failure.sentence)
    }

    // MARK: The other reading

    /// Reads the same bytes as plain `pickle` would: that loader does not know that an array's bytes stand in between,
    /// and usually fails there. It matters only when it does something on the way that joblib does not.
    ///
    /// Where the array is a pickle of its own, that loader goes on in it with the memo of the outer one, in which every
    /// reference is to something else: names come out that nobody wrote, and importing them fails. There only names
    /// that are certainly bad count.
    private func compare(_ walk: inout Walk, withPlainReadingOf array: Int64) {
        let other = PickleEvidence(part: evidence.part, budget: evidence.budget, isTorchScript: evidence.isTorchScript)
        let plain = self.walk(.plain, into: other)
        if let end = plain.endInArray {
            let rest = PickleEvidence(
                part: evidence.part, budget: evidence.budget, isTorchScript: evidence.isTorchScript)
            walkFrom(end, .plain, rest)
            if rest.isCertainlyWorse(than: evidence) { evidence.merge(rest) }
        }
        other.conclude()
        var isWorse = walk.firstArrayHasObjects ? other.isCertainlyWorse(than: evidence) : other.isWorse(than: evidence)
        if case .limit = plain.failure { isWorse = true }
        guard isWorse else { return }
        evidence.merge(other)
        evidence.report(
            .unscannable, "pickle_two_readings", "joblib and pickle read different things in it.", at: array)
    }
}
