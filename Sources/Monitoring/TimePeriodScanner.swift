// Reads the text of a time period (specs/mon.md 3.5). White space means nothing but the end of a word, case nothing.

struct TimePeriodScanner {
    private typealias Malformed = TimePeriod.Malformed

    private let bytes: [UInt8]
    private var at = 0

    init(_ text: String) { bytes = text.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 } }

    mutating func parts() throws(TimePeriod.Malformed) -> [[TimePeriod.Condition]] {
        skipSpace()
        if at == bytes.count { return [[]] }
        let start = at
        if word() == "none" {
            skipSpace()
            if at == bytes.count { return [] }
        }
        at = start
        var parts = [try part()]
        while take(UInt8(ascii: ",")) { parts.append(try part()) }
        guard at == bytes.count else { throw Malformed(offset: at, message: "expected a scale or a comma") }
        return parts
    }

    private mutating func part() throws(TimePeriod.Malformed) -> [TimePeriod.Condition] {
        var conditions: [TimePeriod.Condition] = []
        skipSpace()
        while at < bytes.count, bytes[at] != UInt8(ascii: ",") {
            let condition = try condition()
            if let same = conditions.firstIndex(where: { $0.scale == condition.scale }) {
                conditions[same].ranges += condition.ranges
                conditions[same].shortYears += condition.shortYears
            } else {
                conditions.append(condition)
            }
            skipSpace()
        }
        if conditions.isEmpty { throw Malformed(offset: at, message: "expected a scale such as wd {Mon-Fri}") }
        return conditions
    }

    private mutating func condition() throws(TimePeriod.Malformed) -> TimePeriod.Condition {
        let start = at
        guard let scale = TimePeriod.Scale.named(word()) else {
            throw Malformed(offset: start, message: "no scale: they are yr, mo, wk, yd, md, wd, hr, min and sec")
        }
        guard take(UInt8(ascii: "{")) else {
            throw Malformed(offset: at, message: "expected { and the values of the scale")
        }
        var condition = TimePeriod.Condition(scale: scale, ranges: [])
        skipSpace()
        while at < bytes.count, bytes[at] != UInt8(ascii: "}") {
            try range(into: &condition)
            skipSpace()
        }
        guard take(UInt8(ascii: "}")) else { throw Malformed(offset: at, message: "expected }") }
        if condition.ranges.isEmpty && condition.shortYears.isEmpty {
            throw Malformed(offset: at - 1, message: "no values between { and }")
        }
        return condition
    }

    private mutating func range(into condition: inout TimePeriod.Condition) throws(TimePeriod.Malformed) {
        let start = at
        let first = try value(condition.scale)
        var last = first
        skipSpace()
        if at < bytes.count, bytes[at] == UInt8(ascii: "-") {
            at += 1
            skipSpace()
            last = try value(condition.scale)
        }
        let range = TimePeriod.Range(first: first, last: last)
        guard condition.scale == .year else { return condition.ranges.append(range) }
        guard first <= last else { throw Malformed(offset: start, message: "years cannot wrap round") }
        if last < 100 {
            condition.shortYears.append(range)
        } else if first >= 1970 {
            condition.ranges.append(range)
        } else {
            throw Malformed(offset: start, message: "a year of two digits and one of four make no range")
        }
    }

    private mutating func value(_ scale: TimePeriod.Scale) throws(TimePeriod.Malformed) -> Int {
        let start = at
        let text = word()
        guard let value = TimePeriodScanner.value(text, scale) else {
            let what = text.isEmpty ? "expected a value" : "\(text) is no value"
            throw Malformed(offset: start, message: "\(what) of the scale \(scale.rawValue)")
        }
        return value
    }

    private static func value(_ text: String, _ scale: TimePeriod.Scale) -> Int? {
        if let number = Int(text), number >= 0 {
            if scale == .year { return number < 100 || number >= 1970 ? number : nil }
            return scale.bounds.contains(number) ? number : nil
        }
        guard let first = text.utf8.first, (97...122).contains(first) || scale == .hour else { return nil }
        switch scale {
        case .month:
            let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
            return isLetters(text) ? names.firstIndex(of: String(text.prefix(3))).map { $0 + 1 } : nil
        case .wday:
            let names = ["su", "mo", "tu", "we", "th", "fr", "sa"]
            return isLetters(text) ? names.firstIndex(of: String(text.prefix(2))).map { $0 + 1 } : nil
        case .hour: return hour(text)
        case .year, .week, .yday, .mday, .minute, .second: return nil
        }
    }

    /// `12am` is 0, `12noon` and `12pm` are 12, `1pm` is 13.
    private static func hour(_ text: String) -> Int? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard let number = Int(digits), (1...12).contains(number) else { return nil }
        switch text.dropFirst(digits.count) {
        case "am": return number % 12
        case "pm": return number % 12 + 12
        case "noon" where number == 12: return 12
        default: return nil
        }
    }

    private static func isLetters(_ text: String) -> Bool { text.utf8.allSatisfy { (97...122).contains($0) } }

    private mutating func word() -> String {
        let start = at
        while at < bytes.count, (97...122).contains(bytes[at]) || (48...57).contains(bytes[at]) { at += 1 }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    /// Steps over white space, the byte, and white space.
    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard at < bytes.count, bytes[at] == byte else { return false }
        at += 1
        skipSpace()
        return true
    }

    private mutating func skipSpace() {
        while at < bytes.count, bytes[at] == UInt8(ascii: " ") || (9...13).contains(bytes[at]) { at += 1 }
    }
}
