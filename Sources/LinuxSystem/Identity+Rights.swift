import CLinux
import Glibc

extension Identity {
    /// Whether this process may give files to other users: CAP_CHOWN is effective, capabilities(7).
    public static let mayChangeOwners: Bool = effectiveCapabilities & 1 != 0

    private static var effectiveCapabilities: UInt64 {
        guard let directory = try? Descriptor.openDirectory(path: "/proc/self"),
            let bytes = try? directory.open("status").readAll(limit: 64 * 1024)
        else { return 0 }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("CapEff:") {
            return UInt64(line.dropFirst(7).filter { !$0.isWhitespace }, radix: 16) ?? 0
        }
        return 0
    }
}

extension Descriptor {
    /// fchmodat(2) of a name in a directory of the daemon's own, where nobody can exchange it for a link.
    public func setMode(of name: FileName, _ mode: UInt32) throws(SystemError) {
        _ = try attempt(.fchmod, "\(name)") { unsafe name.withCString { unsafe fchmodat(number, $0, mode, 0) } }
    }

    /// fchownat(2) of a name in a directory of the daemon's own, not following a symbolic link; for files that cannot be opened.
    public func setOwner(of name: FileName, _ owner: UInt32?, group: UInt32?) throws(SystemError) {
        _ = try attempt(.fchown, "\(name)") {
            unsafe name.withCString {
                unsafe fchownat(number, $0, owner ?? uid_t.max, group ?? gid_t.max, AT_SYMLINK_NOFOLLOW)
            }
        }
    }
}

extension Identity {
    /// How many processors this process may use, sysconf(3) _SC_NPROCESSORS_ONLN.
    public static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
