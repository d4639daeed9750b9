import DropWatch
import LinuxSystem
import Manifest
import Vocabulary

/// Finds out whether something waits only because a manifest has a wrong name, such as `model.json` or `model.manifest.json` for `model.pkl`.
///
/// Looked at once for each wait, after it has lasted for a while, so a listing of the directory may be afforded.
struct Misnamed {
    /// What to tell the producer; `nil` when names are not the matter.
    let hint: String?

    /// So many entries of a directory are looked at: a drop directory is nearly empty, and where somebody makes waiting manifests by the
    /// thousand, looking for each among all of them would take all of the lane's time.
    private static let limit = 1_000

    /// - Parameters:
    ///   - name: what waits: a payload without a manifest, or a sidecar without its payload.
    ///   - waiting: what it waits for.
    ///   - directory: where it is.
    init(_ name: FileName, _ waiting: Waiting, in directory: Descriptor) {
        switch waiting.code {
        case "manifest": hint = Self.manifest(of: name, in: directory) ?? Self.payload(meantBy: name, in: directory)
        case "payload":
            let stem = SidecarName.split(name.bytes)?.stem ?? name.bytes
            hint = Self.neighbour(of: stem, except: name, in: directory).map { payload in
                "\(payload) is here; if this is its manifest, call it \(payload).manifest.json."
            }
        default: hint = nil
        }
    }

    /// A file that seems to be meant as a payload's manifest.
    private static func manifest(of payload: FileName, in directory: Descriptor) -> String? {
        let stem = Self.stem(payload.bytes)
        var candidates = [".json", ".yaml", ".yml", ".manifest"].map { payload.bytes + Array($0.utf8) }
        if stem != payload.bytes {
            candidates += ([".json", ".yaml", ".yml"] + SidecarName.suffixes).map { stem + Array($0.utf8) }
        }
        let found = candidates.compactMap(FileName.init).first { candidate in
            candidate != payload && (try? directory.status(of: candidate))?.kind == .regular
        }
        return found.map { "\($0) is here; a manifest is recognised by its full name: \(payload).manifest.json." }
    }

    /// A payload that a lone `model.json` seems to be meant for.
    private static func payload(meantBy name: FileName, in directory: Descriptor) -> String? {
        let stem = Self.stem(name.bytes)
        guard [".json", ".yaml", ".yml"].contains(where: { name.bytes == stem + Array($0.utf8) }) else { return nil }
        return neighbour(of: stem, except: name, in: directory).map { payload in
            "\(payload) is here; if this is its manifest, call it \(payload).manifest.json."
        }
    }

    /// A file whose name is a stem, or a stem with an extension, and no sidecar's.
    private static func neighbour(of stem: [UInt8], except name: FileName, in directory: Descriptor) -> FileName? {
        guard !stem.isEmpty, let fresh = try? directory.openDirectorySelf() else { return nil }
        var reader = DirectoryReader(fresh)
        var seen = 0
        while seen < limit, let entries = try? reader.next() {
            seen += entries.count
            let found = entries.first { entry in
                entry.name != name && entry.kind != .directory && !isSidecar(entry.name) && !entry.name.isTemporary
                    && (entry.name.bytes == stem || Self.stem(entry.name.bytes) == stem)
            }
            if let found { return found.name }
        }
        return nil
    }

    private static func stem(_ name: [UInt8]) -> [UInt8] {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return name }
        return Array(name[..<dot])
    }
}
