import CLinux
import Glibc

extension Descriptor {
    /// Two sockets that are connected with each other, socketpair(2).
    public static func socketPair() throws(SystemError) -> (Descriptor, Descriptor) {
        var ends: [Int32] = [-1, -1]
        _ = try attempt(.socketpair, "") { unsafe ingot_socket_pair(&ends) }
        return (Descriptor(owning: ends[0]), Descriptor(owning: ends[1]))
    }

    /// The same file opened once more, for reading only, through `/proc/self/fd`: whoever gets it can neither write nor touch a lease
    /// of ours, which belongs to the open file description.
    public func reopenedForReading() throws(SystemError) -> Descriptor {
        let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY
        return Descriptor(
            owning: try attempt(.openat, place) { unsafe ingot_openat(AT_FDCWD, "/proc/self/fd/\(number)", flags, 0) })
    }

    /// Sends bytes and an open descriptor to whoever has the other end of this socket, SCM_RIGHTS of unix(7).
    public func send(_ bytes: [UInt8], with descriptor: Descriptor) throws(SystemError) {
        let count = try attempt(.sendmsg, "") {
            unsafe ingot_send_descriptor(number, bytes, bytes.count, descriptor.number)
        }
        guard count == bytes.count else { throw SystemError(.sendmsg, "", code: EMSGSIZE) }
    }

    /// Waits for bytes and the descriptor that comes with them.
    ///
    /// - Returns: all `count` bytes, and the descriptor if there was one; `nil` when the other end was closed.
    public func receive(count: Int) throws(SystemError) -> (bytes: [UInt8], descriptor: Descriptor?)? {
        var bytes = [UInt8](repeating: 0, count: count)
        var passed: Int32 = -1
        let received = try attempt(.recvmsg, "") { unsafe ingot_receive_descriptor(number, &bytes, count, &passed) }
        let descriptor = passed < 0 ? nil : Descriptor(owning: passed)
        return received == count ? (bytes, descriptor) : nil
    }

    /// What has arrived on this socket, at most `limit` bytes; empty when the other end was closed. Waits when there is nothing.
    public func receiveSome(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try attempt(.recvmsg, "") { unsafe recv(number, &bytes, limit, 0) }
        bytes.removeLast(limit - count)
        return bytes
    }
}
