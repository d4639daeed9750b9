import ContentStore
import Inspectors
import LinuxSystem
import Logging
import ServiceManager
import Vocabulary

/// A lane that has staged payloads looked into, and sends them on or refuses them.
///
/// Its inspector is a process of its own. Waking it costs as much as a look into a small file, so what has gathered is handed in together.
/// Nothing that a file does can hold up a lane for small ones for longer than its patience.
final class Examiner {
    /// How many small files the inspector gets at a time.
    private static let batch = 8
    /// How long a lane for small files waits for an inspection before a lane for large ones goes on with it (P7).
    static let smallPatience = Duration.seconds(3)

    let stages: Stages
    let store: ContentStore
    let station: Station
    let inspector = SandboxedInspector()
    /// How long an inspection may hold up this lane; `nil` as long as it takes.
    private let patience: Duration?

    init(stages: Stages, store: ContentStore, station: Station, patience: Duration?) {
        self.stages = stages
        self.store = store
        self.station = station
        self.patience = patience
    }

    /// Works through a box until it is closed.
    func run(_ box: Mailbox<Uninspected>) {
        station.bind()
        inspector.prepare()
        // A large one may take a minute: nobody waits in a lane's hands behind it while another lane rests.
        let batch = stages.poison.takesOneByOne || patience == nil ? 1 : Self.batch
        var handedIn: [(Uninspected, SandboxedInspector.Ticket?)] = []
        // With something in the inspector's hands, what has not come yet is not waited for.
        while let new = box.receive(limit: batch, until: handedIn.isEmpty ? nil : .now) {
            station.working(bound: Stages.syncBound)
            for uninspected in new {
                station.work(on: uninspected.stored.work.claim.key)
                handedIn.append((uninspected, handIn(uninspected)))
            }
            // The answers to the older ones come while the newer ones are looked into.
            let ready = new.isEmpty || batch == 1 ? handedIn.count : max(0, handedIn.count - batch)
            inspect(&handedIn, ready, box)
            if handedIn.isEmpty { station.idle() }
        }
        inspect(&handedIn, handedIn.count, box)
        station.idle()
    }

    /// Inspects the first of those that the inspector has. When one of them costs it its worker, the others go back into the box: whatever
    /// made it late may be in them too, and other lanes may be free. (When the daemon stops it is closed, and they stay claims.)
    private func inspect(
        _ handedIn: inout [(Uninspected, SandboxedInspector.Ticket?)], _ count: Int, _ box: Mailbox<Uninspected>
    ) {
        for index in 0..<count {
            let (uninspected, ticket) = handedIn[index]
            if let ticket, !inspector.holds(ticket), index > 0 {
                box.send(contentsOf: handedIn[index...].map(\.0))
                return handedIn = []
            }
            station.work(on: uninspected.stored.work.claim.key)
            do throws(TakeError) { try inspect(uninspected, ticket) } catch {
                stages.letGo(of: uninspected.stored.work, after: error, store: store)
            }
        }
        handedIn.removeFirst(count)
    }

    private func handIn(_ uninspected: Uninspected) -> SandboxedInspector.Ticket? {
        guard let file = try? payload(of: uninspected) else { return nil }
        return inspector.handIn(file, sizeInBytes: uninspected.stored.sizeInBytes)
    }

    /// Looks into what the store will hold (or holds), and sends it on, or has it set aside.
    private func inspect(_ uninspected: Uninspected, _ ticket: SandboxedInspector.Ticket?) throws(TakeError) {
        switch try look(into: uninspected, ticket) {
        case .inspected(let inspection): judge(uninspected, inspection)
        case .unfinished: stages.largeInspections.send(uninspected)
        case .unavailable(let error): throw .system(error)
        }
    }

    private func look(
        into uninspected: Uninspected, _ ticket: SandboxedInspector.Ticket?
    ) throws(TakeError) -> SandboxedInspector.Outcome {
        let file: Descriptor
        do { file = try payload(of: uninspected) } catch { throw .system(error) }
        return try inspector.inspect(
            file, sizeInBytes: uninspected.stored.sizeInBytes, patience: patience, ticket: ticket
        ) { [self] () throws(TakeError) in
            station.progress()
            if stages.isStopping { throw .stopped }
            if let blob = uninspected.blob, blob.needsLease && !blob.holdsLease { throw .changed }
        }
    }

    /// The bytes to look into, open.
    private func payload(of uninspected: Uninspected) throws(SystemError) -> Descriptor {
        if let blob = uninspected.blob { return blob.descriptor }
        return try store.reader(of: uninspected.stored.digest)
    }
}
