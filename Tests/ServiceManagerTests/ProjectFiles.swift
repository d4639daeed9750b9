import Glibc
import Testing

/// A file of the project, by its path from the project's root.
func contents(of path: String) throws -> String {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let descriptor = unsafe open("/\(root)/\(path)", O_RDONLY | O_CLOEXEC)
    try #require(descriptor >= 0, "\(path) is missing")
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes[..<count], as: UTF8.self)
}
