import ArgumentParser
import Glibc
import ModelFormats

/// Says of files what the daemon would say of them.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say what files are, whether loading them could run code, and what the daemon would object to.",
        discussion: """
            Recognises the format by the content, reads the header, scans pickles without loading them, hashes the \
            file, and checks the manifest that lies beside it. A FILE may also be a manifest, or a directory, of which \
            every regular file is checked. Symbolic links are followed on the command line and nowhere else; FIFOs and \
            devices are never opened.

            Exit status: 0 nothing found, 1 something found (a verdict of --fail-on, or a problem), 2 something could \
            not be read, 64 wrong usage.
            """)

    @Argument(help: "Files, manifests and directories.")
    var file: [String]

    @Flag(name: .long, help: "Print a JSON array, one object a file.")
    var json = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Verdicts that make the exit status 1, with commas between them: \(Check.verdicts).", valueName: "verdicts")
    )
    var failOn = "dangerous,unscannable,unknown-imports"

    @Flag(name: .long, help: "Also list the imports that are known to be harmless.")
    var imports = false

    private static var verdicts: String { Safety.allCases.reversed().map(\.rawValue).joined(separator: ", ") }

    func validate() throws { _ = try failing() }

    private func failing() throws -> Set<Safety> {
        Set(
            try failOn.split(separator: ",").map { word in
                guard let verdict = Safety(rawValue: String(word)) else {
                    throw ValidationError("--fail-on: '\(word)' is no verdict; they are \(Self.verdicts).")
                }
                return verdict
            })
    }

    func run() throws {
        let failing = try failing()
        var output: any CheckOutput = json ? JSONOutput() : TextOutput(showsAllImports: imports)
        var walk = FileWalk(failing: failing)
        output.begin()
        for argument in file {
            walk.check(Arguments.bytes(of: argument)) { output.add($0) }
        }
        output.end()
        if walk.status != 0 { throw ExitCode(walk.status) }
    }
}

/// Writes reports as they come.
protocol CheckOutput {
    mutating func begin()
    mutating func add(_ report: FileReport)
    mutating func end()
}
