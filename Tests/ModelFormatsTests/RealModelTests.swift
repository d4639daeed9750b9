import LinuxSystem
import ModelFormats
import TestKit
import Testing
import Vocabulary

@Suite struct `Models that Python's libraries wrote` {
    @Test(.requiresModelLibraries)
    func `are understood completely and told to be harmless`() throws {
        try Scratch.with { scratch in
            let version = try ModelLibraries.run(Script.path("real_models"), [scratch.path]).split(separator: "\n").last
            let files = try scratch.directory.entries().map(\.name)
            #expect(files.count > 180)
            for file in files {
                let found = PythonContent.inspect(try FileBytes(scratch.directory.open(file)))
                let words = "\(file)".split(separator: ".").suffix(2)
                let verdict = "\(found?.format.rawValue ?? "-").\(found?.safety.rawValue ?? "-")"
                #expect(verdict == words.joined(separator: "."), "\(file): \(found?.findings.map(\.message) ?? [])")
                #expect(found?.damage == nil, "\(file)")
                let joined = Inspector.inspect(try FileBytes(scratch.directory.open(file)))
                #expect(joined.format == found?.format ?? .unknown, "\(file)")
                #expect(joined.safety == found?.safety ?? .noCode, "\(file): \(joined.findings.map(\.message))")
                if "\(file)".hasPrefix("LogisticRegression") { check(found, version: version.map(String.init)) }
            }
        }
    }

    private func check(_ found: Inspection?, version: String?) {
        #expect(found?.details["sklearn_version"] == version.map { .string($0) })
        let root = found?.details["root_class"]
        #expect(root == .string("sklearn.linear_model._logistic.LogisticRegression") || root == .string("dict"))
    }
}
