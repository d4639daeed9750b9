import CLinux
import Glibc
import Synchronization
import Vocabulary

extension Descriptor {
    /// Where the file is, for an error: the kernel's own name for it (it may have been renamed or unlinked), escaped.
    var place: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/fd/\(number)", &buffer, buffer.count)
        return escaped(buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) })
    }

    /// fstat(2).
    public func status() throws(SystemError) -> FileStatus {
        var raw = stat()
        _ = try attempt(.fstat, place) { unsafe fstat(number, &raw) }
        return FileStatus(raw)
    }

    /// Reads at most `buffer.count` bytes from an offset, pread(2).
    ///
    /// - Returns: how many bytes were read; 0 at the end of the file.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        let count = FaultInjection.portion(of: buffer.count, .pread, place)
        return try attempt(.pread, place) { unsafe pread(number, buffer.baseAddress, count, off_t(offset)) }
    }

    /// Reads a whole small file.
    ///
    /// - Parameter limit: how many bytes are wanted at most; one byte more is read where there is more, so that the
    ///   caller can tell a file at the limit from one beyond it.
    public func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        // Nearly all of these files are smaller than a page.
        var chunk = [UInt8](repeating: 0, count: min(limit + 1, 4096))
        while bytes.count <= limit {
            let wanted = min(chunk.count, limit + 1 - bytes.count)
            let offset = Int64(bytes.count)
            let count = try unsafe chunk.withUnsafeMutableBufferPointer { buffer throws(SystemError) in
                let part = unsafe UnsafeMutableBufferPointer(rebasing: buffer[..<wanted])
                return try unsafe read(into: UnsafeMutableRawBufferPointer(part), at: offset)
            }
            if count == 0 { break }
            bytes += chunk[..<count]
            if bytes.count == 4096 { chunk = [UInt8](repeating: 0, count: min(limit + 1, 64 * 1024)) }
        }
        return bytes
    }

    /// Writes all bytes at the descriptor's position, write(2) as often as it takes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = FaultInjection.portion(of: rest.count, .write, place)
            written += try attempt(.write, place) { unsafe Glibc.write(number, rest.baseAddress, count) }
        }
    }

    /// Writes all bytes at the descriptor's position.
    public func write(_ bytes: [UInt8]) throws(SystemError) {
        try unsafe bytes.withUnsafeBufferPointer { buffer throws(SystemError) in
            try unsafe write(UnsafeRawBufferPointer(buffer))
        }
    }

    /// fsync(2): when it returns, content and metadata survive a power cut. After an error the file must be given up and
    /// written anew: the kernel marks the pages clean, so a second fsync would lie.
    public func sync() throws(SystemError) {
        _ = try attempt(.fsync, place) { fsync(number) }
    }

    /// syncfs(2): the same for everything that was written to this file system before the call (Linux 5.8: errors are reported).
    public func syncFileSystem() throws(SystemError) {
        _ = try attempt(.syncfs, place) { ingot_syncfs(number) }
    }

    /// Writes the content to the device and waits for that, sync_file_range(2). It is not durable by that: the metadata that leads to it may not
    /// be on the disk, and the device may hold it in a cache of its own.
    public func writeBack() throws(SystemError) {
        _ = try attempt(.syncFileRange, place) { ingot_write_back(number) }
    }

    /// Sets the file's times to now, futimens(3).
    public func touch() throws(SystemError) {
        _ = try attempt(.futimens, place) { futimens(number, nil) }
    }

    /// Starts writing dirty pages back, sync_file_range(2): only a hint that evens out the later fsync.
    public func startWriteback(from offset: Int64, count: Int64) {
        _ = ingot_start_writeback(number, off_t(offset), off_t(count))
    }

    /// Reserves space, fallocate(2), so that a full disk is found before the copy; a file system without it is fine.
    public func reserve(sizeInBytes: Int64) throws(SystemError) {
        guard sizeInBytes > 0 else { return }
        do {
            _ = try attempt(.fallocate, place) { ingot_allocate(number, off_t(sizeInBytes)) }
        } catch where error.code == EOPNOTSUPP || error.code == ENOSYS {}
    }

    /// fchmod(2).
    public func setMode(_ mode: UInt32) throws(SystemError) {
        _ = try attempt(.fchmod, place) { fchmod(number, mode) }
    }

    /// fchown(2); `nil` leaves that half as it is.
    public func setOwner(_ owner: UInt32?, group: UInt32?) throws(SystemError) {
        _ = try attempt(.fchown, place) { fchown(number, owner ?? uid_t.max, group ?? gid_t.max) }
    }

    /// Makes this file share all extents of another, ioctl_ficlone(2): atomic with respect to writers of the source.
    public func clone(from source: Descriptor) throws(SystemError) {
        _ = try attempt(.ficlone, place) { ingot_clone(number, source.number) }
    }

    /// Takes an exclusive flock(2) on this open file without waiting.
    ///
    /// - Returns: whether it was granted; the lock ends with this descriptor, so a killed daemon leaves none behind.
    public func tryLock() throws(SystemError) -> Bool {
        do {
            _ = try attempt(.flock, place) { flock(number, LOCK_EX | LOCK_NB) }
            holdsLock.store(true, ordering: .relaxed)
            return true
        } catch where error.code == EWOULDBLOCK {
            return false
        }
    }
}

extension Descriptor {
    /// Copies a whole file to this descriptor's position, byte by byte; for the rare case that nothing better works.
    ///
    /// - Parameter progress: called after every buffer.
    public func copyBytes(from source: Descriptor, progress: () -> Void = {}) throws(SystemError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            let count = unsafe try source.read(into: buffer, at: offset)
            if count == 0 { return }
            unsafe try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += Int64(count)
            progress()
        }
    }
}
