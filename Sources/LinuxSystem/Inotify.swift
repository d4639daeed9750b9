import Glibc

/// An inotify(7) instance.
public final class Inotify: Sendable {
    /// One event, as the kernel tells it.
    public struct Event: Sendable {
        /// The watch it is about; -1 for an overflow.
        public let watch: Int32
        /// The IN_ bits.
        public let mask: UInt32
        /// The name in the watched directory; `nil` for events about the directory itself.
        public let name: FileName?

        /// IN_Q_OVERFLOW: the kernel dropped events, only a listing tells the truth now.
        public var isOverflow: Bool { mask & UInt32(IN_Q_OVERFLOW) != 0 }
        /// IN_ISDIR.
        public var isDirectory: Bool { mask & UInt32(IN_ISDIR) != 0 }
        /// IN_CREATE or IN_MOVED_TO: a name that was not there before.
        public var isArrival: Bool { mask & (UInt32(IN_CREATE) | UInt32(IN_MOVED_TO)) != 0 }
        /// IN_IGNORED: the watch is gone.
        public var isWatchGone: Bool { mask & UInt32(IN_IGNORED) != 0 }
        /// IN_DELETE_SELF, IN_MOVE_SELF or IN_UNMOUNT: the watched directory is no longer where it was.
        public var isDirectoryGone: Bool {
            mask & (UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_UNMOUNT)) != 0
        }
        /// IN_MOVED_FROM or IN_DELETE: a name is gone.
        public var isDeparture: Bool { mask & (UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE)) != 0 }
    }

    /// The descriptor to wait on for readability.
    public let descriptor: Descriptor

    /// A new instance. Fails with EMFILE when `fs.inotify.max_user_instances` is reached.
    public init() throws(SystemError) {
        descriptor = Descriptor(
            owning: try attempt(.inotifyInit, "") { inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)) })
    }

    /// Watches a directory for everything that can complete a submission.
    ///
    /// Never asks for opens, accesses or plain closes: our own reading would flood the queue that we depend on.
    ///
    /// - Throws: ENOSPC when `fs.inotify.max_user_watches` is reached.
    public func watch(_ directory: Descriptor) throws(SystemError) -> Int32 {
        let mask =
            IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
            | IN_ONLYDIR | IN_EXCL_UNLINK
        // The magic link names exactly the directory that is held open, whatever its path has become since.
        let path = "/proc/self/fd/\(directory.number)"
        return try attempt(.inotifyAddWatch, "") {
            unsafe inotify_add_watch(descriptor.number, path, UInt32(mask))
        }
    }

    /// Stops a watch; the kernel answers with an IN_IGNORED event.
    public func unwatch(_ watch: Int32) {
        _ = inotify_rm_watch(descriptor.number, watch)
    }

    /// The events that are there now, without waiting; empty when there are none.
    public func read() throws(SystemError) -> [Event] {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let count: Int
        do {
            count = try attempt(.read, "inotify") { unsafe Glibc.read(descriptor.number, &buffer, buffer.count) }
        } catch where error.code == EAGAIN {
            return []
        }
        var events: [Event] = []
        var position = 0
        // struct inotify_event: wd (4), mask (4), cookie (4), length of the name with its padding (4), name.
        while position + 16 <= count {
            let length = Int(Self.word(buffer, position + 12))
            let name = buffer[position + 16..<position + 16 + length].prefix { $0 != 0 }
            events.append(
                Event(
                    watch: Int32(bitPattern: Self.word(buffer, position)), mask: Self.word(buffer, position + 4),
                    name: FileName(Array(name))))
            position += 16 + length
        }
        return events
    }

    private static func word(_ buffer: [UInt8], _ position: Int) -> UInt32 {
        unsafe buffer.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: position, as: UInt32.self) }
    }
}
