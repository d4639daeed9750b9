import ContentStore
import DropWatch
import Glibc
import LinuxSystem
import Manifest
import ModelFormats
import Vocabulary

/// What a producer reads at `receipts/<path of the payload relative to the drop>.json`.
struct Receipt {
    enum Status: String {
        case waiting, accepted, registered, duplicate, rejected
    }

    var status: Status
    var submission: SubmissionID?
    var modelID: String?
    var modelVersion: String?
    var digest: Digest?
    var sizeInBytes: Int64?
    var filePath: String?
    var manifestSHA256: Digest?
    var proof: Proof?
    var format: ModelFormat?
    var safety: Safety?
    var findingsCount = 0
    var registeredAt: String?
    var waitingFor: Waiting?
    var since: String?
    var reason: Reason?
    var rejectedAt: String?
    var rejectedPath: String?
    var warnings: [Warning] = []

    var json: JSON {
        var members: [JSON.Member] = [.init("status", .string(status.rawValue))]
        func put(_ key: String, _ value: String?) { if let value { members.append(.init(key, .string(value))) } }
        put("submission_id", submission?.description)
        put("model_id", modelID)
        put("model_version", modelVersion)
        put("sha256", digest?.hex)
        if let sizeInBytes { members.append(.init("size_bytes", .number("\(sizeInBytes)"))) }
        put("file_path", filePath)
        put("manifest_sha256", manifestSHA256?.hex)
        put("proof", proof?.rawValue)
        put("format", format?.rawValue)
        put("safety", safety?.rawValue)
        if safety != nil { members.append(.init("findings_count", .number("\(findingsCount)"))) }
        if let waitingFor {
            put("waiting_for", waitingFor.code)
            put("message", waitingFor.message)
            put("hint", waitingFor.hint)
        }
        put("since", since)
        if let reason { members += reason.members }
        put("registered_at", registeredAt)
        put("rejected_at", rejectedAt)
        put("rejected_path", rejectedPath)
        members.append(.init("warnings", .array(warnings.map(\.json))))
        put("written_at", WallClock.now)
        return .object(members)
    }
}

extension Reason {
    /// The reason's parts, for `reason.json` and receipts.
    var members: [JSON.Member] {
        var members: [JSON.Member] = [.init("code", .string(code)), .init("message", .string(message))]
        if let field { members.append(.init("field", .string(field))) }
        if let line { members.append(.init("line", .number("\(line)"))) }
        if let column { members.append(.init("column", .number("\(column)"))) }
        if let hint { members.append(.init("hint", .string(hint))) }
        if let freeVersion { members.append(.init("free_version", .string(freeVersion))) }
        return members
    }

    init?(_ json: JSON) {
        guard case .string(let code)? = json["code"], case .string(let message)? = json["message"] else { return nil }
        self.init(
            code: code, message: message, field: json["field"]?.text(or: nil), line: json["line"]?.integer,
            column: json["column"]?.integer, hint: json["hint"]?.text(or: nil),
            freeVersion: json["free_version"]?.text(or: nil))
    }
}

extension JSON {
    /// The string, if it is one.
    func text(or other: String?) -> String? { if case .string(let text) = self { text } else { other } }

    /// The whole number, if it is one.
    var integer: Int? { if case .number(let literal) = self { Int(literal) } else { nil } }
}

extension Warning {
    var json: JSON { .object([.init("code", .string(code)), .init("message", .string(message))]) }
}

/// Writes and removes receipts. A receipt that cannot be written costs nobody a model: it is complained about and left.
struct ReceiptBook {
    let root: DropRoot

    /// Puts a receipt in place.
    func write(_ receipt: Receipt, origin: RelativePath, payload: FileName) throws(SystemError) {
        let name = Self.name(payload)
        var directory = root.receipts
        for part in origin.names { directory = try directory.makeOrOpenDirectory(part, mode: 0o755) }
        let text = receipt.json.text + "\n"
        try directory.replaceFile(name, with: Array(text.utf8), mode: 0o644, durable: false)
    }

    /// What the receipt of a name says, if there is one, and when it was written, in nanoseconds by the file system's clock.
    func find(origin: RelativePath, payload: FileName) -> (status: Receipt.Status?, written: Int64)? {
        guard let directory = try? root.receipts.openDirectory(origin),
            let file = try? directory.open(Self.name(payload)), let status = try? file.status(),
            status.kind == .regular,
            let bytes = try? file.readAll(limit: 64)
        else { return nil }
        // The status comes first in every receipt.
        let words = String(decoding: bytes, as: UTF8.self).split(separator: "\"")
        return (words.count > 3 ? Receipt.Status(rawValue: String(words[3])) : nil, status.changed)
    }

    /// The receipt's name; for a payload whose name leaves no room for the ending, the beginning of it and a part of its digest.
    static func name(_ payload: FileName) -> FileName {
        if let name = payload.appending(".json") { return name }
        let digest = TakeTools().digest(of: payload.bytes).hex.prefix(16)
        let short = Array(payload.bytes.prefix(200)) + Array("~\(digest).json".utf8)
        guard let name = FileName(short) else { preconditionFailure("a part of a name is a name") }
        return name
    }

    /// Removes the receipt of a name if it says what is waited for: it is not any more.
    func removeWaiting(origin: RelativePath, payload: FileName) {
        if find(origin: origin, payload: payload)?.status == .waiting { remove(origin: origin, payload: payload) }
    }

    /// Removes the receipt of a name: a new submission of that name is under way.
    func remove(origin: RelativePath, payload: FileName) {
        let name = Self.name(payload)
        if origin.names.isEmpty {
            _ = try? root.receipts.unlink(name)
        } else if let directory = try? root.receipts.openDirectory(origin) {
            _ = try? directory.unlink(name)
        }
    }

    /// Removes receipts that are older than `keep` or empty, as a power cut may leave the last ones, and directories that are empty then.
    func sweep(keep: Duration, now: Int64) {
        sweep(root.receipts, before: now - keep.inNanoseconds, depth: 0)
    }

    private func sweep(_ directory: Descriptor, before: Int64, depth: Int) {
        guard depth <= TreeScan.maximumDepth, let fresh = try? directory.openDirectorySelf() else { return }
        var reader = DirectoryReader(fresh)
        while let entries = try? reader.next() {
            for entry in entries {
                guard let status = try? directory.status(of: entry.name) else { continue }
                if status.kind == .directory {
                    if let below = try? directory.openDirectory(entry.name) {
                        sweep(below, before: before, depth: depth + 1)
                    }
                    if status.modified < before { _ = try? directory.removeDirectory(entry.name) }
                } else if status.modified < before || status.sizeInBytes == 0 && !entry.name.isTemporary {
                    _ = try? directory.unlink(entry.name)
                }
            }
        }
    }
}
