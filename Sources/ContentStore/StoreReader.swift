public import LinuxSystem
public import Vocabulary

/// A store that somebody else may be writing to, opened for reading: it takes no lock and changes nothing.
public struct StoreReader: Sendable {
    /// Who the store is.
    public let identity: String
    private let blobs: Descriptor

    /// Opens the store in a directory.
    ///
    /// - Throws: ``StoreError`` when there is none, or one of a newer format.
    public init(path: String) throws(StoreError) {
        do {
            let directory = try Descriptor.openDirectory(path: path)
            identity = try StoreFormat.read(in: directory, path: path).identity
            blobs = try directory.openDirectory("sha256")
        } catch let error as SystemError {
            throw .system(error, path: path)
        } catch let error as StoreError {
            throw error
        } catch {
            throw .damaged(path, "\(error)")
        }
    }

    /// A blob, opened for reading; nothing says that it is whole.
    public func open(_ digest: Digest) throws(SystemError) -> Descriptor {
        let hex = digest.hex
        guard let shard = FileName(Array(hex.prefix(2).utf8)), let name = FileName(Array(hex.utf8)) else {
            preconditionFailure("hexadecimal digits are a name")
        }
        return try blobs.openDirectory(shard).open(name)
    }
}
