import Manifest
import Testing
import Vocabulary

@Suite struct `Creation timestamps` {
    private func verdict(_ text: String) -> Verdict {
        Verdict(manifest(with: #""creation_timestamp": "\#(text)""#))
    }

    @Test(arguments: [
        ("2024-05-01T12:30:00Z", "2024-05-01T12:30:00Z"),
        ("2024-05-01t12:30:00z", "2024-05-01T12:30:00Z"),
        ("2024-05-01 12:30:00+02:00", "2024-05-01T10:30:00Z"),
        ("2024-05-01 12:30:00.5 +0200", "2024-05-01T10:30:00.5Z"),
        ("2024-05-01 12:30:00.123456+00", "2024-05-01T12:30:00.123456Z"),
        ("2024-05-01 12:30:00 UTC", "2024-05-01T12:30:00Z"),
        ("2024-05-01T12:30Z", "2024-05-01T12:30:00Z"),
        ("2024-05-01T12:30:00,25Z", "2024-05-01T12:30:00.25Z"),
        ("2024-05-01T12:30:00.500000000Z", "2024-05-01T12:30:00.5Z"),
        ("2024-05-01T00:00:00.000-00:00", "2024-05-01T00:00:00Z"),
        ("2024-02-29T23:59:59-23:59", "2024-03-01T23:58:59Z"),
        ("2000-02-29T00:00:00+00:01", "2000-02-28T23:59:00Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2017-01-01T01:59:60.5+02:00", "2017-01-01T00:00:00.5Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-12-31T23:00:00-02:00", "0002-01-01T01:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ])
    func `what cannot be misunderstood is read, in silence`(text: String, utc: String) {
        let manifest = verdict(text).manifest
        #expect(manifest?.creationTimestamp == utc)
        #expect(manifest?.warnings == [])
    }

    @Test(arguments: [
        ("2024-05-01T12:30:00.123456", "2024-05-01T12:30:00.123456Z", ["manifest_timestamp_without_offset"]),
        ("2024-05-01T12:30:00.1234567Z", "2024-05-01T12:30:00.123456Z", ["manifest_timestamp_precision"]),
        (
            "2024-05-01 12:30:00.123456789", "2024-05-01T12:30:00.123456Z",
            ["manifest_timestamp_without_offset", "manifest_timestamp_precision"]
        ),
    ])
    func `what had to be decided is said`(text: String, utc: String, codes: [String]) {
        let manifest = verdict(text).manifest
        #expect(manifest?.creationTimestamp == utc)
        #expect(manifest?.warnings.map(\.code) == codes)
    }

    @Test(arguments: [
        "", "now", "2024-05-01", "2024-05", "20240501T120000Z", "2024-5-1T12:00:00Z", "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z", "2024-05-00T00:00:00Z", "2024-04-31T00:00:00Z", "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2024-05-01T24:00:00Z", "2024-05-01T12:60:00Z", "2024-05-01T12:00:61Z",
        "2024-05-01T12:00:60Z", "2016-12-31T23:59:60+01:00", "2024-05-01T12:00:00+24:00", "2024-05-01T12:00:00+01:60",
        "2024-05-01T12:00:00.Z", "2024-05-01T12:00:00+1", "2024-05-01T12:00:00+01:", "2024-05-01T12:00:00 CET",
        "2024-05-01T12:00:00Z ", " 2024-05-01T12:00:00Z", "2024-05-01T12Z", "02024-05-01T12:00:00Z",
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "+2024-05-01T12:00:00Z",
        "2024-05-01T12:00:00\u{0660}Z", "1714557600", "2024-05-01T12:00:00Z\u{301}",
    ])
    func `everything else is refused at its place`(text: String) {
        let verdict = verdict(text)
        #expect(verdict.marks == ["manifest_value 1:62 creation_timestamp"])
        #expect(verdict.reasons.first?.hint != nil)
    }

    @Test func `a date alone is told how to go on`() {
        #expect(verdict("2024-05-01").reasons.first?.hint == "Write it as 2024-05-01T00:00:00Z.")
    }

    @Test func `every day of a century survives the conversion to UTC`() {
        var expected = (year: 1999, month: 12, day: 31)
        for year in 2000..<2102 {
            for month in 1...12 {
                let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
                for day in 1...(month == 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31) {
                    let text = "\(year)-\(pad(month))-\(pad(day))T00:30:00+01:00"
                    let utc = "\(expected.year)-\(pad(expected.month))-\(pad(expected.day))T23:30:00Z"
                    if verdict(text).manifest?.creationTimestamp != utc { Issue.record("\(text) is not \(utc)") }
                    expected = (year, month, day)
                }
            }
        }
    }

    private func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
