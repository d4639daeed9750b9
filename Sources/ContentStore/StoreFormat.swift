import LinuxSystem

/// `ingot-store.json`: the format's version and the store's own identity.
struct StoreFormat {
    static let version = 1
    static let fileName: FileName = "ingot-store.json"

    let identity: String

    /// Reads the file, or writes one for a store that is being made.
    ///
    /// A crash while it is written leaves an empty store without the file, and the next start writes it again. A store that has blobs but no
    /// such file is not taken for new: it would get a second identity.
    static func readOrCreate(
        in directory: Descriptor, path: String, newIdentity: String
    ) throws -> StoreFormat {
        if try directory.status(of: fileName) != nil { return try read(in: directory, path: path) }
        if try directory.status(of: "sha256") != nil {
            throw StoreError.damaged(path, "the file is missing, but there are blobs")
        }
        let text = """
            {
              "format": "ingot-store",
              "version": \(version),
              "store_id": "\(newIdentity)"
            }

            """
        try directory.replaceFile(fileName, with: Array(text.utf8), mode: 0o644, durable: true)
        try directory.sync()
        return StoreFormat(identity: newIdentity)
    }

    /// Reads the file.
    static func read(in directory: Descriptor, path: String) throws -> StoreFormat {
        let bytes = try directory.open(fileName).readAll(limit: 4096)
        return try parse(String(decoding: bytes, as: UTF8.self), path: path)
    }

    // The file is only ever written by the function above, so a look for its two values is enough, and anything else is damage.
    private static func parse(_ text: String, path: String) throws -> StoreFormat {
        guard let version = value(of: "version", in: text).flatMap({ Int($0) }), version > 0 else {
            throw StoreError.damaged(path, "no version")
        }
        guard version <= Self.version else { throw StoreError.newerFormat(path, version: version) }
        guard let identity = value(of: "store_id", in: text), identity.utf8.count == 36 else {
            throw StoreError.damaged(path, "no store_id")
        }
        return StoreFormat(identity: identity)
    }

    private static func value(of key: String, in text: String) -> String? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].contains("\"\(key)\"") else { continue }
            return String(parts[1].filter { !" \",".contains($0) })
        }
        return nil
    }
}
