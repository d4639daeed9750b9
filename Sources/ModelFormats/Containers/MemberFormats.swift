internal import Vocabulary

/// What the members of an archive are that is nothing but an archive.
struct MemberFormats {
    private var counts: [String: Int] = [:]
    private var files = 0
    private var only: Inspection?

    /// Counts a member; a directory is none.
    mutating func count(_ found: Inspection?, in name: String) {
        if name.hasSuffix("/") { return }
        files += 1
        guard let found, found.format != .unknown else { return }
        counts[found.format.rawValue, default: 0] += 1
        only = found
    }

    /// How many members have which format, and the header's facts of a model that is alone in its archive.
    func note(in result: inout Inspection) {
        guard [.zip, .tar].contains(result.format), !counts.isEmpty else { return }
        result.setDetail("member_formats", .counts(counts))
        if files == 1, let only, let facts = only.details.members {
            result.setDetail("content", .object([.init("format", .string(only.format.rawValue))] + facts))
        }
    }
}
