import ContentStore
import LinuxSystem
import Logging
import ServiceManager
import Vocabulary

/// The lane that gives blobs their names, in groups: while one group is synced, the next gathers.
struct Publisher {
    let stages: Stages
    let store: ContentStore
    let station: Station

    /// The largest group: it bounds how long the first of a group waits for the last.
    static let groupLimit = 256

    func run() {
        station.bind()
        let limit = stages.poison.takesOneByOne ? 1 : Self.groupLimit
        while let group = stages.publishBox.receive(limit: limit) {
            station.working(bound: Stages.syncBound)
            publish(group)
            station.idle()
        }
    }

    private func publish(_ group: [Staged]) {
        station.work(onAll: group.map(\.stored.work.claim.key))
        let publications = store.publish(group.map(\.blob)) { station.work(on: group[$0].stored.work.claim.key) }
        var jobs: [RegistryJob] = []
        for (staged, publication) in zip(group, publications) {
            switch publication {
            case .published(let blob):
                var stored = staged.stored
                stored.filePath = blob.path
                complain(of: blob, stored)
                jobs.append(.register(stored, moved: staged.blob.needsLease ? staged.blob : nil))
            case .leaseBroken: letGo(of: staged)
            case .failed(let error): retry(staged, error)
            }
        }
        if !jobs.isEmpty { stages.board.clearStoreProblem() }
        stages.registerBox.send(contentsOf: jobs)
    }

    /// Somebody wants to write to the producer's inode: it is not complete after all. It gets no new lease before the writer is gone.
    private func letGo(of staged: Staged) {
        let work = staged.stored.work
        work.file.releaseLease()
        stages.retry(work.claim, code: "changed", "Another process opened the payload for writing.")
    }

    private func retry(_ staged: Staged, _ error: SystemError) {
        let claim = staged.stored.work.claim
        stages.board.update { $0.storeProblem = "\(error)" }
        stages.log.complaint(
            .storeUnavailable, .error, key: "publish: \(error.call.rawValue) \(error.code)",
            "\(claim.sourceName) cannot be stored: \(error); it is taken again from the start",
            staged.stored.work.fields)
        stages.retry(claim, code: "system", "The store cannot take it now (\(error)).")
    }

    private func complain(of blob: PublishedBlob, _ stored: Stored) {
        guard let healed = blob.healed else { return }
        stages.log.event(
            .blobCorrupt, .error,
            "The blob \(blob.digest.hex) was damaged; it was moved to \(healed) and replaced by the copy that was just dropped",
            stored.work.fields)
    }
}

extension StatusBoard {
    /// The store works again.
    func clearStoreProblem() {
        if snapshot.storeProblem != nil { update { $0.storeProblem = nil } }
    }
}
