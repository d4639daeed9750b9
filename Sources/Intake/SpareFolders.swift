import LinuxSystem
import Synchronization
import Vocabulary

/// Folders of claims that are over, kept for the next ones while others are under way.
///
/// Of all that a submission changes on the disk, making its folder, opening it and removing it cost the most: on ext4 a rename of a
/// folder that is there takes less than a quarter of that. Such a folder holds notes at most, and goes only to a claim that would leave the very same
/// ones, so that what it holds is true of the new claim before the first file is in it.
///
/// Only for file systems that keep the order of changes: on another one a power cut could bring a file of the new claim back under the name
/// of the old one, whose row is there.
final class SpareFolders: Sendable {
    /// What a folder has to tell before a payload may move into it.
    struct Notes: Hashable, Sendable {
        /// Where the pair came from; there is a note unless it is the drop directory itself.
        var origin: RelativePath
        /// Whose the payload is; `nil` when there is no note of that.
        var owner: OriginalOwner?
    }

    private struct Key: Hashable {
        let claims: ObjectIdentifier
        let notes: Notes
    }

    private struct Spare {
        let folder: ClaimFolder
        let claims: Descriptor
    }

    private struct State {
        var spares: [Key: [Spare]] = [:]
        var names: Set<SubmissionID> = []
    }

    private let state = Mutex(State())
    /// Each has a descriptor, and claims from many directories find none that fits.
    private static let capacity = 128

    /// Keeps a folder that holds these notes and nothing else.
    ///
    /// - Parameter claims: the directory it is in.
    /// - Returns: whether there was room for it.
    func put(_ folder: ClaimFolder, _ notes: Notes, in claims: Descriptor) -> Bool {
        state.withLock { state in
            guard state.names.count < Self.capacity else { return false }
            state.names.insert(folder.id)
            state.spares[Key(claims: ObjectIdentifier(claims), notes: notes), default: []]
                .append(Spare(folder: folder, claims: claims))
            return true
        }
    }

    /// A folder with these notes, or with all but that of the owner; `nil` when there is none.
    func take(_ notes: Notes, in claims: Descriptor) -> (folder: ClaimFolder, notes: Notes)? {
        state.withLock { state in
            if state.names.isEmpty { return nil }
            for notes in [notes, Notes(origin: notes.origin, owner: nil)] {
                let key = Key(claims: ObjectIdentifier(claims), notes: notes)
                guard let spare = state.spares[key]?.popLast() else { continue }
                state.names.remove(spare.folder.id)
                return (spare.folder, notes)
            }
            return nil
        }
    }

    /// Whether a folder that is found in a claims directory is one of these, and no claim.
    func contains(_ id: SubmissionID) -> Bool { state.withLock { $0.names.contains(id) } }

    /// Removes all of them from the disk. One that cannot be removed is removed as an empty claim by the next start.
    func removeAll() {
        let all = state.withLock { state in
            defer { state = State() }
            return state.spares.values.joined()
        }
        for spare in all { try? spare.folder.remove(ClaimContents(), from: spare.claims) }
    }
}
