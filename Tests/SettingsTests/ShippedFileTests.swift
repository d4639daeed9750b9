import Settings
import Testing

@Suite struct `The shipped configuration` {
    @Test func `is right, and means the defaults`() throws {
        let text = try contents(of: "etc/ingot.yaml")
        let settings = try Settings.parse(text, file: "ingot.yaml", environment: [:])
        let drop = DropSettings(path: "/srv/ingot/drop")
        #expect(settings == Settings(store: "/srv/ingot/store", database: "postgresql:///ingot", drops: [drop]))
    }

    @Test func `shows the default list of ignored names`() throws {
        let text = try contents(of: "etc/ingot.yaml")
        let lines = text.split(separator: "\n").drop { !$0.hasPrefix("    # ignore:") }.prefix(2)
        let shown = lines.map { $0.drop { " #".contains($0) } }.joined(separator: " ")
        let settings = try Settings.parse(configuration(drop: shown), file: "f", environment: [:])
        #expect(settings.drops[0].ignore == DropSettings.defaultIgnore)
    }
}
