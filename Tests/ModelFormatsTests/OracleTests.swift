import LinuxSystem
import ModelFormats
import TestKit
import Testing
import Vocabulary

/// Python's own unpicklers, made inert, against the scanner: it must see whatever they would import.
@Suite struct `The scanner and Python` {
    /// What Python did with one name.
    private struct Observed {
        var module: String
        var name: String
        var uses: [Import.Use]
    }

    @Test(.requiresTool("python3"))
    func `agree on what thousands of odd streams import`() throws {
        try Scratch.with { scratch in
            let seed = UInt32.random(in: .min ... .max)
            let count = 4000
            let output = "\(scratch.path)/streams"
            try ModelLibraries.run(Script.path("oracle"), ["\(seed)", "\(count)", output], interpreter: nil)
            let reader = ByteReader(try FileBytes(scratch.directory.open("streams")))
            var importing = 0
            for number in 0..<count {
                let stream = try reader.bytes(Int(reader.little(UInt32.self)))
                let observed = try (0..<reader.little(UInt16.self)).map { _ in try read(reader) }
                if !observed.isEmpty { importing += 1 }
                check(stream, observed, "seed \(seed), stream \(number): \(stream)")
            }
            #expect(importing > count / 4)
        }
    }

    private func read(_ reader: ByteReader) throws -> Observed {
        let mask = try reader.byte()
        let module = try reader.bytes(Int(reader.little(UInt16.self)))
        let name = try reader.bytes(Int(reader.little(UInt16.self)))
        let uses: [(UInt8, Import.Use)] = [(1, .call), (2, .new), (4, .build)]
        return Observed(
            module: String(decoding: module, as: UTF8.self), name: String(decoding: name, as: UTF8.self),
            uses: uses.filter { mask & $0.0 != 0 }.map(\.1))
    }

    private func check(_ stream: [UInt8], _ observed: [Observed], _ label: String) {
        let scan = PickleScanner(MemoryBytes(stream)).scan()
        let inspection = PythonContent.inspect(MemoryBytes(stream))
        for name in observed {
            let found = scan.imports.first { $0.module == name.module && $0.name == name.name }
            // Where an argument reaches over a frame's end, C's unpickler reads names that stand nowhere; then the
            // violation is seen.
            let isFrameBroken = scan.findings.contains { $0.code == "pickle_frame" }
            #expect(found != nil || isFrameBroken, "\(name.module).\(name.name) is not seen; \(label)")
            let verdicts = (name.uses.isEmpty ? [.reference] : name.uses).map {
                AllowList.verdict(module: name.module, name: name.name, use: $0)
            }
            let isHarmless = verdicts.allSatisfy { $0 == .safe }
            if !isHarmless { #expect(scan.safety > .safe, "\(name.module).\(name.name) passes for safe; \(label)") }
            let isPlausible = (name.module + name.name).utf8.allSatisfy {
                $0 == 0x5F || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A
            }
            if !isHarmless, isPlausible, !name.module.isEmpty, !name.name.isEmpty {
                #expect((inspection?.safety ?? .noCode) > .safe, "\(label)")
            }
        }
    }
}
