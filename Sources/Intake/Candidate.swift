import DropWatch
import Glibc
import LinuxSystem
import Manifest
import Settings
import Vocabulary

/// What a look at a sidecar and its payload finds.
enum Assessment {
    /// There is nothing of that name (any more).
    case gone
    /// Something is missing.
    case waits(Waiting, payload: FileName, observed: [FileStatus])
    /// The pair is complete as far as can be told before hashing.
    case ready(Candidate)
}

/// A complete pair, still in the drop directory.
struct Candidate {
    let manifestName: FileName
    let manifestFile: Descriptor?
    let manifestStatus: FileStatus
    let manifestBytes: [UInt8]
    let manifest: Result<Manifest, ManifestError>
    let payloadName: FileName
    /// `nil` when it cannot be opened yet (owned by somebody else, mode 0600) or must not be opened.
    let payloadFile: Descriptor?
    let payloadStatus: FileStatus?
    let evidence: Evidence
    /// Why it is refused, when that is clear already.
    let refusal: Reason?
}

/// Looks at a pair in a drop directory without changing anything.
struct Assessor {
    let drop: Drop
    /// The drop directory or one below it; or a claim's folder.
    let directory: Descriptor
    /// Whether the pair is claimed already. Then its files may be the daemon's own, and were judged before.
    var isClaimed = false
    /// Told of every manifest before it is looked into; says what an earlier run of the daemon makes of it.
    let sentence: (FileStatus, FileName) -> Poison.Sentence?
    /// How long a file has been in the given state; from the waiting room.
    let quietTime: (FileStatus) -> Duration

    /// A manifest may have this many bytes.
    static let manifestLimit = 1 << 20

    /// Looks at the pair of a sidecar.
    func assess(_ name: FileName, _ status: FileStatus) throws(SystemError) -> Assessment {
        let stem = SidecarName.split(name.bytes).flatMap { FileName($0.stem) } ?? name
        guard status.kind == .regular else { return special(name, status, payload: stem, what: "manifest") }
        let manifestFile: Descriptor
        switch try open(name) {
        case .opened(let file): manifestFile = file
        case .gone: return .gone
        case .busy: return .waits(.writer(name), payload: stem, observed: [status])
        case .notPermitted: return try unreadableManifest(name, status, payload: stem)
        }
        // From here on only the open file counts; the name may mean something else by now.
        let opened = try manifestFile.status()
        guard opened.isSameFile(as: status) else { return .gone }
        switch try completeness(of: manifestFile, opened, declaredDigest: false) {
        case .success: break
        case .failure(let waiting):
            // The payload's quiet time runs along, so that one wait serves both.
            let payload = try directory.status(of: stem)
            return .waits(waiting.of(name), payload: stem, observed: [opened] + (payload.map { [$0] } ?? []))
        }
        switch sentence(opened, name) {
        case .leaveAlone: return .gone
        case .refuse(let reason):
            // Not even read: that may be what ended the daemon.
            let sidecar = Sidecar(
                name: name, file: manifestFile, status: opened, bytes: [], manifest: .failure(ManifestError(reason)))
            return .ready(candidate(sidecar, stem, nil, try directory.status(of: stem), .none, reason))
        case nil: break
        }
        let bytes = try manifestFile.readAll(limit: Self.manifestLimit)
        let manifest = parse(bytes, name)
        let payload = (try? manifest.get())?.file.flatMap { FileName(Array($0.utf8)) } ?? stem
        return try assess(
            payload,
            Sidecar(name: name, file: manifestFile, status: opened, bytes: bytes, manifest: manifest))
    }

    /// A manifest that was read.
    struct Sidecar {
        let name: FileName
        let file: Descriptor?
        let status: FileStatus
        let bytes: [UInt8]
        let manifest: Result<Manifest, ManifestError>
    }

    private func parse(_ bytes: [UInt8], _ name: FileName) -> Result<Manifest, ManifestError> {
        do throws(ManifestError) {
            return .success(try Manifest.parse(bytes, syntax: SidecarName.split(name.bytes)?.syntax ?? .json))
        } catch {
            return .failure(error)
        }
    }

    private func assess(_ name: FileName, _ sidecar: Sidecar) throws(SystemError) -> Assessment {
        guard let status = try directory.status(of: name) else {
            return .waits(.payload(name), payload: name, observed: [sidecar.status])
        }
        let observed = [sidecar.status, status]
        if let refusal = refusal(of: name, status, sidecar) {
            return .ready(candidate(sidecar, name, nil, status, .none, refusal))
        }
        let file: Descriptor
        switch try open(name) {
        case .opened(let opened): file = opened
        case .gone: return .waits(.payload(name), payload: name, observed: [sidecar.status])
        case .busy: return .waits(.writer(name), payload: name, observed: observed)
        case .notPermitted: return unreadable(name, status, sidecar)
        }
        let opened = try file.status()
        guard opened.isSameFile(as: status), opened.kind == .regular else {
            return .waits(.changing(name), payload: name, observed: observed)
        }
        let declared = try? sidecar.manifest.get()
        if let size = declared?.sizeInBytes, opened.sizeInBytes < size {
            return .waits(.size(name, has: opened.sizeInBytes, declared: size), payload: name, observed: observed)
        }
        switch try completeness(of: file, opened, declaredDigest: declared?.sha256 != nil) {
        case .success(let evidence):
            return .ready(candidate(sidecar, name, file, opened, evidence, nil))
        case .failure(let waiting):
            return .waits(waiting.of(name), payload: name, observed: [sidecar.status, opened])
        }
    }

    private func candidate(
        _ sidecar: Sidecar, _ name: FileName, _ file: Descriptor?, _ status: FileStatus?, _ evidence: Evidence,
        _ refusal: Reason?
    ) -> Candidate {
        Candidate(
            manifestName: sidecar.name, manifestFile: sidecar.file, manifestStatus: sidecar.status,
            manifestBytes: sidecar.bytes, manifest: sidecar.manifest, payloadName: name, payloadFile: file,
            payloadStatus: status, evidence: evidence, refusal: refusal)
    }

    // MARK: Opening

    private enum Opening {
        case opened(Descriptor)
        case gone
        case busy
        case notPermitted
    }

    private func open(_ name: FileName) throws(SystemError) -> Opening {
        do {
            return .opened(try directory.open(name))
        } catch {
            switch error.code {
            case ENOENT: return .gone
            // A write lease of the producer's, or a FIFO or link that took the file's place this moment.
            case EWOULDBLOCK, ELOOP, ENXIO: return .busy
            case EACCES, EPERM: return .notPermitted
            default: throw error
            }
        }
    }

    /// A payload that belongs to somebody else and is closed to us: claimed once it is quiet, if it can be made our own then.
    private func unreadable(_ name: FileName, _ status: FileStatus, _ sidecar: Sidecar) -> Assessment {
        // Nobody's closed file is opened on the word of somebody else's manifest.
        guard isClaimed || sidecar.status.owner == status.owner, drop.plan.canChangeOwner, status.linkCount == 1 else {
            return .waits(
                .unreadable(name, status), payload: name, observed: [sidecar.status, status])
        }
        guard quietTime(status) >= drop.settings.settle else {
            return .waits(.quiet(name, drop.settings.settle), payload: name, observed: [sidecar.status, status])
        }
        return .ready(candidate(sidecar, name, nil, status, .none, nil))
    }

    private func unreadableManifest(
        _ name: FileName, _ status: FileStatus, payload: FileName
    ) throws(SystemError) -> Assessment {
        guard drop.plan.canChangeOwner, status.linkCount == 1 else {
            return .waits(.unreadable(name, status), payload: payload, observed: [status])
        }
        guard let payloadStatus = try directory.status(of: payload) else {
            // It may name another one, but nobody can read that.
            return .waits(.unreadable(name, status), payload: payload, observed: [status])
        }
        guard isClaimed || payloadStatus.owner == status.owner else {
            return .waits(.unreadable(name, status), payload: payload, observed: [status, payloadStatus])
        }
        guard min(quietTime(status), quietTime(payloadStatus)) >= drop.settings.settle else {
            return .waits(.quiet(name, drop.settings.settle), payload: payload, observed: [status, payloadStatus])
        }
        // It is read in the claim, when it is our own.
        let unread = Sidecar(
            name: name, file: nil, status: status, bytes: [],
            manifest: .failure(ManifestError(Reason(code: "manifest_unread", message: "The manifest was not read."))))
        if let refusal = refusal(of: payload, payloadStatus, unread) {
            return .ready(candidate(unread, payload, nil, payloadStatus, .none, refusal))
        }
        return .ready(candidate(unread, payload, nil, payloadStatus, .none, nil))
    }
}
