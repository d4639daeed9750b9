import Glibc
import LinuxSystem

/// A file that is written through a shared mapping after its descriptor is closed: no event tells of the last bytes.
@safe final class WritableMap {
    private let memory: UnsafeMutableRawPointer
    private let sizeInBytes: Int

    init(_ directory: Descriptor, _ name: FileName, sizeInBytes: Int) throws {
        let file = try directory.open(name, [.readWrite, .create], mode: 0o644)
        guard ftruncate(file.number, off_t(sizeInBytes)) == 0,
            let memory = unsafe mmap(nil, sizeInBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0),
            unsafe memory != MAP_FAILED
        else { throw SystemError(.ftruncate, "\(name)", code: errno) }
        unsafe self.memory = memory
        self.sizeInBytes = sizeInBytes
    }

    func write(_ content: [UInt8]) {
        let target = unsafe UnsafeMutableRawBufferPointer(start: memory, count: sizeInBytes)
        unsafe target.copyBytes(from: content.prefix(sizeInBytes))
    }

    func unmap() { unsafe munmap(memory, sizeInBytes) }
}
