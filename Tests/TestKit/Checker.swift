internal import LinuxSystem

/// Looks at drop directory, claims, `rejected/`, store and registry from outside, and decides whether the promises were kept. Every
/// test that breaks something ends with it.
///
/// At any moment, whatever was killed or cut (``whole(_:)``):
/// 1. **Nothing is lost.** The bytes of every payload that was dropped are in the drop directory, in a claim, in `rejected/`, or in a blob
///    that a row of its version points at.
/// 2. **No blob lies.** Every name in the store belongs to bytes that hash to it.
/// 3. **No row lies.** Every row of a version points at a blob that is there, with the row's digest and size.
/// 4. **Exactly once.** A version has one row, a submission one outcome, and only bytes that somebody dropped are registered.
///
/// And once everything has come to rest (``settled(_:)``):
/// 5. **Each in its place.** What is good is registered, and nowhere else; what is refused is in `rejected/` with its manifest, its reason
///    and its row, and nowhere else; what is incomplete is in the drop directory, untouched.
/// 6. **Recovery ends.** No claim is left, and nothing is in the store's `tmp/`.
/// 7. **Nobody is left without an answer.** Every submission that is over has a receipt that says so.
public struct Checker {
    private let drop: String
    private let store: String
    private let query: (String) throws -> [[String?]]
    /// Whether receipts are looked at: a power cut may take the last ones.
    public var expectsReceipts = true
    /// Whether a submission may have been registered once and found a duplicate once: a power cut may undo its claim.
    public var allowsRepeats = false
    /// Whether a blob with the bytes of its name may be in quarantine: one whose sync failed is never trusted again.
    public var allowsDistrust = false
    /// Submissions that may have been dropped or not, because their producer did not sync them before a power cut: they may be missing or
    /// in any state, but what is registered of them has to be right.
    public var possible: [Submission] = []

    /// - Parameters:
    ///   - drop: the drop directory's path.
    ///   - store: the store's path.
    ///   - query: runs SQL and returns its rows.
    public init(drop: String, store: String, query: @escaping (String) throws -> [[String?]]) {
        self.drop = drop
        self.store = store
        self.query = query
    }

    /// Whether a model is one of those that the test dropped; others' rows are only looked at for their blobs.
    public var isOurs: (String) -> Bool = { _ in true }

    /// A file and what is in it.
    struct Found {
        var path: String
        var digest: String
    }

    /// What there is, as it was read.
    struct Picture {
        var dropped: [Found]
        var stored: [Found]
        var models: [Row]
        var outcomes: [(source: String, outcome: String, code: String?)]
        // By what they are looked up: thousands of submissions are compared with thousands of files and rows.
        let droppedByPath: [String: [Found]]
        let refusedByDigest: [String: [Found]]
        let modelsByVersion: [String: Row]
        let outcomesBySource: [String: [(source: String, outcome: String, code: String?)]]

        init(
            dropped: [Found], stored: [Found], models: [Row],
            outcomes: [(source: String, outcome: String, code: String?)]
        ) {
            self.dropped = dropped
            self.stored = stored
            self.models = models
            self.outcomes = outcomes
            droppedByPath = Dictionary(grouping: dropped, by: \.path)
            refusedByDigest = Dictionary(grouping: dropped.filter { $0.path.hasPrefix("rejected/") }, by: \.digest)
            modelsByVersion = Dictionary(models.map { (key($0.modelID, $0.version), $0) }) { first, _ in first }
            outcomesBySource = Dictionary(grouping: outcomes, by: \.source)
        }

        struct Row {
            var modelID: String
            var version: String
            var digest: String
            var path: String?
            var sizeInBytes: Int64
        }
    }

    /// Checks what holds at any moment; for that, nothing may be at work.
    ///
    /// - Returns: what is wrong, in words; empty when all is well.
    public func whole(_ submissions: [Submission]) throws -> [String] {
        let picture = try picture()
        return try blobs(picture) + rows(picture, submissions) + losses(picture, submissions)
    }

    /// Checks what holds once everything has come to rest.
    ///
    /// - Returns: what is wrong, in words; empty when all is well.
    public func settled(_ submissions: [Submission]) throws -> [String] {
        let picture = try picture()
        var wrong = try blobs(picture) + rows(picture, submissions) + losses(picture, submissions)
        for submission in submissions { wrong += place(of: submission, picture) }
        let claims = try Tool.run("find", ["\(drop)/.claims", "-mindepth", "1", "-not", "-name", ".lock"])
        if !claims.isEmpty { wrong.append("claims are left: \(claims)") }
        let temporary = try Tool.run("find", ["\(store)/tmp", "-mindepth", "1"])
        if !temporary.isEmpty { wrong.append("left in the store: \(temporary)") }
        for aside in try files(in: "\(store)/quarantine")
        where !allowsDistrust || !aside.path.hasPrefix(aside.digest) {
            wrong.append("set aside in quarantine: \(aside.path), whose digest is \(aside.digest)")
        }
        if expectsReceipts { wrong += try receipts(of: submissions) }
        return wrong
    }

    // MARK: Reading

    private func picture() throws -> Picture {
        let models = try query(
            "SELECT model_id, model_version, sha256, file_path, size_bytes::text FROM registry.models")
        let outcomes = try query("SELECT source_name, outcome, code FROM registry.submissions")
        return Picture(
            dropped: try files(in: drop).filter { !$0.path.hasPrefix("receipts/") },
            stored: try files(in: "\(store)/sha256"),
            models: models.map { row in
                Picture.Row(
                    modelID: row[0] ?? "", version: row[1] ?? "", digest: row[2] ?? "", path: row[3],
                    sizeInBytes: row[4].flatMap { Int64($0) } ?? -1)
            },
            outcomes: outcomes.map { (source: $0[0] ?? "", outcome: $0[1] ?? "", code: $0[2]) })
    }

    /// All regular files below a directory and their digests, by sha256sum(1): not by what is being tested.
    private func files(in directory: String) throws -> [Found] {
        // A power cut may come before there is a store. Rows that point into it are wrong all the same.
        guard (try? Descriptor.openDirectory(path: directory)) != nil else { return [] }
        // What a hostile producer has made larger than any disk is nobody's submission. The limit on the time ends sha256sum too.
        let output = try Tool.run(
            "timeout",
            ["55", "find", directory, "-type", "f", "-size", "-1048576k", "-exec", "sha256sum", "--zero", "{}", "+"])
        return output.utf8.split(separator: 0).compactMap { entry in
            guard entry.count > 66 else { return nil }
            let path = String(decoding: entry.dropFirst(66), as: UTF8.self).dropFirst(directory.count + 1)
            return Found(path: String(path), digest: String(decoding: entry.prefix(64), as: UTF8.self))
        }
    }

    // MARK: Deciding

    private func blobs(_ picture: Picture) -> [String] {
        picture.stored.compactMap { found in
            let name = found.path.split(separator: "/").last.map(String.init) ?? ""
            return name.hasPrefix(found.digest) && found.path.hasPrefix(found.digest.prefix(2))
                ? nil : "the blob \(found.path) has the content \(found.digest)"
        }
    }

    private func rows(_ picture: Picture, _ submissions: [Submission]) throws -> [String] {
        var wrong: [String] = []
        let names = Set(picture.stored.map { "\(store)/sha256/\($0.path)" })
        let dropped = Dictionary(grouping: submissions + possible) { key($0.modelID, $0.version) }
        for row in picture.models {
            let version = "\(row.modelID) \(row.version)"
            guard let path = row.path, names.contains(path), path.contains("/\(row.digest)") else {
                wrong.append("the row of \(version) points at \(row.path ?? "nothing"), which is not there")
                continue
            }
            let isDropped = dropped[key(row.modelID, row.version)]?.contains {
                $0.digest == row.digest && $0.content?.count == Int(row.sizeInBytes)
            }
            if isDropped != true && isOurs(row.modelID) {
                wrong.append("the row of \(version) has bytes that nobody dropped: \(row.digest)")
            }
        }
        let versions = Dictionary(grouping: picture.outcomes.filter { $0.outcome == "registered" }, by: \.source)
        let sources = Set(submissions.map(\.source))
        for (source, all) in versions where all.count > 1 && sources.contains(source) {
            wrong.append("\(source) is registered \(all.count) times")
        }
        return wrong
    }

    private func losses(_ picture: Picture, _ submissions: [Submission]) -> [String] {
        let inDrop = Set(picture.dropped.map(\.digest))
        return submissions.compactMap { submission in
            guard let digest = submission.digest, !inDrop.contains(digest) else { return nil }
            let row = picture.modelsByVersion[key(submission.modelID, submission.version)]
            return row?.digest == digest ? nil : "\(submission.source) is lost"
        }
    }

    private func place(of submission: Submission, _ picture: Picture) -> [String] {
        let outcomes = picture.outcomesBySource[submission.source] ?? []
        let inDrop = ["", ".manifest.json"].flatMap { picture.droppedByPath["\(submission.place)\($0)"] ?? [] }
        let rejected = (picture.refusedByDigest[submission.digest ?? ""] ?? []).filter {
            $0.path.hasSuffix("/\(submission.name.text)")
        }
        let row = picture.modelsByVersion[key(submission.modelID, submission.version)]
        let hasRow = row?.digest == submission.digest
        switch submission.fate {
        case .waits:
            let isUntouched = inDrop.count == 1 && outcomes.isEmpty && rejected.isEmpty
            return isUntouched ? [] : ["\(submission.source) was to wait; \(outcomes), \(inDrop), \(rejected)"]
        case .contends where !hasRow:
            return refused("version_conflict", submission, outcomes, inDrop, rejected, picture)
        case .registered, .contends:
            guard hasRow, inDrop.isEmpty, rejected.isEmpty else {
                return ["\(submission.source) is not where it belongs: row \(hasRow), \(inDrop), \(rejected)"]
            }
            return agree(outcomes.map(\.outcome), submission)
        case .rejected(let code): return refused(code, submission, outcomes, inDrop, rejected, picture)
        }
    }

    private func agree(_ outcomes: [String], _ submission: Submission) -> [String] {
        let isOnce = outcomes == ["registered"] || outcomes == ["duplicate"]
        let isRepeat = allowsRepeats && !outcomes.isEmpty && Set(outcomes).isSubset(of: ["registered", "duplicate"])
        return isOnce || isRepeat ? [] : ["\(submission.source) is registered, but its outcomes are \(outcomes)"]
    }

    private func refused(
        _ code: String, _ submission: Submission, _ outcomes: [(source: String, outcome: String, code: String?)],
        _ inDrop: [Found], _ rejected: [Found], _ picture: Picture
    ) -> [String] {
        guard inDrop.isEmpty, rejected.count == 1, let place = rejected.first else {
            return ["\(submission.source) was to be refused once; \(inDrop), \(rejected), \(outcomes)"]
        }
        var wrong: [String] = []
        let folder = place.path.split(separator: "/").dropLast().joined(separator: "/")
        for name in ["reason.json", "\(submission.name.text).manifest.json"]
        where picture.droppedByPath["\(folder)/\(name)"] == nil {
            wrong.append("\(submission.source) is refused without \(name)")
        }
        let isOnce = outcomes.count == 1 || allowsRepeats && !outcomes.isEmpty
        if !isOnce || outcomes.contains(where: { $0.outcome != "rejected" || $0.code != code }) {
            wrong.append("\(submission.source) was to be refused with \(code): \(outcomes)")
        }
        return wrong
    }

    private func receipts(of submissions: [Submission]) throws -> [String] {
        try submissions.compactMap { submission in
            let expected: [String] =
                switch submission.fate {
                case .waits: []
                case .registered: ["registered", "duplicate"]
                case .contends: ["registered", "duplicate", "rejected"]
                case .rejected: ["rejected"]
                }
            guard !expected.isEmpty else { return nil }
            let path = "\(drop)/receipts/\(submission.place).json"
            guard let file = try? Descriptor.openFile(path: path) else { return "\(submission.source) has no receipt" }
            let text = String(decoding: try file.readAll(limit: 1 << 20), as: UTF8.self)
            let says = expected.contains { text.hasPrefix("{\"status\":\"\($0)\"") }
            return says ? nil : "\(submission.source) has the receipt \(text)"
        }
    }
}

/// A version, to look it up by.
private func key(_ modelID: String, _ version: String) -> String { "\(modelID)\n\(version)" }
