internal import Glibc
internal import LinuxSystem
public import LocalPostgres
internal import Synchronization

/// Stands between a daemon and its PostgreSQL, knows the messages that pass, and misbehaves at the one it is told to.
///
/// It listens on TCP, where a connection can be reset, and reaches the server through its Unix socket. Every connection has a thread of
/// its own. TLS is not for it: the connection string that it hands out asks for none.
public final class PostgresProxy: Sendable {
    /// What becomes of a message.
    public enum Fate: Sendable, Equatable {
        case pass
        /// Its first bytes pass, then both ends are closed.
        case cut(afterBytes: Int = 0)
        /// The same, and the daemon's end with a reset.
        case reset(afterBytes: Int = 0)
        /// It and everything after it in this direction is swallowed.
        case drop
        /// It and everything after it in both directions is swallowed.
        case stall
    }

    /// The connection string for a daemon.
    public let connectionString: String
    private let shared: ProxyState

    /// A proxy for a database of a cluster; it lets everything pass.
    ///
    /// - Parameter user: whom the daemon logs in as; the cluster's superuser when it is `nil`.
    public init(_ cluster: PrivateCluster, database: String, user: String? = nil) throws {
        let listener = Descriptor(owning: socket(AF_INET, streaming, 0))
        let port = try listenOnLoopback(listener)
        connectionString =
            "host=127.0.0.1 port=\(port) user=\(user ?? "ingot") dbname=\(database) sslmode=disable gssencmode=disable"
        let state = try ProxyState(server: "\(cluster.socketDirectory)/.s.PGSQL.5432")
        shared = state
        // The threads hold the state and not the proxy, so that they end with it.
        _ = Lane("proxy") { state.accept(from: listener) }
    }

    deinit { shared.end() }

    /// From now on everything passes, and messages are counted from 1 again.
    public func pass() { shared.obey(.pass, isRepeated: false) { _ in false } }

    /// From now on the first message that matches meets a fate, or all that do; the rest passes. Messages are counted from 1 again.
    public func strike(
        _ fate: Fate, isRepeated: Bool = false, where matches: @escaping @Sendable (PostgresMessage) -> Bool
    ) {
        shared.obey(fate, isRepeated: isRepeated, where: matches)
    }

    /// The first message that met its fate since the last order.
    public var struck: PostgresMessage? { shared.struck }

    /// How many messages have come since the last order.
    public var count: Int { shared.count }

    /// Cuts all connections that there are.
    public func cutAll() { shared.cutAll() }
}

/// A message of the protocol on its way (PostgreSQL, 55.7).
public struct PostgresMessage: Sendable, CustomStringConvertible {
    /// Who sends a message.
    public enum Sender: Sendable { case client, server }

    /// Who sends it.
    public var sender: Sender
    /// Its number since the proxy's last order, over both directions and all connections.
    public var ordinal: Int
    /// Its type's letter; `Startup` for the first one of a client, which has none.
    public var type: String
    /// The statement that it belongs to, or what the server says is done.
    public var text: String

    /// Whether this makes the server commit.
    public var isCommit: Bool { sender == .client && type == "E" && text == "COMMIT" }
    /// Whether this says that a COMMIT is done.
    public var isCommitReply: Bool { sender == .server && type == "C" && text == "COMMIT" }

    /// Such as `7, client E COMMIT`.
    public var description: String { "\(ordinal), \(sender) \(type) \(text.prefix(40))" }
}

/// What the proxy's threads share.
private final class ProxyState: Sendable {
    private struct Order {
        var fate = PostgresProxy.Fate.pass
        var isRepeated = false
        var matches: @Sendable (PostgresMessage) -> Bool = { _ in false }
        var count = 0
        var struck: PostgresMessage?
        var links: [Doorbell] = []
    }

    let server: String
    private let order = Mutex(Order())
    private let bell: Doorbell
    private let isOver = Atomic(false)

    init(server: String) throws {
        self.server = server
        bell = try Doorbell()
    }

    var struck: PostgresMessage? { order.withLock { $0.struck } }
    var count: Int { order.withLock { $0.count } }

    func obey(
        _ fate: PostgresProxy.Fate, isRepeated: Bool, where matches: @escaping @Sendable (PostgresMessage) -> Bool
    ) {
        order.withLock { order in
            (order.fate, order.isRepeated, order.matches) = (fate, isRepeated, matches)
            (order.count, order.struck) = (0, nil)
        }
    }

    func end() {
        isOver.store(true, ordering: .releasing)
        bell.ring()
        cutAll()
    }

    func cutAll() {
        for bell in order.withLock({ order in
            defer { order.links = [] }
            return order.links
        }) { bell.ring() }
    }

    /// Numbers a message and says what becomes of it.
    func fate(of message: PostgresMessage) -> PostgresProxy.Fate {
        order.withLock { order in
            order.count += 1
            var message = message
            message.ordinal = order.count
            guard order.isRepeated || order.struck == nil, order.matches(message) else { return .pass }
            if order.struck == nil { order.struck = message }
            return order.fate
        }
    }

    func accept(from listener: Descriptor) {
        while let ready = try? waitForInput([listener, bell.descriptor], timeout: nil) {
            if isOver.load(ordering: .acquiring) { return }
            guard ready[0], let link = try? Doorbell() else { continue }
            let number = Glibc.accept(listener.number, nil, nil)
            guard number >= 0 else { continue }
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
            let client = Descriptor(owning: number)
            order.withLock { $0.links.append(link) }
            _ = Lane("proxy-link") { ProxyLink(state: self, client: client, bell: link).run() }
        }
    }

    /// The server, connected; `nil` when it is away.
    func connect() -> Descriptor? {
        let server = Descriptor(owning: socket(AF_UNIX, streaming, 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: self.server.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(server.number, $0, length)
            }
        }
        return code == 0 ? server : nil
    }
}

/// One connection through the proxy.
private struct ProxyLink {
    let state: ProxyState
    let client: Descriptor
    let bell: Doorbell

    func run() {
        // A server that is away looks as it does without a proxy: the connection ends at once.
        guard let server = state.connect() else { return reset() }
        // A close alone would end nothing where a child of another test has inherited the descriptor.
        defer {
            shutdown(client.number, Int32(SHUT_RDWR))
            shutdown(server.number, Int32(SHUT_RDWR))
        }
        var directions = [
            Direction(sender: .client, source: client, target: server, isStartup: true),
            Direction(sender: .server, source: server, target: client, isStartup: false),
        ]
        var statement = ""
        while let ready = try? waitForInput([client, server, bell.descriptor], timeout: nil), !ready[2] {
            for index in [0, 1] where ready[index] {
                guard directions[index].fill() else { return }
                while let (message, bytes) = directions[index].next(&statement) {
                    let fate = directions[index].isMute ? .drop : state.fate(of: message)
                    switch fate {
                    case .pass: send(bytes, to: directions[index].target)
                    case .cut(let count): return send(bytes.prefix(count), to: directions[index].target)
                    case .reset(let count):
                        send(bytes.prefix(count), to: directions[index].target)
                        return reset()
                    case .drop: directions[index].isMute = true
                    case .stall: (directions[0].isMute, directions[1].isMute) = (true, true)
                    }
                }
            }
        }
    }

    private func send(_ bytes: ArraySlice<UInt8>, to target: Descriptor) {
        var rest = bytes
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.send(target.number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            // Whoever is gone is noticed by the next read.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Resets the daemon's end: what dissolves a TCP socket's association in the middle of a connection, connect(2).
    private func reset() {
        var nobody = sockaddr()
        nobody.sa_family = sa_family_t(AF_UNSPEC)
        _ = unsafe Glibc.connect(client.number, &nobody, socklen_t(MemoryLayout<sockaddr>.size))
    }
}

/// What comes from one side, in messages: a letter, the length of the rest with its own four bytes, the rest.
private struct Direction {
    let sender: PostgresMessage.Sender
    let source: Descriptor
    let target: Descriptor
    /// Whether the next message is a client's first, which has no letter.
    var isStartup: Bool
    var isMute = false
    private var bytes: [UInt8] = []

    init(sender: PostgresMessage.Sender, source: Descriptor, target: Descriptor, isStartup: Bool) {
        self.sender = sender
        self.source = source
        self.target = target
        self.isStartup = isStartup
    }

    /// Reads what is there; `false` at the end.
    mutating func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe recv(source.number, &chunk, chunk.count, 0)
        guard count > 0 else { return false }
        bytes += chunk[..<count]
        return true
    }

    /// The next message that is complete.
    ///
    /// - Parameter statement: the one that the client has sent last.
    mutating func next(_ statement: inout String) -> (PostgresMessage, ArraySlice<UInt8>)? {
        let header = isStartup ? 0 : 1
        guard bytes.count >= header + 4 else { return nil }
        let length = header + bytes[header..<header + 4].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= length else { return nil }
        let whole = bytes[..<length]
        bytes = Array(bytes[length...])
        let type = isStartup ? "Startup" : String(decoding: whole.prefix(1), as: UTF8.self)
        isStartup = false
        // Parse begins with the statement's name, which is always empty here.
        let words = whole.dropFirst(header + 4 + (type == "P" ? 1 : 0)).prefix { $0 != 0 }
        if sender == .client, type == "P" || type == "Q" { statement = String(decoding: words, as: UTF8.self) }
        let text =
            sender == .client ? statement : type == "C" ? String(decoding: words, as: UTF8.self) : ""
        return (PostgresMessage(sender: sender, ordinal: 0, type: type, text: text), whole)
    }
}

private let streaming = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

/// - Returns: the port.
private func listenOnLoopback(_ listener: Descriptor) throws -> UInt16 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
            guard unsafe bind(listener.number, generic, length) == 0, listen(listener.number, 64) == 0 else {
                return Int32(-1)
            }
            return unsafe getsockname(listener.number, generic, &length)
        }
    }
    guard code == 0 else { throw SystemError(.poll, "the proxy's socket", code: errno) }
    return UInt16(bigEndian: address.sin_port)
}
