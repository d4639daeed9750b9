import Glibc
public import LinuxSystem
public import Vocabulary

/// What a lane needs to take payloads: its own hasher and buffer.
public final class TakeTools {
    let hasher = SHA256Hasher()
    let buffer = ReadBuffer()

    /// New tools.
    public init() {}

    /// The SHA-256 of a few bytes.
    public func digest(of bytes: [UInt8]) -> Digest { hasher.digest(of: bytes) }

    /// The SHA-256 of a whole file; `checkpoint` is called with the bytes so far after every buffer.
    public func digest(
        of file: Descriptor, checkpoint: (Int64) throws(TakeError) -> Void
    ) throws(TakeError) -> (digest: Digest, sizeInBytes: Int64) {
        try unsafe hasher.digest(of: file, through: buffer) { (_, size) throws(TakeError) in try checkpoint(size) }
    }
}

extension ContentStore {
    /// Files from this size on are synced by the lane that took them: their fsync takes long and must not hold up a group.
    public static let largeFileSize: Int64 = 16 << 20

    /// Takes a payload by reflink: our own inode, atomic with respect to writers of the source.
    ///
    /// - Parameter isLeased: whether a read lease is held on the source; the caller checks that it still is when this returns.
    ///
    /// After a crash the unnamed clone is gone and the source is whole in its claim.
    public func clone(
        _ payload: Descriptor, isLeased: Bool = false, tools: TakeTools,
        checkpoint: (Int64) throws(TakeError) -> Void
    ) throws(TakeError) -> StagedBlob {
        let (file, name) = try makeTemporary()
        do { try file.clone(from: payload) } catch { throw .system(error) }
        // The clone has no page in the cache yet, even where all of the source has. Under a lease that holds from before the clone to
        // after the last byte, both have the same bytes, so the source is read; otherwise only the clone proves anything.
        let (digest, size) = try tools.digest(of: isLeased ? payload : file, checkpoint: checkpoint)
        return try staged(file, name, digest, size, .clone)
    }

    /// Takes a payload by reading and writing every byte, hashing what is written.
    ///
    /// - Parameters:
    ///   - sizeInBytes: what the source's status says; reserved beforehand.
    ///   - reserve: how many bytes of the file system have to stay free.
    public func copy(
        _ payload: Descriptor, sizeInBytes: Int64, reserve: UInt64, tools: TakeTools,
        checkpoint: (Int64) throws(TakeError) -> Void
    ) throws(TakeError) -> StagedBlob {
        try checkRoom(for: sizeInBytes, reserve: reserve)
        let (file, name) = try makeTemporary()
        do { try file.reserve(sizeInBytes: sizeInBytes) } catch { throw .system(error) }
        let (digest, size) = try unsafe tools.hasher.digest(of: payload, through: tools.buffer) {
            (chunk, size) throws(TakeError) in
            // A file that grows for ever under us would fill the store: more than was announced is a change.
            if size > sizeInBytes { throw .changed }
            do throws(SystemError) { unsafe try file.write(chunk) } catch { throw .system(error) }
            // Write-back starts early and evenly, so that no sync later waits for gigabytes.
            if size % (8 << 20) < Int64(chunk.count) {
                file.startWriteback(from: max(0, size - (8 << 20)), count: 8 << 20)
            }
            try checkpoint(size)
        }
        guard size == sizeInBytes else { throw .changed }
        return try staged(file, name, digest, size, .copy)
    }

    /// Takes the producer's own inode: locks it down and hashes it. The lease must be held, and stay held until the row is committed.
    ///
    /// - Parameters:
    ///   - payload: the claimed file, opened for reading, under lease.
    ///   - directory: the claim directory.
    ///   - name: the payload's name in it.
    /// - Returns: the blob to be; one that was copied, and needs no lease, when the file's own bytes cannot be trusted to be on disk.
    public func adopt(
        _ payload: Descriptor, in directory: Descriptor, name: FileName, tools: TakeTools,
        checkpoint: (Int64) throws(TakeError) -> Void
    ) throws(TakeError) -> StagedBlob {
        do {
            // Without a lease it is somebody else's file still, and stays as it is.
            guard payload.holdsLease else { throw TakeError.changed }
            if try suspects.mayContain(payload.status()) && suspects.contains(payload) {
                return try copyUnderLease(payload, tools: tools, checkpoint: checkpoint)
            }
            try lockDown(payload)
            let before = try payload.status()
            let (digest, size) = try tools.digest(of: payload, checkpoint: checkpoint)
            guard payload.holdsLease, try payload.status().hasSameContent(as: before), size == before.sizeInBytes else {
                throw TakeError.changed
            }
            if size >= Self.largeFileSize { try suspects.sync(payload) }
            return StagedBlob(
                digest: digest, sizeInBytes: size, method: .move,
                source: .claimed(payload, directory: directory, name: name),
                isSynced: size >= Self.largeFileSize)
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as TakeError {
            throw error
        } catch { preconditionFailure("\(error)") }
    }

    /// What ``adopt(_:in:name:tools:checkpoint:)`` does with a file whose bytes did not get to the disk when they were synced: the page
    /// cache may still hold them, and a copy gets pages of its own.
    private func copyUnderLease(
        _ payload: Descriptor, tools: TakeTools, checkpoint: (Int64) throws(TakeError) -> Void
    ) throws -> StagedBlob {
        let before = try payload.status()
        let blob = try copy(
            payload, sizeInBytes: before.sizeInBytes, reserve: 0, tools: tools, checkpoint: checkpoint)
        guard payload.holdsLease, try payload.status().hasSameContent(as: before) else { throw TakeError.changed }
        return blob
    }

    /// Whether a file of this size fits without touching the reserve.
    public func checkRoom(for sizeInBytes: Int64, reserve: UInt64) throws(TakeError) {
        let space: Space
        do { space = try self.space() } catch { throw .system(error) }
        let (sum, overflow) = UInt64(max(0, sizeInBytes)).addingReportingOverflow(reserve)
        let needed = overflow ? .max : sum
        if needed > space.freeBytes { throw .noRoom(missingBytes: needed - space.freeBytes) }
        if space.totalNodes > 0 && space.freeNodes < 16 {
            throw .system(SystemError(.openat, "\(root)", code: ENOSPC))
        }
    }

    private func staged(
        _ file: Descriptor, _ name: TemporaryName?, _ digest: Digest, _ size: Int64, _ method: TakeMethod
    ) throws(TakeError) -> StagedBlob {
        do {
            try lockDown(file)
            // A failed fsync is never tried again: the temporary file dies with its descriptor and the source is taken anew.
            if size >= Self.largeFileSize { try file.sync() }
        } catch { throw .system(error) }
        return StagedBlob(
            digest: digest, sizeInBytes: size, method: method, source: .temporary(file, name: name),
            isSynced: size >= Self.largeFileSize)
    }

    /// Whether a file is as ``adopt(_:in:name:tools:checkpoint:)`` leaves it.
    public func isLockedDown(_ status: FileStatus) -> Bool {
        status.owner == Identity.user && status.group == readers && status.mode == 0o440
    }

    /// Owner: the daemon; group: the readers; mode 0440.
    private func lockDown(_ file: Descriptor) throws(SystemError) {
        let status = try file.status()
        // The owner first: only the owner may change the mode. A change of owner also clears set-id bits.
        if status.owner != Identity.user || status.group != readers {
            try file.setOwner(status.owner == Identity.user ? nil : Identity.user, group: readers)
        }
        if status.mode != 0o440 { try file.setMode(0o440) }
    }

    private func makeTemporary() throws(TakeError) -> (Descriptor, TemporaryName?) {
        do {
            return (try temporary.openUnnamed(mode: 0o600), nil)
        } catch where [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(error.code) {
            // No O_TMPFILE here (network file systems): a name instead, removed at the next start if we die.
        } catch { throw .system(error) }
        let name = randomName("take-")
        do {
            let file = try temporary.open(name, [.readWrite, .create, .exclusive], mode: 0o600)
            return (file, TemporaryName(name, in: temporary))
        } catch { throw .system(error) }
    }
}

extension ContentStore {
    /// Finds out by trying how a file of the daemon's own could get from a directory into the store.
    public func probe(_ file: Descriptor, in directory: Descriptor, name: FileName) -> (canClone: Bool, canLink: Bool) {
        var canClone = false
        if let (target, name) = try? makeTemporary() {
            canClone = (try? target.clone(from: file)) != nil
            withExtendedLifetime(name) {}
        }
        let link: FileName = ".probe"
        _ = try? temporary.unlink(link)
        let canLink = (try? directory.link(name, to: temporary, as: link)) != nil
        _ = try? temporary.unlink(link)
        return (canClone, canLink)
    }
}
