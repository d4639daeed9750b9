import ContentStore
import Glibc
import LinuxSystem
import TestKit
import Testing
import Vocabulary

/// A way into the store, on a file system that has it.
struct Way: Sendable, CustomTestStringConvertible {
    let method: TakeMethod
    let kind: FileSystemType

    static let all: [Way] =
        [FileSystemType.xfs, .btrfs].map { Way(method: .clone, kind: $0) }
        + FileSystemType.local.map { Way(method: .move, kind: $0) }
        + (FileSystemType.local + [.overlay]).map { Way(method: .copy, kind: $0) }
    /// One of each, for what takes long.
    static let some = [
        Way(method: .clone, kind: .xfs), Way(method: .clone, kind: .btrfs), Way(method: .move, kind: .ext4),
        Way(method: .copy, kind: .tmpfs),
    ]
    static let moves = all.filter { $0.method == .move }

    var testDescription: String { "\(method.rawValue) on \(kind.rawValue)" }
}

/// A store and a claim directory in one scratch directory.
final class StoreFixture {
    static let identity = "019f0c1e-7a3b-7c55-9d0e-6b1f2a3c4d5e"

    let scratch: Scratch
    let claim: Descriptor
    let tools = TakeTools()
    private var current: ContentStore?

    init(_ scratch: Scratch) throws {
        ignoreLeaseSignals()
        self.scratch = scratch
        claim = try scratch.makeDirectory("claim").directory
        _ = try scratch.makeDirectory("store")
        current = try Self.open(scratch)
    }

    var store: ContentStore {
        guard let current else { preconditionFailure("the store is being opened again") }
        return current
    }

    static func open(_ scratch: Scratch) throws -> ContentStore {
        try ContentStore(path: "\(scratch.path)/store", newIdentity: identity)
    }

    /// Runs a test with a new store on a file system of a kind.
    static func with(on kind: FileSystemType, _ body: (StoreFixture) throws -> Void) throws {
        try Scratch.with(on: kind) { try body(StoreFixture($0)) }
    }

    /// A new start of the daemon.
    func reopen() throws {
        current = nil
        // A child that another test starts has the lock until it executes its program.
        let isOpen = eventually {
            current = try? Self.open(scratch)
            return current != nil
        }
        try #require(isOpen)
    }

    /// Puts a payload into the claim directory and opens it as the daemon does.
    func drop(_ content: [UInt8], as name: FileName = "model.pkl") throws -> Descriptor {
        _ = try claim.unlink(name)
        let file = try claim.open(name, [.writeOnly, .create, .exclusive], mode: 0o644)
        try file.write(content)
        return try claim.open(name)
    }

    /// Takes a payload.
    func take(
        _ method: TakeMethod, _ payload: Descriptor, name: FileName = "model.pkl", fileExtension: String? = nil,
        checkpoint: (Int64) throws(TakeError) -> Void = { (_) throws(TakeError) in }
    ) throws -> StagedBlob {
        var blob: StagedBlob
        switch method {
        case .clone: blob = try store.clone(payload, tools: tools, checkpoint: checkpoint)
        case .copy:
            let size = try payload.status().sizeInBytes
            blob = try store.copy(payload, sizeInBytes: size, reserve: 0, tools: tools, checkpoint: checkpoint)
        case .move:
            // A child that another test starts has the writer's descriptor until it executes its program.
            guard try eventually({ try payload.requestLease() == .granted }) else { throw TakeError.changed }
            blob = try store.adopt(payload, in: claim, name: name, tools: tools, checkpoint: checkpoint)
        }
        blob.fileExtension = fileExtension
        return blob
    }

    /// Drops, takes and publishes bytes.
    func store(
        _ content: [UInt8], _ method: TakeMethod = .copy, fileExtension: String? = nil
    ) throws -> (publication: Publication, blob: StagedBlob) {
        let blob = try take(method, drop(content), fileExtension: fileExtension)
        return (try publish(blob), blob)
    }

    func publish(_ blob: StagedBlob) throws -> Publication { try #require(store.publish([blob]).first) }

    /// The directory that holds a digest's names.
    func shard(of digest: Digest) throws -> Descriptor {
        let path = try #require(RelativePath(bytes: Array("store/sha256/\(digest.hex.prefix(2))".utf8)))
        return try scratch.directory.openDirectory(path)
    }

    func name(of digest: Digest, _ fileExtension: String? = nil) throws -> FileName {
        try #require(FileName(Array((digest.hex + (fileExtension.map { ".\($0)" } ?? "")).utf8)))
    }

    /// P3: every name in the store is the digest of what it names.
    ///
    /// - Returns: how many names there are.
    @discardableResult
    func expectEveryNameIsTrue(in only: Digest? = nil) throws -> Int {
        var count = 0
        for byte in 0..<256 where only.map({ $0.firstByte == byte }) ?? true {
            let text = (byte < 16 ? "0" : "") + String(byte, radix: 16)
            let shard = try scratch.directory.openDirectory(
                RelativePath(["store", "sha256", #require(FileName(Array(text.utf8)))]))
            for entry in try shard.entries() {
                let found = tools.digest(of: try shard.open(entry.name).readAll(limit: 64 << 20))
                let isTrue = entry.name.text == found.hex || entry.name.text.hasPrefix(found.hex + ".")
                #expect(isTrue, "\(entry.name) holds \(found.hex)")
                #expect(try shard.status(of: entry.name)?.mode == 0o440)
                count += 1
            }
        }
        return count
    }

    /// What is in one of the store's own directories.
    func names(in directory: FileName) throws -> [FileName] {
        try scratch.directory.openDirectory(RelativePath(["store", directory])).entries().map(\.name)
    }
}

extension Publication {
    var published: PublishedBlob? { if case .published(let blob) = self { blob } else { nil } }
    var error: SystemError? { if case .failed(let error) = self { error } else { nil } }
    var isLeaseBroken: Bool { if case .leaseBroken = self { true } else { false } }
}

/// Different bytes for every number, the same for the same.
func bytes(_ seed: Int, count: Int = 5000) -> [UInt8] {
    var state = UInt64(bitPattern: Int64(seed)) &+ 0x9E37_79B9_7F4A_7C15
    let block = (0..<min(count, 4096)).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
    var all: [UInt8] = []
    all.reserveCapacity(count)
    while all.count < count { all += block.prefix(count - all.count) }
    return all
}
