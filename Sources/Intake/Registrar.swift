import ContentStore
import DropWatch
import LinuxSystem
import Logging
import Manifest
import ModelFormats
import Registry
import ServiceManager
import Settings
import Vocabulary

/// The lane that talks to PostgreSQL: one connection, one transaction for as many submissions as are ready.
///
/// While the database is away nothing waits in memory: what is stored gets a note in its claim and is let go, and when the database is
/// back the surveyor takes every claim up again. So a day without a database costs disk, not memory.
final class Registrar {
    /// The most submissions in one transaction.
    static let groupLimit = 512
    /// How long opening a connection, migrations included, may take.
    private static let openingTime = Duration.seconds(20)
    /// How often an idle connection is tried, so that the status is true.
    private static let pingInterval = Duration.seconds(30)
    /// How soon a connection that was regained is tried when nothing comes that would.
    private static let proofInterval = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)

    private let stages: Stages
    private let store: ContentStore
    private let station: Station
    private var session: RegistrySession?
    private var connectionString = ""
    private var nextAttempt = Monotonic.now
    private var pause = Duration.milliseconds(500)
    private var unreachableSince: Monotonic?
    private var withdrawn = Set<Digest>()
    private var hasCounted = false
    /// Whether the surveyor was asked, in this outage, to tell the producers of what is stored and waits.
    private var hasToldProducers = false

    init(stages: Stages, store: ContentStore, station: Station) {
        self.stages = stages
        self.store = store
        self.station = station
    }

    /// Works through the box until it is closed.
    func run() {
        station.bind()
        connect()
        let limit = stages.poison.takesOneByOne ? 1 : Self.groupLimit
        while let jobs = stages.registerBox.receive(limit: limit, until: nextTurn) {
            station.working(bound: Stages.syncBound)
            keepConnected(isIdle: jobs.isEmpty)
            if !jobs.isEmpty {
                stages.board.update { $0.recordingSince = .now }
                record(jobs)
                stages.board.update { $0.recordingSince = nil }
            }
            station.idle()
        }
        session?.close()
    }

    private var nextTurn: Monotonic {
        if session == nil { return nextAttempt }
        return .now + (unreachableSince == nil ? Self.pingInterval : Self.proofInterval)
    }

    // MARK: The connection

    private func keepConnected(isIdle: Bool) {
        if session != nil, connectionString != stages.settings.database {
            session?.close()
            session = nil
            nextAttempt = .now
        }
        if session == nil, nextAttempt <= .now { connect() }
        guard isIdle, let session else { return }
        do throws(RegistryError) {
            try session.rehearse()
            prove()
        } catch { lose(error) }
    }

    /// Opens a session, or notes when to try again.
    private func connect() {
        // A migration, or a store that moved, may rewrite many rows.
        station.working(bound: Stages.syncBound)
        connectionString = stages.settings.database
        do throws(RegistryError) {
            let opened = try RegistrySession.open(
                connectionString: connectionString,
                store: StoreRecord(id: store.identity, host: stages.host, root: store.root),
                deadline: .now + Self.openingTime)
            if !hasCounted {
                let count = try opened.registeredCount()
                hasCounted = true
                stages.board.update { $0.registeredBefore = count }
            }
            session = opened
            for remark in opened.remarks { stages.log.event(.databaseAvailable, .notice, remark) }
            celebrate()
        } catch {
            lose(error)
        }
    }

    /// A connection is worth something only when something was written through it: until then an outage is not over.
    private func celebrate() {
        stages.board.update { state in
            if case .unreachable(let since, let why) = state.database {
                state.database = .regained(since: since, why: why)
            } else {
                state.database = .ok
            }
        }
        // Claims from before the start and from the time without a database look the same, and are taken up the same way.
        stages.inbox.send(.resumeClaims)
    }

    /// Something was written, or everything gone through that writing takes: an outage is over.
    private func prove() {
        guard let since = unreachableSince else { return }
        pause = .milliseconds(500)
        unreachableSince = nil
        hasToldProducers = false
        stages.board.update { state in
            state.database = .ok
            state.parkedClaims = []
            state.parkedRefusals = []
        }
        stages.log.event(.databaseAvailable, .notice, "The database is back after \(spoken(.now - since))")
    }

    private func lose(_ error: RegistryError) {
        session?.close()
        session = nil
        let since = unreachableSince ?? .now
        unreachableSince = since
        // Full jitter keeps many daemons from coming back in step.
        nextAttempt = .now + .nanoseconds(Int64.random(in: pause.inNanoseconds / 2...pause.inNanoseconds))
        pause = min(pause * 2, Self.longestPause)
        if !hasToldProducers && .now - since >= WaitingRoom.noticeAfter {
            hasToldProducers = true
            stages.inbox.send(.resumeClaims)
        }
        stages.board.update { $0.database = .unreachable(since: since, why: error.message) }
        stages.log.complaint(
            .databaseUnavailable, error.scope == .operatorSetup ? .error : .warning, key: "database: \(error.code)",
            "The database is not usable: \(error). Models are stored and registered later")
    }

    // MARK: Recording

    private func record(_ jobs: [RegistryJob]) {
        let jobs = jobs.filter(isStillWhole)
        station.work(onAll: jobs.map(\.claim?.key))
        let entries = jobs.compactMap(entry)
        let asked = jobs.compactMap { if case .ask(let id) = $0 { id } else { nil } }
        if !entries.isEmpty {
            do throws(RegistryError) {
                let verdicts = try persistently { (session) throws(RegistryError) in try session.record(entries) }
                prove()
                giveBackUnwanted(jobs, verdicts)
                finish(jobs, verdicts)
            } catch {
                if session != nil { lose(error) }
                park(jobs.filter { if case .ask = $0 { false } else { true } })
            }
        }
        if !asked.isEmpty { ask(asked) }
    }

    /// Asks what is known of submissions whose claims do not tell.
    private func ask(_ ids: [SubmissionID]) {
        // First they are let go: what the surveyor does with the answer may put one of them under way again.
        stages.inbox.send(.finished(ids))
        do throws(RegistryError) {
            let outcomes = try persistently { (session) throws(RegistryError) in
                try session.recordedOutcomes(of: ids)
            }
            stages.inbox.send(.outcomes(outcomes, asked: ids))
        } catch {
            if session != nil { lose(error) }
        }
    }

    /// Runs something on the session, and once more on a new one when the connection turns out to be lost: a restart of the
    /// server between two submissions costs nobody anything. Everything that is run is idempotent.
    private func persistently<Result>(
        _ body: (RegistrySession) throws(RegistryError) -> Result
    ) throws(RegistryError) -> Result {
        guard let first = session else {
            throw RegistryError(code: .database, operation: "recording", message: "There is no connection.")
        }
        do {
            return try body(first)
        } catch where error.scope == .transient {
            lose(error)
            connect()
            guard let second = session else { throw error }
            return try body(second)
        }
    }

    /// A moved inode whose lease broke is taken out of the store again, and so is everything that was found to be the same blob meanwhile.
    private func isStillWhole(_ job: RegistryJob) -> Bool {
        guard case .register(let stored, let moved) = job else { return true }
        if let moved, !moved.holdsLease {
            // After a crash behind COMMIT the row may be there already: then its names stay, and are only not believed any more.
            guard !stored.work.wasLockedDown else {
                store.distrust(stored.digest)
                stored.work.file.releaseLease()
                stages.retry(stored.work.claim, code: "changed", "Another process opened the payload for writing.")
                return false
            }
            withdrawn.insert(stored.digest)
            do throws(SystemError) { try store.withdraw(moved) } catch {
                stages.log.complaint(
                    .storeUnavailable, .error, key: "withdraw", "\(stored.filePath) cannot be withdrawn: \(error)",
                    stored.work.fields)
            }
            stored.work.file.releaseLease()
            stages.retry(stored.work.claim, code: "changed", "Another process opened the payload for writing.")
            return false
        }
        if withdrawn.contains(stored.digest), !store.contains(stored.digest) {
            stages.retry(stored.work.claim, code: "changed", "The blob it shared was withdrawn.")
            return false
        }
        return true
    }

    private func entry(_ job: RegistryJob) -> Entry? {
        switch job {
        case .register(let stored, _): .registration(Registration(stored, host: stages.host))
        case .reject(let refusal): .rejection(Rejecting(refusal: refusal, host: stages.host).rejection)
        case .ask: nil
        }
    }

    /// A blob of a submission that the registry refused is taken out of the store again, unless a row needs it: so a moved inode
    /// can go back to its producer as it was, and conflicts fill no store.
    ///
    /// Whoever was found to be the same blob meanwhile is still to pass ``isStillWhole(_:)``, on this very lane.
    private func giveBackUnwanted(_ jobs: [RegistryJob], _ verdicts: [SubmissionID: Verdict]) {
        var unwanted = Set<Digest>()
        for job in jobs {
            guard case .register(let stored, _) = job else { continue }
            switch verdicts[stored.work.claim.id] {
            case .conflict, .refused: unwanted.insert(stored.digest)
            default: break
            }
        }
        for digest in unwanted {
            // Whatever stands in the way, the blob only stays where it is, and the producer gets a copy.
            guard let session, (try? session.isRegistered(digest)) == false else { continue }
            withdrawn.insert(digest)
            do throws(SystemError) { try store.remove(digest) } catch {
                stages.log.complaint(
                    .storeUnavailable, .warning, key: "remove",
                    "The blob \(digest.hex), which no row needs, stays: \(error)")
            }
        }
    }

    private func finish(_ jobs: [RegistryJob], _ verdicts: [SubmissionID: Verdict]) {
        stages.finishBox.send(
            contentsOf: jobs.compactMap { job in
                switch job {
                case .register(let stored, _): finished(stored, verdicts[stored.work.claim.id])
                case .reject(let refusal): .rejected(refusal)
                case .ask: nil
                }
            })
    }

    private func finished(_ stored: Stored, _ verdict: Verdict?) -> Finished? {
        if let verdict { return .registered(stored, verdict) }
        // The registry answers for every entry; should it ever not, the submission is asked about again rather than forgotten.
        stages.retry(stored.work.claim, code: "system", "The registry gave no answer.")
        return nil
    }

    /// Leaves submissions on disk until the database is back.
    private func park(_ jobs: [RegistryJob]) {
        var ids: [SubmissionID] = []
        var parked: [SubmissionID] = []
        var refused: [SubmissionID] = []
        for job in jobs {
            switch job {
            case .register(let stored, _):
                let note = StoredNote(digest: stored.digest, proof: stored.proof, payload: stored.work.status)
                // Without the note the claim is only taken again from the start, which is more work and no harm.
                try? stored.work.claim.folder.leave(note.note, as: ClaimFolder.blobNote)
                stored.work.file.releaseLease()
                ids.append(stored.work.claim.id)
                parked.append(stored.work.claim.id)
            case .reject(let refusal):
                ids.append(refusal.claim.id)
                refused.append(refusal.claim.id)
            case .ask(let id): ids.append(id)
            }
        }
        stages.board.update { state in
            state.parkedClaims.formUnion(parked)
            state.parkedRefusals.formUnion(refused)
        }
        stages.inbox.send(.finished(ids))
    }
}

extension Registration {
    init(_ stored: Stored, host: String) {
        let manifest = stored.work.manifest
        let claim = stored.work.claim
        self.init(
            submissionID: claim.id, modelID: manifest.modelID, modelVersion: manifest.modelVersion,
            creationTimestamp: manifest.creationTimestamp
                ?? WallClock.rfc3339(nanoseconds: stored.work.status.modified),
            trainingParameters: manifest.trainingParameters?.text, evaluationMetrics: manifest.evaluationMetrics?.text,
            tags: manifest.tags?.text, parents: manifest.parents, manifest: manifest.document.text,
            manifestSHA256: stored.manifestSHA256, digest: stored.digest, sizeInBytes: stored.sizeInBytes,
            filePath: stored.filePath, inspection: stored.inspection?.record,
            sourceName: claim.sourceName,
            submittedBy: Identity.userName(stored.work.owner.user), submittedUID: stored.work.owner.user,
            dropPath: escaped(claim.drop.key.path), host: host, proof: stored.proof, warnings: stored.warnings)
    }
}
