internal import Glibc
public import LinuxSystem
internal import Manifest
internal import PostgresClient
public import Testing
public import Vocabulary

/// A real ingotd with a drop directory, a store and a database of its own.
public final class Daemon {
    /// Where everything is but, perhaps, the store.
    public let scratch: Scratch
    private let storeScratch: Scratch
    private let dropScratch: Scratch
    /// The connection string of its database, for the tests.
    public private(set) var database: String
    /// The same for the daemon, which may have to go another way.
    private let ownDatabase: String
    /// Its drop directory, open.
    public let drop: Descriptor
    /// The drop directory's path.
    public let dropPath: String
    /// The store's path.
    public let storePath: String
    /// The daemon, while it runs.
    public private(set) var process: ChildProcess?
    private var connection: Connection?

    /// Its directories, database and configuration; not started yet.
    ///
    /// - Parameters:
    ///   - kind: the file system of the drop directory.
    ///   - storeKind: that of the store; the same directory tree when it is the same kind.
    ///   - dropOptions: lines of YAML for the drop directory.
    ///   - options: lines of YAML at the top.
    ///   - database: the connection string of its database; a new one when it is `nil`.
    ///   - reaching: the daemon's own connection string for it, when that is another.
    public convenience init(
        on kind: FileSystemType = .host, storeOn storeKind: FileSystemType? = nil, dropOptions: [String] = [],
        options: [String] = [], database: String? = nil, reaching ownDatabase: String? = nil
    ) throws {
        let scratch = try kind == .host ? Scratch() : Scratch(on: Volume.shared(kind))
        try self.init(
            in: scratch,
            storeIn: storeKind.flatMap { $0 == kind ? nil : try Scratch(on: Volume.shared($0)) } ?? scratch,
            dropOptions: dropOptions, options: options, database: database, reaching: ownDatabase)
    }

    /// The same in directories of the caller's, such as ones on volumes of its own.
    public init(
        in scratch: Scratch, dropIn dropScratch: Scratch? = nil, storeIn storeScratch: Scratch,
        dropOptions: [String] = [], options: [String] = [], database: String? = nil,
        reaching ownDatabase: String? = nil
    ) throws {
        self.scratch = scratch
        self.storeScratch = storeScratch
        self.dropScratch = dropScratch ?? scratch
        self.database = try database ?? PostgresFixture.freshDatabase()
        self.ownDatabase = ownDatabase ?? self.database
        (drop, dropPath) = try self.dropScratch.makeDirectory("drop")
        storePath = try storeScratch.makeDirectory("store").path
        try configure(dropOptions: dropOptions, options: options)
    }

    /// A daemon for a drop directory and a store that are there already; its configuration and log lie elsewhere.
    public init(
        drop dropPath: String, store storePath: String, dropOptions: [String] = [], database: String
    ) throws {
        scratch = try Scratch()
        storeScratch = scratch
        dropScratch = scratch
        self.database = database
        ownDatabase = database
        drop = try Descriptor.openDirectory(path: dropPath)
        self.dropPath = dropPath
        self.storePath = storePath
        try configure(dropOptions: dropOptions)
    }

    deinit {
        process?.signal(SIGKILL)
        _ = process?.wait(until: .now + .seconds(10))
    }

    /// The configuration file.
    public var configurationPath: String { "\(scratch.path)/ingot.yaml" }

    /// Writes the configuration file.
    public func configure(dropOptions: [String] = [], options: [String] = [], drops: [String]? = nil) throws {
        var lines = ["store: \"\(storePath)\"", "database: \"\(ownDatabase)\""] + options + ["drops:"]
        for path in drops ?? [dropPath] {
            lines.append("  - path: \"\(path)\"")
            lines += dropOptions.map { "    \($0)" }
        }
        try scratch.write(lines.joined(separator: "\n") + "\n", to: "ingot.yaml")
    }

    // MARK: Running

    /// The program: the one beside the test bundle, or what `INGOT_TEST_DAEMON` names.
    public static let program =
        unsafe getenv("INGOT_TEST_DAEMON").map { unsafe String(cString: $0) } ?? programBesideBundle("ingotd")

    /// A program that is built with the tests.
    public static func programBesideBundle(_ name: String) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = max(0, unsafe readlink("/proc/self/exe", &buffer, buffer.count))
        let bundle = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        return directory.joined(separator: "/") + "/\(name)"
    }

    /// Where it logs to.
    public var logPath: String { "\(scratch.path)/log" }

    /// What it has logged since it was started.
    public var log: String { String(decoding: (try? scratch.content(of: "log")) ?? [], as: UTF8.self) }

    /// Starts the daemon and waits until it watches its drop directories and, unless told otherwise, has made its schema.
    public func start(
        environment: [String: String] = [:], withDatabase: Bool = true, under wrapper: [String] = []
    ) throws {
        try launch(environment: environment, under: wrapper)
        let isWatching = eventually { log.contains("Watching") || process?.ending != nil }
        #expect(isWatching, "\(log)")
        guard withDatabase else { return }
        let hasSchema = try eventually { try column("SELECT to_regclass('registry.submissions')") != [nil] }
        #expect(hasSchema, "\(log)")
    }

    /// Starts the daemon and waits for nothing.
    ///
    /// - Parameter wrapper: a program and its arguments that becomes the daemon, such as `prlimit`.
    public func launch(environment: [String: String] = [:], under wrapper: [String] = []) throws {
        try scratch.directory.unlink("log")
        try scratch.write("", to: "log")
        var variables = ["PATH": "/usr/bin:/bin", "RUNTIME_DIRECTORY": scratch.path]
        variables.merge(environment) { $1 }
        let words = wrapper + [Self.program, "--config", configurationPath]
        var command = ChildProcess.Command(
            Tool(words[0])?.path ?? words[0], Array(words.dropFirst()), environment: variables)
        command.output = .file(logPath)
        command.errors = command.output
        process = try ChildProcess.start(command)
    }

    /// Ends it in good order.
    @discardableResult
    public func stop() -> ChildProcess.Ending? { end(by: SIGTERM) }

    /// Ends it as the kernel would.
    public func kill() { end(by: SIGKILL) }

    @discardableResult
    private func end(by signal: Int32) -> ChildProcess.Ending? {
        process?.signal(signal)
        let ending = process?.wait(until: .now + .seconds(30))
        process = nil
        return ending
    }

    // MARK: Dropping

    /// Drops a pair as a careful producer does: the payload first, each renamed into place.
    public func submit(
        _ name: FileName, _ content: [UInt8], id: String? = nil, version: String = "1", extra: String = "",
        below path: [FileName] = []
    ) throws {
        let directory = try self.directory(path)
        try put(content, as: name, in: directory)
        try put(manifest(id ?? "models/\(name)", version, extra), as: sidecar(name), in: directory)
    }

    /// A directory below the drop, made when it is missing.
    public func directory(_ path: [FileName]) throws -> Descriptor {
        var directory = drop
        for name in path { directory = try directory.makeOrOpenDirectory(name, mode: 0o755) }
        return directory
    }

    /// The bytes of a manifest.
    public func manifest(_ id: String, _ version: String, _ extra: String = "") -> [UInt8] {
        Array("{\"model_id\": \"\(id)\", \"model_version\": \"\(version)\"\(extra.isEmpty ? "" : ", " + extra)}".utf8)
    }

    /// The name of a payload's manifest.
    public func sidecar(_ name: FileName) -> FileName { name.appending(".manifest.json") ?? name }

    /// Writes a file under a name that is ignored, and renames it into place.
    ///
    /// - Parameter isSynced: whether the producer makes sure that a power cut does not take it.
    public func put(
        _ content: [UInt8], as name: FileName, in directory: Descriptor, mode: UInt32 = 0o644, isSynced: Bool = false
    ) throws {
        guard let temporary = FileName(Array(".".utf8) + name.bytes + Array(".tmp".utf8)) else { return }
        let file = try directory.open(temporary, [.writeOnly, .create, .truncate], mode: mode)
        try file.write(content)
        if isSynced { try file.sync() }
        try directory.rename(temporary, to: directory, as: name, replacing: true)
        if isSynced { try directory.sync() }
    }

    // MARK: Looking

    /// The receipt of a payload, as it is now.
    public func receipt(_ name: FileName, below path: [FileName] = []) -> JSON? {
        guard let receiptName = name.appending(".json"),
            let directory = try? drop.openDirectory(RelativePath(["receipts"] + path)),
            let bytes = try? directory.open(receiptName).readAll(limit: 1 << 20)
        else { return nil }
        return try? JSON.parse(bytes)
    }

    /// Waits for a receipt of a status; fails the test with the log when it does not come.
    @discardableResult
    public func await(
        _ status: String, _ name: FileName, below path: [FileName] = [], within limit: Duration = .seconds(60),
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> JSON? {
        var found: JSON?
        let came = eventually(within: limit) {
            found = receipt(name, below: path)
            return found?["status"] == .string(status)
        }
        #expect(
            came, "\(name): \(found?.text ?? "no receipt"), wanted \(status)\n\(log.suffix(4000))",
            sourceLocation: sourceLocation)
        return found
    }

    /// The first column of a query's rows.
    public func column(_ sql: String) throws -> [String?] { try rows(sql).map { $0[0] } }

    /// Forgets the connection, because the server was stopped; perhaps another one has taken its place.
    public func disconnect(andUse other: String? = nil) {
        connection = nil
        if let other { database = other }
    }

    /// The rows of a query.
    public func rows(_ sql: String) throws -> [[String?]] {
        if connection == nil { connection = try Connection.open(database, deadline: .now + .seconds(30)) }
        guard let connection else { return [] }
        let result: QueryResult
        do { result = try connection.query(sql, deadline: .now + .seconds(30)) } catch {
            // A server that went away meanwhile gets another chance.
            self.connection = nil
            throw error
        }
        return (0..<result.rowCount).map { row in (0..<result.columnCount).map { result.text(row, $0) } }
    }

    /// How many rows a table has.
    public func count(_ table: String) throws -> Int {
        try column("SELECT count(*) FROM \(table)")[0].flatMap { Int($0) } ?? -1
    }

    /// The names in a directory below the drop.
    public func names(_ path: [FileName] = []) throws -> [String] {
        try drop.openDirectory(RelativePath(path)).entries().map(\.name.text).sorted()
    }

    /// What producers see in the drop directory itself.
    public func visibleNames() throws -> [String] {
        try names().filter { ![".claims", "receipts", "rejected"].contains($0) }
    }

    /// The claims that there are.
    public func claims() throws -> [String] { try names([".claims"]).filter { $0 != ".lock" } }

    /// What decides whether the promises were kept.
    public var checker: Checker {
        Checker(drop: dropPath, store: storePath, query: { [self] in try rows($0) })
    }

    /// status.json, as it is now.
    public var status: JSON? { (try? scratch.content(of: "status.json")).flatMap { try? JSON.parse($0) } }
}

/// Bytes that tell one payload from another.
public func payload(_ seed: Int, size: Int = 1000) -> [UInt8] {
    var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<size).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state)
    }
}
