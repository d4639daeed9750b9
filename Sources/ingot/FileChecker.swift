import ContentStore
import Glibc
import LinuxSystem
import Manifest
import ModelFormats
import Vocabulary

/// Checks one file: its bytes, its name, and the manifest beside it.
struct FileChecker: ~Copyable {
    private let hasher = SHA256Hasher()
    private let buffer = ReadBuffer()

    /// The payload that a name is a manifest's for; `nil` when it is no manifest's name.
    static func payload(of name: FileName) -> FileName? { SidecarName.split(name.bytes).flatMap { FileName($0.stem) } }

    /// Checks a regular file that was looked at.
    ///
    /// - Parameters:
    ///   - path: for people.
    ///   - place: where its manifest would lie.
    func check(_ found: Descriptor, path: [UInt8], in place: Place) -> FileReport {
        var report = FileReport(path: escaped(path))
        do throws(SystemError) {
            let file = try found.openForReading(report.path)
            let before = try file.status()
            report.sizeInBytes = before.sizeInBytes
            report.digest = try digest(of: file, before.sizeInBytes, report.path)
            if let name = place.name, let syntax = SidecarName.split(name.bytes)?.syntax {
                report.take(try sidecar(file, syntax, path: report.path))
                return report
            }
            report.inspection = Inspector.inspect(try FileBytes(file))
            if !(try file.status().hasSameContent(as: before)) {
                report.problem("changed", "It was changed while it was being read.")
            }
        } catch {
            return FileReport(path: report.path, unreadable: SystemError.text(error.code))
        }
        report.noteName(place.name)
        noteSidecar(of: place, path, in: &report)
        return report
    }

    private func digest(of file: Descriptor, _ size: Int64, _ name: String) throws(SystemError) -> Digest {
        var progress = Progress(name, total: size)
        defer { progress.clear() }
        do throws(TakeError) {
            return unsafe try hasher.digest(of: file, through: buffer) { _, done in progress.update(done) }.digest
        } catch {
            if case .system(let error) = error { throw error }
            throw SystemError(.pread, name, code: EIO)
        }
    }

    // MARK: Manifests

    private func noteSidecar(of place: Place, _ path: [UInt8], in report: inout FileReport) {
        guard let directory = place.directory, let name = place.name else { return }
        for suffix in SidecarName.suffixes {
            guard let sidecarName = name.appending(suffix), let found = try? directory.look(at: sidecarName),
                let status = try? found.status(), status.kind == .regular,
                let syntax = SidecarName.split(sidecarName.bytes)?.syntax
            else { continue }
            let shown = escaped(path + Array(suffix.utf8))
            do throws(SystemError) {
                report.take(try sidecar(found.openForReading(shown), syntax, path: shown))
            } catch {
                report.isUnreadable = true
                report.problem("manifest_unreadable", "\(shown): \(SystemError.text(error.code))")
            }
            report.compareWithManifest(payload: name)
            return
        }
    }

    private func sidecar(
        _ file: Descriptor, _ syntax: ManifestSyntax, path: String
    ) throws(SystemError) -> FileReport.Sidecar {
        let bytes = try file.readAll(limit: Limits.sizeInBytes)
        do throws(ManifestError) {
            return .init(path: path, result: .success(try Manifest.parse(bytes, syntax: syntax)))
        } catch {
            return .init(path: path, result: .failure(error))
        }
    }
}

extension FileReport {
    /// Keeps the verdict on a manifest.
    mutating func take(_ found: Sidecar) {
        sidecar = found
        guard case .failure(let error) = found.result else { return }
        let others = error.reasons.count > 1 ? " and \(error.reasons.count - 1) more" : ""
        problem("manifest_rejected", "The manifest is refused: \(error.reasons[0])\(others)")
    }

    /// What the file's own header and its name say against it.
    mutating func noteName(_ name: FileName?) {
        guard let inspection else { return }
        if let damage = inspection.damage { problem(damage.code, damage.message) }
        guard let name, let dot = name.bytes.lastIndex(of: UInt8(ascii: ".")), dot > 0,
            let text = String(validating: name.bytes[(dot + 1)...], as: UTF8.self),
            inspection.format.disagrees(withExtension: text)
        else { return }
        let usual = inspection.format.expectedExtensions.sorted().map { ".\($0)" }.joined(separator: ", ")
        problem(
            "extension_mismatch",
            "Its name ends in .\(escaped(text)), its content is \(inspection.format.phrase)"
                + (usual.isEmpty ? "." : ", which is usually \(usual)."))
    }

    /// What the manifest says otherwise than the file.
    mutating func compareWithManifest(payload: FileName) {
        guard case .success(let manifest)? = sidecar?.result, let inspection else { return }
        if let file = manifest.file, Array(file.utf8) != payload.bytes {
            return problem("manifest_file", "The manifest beside it is for another payload, \(escaped(file)).")
        }
        if let declared = manifest.format, inspection.format.conflicts(withDeclared: declared) {
            problem(
                "format_mismatch",
                "The manifest declares the format \(escaped(declared)), the content is \(inspection.format.phrase).")
        }
        if let declared = manifest.sizeInBytes, let sizeInBytes, declared != sizeInBytes {
            problem("size_mismatch", "The manifest declares \(declared) bytes, the file has \(sizeInBytes).")
        }
        if let declared = manifest.sha256, let digest, declared != digest {
            problem("digest_mismatch", "The manifest declares the SHA-256 \(declared.hex), the file has \(digest.hex).")
        }
    }
}

extension ModelFormat {
    fileprivate var phrase: String { self == .unknown ? "of no known format" : rawValue }
}
