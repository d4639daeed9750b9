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

    @Test(.requiresModelLibraries) func `are recognised by what Keras, skops and LightGBM write today`() throws {
        try Scratch.with { scratch in
            _ = try ModelLibraries.run(Script.path("library_models"), [scratch.path])
            let files = try scratch.directory.entries().map(\.name)
            #expect(files.count == 10)
            for file in files {
                let found = Inspector.inspect(try FileBytes(scratch.directory.open(file)))
                let words = "\(file)".split(separator: ".").suffix(2).joined(separator: ".")
                #expect("\(found.format.rawValue).\(found.safety.rawValue)" == words, "\(file): \(found.findings)")
                #expect(found.damage == nil && found.details["details_cut"] == nil, "\(file)")
                switch found.format {
                case .keras, .kerasHDF5: #expect(found.details["keras_version"] == .string("3.15.1"))
                case .skops: #expect(found.details["skops_version"] == .string("0.16.0"))
                default: #expect(found.details["tree_count"] == .number("3"))
                }
            }
        }
    }

    private func check(_ found: Inspection?, version: String?) {
        #expect(found?.details["sklearn_version"] == version.map { .string($0) })
        let root = found?.details["root_class"]
        #expect(root == .string("sklearn.linear_model._logistic.LogisticRegression") || root == .string("dict"))
    }
}
