import CLinux
import Glibc
import Vocabulary

extension Descriptor {
    /// Looks at what a path of the caller's leads to, without opening it, open(2) O_PATH: a FIFO does not block and a
    /// device does not notice. Symbolic links are followed: it is the caller's word.
    ///
    /// - Parameter path: bytes without NUL; relative to the working directory where it does not begin with `/`.
    public static func look(at path: [UInt8]) throws(SystemError) -> Descriptor {
        let text = path.map { CChar(bitPattern: $0) } + [0]
        return Descriptor(
            owning: try attempt(.openat, escaped(path)) {
                unsafe ingot_openat(AT_FDCWD, text, ingot_o_path | O_CLOEXEC, 0)
            })
    }

    /// Looks at a name in this directory in the same way; a symbolic link is not followed.
    public func look(at name: FileName) throws(SystemError) -> Descriptor {
        Descriptor(
            owning: try attempt(.openat, name.description) {
                unsafe name.withCString {
                    unsafe ingot_openat(number, $0, ingot_o_path | ingot_o_nofollow | O_CLOEXEC, 0)
                }
            })
    }

    /// Opens for reading what was looked at, the very same file, through /proc/self/fd; it never waits.
    ///
    /// - Parameter subject: what the file is called in an error, escaped.
    public func openForReading(_ subject: String) throws(SystemError) -> Descriptor {
        let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
        return Descriptor(
            owning: try attempt(.openat, subject) {
                unsafe ingot_openat(AT_FDCWD, "/proc/self/fd/\(number)", flags, 0)
            })
    }
}
