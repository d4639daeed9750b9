import ArgumentParser
import Glibc
import Inspectors

/// The command line for people and scripts.
@main
struct Ingot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingot",
        abstract: "Looks at model files as the daemon does, without loading any of them.",
        version: Version.text,
        subcommands: [Check.self, Inspect.self])

    static func main() {
        // Before anything else: a worker shuts itself in while it has one thread.
        if CommandLine.arguments.dropFirst().first == InspectionWorker.command { InspectionWorker.run() }
        do {
            var command = try parseAsRoot(Arguments.texts)
            try command.run()
        } catch {
            exit(withError: error)
        }
    }
}

/// The arguments, whose bytes need not be text.
enum Arguments {
    /// Every argument's bytes, without the program's name.
    private static let bytes: [[UInt8]] = (1..<max(1, Int(CommandLine.argc))).map { index in
        guard let start = unsafe CommandLine.unsafeArgv[index] else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: strlen(start)))
    }

    /// The same as text for the parser; what is no UTF-8 has a stand-in, which no argument of anybody's is.
    static let texts: [String] = bytes.enumerated().map { index, bytes in
        String(validating: bytes, as: UTF8.self) ?? "\(mark)\(index)"
    }

    private static let mark = "\u{10FFFF}ingot:"

    /// The bytes that an argument was given with.
    static func bytes(of text: String) -> [UInt8] {
        guard text.hasPrefix(mark), let index = Int(text.dropFirst(mark.count)), bytes.indices.contains(index) else {
            return Array(text.utf8)
        }
        return bytes[index]
    }
}

/// The program's version.
enum Version {
    static let text = "0.1.0"
}
