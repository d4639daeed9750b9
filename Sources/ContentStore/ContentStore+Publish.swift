import Glibc
public import LinuxSystem
public import Vocabulary

/// What became of one staged blob.
public enum Publication: Sendable {
    /// Durable under its name.
    case published(PublishedBlob)
    /// Not published; the source is untouched and can be taken again.
    case failed(SystemError)
    /// The lease on the producer's inode broke: somebody wants to write, so it is taken again when that is over.
    case leaseBroken
}

extension ContentStore {
    /// Up to so many files are synced one by one; more of them share one syncfs(2). Measured on ext4: an fsync(2) costs about
    /// 0.5 ms, a syncfs(2) for a hundred small files about 5 ms.
    private static let fewFiles = 8

    /// Gives a group of staged blobs their names, durably.
    ///
    /// The order is the promise: bytes synced, then named, then the directories synced; only then does anybody hear of it. After a
    /// crash between any two steps, the names that exist belong to bytes that were durable before.
    ///
    /// Where the file system keeps the order of changes (``LinuxSystem/FileSystemKind/keepsOrder``) a single fsync(2) makes a group durable.
    /// Its bytes are written to the device, and that is waited for, before the first name is given; the blocks and sizes that belong to them, and
    /// then the names, stand in the journal in that order; and the journal writes nothing before the device has emptied its cache (a
    /// flush before each commit: ext4's and XFS's `barrier`, the default). So there is no name without its bytes there either.
    ///
    /// - Parameter turn: called before something is done to one blob of the group alone, with its index, and before what concerns all of them.
    public func publish(_ group: [StagedBlob], turn: (Int?) -> Void = { _ in }) -> [Publication] {
        var results = [Publication?](repeating: nil, count: group.count)
        syncContents(of: group, &results, turn)
        var touched: [Int: [FileName]] = [:]
        for index in group.indices where results[index] == nil {
            turn(index)
            results[index] = name(group[index], &touched)
        }
        turn(nil)
        syncShards(touched, group, &results)
        return results.map { $0 ?? .failed(SystemError(.linkat, "", code: EIO)) }
    }

    /// Takes the names back that a moved inode got, because its lease broke before the row was committed.
    public func withdraw(_ blob: StagedBlob) throws(SystemError) {
        guard case .claimed(let descriptor, _, _) = blob.source else { return }
        let status = try descriptor.status()
        let shard = shard(of: blob.digest)
        for name in names(of: blob) {
            if let named = try shard.status(of: name), named.isSameFile(as: status) { try shard.unlink(name) }
        }
        verified.remove(blob.digest)
        try shard.sync()
    }

    /// Takes a blob out of the store that nobody was told of: no row points at it, and its bytes are elsewhere.
    public func remove(_ digest: Digest) throws(SystemError) {
        let shard = shard(of: digest)
        let name = blobName(of: digest)
        verified.remove(digest)
        // The plain name last: while it is there, what is left of the others is found again.
        let prefix = name.bytes + [UInt8(ascii: ".")]
        for entry in try shard.entries() where entry.name.bytes.starts(with: prefix) { try shard.unlink(entry.name) }
        try shard.unlink(name)
        try shard.sync()
    }

    // MARK: Syncing

    private func syncContents(of group: [StagedBlob], _ results: inout [Publication?], _ turn: (Int?) -> Void) {
        let unsynced = group.indices.filter { !group[$0].isSynced }
        if !keepsOrder && unsynced.count > Self.fewFiles {
            do {
                try directory.syncFileSystem()
                return
            } catch {
                // Whose bytes were lost is not told, and asking again would be answered with a lie: all are taken anew.
                for index in unsynced {
                    results[index] = .failed(error)
                    if group[index].needsLease { suspects.insert(group[index].descriptor) }
                }
                return
            }
        }
        for index in unsynced {
            turn(index)
            let blob = group[index]
            do {
                if keepsOrder { try blob.descriptor.writeBack() } else { try blob.descriptor.sync() }
            } catch {
                results[index] = .failed(error)
                // A temporary file dies with its descriptor, and what gets its number next is not to be blamed.
                if blob.needsLease { suspects.insert(blob.descriptor) }
            }
        }
    }

    /// - Parameter touched: the shards, and the names that are new in them.
    private func syncShards(_ touched: [Int: [FileName]], _ group: [StagedBlob], _ results: inout [Publication?]) {
        do {
            if keepsOrder {
                // A change that is certainly later than all those names: what commits it has committed them. Of a directory, because
                // for a file ext4's fast commits write less than the whole journal.
                try temporary.touch()
                try temporary.sync()
            } else if touched.count > Self.fewFiles {
                try directory.syncFileSystem()
            } else {
                for shard in touched.keys { try shards[shard].sync() }
            }
        } catch {
            for index in group.indices where touched[group[index].digest.firstByte] != nil {
                if case .published = results[index] { results[index] = .failed(error) }
                verified.remove(group[index].digest)
                // Their bytes were to become durable by this too.
                if keepsOrder && group[index].needsLease { suspects.insert(group[index].descriptor) }
            }
            // Asking again would be answered with a lie here too: the names have to be given anew. Nobody knows them yet.
            for (shard, names) in touched {
                for name in names { _ = try? shards[shard].unlink(name) }
            }
        }
    }

    // MARK: Naming

    private func names(of blob: StagedBlob) -> [FileName] {
        let plain = blobName(of: blob.digest)
        guard let fileExtension = blob.fileExtension, let second = plain.appending(".\(fileExtension)") else {
            return [plain]
        }
        return [plain, second]
    }

    private func name(_ blob: StagedBlob, _ touched: inout [Int: [FileName]]) -> Publication {
        if blob.needsLease && !blob.descriptor.holdsLease { return .leaseBroken }
        var new: [FileName] = []
        defer { touched[blob.digest.firstByte, default: []] += new }
        let shard = shard(of: blob.digest)
        let names = names(of: blob)
        do throws(SystemError) {
            var healed: String?
            var wasPresent = false
            if try link(blob, to: shard, as: names[0]) {
                new.append(names[0])
            } else {
                healed = try settle(blob, shard, names[0])
                wasPresent = healed == nil
            }
            guard let status = try shard.status(of: names[0]) else {
                throw SystemError(.fstatat, "\(names[0])", code: ENOENT)
            }
            verified.insert(blob.digest, status)
            if names.count > 1, try linkSecondName(names[1], to: names[0], in: shard) { new.append(names[1]) }
            return .published(
                PublishedBlob(
                    digest: blob.digest, path: path(of: blob.digest, fileExtension: blob.fileExtension),
                    wasPresent: wasPresent, healed: healed))
        } catch {
            return .failed(error)
        }
    }

    /// Links the staged inode; `false` when the name is taken.
    func link(_ blob: StagedBlob, to shard: Descriptor, as name: FileName) throws(SystemError) -> Bool {
        do {
            switch blob.source {
            case .temporary(let descriptor, nil): try descriptor.linkDescriptor(to: shard, as: name)
            case .temporary(_, let held?): try temporary.link(held.name, to: shard, as: name)
            case .claimed(_, let directory, let claimed): try directory.link(claimed, to: shard, as: name)
            }
            return true
        } catch where error.code == EEXIST {
            return false
        }
    }

    /// - Returns: whether the name is new.
    private func linkSecondName(
        _ second: FileName, to first: FileName, in shard: Descriptor
    ) throws(SystemError) -> Bool {
        do {
            try shard.link(first, to: shard, as: second)
            return true
        } catch where error.code == EEXIST {
            try renew(second, to: first, in: shard)
            return false
        }
    }
}

extension ContentStore {
    /// Whether a blob of this name is there with these bytes, hashed now unless this process knows this very inode.
    ///
    /// - Returns: `false` when it is missing or different.
    public func verify(
        _ digest: Digest, tools: TakeTools, checkpoint: (Int64) throws(TakeError) -> Void
    ) throws(TakeError) -> Bool {
        let shard = shard(of: digest)
        let name = blobName(of: digest)
        do {
            guard let status = try shard.status(of: name), status.kind == .regular,
                try !isSuspect(status, name, in: shard)
            else {
                return false
            }
            if verified.contains(digest, status) { return true }
            let file = try shard.open(name)
            guard try tools.digest(of: file, checkpoint: checkpoint).digest == digest else { return false }
            try suspects.sync(file)
            verified.insert(digest, try file.status())
            return true
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as TakeError {
            if case .system(let cause) = error, cause.tellsOfDamage { return false }
            throw error
        } catch { preconditionFailure("\(error)") }
    }
}

extension ContentStore {
    /// Believes a blob no more: the next submission of these bytes hashes it again, and replaces it if it is wrong.
    public func distrust(_ digest: Digest) { verified.remove(digest) }

    /// Whether there is a blob of this name, whatever is in it.
    public func contains(_ digest: Digest) -> Bool {
        (try? shard(of: digest).status(of: blobName(of: digest))) != nil
    }
}

extension StagedBlob {
    /// Whether the lease on the producer's inode is whole.
    public var holdsLease: Bool { descriptor.holdsLease }
}
