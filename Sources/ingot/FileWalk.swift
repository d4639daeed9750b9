import LinuxSystem
import ModelFormats
import Vocabulary

/// Goes through files and directories, and remembers what the exit status is to be.
struct FileWalk: ~Copyable {
    private let failing: Set<Safety>
    private var hasFindings = false
    private var hasFailed = false
    private var checker = FileChecker()
    private static let depthLimit = 128

    init(failing: Set<Safety>) { self.failing = failing }

    /// 2 when something could not be read, 1 when something was found.
    var status: Int32 { hasFailed ? 2 : hasFindings ? 1 : 0 }

    /// Checks what a path leads to.
    mutating func check(_ path: [UInt8], _ report: (FileReport) -> Void) {
        let shown = escaped(path)
        do throws(SystemError) {
            let found = try Descriptor.look(at: path)
            let status = try found.status()
            switch status.kind {
            case .directory:
                walk(try found.openForReading(shown), trimmed(path), depth: 0, report)
            case .regular:
                let (parent, name) = split(path)
                let place = Place(directory: parent.flatMap { try? Descriptor.look(at: $0) }, name: name)
                add(checker.check(found, path: path, in: place), report)
            default:
                add(FileReport(path: shown, unreadable: status.kind.refusal), report)
            }
        } catch {
            add(FileReport(path: shown, unreadable: SystemError.text(error.code)), report)
        }
    }

    private mutating func add(_ found: FileReport, _ report: (FileReport) -> Void) {
        hasFailed = hasFailed || found.isUnreadable
        hasFindings = hasFindings || found.hasFindings(failing)
        report(found)
    }

    /// Every regular file below a directory, in the order of the names' bytes; manifests of payloads are told with those.
    private mutating func walk(
        _ directory: Descriptor, _ path: [UInt8], depth: Int, _ report: (FileReport) -> Void
    ) {
        guard depth < Self.depthLimit else {
            return add(FileReport(path: escaped(path), unreadable: "The directories are too deep."), report)
        }
        let entries: [DirectoryEntry]
        do throws(SystemError) { entries = try directory.entries() } catch {
            return add(FileReport(path: escaped(path), unreadable: SystemError.text(error.code)), report)
        }
        let names = Set(entries.map(\.name))
        for name in entries.map(\.name).sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            if let payload = FileChecker.payload(of: name), names.contains(payload) { continue }
            let here = path + Array("/".utf8) + name.bytes
            do throws(SystemError) {
                let found = try directory.look(at: name)
                switch try found.status().kind {
                case .directory: walk(try found.openForReading(escaped(here)), here, depth: depth + 1, report)
                case .regular:
                    add(checker.check(found, path: here, in: Place(directory: directory, name: name)), report)
                default: break
                }
            } catch {
                add(FileReport(path: escaped(here), unreadable: SystemError.text(error.code)), report)
            }
        }
    }

    /// Without slashes at its end.
    private func trimmed(_ path: [UInt8]) -> [UInt8] {
        Array(path.reversed().drop { $0 == UInt8(ascii: "/") }.reversed())
    }

    private func split(_ path: [UInt8]) -> (parent: [UInt8]?, name: FileName?) {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return ([0x2E], FileName(path)) }
        return (Array(path[...slash]), FileName(Array(path[(slash + 1)...])))
    }
}

/// Where a file lies: the directory in which its manifest would be, and its name there.
struct Place {
    var directory: Descriptor?
    var name: FileName?
}

extension FileStatus.Kind {
    fileprivate var refusal: String {
        switch self {
        case .fifo: "It is a FIFO, which is not opened."
        case .socket: "It is a socket, which is not opened."
        case .device: "It is a device, which is not opened."
        default: "It is neither a file nor a directory."
        }
    }
}
