internal import Vocabulary

/// Everything that Python's loaders would find in a file: pickles, joblib and numpy files, PyTorch's, and archives of
/// them.
///
/// It is asked about every file, whatever its format seems to be: a loader decides by itself what it takes a file for,
/// so recognising a format must never be what keeps a pickle from being found. For a file with nothing of the kind it
/// costs the first and the last 64 KiB.
public struct PythonContent {
    /// Looks for pickles in a source, through all layers around them.
    ///
    /// - Returns: `nil` when there are none, nor an archive that could hold some.
    public static func inspect(_ source: any ByteSource, limits: InspectionLimits = .init()) -> Inspection? {
        inspect(source, part: "", budget: InspectionBudget(limits, fileSize: source.sizeInBytes))
    }

    /// Looks for pickles in a part of a file, such as an archive's member.
    ///
    /// - Parameters:
    ///   - source: the part's bytes.
    ///   - part: its name, for findings; see ``Finding/part``.
    ///   - budget: what is left of the file's limits.
    /// - Returns: `nil` when there are none, nor an archive that could hold some.
    public static func inspect(_ source: any ByteSource, part: String, budget: InspectionBudget) -> Inspection? {
        PythonLayers(budget: budget).look(at: source, part: part, depth: 0)
    }
}

/// The layers of a file, from the outside in.
struct PythonLayers {
    let budget: InspectionBudget
    /// Whether formats that have a header of their own are looked for, too.
    var readsHeaders = false

    /// How a member is to be read.
    struct Circumstances {
        /// In a TorchScript archive, which has types of its own.
        var isTorchScript = false
        /// Raw numbers by all that is known, which may look like the beginning of anything.
        var isRaw = false
        var framing = PickleFraming.none
        /// Where a pickle's storages are to be noted.
        var storages: TorchStorages?
    }

    /// Tries every interpretation that a loader could choose, and reports all that hold.
    func look(
        at source: any ByteSource, part: String, depth: Int, _ circumstances: Circumstances = .init()
    ) -> Inspection? {
        let head: [UInt8]
        do throws(ReadFailure) { head = try source.read(at: 0, count: 512) } catch {
            return .unreadable("unreadable", error.sentence, part: part)
        }
        guard head.count >= 2 else { return nil }
        // First, for what is unpacked forwards has its end at hand afterwards, where a zip is looked for.
        let header = readsHeaders && !circumstances.isRaw ? header(of: source, part: part) : nil
        let pickle = pickle(source, part, circumstances)
        var found = header.map { [$0] } ?? []
        if let array = NumpyFile.inspect(source, part: part, budget: budget) { found.append(array) }
        if depth < budget.limits.containerDepth {
            found += containers(source, head, part, depth, circumstances, in: header?.format)
        } else if isContainer(source, head) {
            found.append(
                .unreadable("container_depth", "It holds containers in containers, \(depth + 1) deep.", part: part))
        }
        if let pickle {
            if let first = found.first, first.format != .unknown {
                found[0].report(
                    .unscannable, "two_formats", "It is \(first.format.rawValue) and a pickle at once.", part: part)
            }
            found.append(pickle)
        }
        guard var result = found.first else { return nil }
        for other in found.dropFirst() { result.absorb(other) }
        result.bound(budget.limits)
        return result
    }

    private func containers(
        _ source: any ByteSource, _ head: [UInt8], _ part: String, _ depth: Int, _ circumstances: Circumstances,
        in host: ModelFormat?
    ) -> [Inspection] {
        var found: [Inspection] = []
        if let zip = ZipArchive(source, budget: budget) {
            found.append(look(into: zip, part: part, depth: depth, appendedTo: host))
        }
        if let tar = TarArchive(source, limits: budget.limits) {
            found.append(look(into: tar, part: part, depth: depth))
        }
        if let compression = Compression(startingWith: head),
            let inner = look(into: compression, source, part, depth, circumstances)
        {
            found.append(inner)
        }
        if let name = Self.foreignArchives.first(where: { head.starts(with: $0.magic) })?.name {
            found.append(
                .unreadable("foreign_archive", "It is a \(name) archive, which is not looked into.", part: part))
        }
        return found
    }

    private static let foreignArchives: [(name: String, magic: [UInt8])] = [
        ("7z", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]), ("rar", [0x52, 0x61, 0x72, 0x21, 0x1A, 7]),
        ("zstd", [0x28, 0xB5, 0x2F, 0xFD]),
    ]

    private func isContainer(_ source: any ByteSource, _ head: [UInt8]) -> Bool {
        Compression(startingWith: head)?.isUnmistakable == true || head.starts(with: ZipHeader.localSignature)
            || ZipArchive.isLikely(in: source) || Self.foreignArchives.contains { head.starts(with: $0.magic) }
            || Compression(startingWith: head) == .zlib
            || TarArchive(source, limits: budget.limits) != nil
    }

    private func pickle(_ source: any ByteSource, _ part: String, _ circumstances: Circumstances) -> Inspection? {
        let scan = PickleScanner(
            source, part: part, isTorchScript: circumstances.isTorchScript, framing: circumstances.framing,
            budget: budget
        ).scan()
        guard scan.isActive || scan.isPickle && !circumstances.isRaw else { return nil }
        circumstances.storages?.found.merge(scan.facts.storages) { first, _ in first }
        return Inspection(scan, part: part)
    }

    /// What a header says; a part of an archive that contradicts its own makes the archive unscannable, not damaged.
    private func header(of source: any ByteSource, part: String) -> Inspection? {
        guard var found = HeaderFormats.inspect(source) else { return nil }
        found.findings = found.findings.map { $0.within(part) }
        if !part.isEmpty, let damage = found.damage {
            found.report(.unscannable, "damaged_part", damage.message, part: part)
            found.damage = nil
        }
        return found
    }

    // MARK: Compression

    private func look(
        into compression: Compression, _ source: any ByteSource, _ part: String, _ depth: Int,
        _ circumstances: Circumstances
    ) -> Inspection? {
        let unpacked = UnpackedBytes(compression, of: source, budget: budget)
        var inner = look(at: unpacked, part: part, depth: depth + 1, circumstances)
        if let failure = unpacked.failure {
            guard inner != nil || isDecisive(failure) || compression.isUnmistakable && !circumstances.isRaw else {
                return nil
            }
            inner = inner ?? Inspection(format: .unknown, safety: .unscannable)
            inner?.report(.unscannable, "compressed_damaged", failure.sentence, part: part)
            if case .truncated = failure { inner?.damage = .init(code: "truncated", message: failure.sentence) }
        } else if unpacked.consumed < source.sizeInBytes - compression.headerSize(startingWith: source.head(22)),
            inner != nil
        {
            inner?.report(
                .unscannable, "compressed_trailing", "Bytes follow the end of the compressed stream.", part: part)
        }
        guard var result = inner else { return nil }
        if result.format == .pickle, [.zlib, .zfile, .lzma, .lz4].contains(compression) { result.format = .joblib }
        result.setDetail("compression", .string(compression.rawValue))
        return result
    }
}

/// Whether a loader may get further than we did.
private func isDecisive(_ failure: ReadFailure) -> Bool {
    switch failure {
    case .limit, .unsupported, .system: true
    case .truncated, .malformed: false
    }
}

extension Inspection {
    /// Something that could not be looked into.
    static func unreadable(_ code: String, _ message: String, part: String) -> Inspection {
        Inspection(
            format: .unknown, safety: .unscannable, findings: [Finding(.unscannable, code, message, part: part)])
    }

    mutating func report(_ severity: Safety, _ code: String, _ message: String, part: String) {
        findings.append(Finding(severity, code, message, part: part))
        safety = max(safety, severity)
    }

    /// Adds what was found in a part, or in another reading; format and details stay.
    mutating func absorb(_ other: Inspection) {
        safety = max(safety, other.safety)
        findings += other.findings
        imports += other.imports.prefix(max(0, InspectionLimits().imports - imports.count))
        damage = damage ?? other.damage
    }

    /// The worst findings first; no more than is worth keeping.
    mutating func bound(_ limits: InspectionLimits) {
        guard findings.count > 1 else { return }
        let ordered = findings.enumerated().sorted {
            ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
        }
        findings = ordered.prefix(limits.findings).map(\.element)
    }

    mutating func setDetail(_ key: String, _ value: JSON) {
        guard case .object(var members) = details, details[key] == nil else { return }
        members.append(.init(key, value))
        details = .object(members)
    }

    mutating func setDetail(_ key: String, _ value: some BinaryInteger) { setDetail(key, .number("\(value)")) }
}

extension Inspection {
    /// What a scan of pickles says.
    init(_ scan: PickleScanner.Scan, part: String) {
        let facts = scan.facts
        let isJoblib = facts.arrays > 0 || scan.imports.contains { $0.module.hasSuffix("joblib.numpy_pickle") }
        self.init(
            format: scan.isTorchLegacy ? .pytorchLegacy : isJoblib ? .joblib : .pickle, safety: scan.safety,
            findings: scan.findings, imports: scan.imports)
        setDetail("pickle_protocol", scan.protocolVersion)
        setDetail("opcodes", scan.opcodes)
        if scan.streams != 1 { setDetail("streams", scan.streams) }
        addFacts(facts)
        if scan.isTorchLegacy { setDetail("layout", .string("legacy")) }
        let isOldJoblib = scan.imports.contains {
            $0.module.hasSuffix("joblib.numpy_pickle") && $0.name.hasSuffix("NDArrayWrapper")
        }
        if isOldJoblib, !facts.companions.isEmpty {
            let names = facts.companions.prefix(5).joined(separator: ", ")
            report(.unknownImports, "companion_files", "Its loader opens other files: \(names).", part: part)
        }
        // A text may begin like a pickle of the oldest protocols; only one that declares its protocol is surely cut off.
        if scan.isTruncated, scan.protocolVersion >= 2, scan.isActive || scan.opcodes > 2,
            scan.streams == 0 || scan.isTorchLegacy
        {
            damage = .init(code: "truncated", message: "The pickle goes on where the file ends.")
        }
    }

    mutating func addFacts(_ facts: PickleFacts) {
        if let root = facts.rootClass { setDetail("root_class", .string(root)) }
        if let version = facts.scikitLearnVersion { setDetail("sklearn_version", .string(version)) }
        if facts.arrays > 0 {
            setDetail("arrays", facts.arrays)
            setDetail("array_bytes", facts.arrayBytes)
        }
        if !facts.storages.isEmpty { setDetail("storages", facts.storages.count) }
        if facts.tensors > 0 {
            setDetail("tensors", facts.tensors)
            setDetail("parameters", facts.parameters)
        }
    }
}
