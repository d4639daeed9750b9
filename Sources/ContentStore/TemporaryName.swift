import LinuxSystem

/// A name in `tmp/`, where there is no O_TMPFILE; it goes with its last holder, whatever became of the bytes.
final class TemporaryName: Sendable {
    let name: FileName
    private let directory: Descriptor

    init(_ name: FileName, in directory: Descriptor) {
        self.name = name
        self.directory = directory
    }

    // Left behind it would cost space until the next start, no more.
    deinit { _ = try? directory.unlink(name) }
}
