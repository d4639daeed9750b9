import Settings
import TestKit
import Testing

@Suite struct `Damaged configurations` {
    @Test(arguments: 0..<20)
    func `end in settings that can be printed and read again, or in problems`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let original = Array(try contents(of: "etc/ingot.yaml").unicodeScalars.filter { $0 != "#" })
        let bits = Array("{}[]&*!|>'\"%@`?:-,#\t\n \\~<\u{85}\u{2028}\u{1}é😀0".unicodeScalars)
        for _ in 0..<100 {
            var scalars = original
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let place = Int.random(in: 0..<scalars.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: scalars.remove(at: place)
                case 1: scalars.insert(bits.randomElement(using: &generator) ?? " ", at: place)
                default: scalars.insert(contentsOf: scalars[place..<min(place + 40, scalars.count)], at: place)
                }
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            check(String(text))
        }
    }

    @Test func `may be short`() {
        for text in [
            "a", "-", "?", ":", "{", "\"", "a: b", "[a", "- - -", "%", "...", "---", "!", "&", "a:\n a:\n  a: {",
        ] {
            check(text)
        }
    }

    private func check(_ text: String) {
        do {
            let settings = try Settings.parse(text, file: "f", environment: [:])
            let again = try Settings.parse(settings.effectiveYAML, file: "f", environment: [:])
            #expect(again == settings || settings.effectiveYAML.contains("***"), "\(text)")
        } catch {
            #expect(!error.problems.isEmpty)
        }
    }
}
