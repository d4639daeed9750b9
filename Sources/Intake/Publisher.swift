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
    static let groupLimit = 512
    /// A smaller group than this waits for more, where more is sure to come: each costs the disk a commit of its journal, and PostgreSQL a
    /// transaction.
    private static let worthwhileGroup = 96
    /// How long it waits at most.
    private static let gatheringTime = Duration.milliseconds(20)

    func run() {
        station.bind()
        let limit = stages.poison.takesOneByOne ? 1 : Self.groupLimit
        while var group = stages.publishBox.receive(limit: limit) {
            gather(&group, limit: limit)
            station.working(bound: Stages.syncBound)
            publish(group)
            station.idle()
        }
    }

    /// Lets a group grow while so many submissions are under way that more are sure to come; where they are all behind this lane, the wait
    /// costs nothing, because then the processor is what is short. A lone submission waits for nothing.
    private func gather(_ group: inout [Staged], limit: Int) {
        let end = Monotonic.now + Self.gatheringTime
        while group.count < min(Self.worthwhileGroup, limit),
            stages.board.snapshot.inFlight >= 4 * Self.worthwhileGroup, Monotonic.now < end
        {
            _ = try? waitForInput([], timeout: .milliseconds(2))
            group += stages.publishBox.receive(limit: limit - group.count, until: .now) ?? []
        }
    }

    private func publish(_ group: [Staged]) {
        let keys = group.map(\.stored.work.claim.key)
        station.work(onAll: keys)
        let publications = store.publish(group.map(\.blob)) { index in
            if let index { station.work(on: keys[index]) } else { station.work(onAll: keys) }
        }
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
