import Glibc
import Synchronization

/// Users and groups of this machine.
public enum Identity {
    /// The effective user id of this process.
    public static var user: UInt32 { geteuid() }

    private struct KnownName {
        let name: String?
        let since: Monotonic
    }

    private static let known = Mutex<[UInt32: KnownName]>([:])

    /// A user's name, getpwuid_r(3); `nil` when the system knows none.
    ///
    /// Remembered for a minute: the question may go to a file or to a server, and every submission asks it.
    public static func userName(_ identity: UInt32) -> String? {
        let now = Monotonic.now
        if let known = known.withLock({ $0[identity] }), now - known.since < .seconds(60) { return known.name }
        let name = unsafe withRecord(of: identity) { unsafe String(cString: $0.pw_name) }
        known.withLock { known in
            if known.count > 1000 { known = [:] }
            known[identity] = KnownName(name: name, since: now)
        }
        return name
    }

    /// The largest record of a user or a group that is read; a group may list thousands of members.
    private static let largestRecord = 1 << 22

    private static func withRecord<Value>(of identity: UInt32, _ body: (passwd) -> Value) -> Value? {
        var size = 4096
        while size <= largestRecord {
            var record = unsafe passwd()
            var buffer = [CChar](repeating: 0, count: size)
            var found: UnsafeMutablePointer<passwd>?
            let code = unsafe getpwuid_r(identity, &record, &buffer, buffer.count, &found)
            if code == 0 { return unsafe found == nil ? nil : body(record) }
            guard code == ERANGE else { return nil }
            size *= 4
        }
        return nil
    }

    /// A user's id, getpwnam_r(3); `nil` when there is no such user.
    public static func userID(_ name: String) -> UInt32? {
        var record = unsafe passwd()
        var buffer = [CChar](repeating: 0, count: 4096)
        var found: UnsafeMutablePointer<passwd>?
        guard unsafe getpwnam_r(name, &record, &buffer, buffer.count, &found) == 0, unsafe found != nil else {
            return nil
        }
        return unsafe record.pw_uid
    }

    /// A group's id, getgrnam_r(3); `nil` when there is no such group.
    public static func groupID(_ name: String) -> UInt32? {
        var size = 16384
        while size <= largestRecord {
            var record = unsafe group()
            var buffer = [CChar](repeating: 0, count: size)
            var found: UnsafeMutablePointer<group>?
            let code = unsafe getgrnam_r(name, &record, &buffer, buffer.count, &found)
            if code == 0 { return unsafe found == nil ? nil : record.gr_gid }
            guard code == ERANGE else { return nil }
            size *= 4
        }
        return nil
    }

    /// The ids of all groups that a user is in, getgrouplist(3).
    public static func groups(ofUser identity: UInt32) -> Set<UInt32> {
        unsafe withRecord(of: identity) { record in
            // NGROUPS_MAX, limits.h: no user is in more.
            var count: Int32 = 65536
            var list = [gid_t](repeating: 0, count: Int(count))
            guard unsafe getgrouplist(record.pw_name, record.pw_gid, &list, &count) >= 0 else {
                return unsafe [record.pw_gid]
            }
            return Set(list.prefix(Int(count)))
        } ?? []
    }

    /// This machine's name, gethostname(2).
    public static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
