internal import Vocabulary

/// Archives whose members may be pickles.
extension PythonLayers {
    // MARK: Zip

    /// Looks into every member of a zip, whatever its name is: a caller of a loader can choose the name.
    ///
    /// - Parameter host: the format of the file that the archive's bytes begin with, when that is another.
    func look(into zip: ZipArchive, part: String, depth: Int, appendedTo host: ModelFormat? = nil) -> Inspection {
        let layout = TorchArchive(zip)
        let keras = readsHeaders ? KerasArchive(zip) : nil
        var result = Inspection(format: layout?.format ?? keras?.format ?? Self.format(of: zip), safety: .noCode)
        // TensorFlow Lite keeps its labels in a zip behind the model, which is then what the directory does not tell of.
        let structure = zip.findings.filter { host != .tflite || $0.code != "zip_gap" || $0.offset != 0 }
        result.findings = structure.map { $0.within(part) }
        result.safety = structure.map(\.severity).max() ?? .noCode
        if zip.isTruncated { result.damage = .init(code: "truncated", message: "The zip has no directory at its end.") }
        result.setDetail("members", zip.members.count)
        let storages = TorchStorages()
        var contents = MemberFormats()
        for member in zip.members {
            let found = look(at: member, of: zip, layout, keras, storages, part, depth, into: &result)
            contents.count(found, in: member.displayName)
            if result.findings.count > 4 * budget.limits.findings { result.bound(budget.limits) }
        }
        layout?.report(in: &result, of: zip, part: part)
        layout?.compare(storages.found, with: zip, in: &result, part: part)
        contents.note(in: &result)
        return result
    }

    /// - Returns: what the member is; `nil` when there is nothing to say of it.
    private func look(
        at member: ZipArchive.Member, of zip: ZipArchive, _ layout: TorchArchive?, _ keras: KerasArchive?,
        _ storages: TorchStorages, _ part: String, _ depth: Int, into result: inout Inspection
    ) -> Inspection? {
        let name = part.isEmpty ? member.displayName : "\(part)!\(member.displayName)"
        if member.name.last == UInt8(ascii: "/"), member.packedSize == 0 { return nil }
        if layout?.isScript != true, member.displayName.hasSuffix(".py") {
            result.report(
                .unknownImports, "python_source", "\(member.displayName) is Python, which a loader may run.", part: part
            )
        }
        let content: any ByteSource
        do throws(ReadFailure) { content = try zip.content(of: member) } catch {
            result.report(.unscannable, "zip_method", error.sentence, part: name)
            return nil
        }
        let isMain = layout?.isMain(member.displayName) == true
        let circumstances = Circumstances(
            isTorchScript: layout?.isScript == true, isRaw: layout?.isStorage(member.displayName) == true,
            storages: isMain ? storages : nil)
        let inner = look(at: content, part: name, depth: depth + 1, circumstances)
        if let inner {
            result.absorb(inner)
            result.takeDetails(of: inner, member.displayName, isMain: isMain)
        }
        keras?.take(member, content, inner, part: name, into: &result)
        if readsHeaders { SkopsArchive.take(member, content, part: name, into: &result) }
        for finding in zip.findings(after: content, of: member) {
            result.report(finding.severity, finding.code, finding.message, part: name)
        }
        return inner
    }

    private static func format(of zip: ZipArchive) -> ModelFormat {
        let files = zip.members.filter { !$0.isHidden && $0.name.last != UInt8(ascii: "/") }
        return !files.isEmpty && files.allSatisfy { $0.displayName.hasSuffix(".npy") } ? .npz : .zip
    }

    // MARK: Tar

    /// Looks into every member of a tar; PyTorch's oldest files are such archives.
    func look(into tar: TarArchive, part: String, depth: Int) -> Inspection {
        let names = Set(tar.members.map(\.displayName))
        let isTorch = names.isSuperset(of: ["sys_info", "pickle", "storages", "tensors"])
        var result = Inspection(format: isTorch ? .pytorchLegacy : .tar, safety: .noCode)
        result.findings = tar.findings.map { $0.within(part) }
        result.safety = tar.findings.map(\.severity).max() ?? .noCode
        if tar.isTruncated { result.damage = .init(code: "truncated", message: "The tar ends inside of a member.") }
        if isTorch { result.setDetail("layout", .string("tar")) }
        result.setDetail("members", tar.members.count)
        var contents = MemberFormats()
        for member in tar.members where member.sizeInBytes > 0 {
            let name = part.isEmpty ? member.displayName : "\(part)!\(member.displayName)"
            var circumstances = Circumstances()
            if isTorch, member.displayName == "storages" { circumstances.framing = .torchStorages }
            if isTorch, member.displayName == "tensors" { circumstances.framing = .torchTensors }
            if member.displayName.hasSuffix(".py") {
                result.report(
                    .unknownImports, "python_source", "\(name) is Python, which a loader may run.", part: part)
            }
            let found = look(at: tar.content(of: member), part: name, depth: depth + 1, circumstances)
            contents.count(found, in: member.displayName)
            guard let inner = found else { continue }
            result.absorb(inner)
            result.takeDetails(of: inner, member.displayName, isMain: isTorch && member.displayName == "pickle")
            if result.findings.count > 4 * budget.limits.findings { result.bound(budget.limits) }
        }
        contents.note(in: &result)
        return result
    }
}

extension Finding {
    /// The same as a finding of a part.
    func within(_ part: String) -> Finding {
        var finding = self
        if finding.part.isEmpty { finding.part = part }
        return finding
    }
}

extension Inspection {
    /// Members whose details are kept one by one.
    private static let mostMembers = 100

    /// The main member's details become the archive's; an array's stand under its name.
    mutating func takeDetails(of inner: Inspection, _ name: String, isMain: Bool) {
        if isMain {
            for member in inner.details.members ?? [] { setDetail(member.key, member.value) }
        } else if inner.format == .npy, format == .npz {
            guard case .object(var members) = details else { return }
            var arrays = details["arrays"]?.members ?? []
            guard arrays.count < Self.mostMembers else { return }
            arrays.append(.init(name.hasSuffix(".npy") ? String(name.dropLast(4)) : name, inner.details))
            members.removeAll { $0.key == "arrays" }
            members.append(.init("arrays", .object(arrays)))
            details = .object(members)
        }
    }
}

/// The storages that an archive's main pickle refers to.
final class TorchStorages {
    var found: [String: TorchStorage] = [:]
}

/// What makes a zip one of PyTorch's.
struct TorchArchive {
    /// The name before the first member's first slash, with the slash.
    private let root: String
    let isScript: Bool
    private let isPackage: Bool

    init?(_ zip: ZipArchive) {
        guard let first = zip.members.first?.displayName, let slash = first.firstIndex(of: "/") else { return nil }
        let root = String(first[...slash])
        let names = Set(zip.members.map { $0.displayName.lowercased() })
        func has(_ name: String) -> Bool { names.contains((root + name).lowercased()) }
        isPackage = has(".data/extern_modules")
        let hasCode = names.contains { $0.hasPrefix((root + "code/").lowercased()) }
        isScript =
            !isPackage && (has("constants.pkl") || has("attributes.pkl") || has("model.json"))
            && (hasCode || has("model.json"))
        guard has("data.pkl") || isScript || isPackage else { return nil }
        self.root = root
    }

    var format: ModelFormat { isScript ? .torchscript : .pytorch }

    /// Whether a member is the pickle that a loader begins with.
    func isMain(_ name: String) -> Bool { name == root + "data.pkl" }

    /// Whether a member holds a storage's bytes.
    func isStorage(_ name: String) -> Bool {
        ["data/", "constants/", "tensors/"].contains { prefix in
            name.hasPrefix(root + prefix) && name.dropFirst((root + prefix).count).allSatisfy(\.isNumber)
        }
    }

    /// What only the archive as a whole can tell.
    func report(in result: inout Inspection, of zip: ZipArchive, part: String) {
        result.setDetail("layout", .string(isPackage ? "package" : "zip"))
        for name in ["version", "byteorder"] {
            guard let member = zip.members.first(where: { $0.displayName == root + name }), member.sizeInBytes < 100,
                let content = try? zip.content(of: member)
            else { continue }
            let text =
                String(decoding: content.head(100), as: UTF8.self).split(whereSeparator: \.isWhitespace).first ?? ""
            result.setDetail(name == "version" ? "serialization_version" : name, .string(Text.shown(Array(text.utf8))))
        }
        if isPackage {
            result.report(
                .dangerous, "torch_package", "It is a torch.package, whose Python is run when it is loaded.", part: part
            )
        }
    }

    /// Every storage that the pickle refers to has its member, of the size that the pickle says.
    func compare(_ storages: [String: TorchStorage], with zip: ZipArchive, in result: inout Inspection, part: String) {
        let sizes = Dictionary(zip.members.map { ($0.displayName, $0.sizeInBytes) }) { first, _ in first }
        for (key, storage) in storages.sorted(by: { $0.key < $1.key }) {
            guard let expected = storage.sizeInBytes else { continue }
            let actual = sizes["\(root)data/\(key)"]
            if actual == expected { continue }
            let found = actual.map { "has \($0) bytes" } ?? "is missing"
            result.report(
                .unscannable, "pytorch_storage_size",
                "The storage \(Text.shown(Array(key.utf8))) \(found), not \(expected) bytes.", part: part)
            return
        }
    }
}
