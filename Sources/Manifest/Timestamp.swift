/// A moment as producers write it, made into the one form that goes on from here: RFC 3339 in UTC with `Z`.
///
/// RFC 3339 is read, and what Python, pandas, Go, Git and PostgreSQL write beside it where it can mean one thing only: a space or a
/// small `t` for the `T`, a comma for the point, no seconds, an offset as `Z`, `UTC`, `+02:00`, `+0200` or `+02`, or
/// no offset at all, which is UTC and said so. UTC, because `timestamptz` keeps no offset, takes none of 16
/// hours and more, and refuses the year 0: after the conversion everything that is left is in its range.
struct Timestamp {
    /// Such as `2024-05-01T10:00:00.25Z`: years 0001 to 9999, microseconds at most.
    private(set) var text: String
    /// Whether the offset was missing and UTC was assumed.
    private(set) var assumedUTC = false
    /// Whether digits below a microsecond were dropped that were not zero.
    private(set) var droppedDigits = false

    /// What is wrong with a text that is no moment.
    struct Problem: Error {
        var message: String
        var hint: String
    }

    init(_ source: String) throws(Problem) {
        var scanner = TimestampScanner(source)
        guard let moment = scanner.moment() else {
            throw scanner.sawDateOnly
                ? Problem(message: "has no time of day", hint: "Write it as \(source.prefix(10))T00:00:00Z.")
                : Problem(message: "is no RFC 3339 time", hint: "Write it like 2024-05-01T12:30:00Z.")
        }
        guard moment.isValidDate else {
            throw Problem(message: "is a date that is not in the calendar", hint: "Check the month and the day.")
        }
        guard moment.isValidTime else {
            throw Problem(
                message: "is a time of day that no clock shows",
                hint: "Hours end at 23, minutes at 59; a second 60 exists only at 23:59:60 UTC.")
        }
        guard let utc = moment.utc else {
            throw Problem(message: "is outside the years 0001 to 9999 in UTC", hint: "Write a later or earlier time.")
        }
        text = utc
        assumedUTC = moment.offsetInMinutes == nil
        droppedDigits = moment.fraction.dropFirst(6).contains { $0 != UInt8(ascii: "0") }
    }
}

/// The fields of a moment as they were written.
private struct Moment {
    var year = 0
    var month = 0
    var day = 0
    var hour = 0
    var minute = 0
    var second = 0
    /// The digits behind the decimal point.
    var fraction: ArraySlice<UInt8> = []
    var offsetInMinutes: Int?

    var isValidDate: Bool {
        let leap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...12).contains(month) && (1...days[month - 1]).contains(day)
    }

    var isValidTime: Bool {
        guard (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second) else { return false }
        let minuteOfDayInUTC = ((hour * 60 + minute - (offsetInMinutes ?? 0)) % 1440 + 1440) % 1440
        return second < 60 || minuteOfDayInUTC == 1439
    }

    /// The moment in UTC; `nil` outside the years 0001 to 9999. A leap second becomes the second after it, as in PostgreSQL.
    var utc: String? {
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - (offsetInMinutes ?? 0) * 60
        let day = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let time = seconds - day * 86_400
        let date = Self.date(ofDay: day)
        guard (1...9999).contains(date.year) else { return nil }
        let clock = "\(pad(time / 3_600)):\(pad(time / 60 % 60)):\(pad(time % 60))"
        return "\(pad(date.year, 4))-\(pad(date.month))-\(pad(date.day))T\(clock)\(fractionText)Z"
    }

    /// At most six digits, no zeros at the end.
    private var fractionText: String {
        var digits = fraction.prefix(6)
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return digits.isEmpty ? "" : "." + String(decoding: digits, as: UTF8.self)
    }

    /// Days since 0000-03-01 of the Gregorian calendar: years that begin in March have their leap day at the end.
    private var days: Int {
        let year = month > 2 ? self.year : self.year - 1
        let monthFromMarch = (month + 9) % 12
        let leapDays = Self.floorDivide(year, 4) - Self.floorDivide(year, 100) + Self.floorDivide(year, 400)
        return year * 365 + leapDays + (153 * monthFromMarch + 2) / 5 + day - 1
    }

    /// The inverse of `days`: by 400 years, then by centuries, by 4 years and by years.
    private static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
        let era = floorDivide(day, 146_097)
        let dayOfEra = day - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = (monthFromMarch + 2) % 12 + 1
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int, _ divisor: Int) -> Int {
        (value >= 0 ? value : value - divisor + 1) / divisor
    }

    private func pad(_ value: Int, _ width: Int = 2) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
}

/// Reads a moment's fields off a text.
private struct TimestampScanner {
    private let bytes: [UInt8]
    private var index = 0
    private(set) var sawDateOnly = false

    init(_ text: String) { bytes = Array(text.utf8) }

    /// The fields, when the whole text has the shape of a moment; their ranges are not checked.
    mutating func moment() -> Moment? {
        var moment = Moment()
        guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2) else { return nil }
        (moment.year, moment.month, moment.day) = (year, month, day)
        sawDateOnly = index == bytes.count
        guard take("T") || take("t") || take(" "), let hour = digits(2), take(":"), let minute = digits(2) else {
            return nil
        }
        (moment.hour, moment.minute) = (hour, minute)
        if take(":") {
            guard let second = digits(2) else { return nil }
            moment.second = second
            if take(".") || take(",") {
                moment.fraction = fraction()
                guard !moment.fraction.isEmpty else { return nil }
            }
        }
        if index == bytes.count { return moment }
        guard let offset = offset(), index == bytes.count else { return nil }
        moment.offsetInMinutes = offset
        return moment
    }

    /// `Z`, `UTC`, or a sign, two digits of hours and perhaps two of minutes.
    private mutating func offset() -> Int? {
        _ = take(" ")
        if take("Z") || take("z") || take("UTC") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hours = digits(2) else { return nil }
        let hasColon = take(":")
        let minutes = index == bytes.count && !hasColon ? 0 : digits(2)
        guard let minutes, hours < 24, minutes < 60 else { return nil }
        return (isWest ? -1 : 1) * (hours * 60 + minutes)
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let expected = Array("\(text)".utf8)
        guard bytes[index...].starts(with: expected) else { return false }
        index += expected.count
        return true
    }

    /// Exactly so many digits.
    private mutating func digits(_ count: Int) -> Int? {
        guard index + count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[index..<index + count] {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        index += count
        return value
    }

    private mutating func fraction() -> ArraySlice<UInt8> {
        let digits = bytes[index...].prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        index += digits.count
        return digits
    }
}
