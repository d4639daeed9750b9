/// A store as the registry knows it.
public struct StoreRecord: Sendable {
    /// The store's own identity, a UUID that lies in the store.
    public var id: String
    /// The host that the store was found on.
    public var host: String
    /// The store's absolute path on that host.
    public var root: String

    /// A store.
    public init(id: String, host: String, root: String) {
        self.id = id
        self.host = host
        self.root = root
    }
}
