import Testing
import Vocabulary

/// One entry of a message catalog.
struct CatalogEntry {
    var identity: String
    var headers: [String: String] = [:]
    var text = ""

    /// Reads a catalog file the way systemd does: entries begin with `-- ID`, headers end at an empty line.
    static func entries(of catalog: String) -> [CatalogEntry] {
        var entries: [CatalogEntry] = []
        var isInHeaders = false
        for line in catalog.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("-- ") {
                entries.append(CatalogEntry(identity: String(line.dropFirst(3))))
                isInHeaders = true
            } else if entries.isEmpty {
                continue
            } else if isInHeaders, let colon = line.firstIndex(of: ":") {
                entries[entries.count - 1].headers[String(line[..<colon])] = String(line[colon...].dropFirst(2))
            } else {
                isInHeaders = false
                entries[entries.count - 1].text += line + "\n"
            }
        }
        return entries
    }
}

@Suite struct `The message catalog` {
    @Test func `explains every kind of event once, and nothing else`() throws {
        let entries = CatalogEntry.entries(of: try contents(of: "systemd/ingot.catalog"))
        #expect(entries.map(\.identity).sorted() == EventKind.allCases.map(\.messageID).sorted())
        for entry in entries {
            #expect(entry.headers["Subject"]?.isEmpty == false, "\(entry.identity)")
            #expect(entry.headers["Defined-By"] == "Ingot", "\(entry.identity)")
            #expect(entry.text.utf8.count > 40, "\(entry.identity)")
        }
    }

    @Test func `mentions only fields that records have`() throws {
        let catalog = try contents(of: "systemd/ingot.catalog")
        let fields: Set = [
            "INGOT_SUBMISSION", "INGOT_MODEL_ID", "INGOT_MODEL_VERSION", "INGOT_SHA256", "INGOT_DROP", "INGOT_SOURCE",
            "INGOT_PROOF", "INGOT_REASON",
        ]
        let mentioned = catalog.matches(of: /@(\w+)@/).map { String($0.1) }
        #expect(Set(mentioned).isSubset(of: fields) && !mentioned.isEmpty)
    }
}
