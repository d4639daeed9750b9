import Glibc
import LinuxSystem
import Synchronization

/// What a run of the fault suite went through, for docs/reliability.md: written to the file that `INGOT_FIGURES` names when the process
/// ends, a figure a line.
enum Figures {
    private static let counts = Mutex([String: Int]())
    private static let registration: Void = {
        atexit { Figures.write() }
    }()

    /// Adds to a figure, such as "kill points, ext4".
    static func add(_ name: String, _ count: Int = 1) {
        _ = registration
        counts.withLock { $0[name, default: 0] += count }
    }

    private static func write() {
        guard let path = unsafe getenv("INGOT_FIGURES") else { return }
        let lines = counts.withLock { $0 }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { return }
        let text = Array(lines.joined().utf8)
        _ = unsafe Glibc.write(file, text, text.count)
        close(file)
    }
}
