import Glibc
import LinuxSystem
import Settings

/// An end with a message and a status of sysexits.h.
struct Failure: Error {
    /// EX_USAGE, EX_UNAVAILABLE, EX_SOFTWARE, EX_CONFIG ...
    let status: Int32
    let message: String

    static func configuration(_ message: String) -> Failure { Failure(status: 78, message: message) }
    static func unavailable(_ message: String) -> Failure { Failure(status: 69, message: message) }
}

/// Writes one message to stderr.
func complain(_ message: String) { put("ingotd: \(message)\n", on: 2) }

/// Writes a text to stdout at once, also when it is a pipe.
func say(_ text: String) { put(text, on: 1) }

private func put(_ text: String, on descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = unsafe write(descriptor, bytes, bytes.count)
}

/// Reads and checks a configuration file.
///
/// - Throws: ``Failure`` with every problem on a line of its own.
func loadSettings(_ file: String) throws(Failure) -> Settings {
    do {
        return try Settings.load(file, environment: ProcessEnvironment.variables)
    } catch {
        throw .configuration(error.problems.map(\.description).joined(separator: "\ningotd: "))
    }
}
