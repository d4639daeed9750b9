import ContentStore
import DropWatch
import LinuxSystem
import Settings
import Vocabulary

/// A drop directory at work: what the operator wants of it, and what this machine can do there.
///
/// Immutable: a reload makes a new one on the same root, and submissions that are under way keep the old one.
struct Drop: Sendable {
    let key: DropKey
    let root: DropRoot
    let settings: DropSettings
    let plan: TakePlan

    /// Whether leases are evidence here: the kernel sees every writer, and the operator did not say otherwise.
    var leasesProve: Bool {
        guard settings.completeness != .settle, plan.hasLeases else { return false }
        switch settings.remoteWriters {
        case .yes: return false
        case .no: return true
        case .auto: return root.fileSystem.tellsTheTruth
        }
    }

    /// Whether events tell of every change; where they do not, the directory is listed from time to time.
    var isPolled: Bool { !root.fileSystem.tellsTheTruth || settings.remoteWriters == .yes }

    /// The path of a submission's payload for people and for the registry.
    func sourceName(_ origin: RelativePath, _ name: FileName) -> String { origin.appending(name).description }
}

/// What was found by trying: which ways into the store there are from a drop directory.
struct TakePlan: Sendable, Equatable {
    var canClone: Bool
    var canLink: Bool
    var hasLeases: Bool
    /// Whether files of other users can be made the daemon's own.
    var canChangeOwner: Bool

    /// Tries each way with a file of the daemon's own in `.claims/`.
    ///
    /// - Throws: when the drop directory is full or read-only, so that nothing could be tried.
    static func probe(_ root: DropRoot, _ store: ContentStore) throws(SystemError) -> TakePlan {
        let name: FileName = ".probe"
        try root.claims.unlink(name)
        defer { _ = try? root.claims.unlink(name) }
        try root.claims.open(name, [.writeOnly, .create, .exclusive], mode: 0o600).write([0x49])
        let file = try root.claims.open(name)
        let ways = store.probe(file, in: root.claims, name: name)
        var lease = try file.requestLease()
        // Nobody else writes to this file. But a program that another thread is starting has a copy of the descriptor above until it is executed.
        let end = Monotonic.now + .seconds(5)
        while lease == .writerPresent && Monotonic.now < end {
            _ = try waitForInput([], timeout: .milliseconds(2))
            lease = try file.requestLease()
        }
        file.releaseLease()
        return TakePlan(
            canClone: ways.canClone, canLink: ways.canLink, hasLeases: lease == .granted,
            canChangeOwner: Identity.mayChangeOwners)
    }
}

extension Drop {
    /// How a payload of this kind is taken.
    ///
    /// - Parameters:
    ///   - status: the payload as it was claimed.
    ///   - isLeased: whether a lease is held on it.
    ///   - wasLockedDown: whether the daemon locked it down before, so that other links to it are the store's.
    func method(for status: FileStatus, isLeased: Bool, wasLockedDown: Bool) -> TakeMethod {
        let canMove =
            plan.canLink && isLeased && settings.producers == .trusted && (status.linkCount == 1 || wasLockedDown)
            && (status.owner == Identity.user || plan.canChangeOwner)
        switch settings.take {
        case .auto: return plan.canClone ? .clone : canMove ? .move : .copy
        case .clone: return plan.canClone ? .clone : .copy
        case .move: return canMove ? .move : .copy
        case .copy: return .copy
        }
    }

    /// Whether a user may drop here, by `owners:`.
    func admits(owner: UInt32) -> Bool {
        settings.owners.contains { entry in
            if entry == "*" { return true }
            if let number = UInt32(entry) { return number == owner }
            if entry.hasPrefix("@") {
                guard let group = Identity.groupID(String(entry.dropFirst())) else { return false }
                return Identity.groups(ofUser: owner).contains(group)
            }
            return Identity.userID(entry) == owner
        }
    }
}
