import LinuxSystem
import Manifest
import Settings
import Vocabulary

extension Assessor {
    /// What can be told of a payload without opening it: things that are never opened, followed or copied.
    func refusal(of name: FileName, _ status: FileStatus, _ sidecar: Sidecar) -> Reason? {
        switch status.kind {
        case .regular: break
        case .directory:
            return Reason(
                code: "directory_payload",
                message: "\(name) is a directory; this version of Ingot takes single files only.",
                hint: "Pack it into one file (tar, safetensors, zip) and drop that; the directory stays where it is.")
        default:
            return Reason(
                code: "not_a_file", message: "\(name) is \(status.kind.phrase), not a regular file.",
                hint: "Drop the file itself; what is there now is neither opened nor followed.")
        }
        if name.isTemporary || ClaimFolder.ownNames.contains(name) || isSidecar(name) {
            return Reason(
                code: "reserved_name",
                message: "\(name) cannot be a payload: names of manifests and of the daemon's own files are reserved.",
                field: "file", hint: "Give the payload another name.")
        }
        if isClaimed { return nil }
        if status.linkCount > 1 && status.owner != sidecar.status.owner {
            return Reason(
                code: "foreign_hard_link",
                message: "\(name) is a hard link to a file of \(ownerName(status.owner)), but its manifest is from "
                    + "\(ownerName(sidecar.status.owner)).",
                hint: "Drop a copy (cp) instead of a link to somebody else's file.")
        }
        if drop.settings.producers == .hostile && status.owner != sidecar.status.owner {
            return Reason(
                code: "foreign_payload",
                message: "\(name) belongs to \(ownerName(status.owner)), its manifest to "
                    + "\(ownerName(sidecar.status.owner)).",
                hint: "In this drop directory payload and manifest have to come from the same user.")
        }
        if status.sizeInBytes > drop.settings.maxPayload {
            return Reason(
                code: "payload_too_large",
                message: "\(name) has \(status.sizeInBytes) bytes; at most \(drop.settings.maxPayload) are taken here.",
                hint: "Ask the operator to raise max_payload for this drop directory.")
        }
        return nil
    }

    /// A sidecar's name that is no regular file.
    func special(_ name: FileName, _ status: FileStatus, payload: FileName, what: String) -> Assessment {
        guard status.kind != .directory else { return .gone }
        return .waits(
            Waiting(
                code: "not_a_file", message: "The \(what) \(name) is \(status.kind.phrase), not a regular file.",
                hint: "Replace it by a regular file; it is neither opened nor followed.", isActive: false),
            payload: payload, observed: [status])
    }

    /// Whether nobody writes to a file, by the strongest proof there is here.
    ///
    /// - Parameter declaredDigest: whether the manifest says what the bytes hash to, which then proves them.
    /// - Returns: the evidence, or what is to be waited for.
    func completeness(
        of file: Descriptor, _ status: FileStatus, declaredDigest: Bool
    ) throws(SystemError) -> Result<Evidence, Missing> {
        if drop.leasesProve {
            switch try file.requestLease() {
            case .granted: return .success(.lease)
            case .writerPresent: return .failure(.writer)
            case .notPermitted, .unsupported: break
            }
        }
        if declaredDigest && drop.settings.completeness != .settle { return .success(.none) }
        switch drop.settings.completeness {
        case .lease: return .failure(.lease)
        case .auto, .settle, .digest: break
        }
        let settle = drop.settings.settle
        return quietTime(status) >= settle ? .success(.settled) : .failure(.quiet(settle))
    }

    private func ownerName(_ owner: UInt32) -> String { Identity.userName(owner) ?? "uid \(owner)" }
}

/// What a single file lacks.
enum Missing: Error {
    case writer
    case quiet(Duration)
    case lease

    func of(_ name: FileName) -> Waiting {
        switch self {
        case .writer: .writer(name)
        case .quiet(let settle): .quiet(name, settle)
        case .lease:
            Waiting(
                code: "lease",
                message: "No read lease is to be had on \(name), and only a lease or a digest is accepted here.",
                hint: "Declare sha256 in the manifest, or set completeness: auto for this drop directory.")
        }
    }
}

extension Waiting {
    static func writer(_ name: FileName) -> Waiting {
        Waiting(code: "writer", message: "\(name) is still open for writing, or mapped writable, by some process.")
    }

    static let turn = Waiting(code: "turn", message: "Other large payloads come first.")

    static func largeManifest(_ name: FileName) -> Waiting {
        Waiting(code: "turn", message: "The manifest \(name) is large; smaller ones come first.")
    }

    static func changing(_ name: FileName) -> Waiting {
        Waiting(code: "changing", message: "\(name) was replaced while it was looked at.")
    }

    static func quiet(_ name: FileName, _ settle: Duration) -> Waiting {
        Waiting(code: "quiet", message: "\(name) has to be unchanged for \(settle) first.")
    }

    static func payload(_ name: FileName) -> Waiting {
        Waiting(
            code: "payload", message: "The manifest is here, its payload \(name) is not.",
            hint: "Drop \(name) into the same directory, or name the payload in the manifest's \"file\".",
            isActive: false)
    }

    static func manifest(_ payload: FileName) -> Waiting {
        Waiting(
            code: "manifest", message: "The payload is here, its manifest is not.",
            hint: payload.appending(".manifest.json") == nil
                ? "Its name is too long for \(payload).manifest.json: drop a manifest of any name that ends with "
                    + ".manifest.json and names this payload in \"file\"."
                : "Drop \(payload).manifest.json (or .manifest.yaml) into the same directory.",
            isActive: false)
    }

    static func size(_ name: FileName, has: Int64, declared: Int64) -> Waiting {
        Waiting(
            code: "size", message: "\(name) has \(has) of the \(declared) bytes that its manifest declares.",
            isActive: false)
    }

    /// What gives the daemon all rights on a directory, whoever it runs as.
    static var rightsCommand: String {
        "setfacl -m u:\(Identity.userName(Identity.user) ?? "\(Identity.user)"):rwx"
    }

    static func unreadableDirectory(_ name: FileName) -> Waiting {
        Waiting(
            code: "unreadable", message: "The directory \(name) cannot be read by the daemon.",
            hint: "Run chmod g+rwx or \(rightsCommand) on it.", isActive: false)
    }

    static func unreadable(_ name: FileName, _ status: FileStatus) -> Waiting {
        Waiting(
            code: "unreadable",
            message:
                "\(name) cannot be read by the daemon (owner \(status.owner), mode \(String(status.mode, radix: 8))).",
            hint: status.linkCount > 1
                ? "Drop a copy: a file with several hard links is not made the daemon's own."
                : "Run chmod g+r on it, or drop it with a umask of 027 or less.")
    }
}

extension FileStatus.Kind {
    /// For a sentence.
    var phrase: String {
        switch self {
        case .regular: "a regular file"
        case .directory: "a directory"
        case .symbolicLink: "a symbolic link"
        case .fifo: "a FIFO"
        case .socket: "a socket"
        case .device: "a device"
        }
    }
}
