import Glibc
import LinuxSystem
import Vocabulary

/// What to do about a name that is there already.
extension ContentStore {
    /// Decides whether what has the name can be trusted, and replaces it when it cannot.
    ///
    /// - Returns: what was wrong with it, now in `quarantine/`; `nil` when it is good.
    func settle(_ blob: StagedBlob, _ shard: Descriptor, _ name: FileName) throws(SystemError) -> String? {
        guard let present = try shard.status(of: name) else {
            // Gone again in between: the caller tries anew from the start.
            throw SystemError(.linkat, "\(name)", code: EEXIST)
        }
        let isSuspect = try isSuspect(present, name, in: shard)
        if !isSuspect && verified.contains(blob.digest, present) { return nil }
        let isOwn = present.isSameFile(as: try blob.descriptor.status())
        var isGood = isOwn
        if !isOwn && !isSuspect { isGood = try isSound(present, shard, name, blob.digest) }
        let healed = isGood ? nil : try replace(present, name, in: shard, by: blob)
        // Also when the name is good: a process may have been killed between replacing it and renewing the others.
        try renewOtherNames(of: name, in: shard)
        return healed
    }

    /// Whether what has a name is a file whose sync has failed.
    func isSuspect(_ status: FileStatus, _ name: FileName, in shard: Descriptor) throws(SystemError) -> Bool {
        guard status.kind == .regular, suspects.mayContain(status) else { return false }
        return try suspects.contains(shard.open(name))
    }

    /// Whether a file has the bytes of its name, and has them on disk: it may have been named by a process that was killed
    /// before it could sync.
    private func isSound(
        _ status: FileStatus, _ shard: Descriptor, _ name: FileName, _ digest: Digest
    ) throws(SystemError) -> Bool {
        guard status.kind == .regular else { return false }
        let file = try shard.open(name)
        guard try isIntact(file, digest) else { return false }
        try suspects.sync(file)
        return true
    }

    /// Hashes a file with tools of its own: only for the rare name that is taken and not yet known.
    private func isIntact(_ file: Descriptor, _ digest: Digest) throws(SystemError) -> Bool {
        let tools = TakeTools()
        do {
            return try tools.digest(of: file) { (_) throws(TakeError) in }.digest == digest
        } catch {
            guard case .system(let error) = error, !error.tellsOfDamage else { return false }
            throw error
        }
    }

    /// Keeps what has the name in quarantine, where nothing is ever removed, and gives the name to the staged bytes.
    ///
    /// After a crash in between the name leads to the damaged file still, so that the next submission of these bytes comes here again and
    /// renews the other names too.
    private func replace(
        _ present: FileStatus, _ name: FileName, in shard: Descriptor, by blob: StagedBlob
    ) throws(SystemError) -> String {
        let aside = randomName("\(name).")
        if present.kind == .directory {
            try shard.rename(name, to: quarantine, as: aside, replacing: false)
        } else {
            try shard.link(name, to: quarantine, as: aside)
        }
        try quarantine.sync()
        let between = TemporaryName(randomName("link-"), in: temporary)
        guard try link(blob, to: temporary, as: between.name) else {
            throw SystemError(.linkat, "\(between.name)", code: EEXIST)
        }
        try temporary.rename(between.name, to: shard, as: name, replacing: true)
        return "quarantine/\(aside)"
    }

    /// Every `<64 hex>.<ext>` has to be the very inode of `<64 hex>`: rows point at either.
    private func renewOtherNames(of name: FileName, in shard: Descriptor) throws(SystemError) {
        let prefix = name.bytes + [UInt8(ascii: ".")]
        for entry in try shard.entries() where entry.name.bytes.starts(with: prefix) {
            try renew(entry.name, to: name, in: shard)
        }
    }

    /// Makes a second name lead where the first does, in one step for whoever reads it meanwhile.
    func renew(_ second: FileName, to first: FileName, in shard: Descriptor) throws(SystemError) {
        guard let good = try shard.status(of: first), let present = try shard.status(of: second),
            !present.isSameFile(as: good)
        else { return }
        let between = TemporaryName(randomName("link-"), in: temporary)
        try shard.link(first, to: temporary, as: between.name)
        try temporary.rename(between.name, to: shard, as: second, replacing: true)
    }
}

extension SystemError {
    /// Whether the disk cannot give back what it was given.
    var tellsOfDamage: Bool { call == .pread && [EIO, EBADMSG, EUCLEAN].contains(code) }
}
