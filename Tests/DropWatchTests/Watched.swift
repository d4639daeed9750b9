import DropWatch
import Glibc
import LinuxSystem
import TestKit
import Testing

/// A drop directory that is watched, and what the events hint at.
final class Watched {
    static let key = DropKey(path: "drop")

    let scratch: Scratch
    /// The drop directory.
    let drop: Descriptor
    /// A directory beside it, on the same file system.
    let outside: Descriptor
    let tree: WatchTree
    private var cookies = 0

    init(_ scratch: Scratch) throws {
        self.scratch = scratch
        drop = try scratch.makeDirectory("drop").directory
        outside = try scratch.makeDirectory("outside").directory
        tree = try WatchTree()
        #expect(tree.add(Self.key, RelativePath(), drop))
    }

    static func with(on kind: FileSystemType, _ body: (Watched) throws -> Void) throws {
        try Scratch.with(on: kind) { try body(Watched($0)) }
    }

    /// All hints up to now: a cookie's own hint tells that everything before it was delivered.
    func hints() throws -> [Hint] {
        cookies += 1
        let cookie = try #require(FileName(Array(".cookie-\(cookies)".utf8)))
        try drop.leaveNote([0x78], as: cookie)
        var all: [Hint] = []
        let isComplete = try eventually {
            all += try tree.hints()
            return all.contains(.name(Self.key, RelativePath(), cookie)) || all.contains(.eventsLost)
        }
        try #require(isComplete)
        return all.filter { $0 != .name(Self.key, RelativePath(), cookie) }
    }

    /// Watches a directory below, as its listing does.
    func watch(_ path: RelativePath) throws {
        let directory = try drop.openDirectory(path)
        #expect(tree.add(Self.key, path, directory))
    }

    static func name(_ name: FileName, in path: RelativePath = RelativePath()) -> Hint { .name(key, path, name) }
    static func gone(_ name: FileName) -> Hint { .gone(key, RelativePath(), name) }
    static func directory(_ names: FileName...) -> Hint { .directory(key, RelativePath(names)) }
}
