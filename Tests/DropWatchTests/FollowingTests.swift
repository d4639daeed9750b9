import DropWatch
import Glibc
import LinuxSystem
import Synchronization
import TestKit
import Testing

/// Follows a drop directory as the daemon does: hints say where to look, a look says what is there.
private final class Follower {
    let root: Descriptor
    let key = DropKey(path: "drop")
    let tree: WatchTree
    let scan = TreeScan()
    var seen = Set<RelativePath>()

    init(_ root: Descriptor) throws {
        self.root = root
        tree = try WatchTree()
        scan.enqueue(.init(drop: key, path: RelativePath()))
    }

    func turn() throws {
        for hint in try tree.hints() {
            switch hint {
            case .name(_, let path, let name):
                guard let directory = try? root.openDirectory(path), try directory.status(of: name) != nil else {
                    continue
                }
                seen.insert(path.appending(name))
            case .gone: continue
            case .directory(_, let path): scan.enqueue(.init(drop: key, path: path))
            case .rootGone, .eventsLost: scan.enqueue(.init(drop: key, path: RelativePath()))
            }
        }
        guard let (job, _, entries) = scan.next(enter: enter) else { return }
        for entry in entries {
            let path = job.path.appending(entry.name)
            if entry.kind == .directory { scan.enqueue(.init(drop: key, path: path)) } else { seen.insert(path) }
        }
    }

    private func enter(_ job: TreeScan.Job) -> Descriptor? {
        guard let directory = try? root.openDirectory(job.path) else { return nil }
        return tree.add(key, job.path, directory) ? directory : nil
    }
}

@Suite struct `Following a busy drop directory` {
    @Test(arguments: FileSystemType.local)
    func `no file that is there in the end was missed, whatever was made and moved meanwhile`(
        kind: FileSystemType
    ) async throws {
        let scratch = try Scratch(on: .shared(kind))
        let follower = try Follower(scratch.directory)
        let isDone = Atomic<Bool>(false)
        let producers = (0..<2).map { producer in
            Lane("producer-\(producer)") { [directory = scratch.directory] in
                produce(in: directory, seed: UInt64(producer) &+ 7)
                isDone.store(true, ordering: .releasing)
            }
        }
        while !isDone.load(ordering: .acquiring) { try follower.turn() }
        for lane in producers { await lane.finished() }
        let present = try files(below: scratch.directory, RelativePath())
        // No listing helps now: what is missing has to come from what was hinted at or asked for already.
        let isComplete = try eventually {
            try follower.turn()
            return follower.seen.isSuperset(of: present)
        }
        let missed = present.subtracting(follower.seen)
        #expect(isComplete, "missed \(missed.count) of \(present.count): \(missed.prefix(3))")
        #expect(present.count > 100)
    }

    private func files(below directory: Descriptor, _ path: RelativePath) throws -> Set<RelativePath> {
        var all = Set<RelativePath>()
        for entry in try directory.entries() {
            let inner = path.appending(entry.name)
            if entry.kind == .directory {
                all.formUnion(try files(below: directory.openDirectory(entry.name), inner))
            } else {
                all.insert(inner)
            }
        }
        return all
    }
}

/// Makes files and directories and moves them about; what fails because another producer was faster is nobody's loss.
private func produce(in root: Descriptor, seed: UInt64) {
    var state = seed
    func random(_ limit: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % limit
    }
    func name(_ kind: String, _ count: Int) -> FileName { FileName(Array("\(kind)\(random(count))".utf8)) ?? "x" }
    func somewhere() -> Descriptor {
        var directory = root
        for _ in 0..<random(4) { directory = (try? directory.openDirectory(name("d", 4))) ?? directory }
        return directory
    }
    for step in 0..<1500 {
        switch random(6) {
        case 0: _ = try? somewhere().makeDirectory(name("d", 4), mode: 0o755)
        case 1: _ = try? somewhere().rename(name("d", 4), to: somewhere(), as: name("d", 4), replacing: false)
        case 2: _ = try? somewhere().rename(name("f", 100), to: somewhere(), as: name("f", 100), replacing: true)
        case 3: _ = try? somewhere().link(name("f", 100), to: somewhere(), as: name("f", 100))
        default:
            let file = FileName(Array("f\(seed)-\(step)".utf8)) ?? "x"
            _ = try? somewhere().open(file, [.writeOnly, .create, .exclusive]).write([1])
        }
    }
}
