import Manifest
import TestKit
import Testing
import Vocabulary

@Suite struct `Manifest fuzzing` {
    @Test func `mutated JSON never traps, and what is accepted reads back the same`() throws {
        var generator = DocumentGenerator(seed: Environment.fuzzSeed)
        var accepted = 0
        for round in 0..<Environment.fuzzIterations {
            let bytes = generator.mutated(generator.document())
            if try survives(bytes, .json, round) { accepted += 1 }
            _ = try survives(bytes, .yaml, round)
        }
        #expect(accepted > Environment.fuzzIterations / 20)
    }

    @Test func `mutated YAML never traps, and what is accepted reads back the same`() throws {
        var generator = DocumentGenerator(seed: Environment.fuzzSeed)
        var accepted = 0
        for round in 0..<Environment.fuzzIterations {
            let seed = DocumentGenerator.yamlSeeds[round % DocumentGenerator.yamlSeeds.count]
            if try survives(generator.mutated(Array(seed.utf8)), .yaml, round) { accepted += 1 }
        }
        #expect(accepted > Environment.fuzzIterations / 20)
    }

    @Test func `random bytes never trap`() throws {
        var random = SeededGenerator(seed: Environment.fuzzSeed)
        for round in 0..<Environment.fuzzIterations {
            let count = Int.random(in: 0...64, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            for syntax in ManifestSyntax.allCases { _ = try survives(bytes, syntax, round) }
        }
    }

    /// Judges a text; what is accepted must be the same after a round trip, what is refused must say where.
    private func survives(_ bytes: [UInt8], _ syntax: ManifestSyntax, _ round: Int) throws -> Bool {
        switch Verdict(bytes, syntax) {
        case .accepted(let manifest):
            let again = Verdict(manifest.document.text).manifest
            let same = again?.document == manifest.document && again?.modelID == manifest.modelID
            try #require(same, "seed \(Environment.fuzzSeed), round \(round): \(escaped(bytes))")
            return true
        case .refused(let reasons):
            let lines = bytes.count { $0 == 0x0A || $0 == 0x0D } + 1
            let isPlaced = reasons.allSatisfy { reason in
                (1...lines).contains(reason.line ?? 0) && (1...bytes.count + 1).contains(reason.column ?? 0)
            }
            try #require(isPlaced && !reasons.isEmpty, "round \(round): \(escaped(bytes)): \(reasons)")
            return false
        }
    }
}
