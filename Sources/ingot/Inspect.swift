import ArgumentParser
import ContentStore
import Inspectors
import LinuxSystem
import ModelFormats
import Registry
import Settings
import Vocabulary

/// Looks again into what is stored, when this program knows more than the one that looked first.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Look into the files of the store again and bring their rows up to date.",
        discussion: """
            Looks into every blob whose scanner version or allow-list version in the registry is older than this \
            program's (\(Inspector.statement)), or into which nobody has looked, and writes what it finds into the rows \
            of the blob and of every version that has it. Files stay where they are, whatever is found. The daemon may go \
            on meanwhile; after an interruption a second call does the rest.

            Run it as the daemon's user, who may read the blobs and write the registry: \
            runuser -u ingot -- ingot inspect --stored

            Exit status: 0 all were looked into, 2 some could not be read, 64 wrong usage, 69 store or registry cannot be \
            used, 78 wrong configuration.
            """)

    @Flag(name: .long, help: "Look into the blobs of the store that the configuration names.")
    var stored = false

    @Flag(name: .long, help: "Also into those that are up to date.")
    var all = false

    @Option(
        name: .long,
        help: "The daemon's configuration file (default: INGOT_CONFIG, else \(Settings.usualFile)).")
    var config: String?

    func validate() throws {
        guard stored else {
            throw ValidationError("Say --stored to look into the store again; 'ingot check FILE' looks into a file.")
        }
    }

    func run() throws {
        let environment = ProcessEnvironment.variables
        let settings: Settings
        do {
            let file = Settings.file(named: config, environment: environment)
            settings = try Settings.load(file, environment: environment)
        } catch {
            throw failure(78, error.description)
        }
        var renewal: Renewal
        do {
            let store = try StoreReader(path: settings.store)
            let session = try RegistrySession.visit(
                connectionString: settings.database,
                store: StoreRecord(id: store.identity, host: Identity.hostName, root: settings.store),
                deadline: .now + .seconds(30))
            renewal = Renewal(store: store, registry: session)
            try renewal.run(all: all)
        } catch let error as StoreError {
            throw failure(69, error.description)
        } catch let error as RegistryError {
            throw failure(69, error.description)
        } catch let error as SystemError {
            throw failure(69, "No inspector can be started: \(error)")
        }
        renewal.sum()
        if renewal.unreadable > 0 { throw ExitCode(2) }
    }

    private func failure(_ status: Int32, _ message: String) -> ExitCode {
        Terminal.complain("ingot: \(message)\n")
        return ExitCode(status)
    }
}

/// One walk through the blobs of a store.
private struct Renewal {
    /// So many blobs are written in one transaction; what is not written yet is lost when the walk is interrupted.
    private static let pageSize = 64

    private let store: StoreReader
    private let registry: RegistrySession
    private let inspector = SandboxedInspector()
    private var inspected = 0
    private var changed = 0
    private(set) var unreadable = 0

    init(store: StoreReader, registry: RegistrySession) {
        self.store = store
        self.registry = registry
    }

    mutating func run(all: Bool) throws {
        let versions = all ? nil : (scanner: Inspector.version, allowList: AllowList.version)
        var last: Digest?
        while true {
            let page = try registry.blobs(olderThan: versions, after: last, limit: Self.pageSize)
            guard let end = page.last else { return }
            var found: [(Digest, InspectionRecord)] = []
            for blob in page {
                if let record = try look(into: blob) { found.append((blob.digest, record)) }
            }
            for version in try registry.renew(found) { tell(version) }
            last = end.digest
        }
    }

    private mutating func look(into blob: RegistrySession.StoredBlob) throws(SystemError) -> InspectionRecord? {
        let file: Descriptor
        do {
            file = try store.open(blob.digest)
        } catch {
            unreadable += 1
            Terminal.complain("ingot: \(blob.digest.hex) cannot be read: \(error)\n")
            return nil
        }
        switch inspector.inspect(file, sizeInBytes: blob.sizeInBytes, checkpoint: {}) {
        case .inspected(let inspection):
            inspected += 1
            return inspection.record
        case .unavailable(let error): throw error
        // Only somebody who is impatient hears this.
        case .unfinished: return nil
        }
    }

    private mutating func tell(_ version: RegistrySession.RenewedVersion) {
        guard version.oldSafety != version.safety else { return }
        changed += 1
        Terminal.say(
            "\(escaped(version.modelID)) \(escaped(version.modelVersion)): \(version.oldSafety ?? "not inspected") → \(version.safety)\n"
        )
    }

    func sum() {
        Terminal.say("Looked into \(inspected) files; \(changed) versions have another verdict than before.\n")
    }
}
