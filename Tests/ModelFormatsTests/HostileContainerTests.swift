import LinuxSystem
import ModelFormats
import TestKit
import Testing
import Vocabulary

@Suite struct `Containers that hide a pickle` {
    @Test(.requiresTool("python3"))
    func `get the verdict that their names say`() throws {
        try Scratch.with { scratch in
            try ModelLibraries.run(Script.path("hostile_containers"), [scratch.path], interpreter: nil)
            let files = try scratch.directory.entries().map(\.name)
            #expect(files.count > 100)
            for file in files { try check(file, in: scratch) }
        }
    }

    private func check(_ file: FileName, in scratch: Scratch) throws {
        let name = "\(file)"
        var found: Inspection?
        let source = try FileBytes(scratch.directory.open(file))
        let time = ContinuousClock().measure { found = PythonContent.inspect(source) }
        let joined = Inspector.inspect(source)
        #expect(joined.safety >= found?.safety ?? .noCode, "\(name): \(joined.findings.map(\.message))")
        let safety = found?.safety ?? .noCode
        let letters: [Safety: Character] = [
            .noCode: "N", .safe: "S", .unknownImports: "K", .unscannable: "U", .dangerous: "D",
        ]
        let expected = name.split(separator: ".").last ?? ""
        #expect(
            letters[safety].map(expected.contains) == true, "\(name): \(safety) \(found?.findings.map(\.message) ?? [])"
        )
        #expect(time < .seconds(30), "\(name): \(time)")
    }
}

/// The Python programs beside the tests.
enum Script {
    static func path(_ name: String) -> String {
        let directory = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/")
        return "\(directory)/Python/\(name).py"
    }
}
