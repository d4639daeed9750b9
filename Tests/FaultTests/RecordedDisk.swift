import Glibc
import LinuxSystem
import Synchronization
import TestKit
import Testing
import Vocabulary

/// A file system on a disk that remembers every write and every flush in their order; Tests/CRecorder says how.
///
/// Mount and disk are out of the tree as soon as they are there: the file system is held by our descriptor, its disk by the loop device,
/// and the recorder ends when that is free. So nothing is left even when the test is killed.
final class RecordedDisk {
    /// The file system, until the disk is taken out.
    private(set) var volume: Volume?
    /// The file system as it was made: a log is replayed onto a copy of it.
    let blankImage: String
    private let scratch: Scratch
    private let recorder: ChildProcess

    /// Makes a file system and mounts it on a disk.
    init(_ kind: FileSystemType, options: [String]) throws {
        scratch = try Volume.image(of: kind)
        blankImage = "\(scratch.path)/image"
        try Tool.run("cp", ["--sparse=always", blankImage, "\(scratch.path)/disk"])
        // Nothing can be mounted where the images are, which is out of the tree itself.
        let host = try Scratch()
        defer { withExtendedLifetime(host) {} }
        try host.write("", to: "disk")
        let place = "\(host.path)/disk"
        var command = ChildProcess.Command(
            Daemon.programBesideBundle("CRecorder"), ["\(scratch.path)/disk", "\(scratch.path)/log", place])
        command.errors = .file("\(host.path)/errors")
        let recorder = try ChildProcess.start(command)
        self.recorder = recorder
        let isThere = try eventually {
            let size = try host.directory.status(of: "disk")?.sizeInBytes ?? 0
            return size > 0 || recorder.ending != nil
        }
        guard isThere, recorder.ending == nil else {
            let errors = (try? host.content(of: "errors")) ?? []
            throw RecorderFailure(description: "The recorder did not start: " + String(decoding: errors, as: UTF8.self))
        }
        defer { _ = try? Tool.run("umount", ["--lazy", place]) }
        volume = try Volume(mounting: place, as: kind, options: options)
    }

    /// How long the log is now. What is asked of the disk later comes behind it.
    func logSize() throws -> Int64 { try scratch.directory.status(of: "log")?.sizeInBytes ?? 0 }

    /// What was recorded.
    func log(upTo size: Int64) throws -> DiskLog { try DiskLog(scratch.directory.open("log"), size: size) }

    /// Unmounts the file system and waits until the disk is free; whoever has files open on it has to be gone.
    func takeOut() {
        volume = nil
        let ending = recorder.wait(until: .now + .seconds(30))
        #expect(ending == .exited(0), "the recorded disk is not free")
    }
}

/// Why a disk cannot be recorded.
struct RecorderFailure: Error, CustomStringConvertible {
    let description: String
}

/// A path that leads to one file system after the other: a disk that is put into the machine, taken out after a power cut, and put in again
/// has the same place, and so have drop directory and store.
///
/// The path is a descriptor number that is given to one root directory after the other. It is one that nobody else gets meanwhile: the
/// kernel always gives the lowest, and this is among the highest.
final class Bay {
    private let number: Int32
    private var slot: Descriptor?

    /// The path, also for child processes.
    var path: String { "/proc/\(getpid())/fd/\(number)" }

    /// An empty one.
    init() {
        var limit = rlimit()
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        number = Int32(min(limit.rlim_max, 1 << 16)) - Self.counter.add(1, ordering: .relaxed).newValue
    }

    private static let counter = Atomic<Int32>(0)

    /// Lets the path lead to the root of a volume.
    func insert(_ volume: Volume) {
        precondition(slot == nil, "the bay is not empty")
        let given = fcntl(volume.root.number, F_DUPFD_CLOEXEC, number)
        precondition(given == number, "somebody else has the number \(number): \(given)")
        slot = Descriptor(owning: given)
    }

    /// Lets go of it.
    func clear() { slot = nil }
}

extension Trait where Self == ConditionTrait {
    /// Skips a test where no disk can be recorded.
    static var requiresRecordedDisk: Self {
        let devices: [String] = ["/dev/fuse", "/dev/loop-control"]
        let missing = devices.filter { device in unsafe access(device, R_OK | W_OK) != 0 }
        return .enabled(if: missing.isEmpty, "Recording a disk needs FUSE and loop devices, and root: \(missing)")
    }
}
