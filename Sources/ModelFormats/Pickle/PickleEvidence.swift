/// What walking a file's pickles brings to light; shared by all streams and readings of one part.
///
/// Evidence only grows: what was seen before an error counts, for a loader has already done it.
final class PickleEvidence {
    /// What a rule says about an import that is known.
    struct Known {
        var entry: AllowList.Entry?
        var isWrapper: Bool
        var isBad: Bool
    }

    let budget: InspectionBudget
    let part: String
    /// Whether names of TorchScript's own types may occur.
    let isTorchScript: Bool
    private(set) var findings: [Finding] = []
    private(set) var safety = Safety.safe
    private(set) var imports: [Import] = []
    private(set) var known: [Known] = []
    private var uses: [UInt8] = []
    private var indices: [[UInt8]: UInt32] = [:]
    private var reported: Set<String> = []

    /// Short strings of all streams, one behind the other.
    var text: [UInt8] = []
    var facts = PickleFacts()

    init(part: String, budget: InspectionBudget, isTorchScript: Bool = false) {
        self.part = part
        self.budget = budget
        self.isTorchScript = isTorchScript
    }

    func report(_ severity: Safety, _ code: String, _ message: @autoclosure () -> String, at offset: Int64? = nil) {
        safety = max(safety, severity)
        guard findings.count < budget.limits.findings else {
            // The worst one is never lost for want of room.
            if severity > .unscannable, reported.insert(code).inserted {
                findings.append(finding(severity, code, message(), offset))
            }
            return
        }
        reported.insert(code)
        findings.append(finding(severity, code, message(), offset))
    }

    private func finding(_ severity: Safety, _ code: String, _ message: String, _ offset: Int64?) -> Finding {
        Finding(severity, code, message, part: part, offset: offset)
    }

    /// Records an import, and what its name alone says.
    func addImport(module: ArraySlice<UInt8>, name: ArraySlice<UInt8>, at offset: Int64) throws(ReadFailure) -> UInt32 {
        var key = Array(module)
        key.append(0x0A)
        key += name
        if let index = indices[key] {
            imports[Int(index)].count += 1
            return index
        }
        guard imports.count < budget.limits.imports else {
            throw .limit("the pickle imports more than \(imports.count) names")
        }
        let index = UInt32(imports.count)
        indices[key] = index
        judge(
            Import(
                module: String(decoding: module, as: UTF8.self), name: String(decoding: name, as: UTF8.self), uses: [],
                verdict: .safe, part: part, offset: offset))
        return index
    }

    private func judge(_ found: Import) {
        var found = found
        let shown = "\(Text.shown(Array(found.module.utf8))).\(Text.shown(Array(found.name.utf8)))"
        let isScript = isTorchScript && found.module.hasPrefix("__torch__")
        let isBad = KnownBad.contains(module: found.module, name: found.name)
        if isBad {
            found.verdict = .dangerous
            report(.dangerous, "dangerous_import", "It imports \(shown), which can run code.", at: found.offset)
        } else if found.name.contains("."), !isScript {
            found.verdict = .dangerous
            report(.dangerous, "dotted_import", "It reaches through a module to \(shown).", at: found.offset)
        }
        let entry =
            isScript
            ? AllowList.torchScriptType
            : AllowList.entry(module: found.module, name: found.name, inTorchScript: isTorchScript)
        let isWrapper = found.name == "NumpyArrayWrapper" && found.module.hasSuffix("joblib.numpy_pickle")
        imports.append(found)
        known.append(Known(entry: entry, isWrapper: isWrapper, isBad: isBad))
        uses.append(0)
    }

    /// Records how an import is used.
    func note(_ use: Import.Use, of index: UInt32) { uses[Int(index)] |= use.bit }

    /// Makes an import, or the way it is used, something that nobody vouches for.
    func doubt(_ index: UInt32, _ why: String, at offset: Int64) {
        guard imports[Int(index)].verdict < .unknownImports else { return }
        imports[Int(index)].verdict = .unknownImports
        report(.unknownImports, "unknown_use", "\(shown(index)) \(why).", at: offset)
    }

    func shown(_ index: UInt32) -> String {
        let found = imports[Int(index)]
        return "\(Text.shown(Array(found.module.utf8))).\(Text.shown(Array(found.name.utf8)))"
    }

    /// Gives every import its uses and its verdict; to be called once, when everything was walked.
    func conclude() {
        for index in imports.indices {
            var seen = Set(Import.Use.allCases.filter { uses[index] & $0.bit != 0 })
            if seen.isEmpty { seen = [.reference] }
            imports[index].uses = seen
            let allowed = known[index].entry?.uses ?? []
            // What reads on by itself is for the loader alone: nobody has a use for its mere name.
            let isOnlyForLoading = known[index].isWrapper || known[index].entry?.rule == .nestedPickle
            guard imports[index].verdict < .unknownImports,
                !seen.isSubset(of: allowed.union([.reference])) || known[index].entry == nil
                    || isOnlyForLoading && seen == [.reference]
            else { continue }
            imports[index].verdict = .unknownImports
            report(
                .unknownImports, "unknown_import", "It imports \(shown(UInt32(index))), which nobody vouches for.",
                at: imports[index].offset)
        }
    }

    /// Whether it holds something dangerous, or a name or a use of one, that the other does not.
    func isWorse(than other: PickleEvidence) -> Bool {
        if safety == .dangerous, other.safety < .dangerous { return true }
        let uses = Dictionary(
            other.imports.indices.map { ("\(other.imports[$0].module) \(other.imports[$0].name)", other.uses[$0]) }
        ) { $0 | $1 }
        return imports.indices.contains { index in
            guard let known = uses["\(imports[index].module) \(imports[index].name)"] else { return true }
            return self.uses[index] & ~known != 0
        }
    }

    /// Whether it imports a name from the list of bad ones that the other does not.
    func isCertainlyWorse(than other: PickleEvidence) -> Bool {
        let bad = Set(other.imports.indices.filter { other.known[$0].isBad }.map { other.shown(UInt32($0)) })
        return imports.indices.contains { known[$0].isBad && !bad.contains(shown(UInt32($0))) }
    }

    /// Takes over what another reading of the same bytes brought to light.
    func merge(_ other: PickleEvidence) {
        safety = max(safety, other.safety)
        findings += other.findings.filter { !findings.contains($0) }
        for (found, otherKnown) in zip(other.imports, other.known) {
            if let same = imports.firstIndex(where: { $0.module == found.module && $0.name == found.name }) {
                imports[same].uses.formUnion(found.uses)
                imports[same].verdict = max(imports[same].verdict, found.verdict)
                imports[same].count = max(imports[same].count, found.count)
            } else {
                imports.append(found)
                known.append(otherKnown)
                uses.append(0)
            }
        }
    }
}

/// Facts of a pickle for a row.
struct PickleFacts {
    var protocolVersion = 0
    var opcodes = 0
    var streams = 0
    var rootClass: String?
    var scikitLearnVersion: String?
    var arrays = 0
    var arrayBytes: Int64 = 0
    var tensors = 0
    var parameters: Int64 = 0
    var storages: [String: TorchStorage] = [:]
    /// Files beside this one that a loader would open, as joblib up to 0.9 wrote them.
    var companions: [String] = []
}

/// A tensor's bytes outside of the pickle.
struct TorchStorage {
    var elements: Int64
    /// In bytes; `nil` where the type is not known.
    var elementSize: Int64?

    var sizeInBytes: Int64? {
        guard let elementSize else { return nil }
        let (size, overflow) = elements.multipliedReportingOverflow(by: elementSize)
        return overflow ? nil : size
    }
}

extension Import.Use {
    fileprivate var bit: UInt8 {
        switch self {
        case .reference: 1
        case .call: 2
        case .new: 4
        case .build: 8
        }
    }
}
