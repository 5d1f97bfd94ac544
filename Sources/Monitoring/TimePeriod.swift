// Times at which something holds: `wd {Mon-Fri} hr {9am-4pm}, wd {Sat}` (specs/mon.md 3.5). Commas join, several scales
// in a part intersect, the same scale twice in a part is the union of both.

/// A set of seconds of local time.
package struct TimePeriod: Equatable, Sendable {
    /// A unit of the calendar or the clock.
    package enum Scale: String, CaseIterable, Sendable {
        case year, month, week, yday, mday, wday, hour, minute, second

        /// The two spellings.
        static func named(_ word: String) -> Scale? {
            switch word {
            case "year", "yr": .year
            case "month", "mo": .month
            case "week", "wk": .week
            case "yday", "yd": .yday
            case "mday", "md": .mday
            case "wday", "wd": .wday
            case "hour", "hr": .hour
            case "minute", "min": .minute
            case "second", "sec": .second
            default: nil
            }
        }

        var bounds: ClosedRange<Int> {
            switch self {
            case .year: 1970...9999
            case .month: 1...12
            case .week: 1...6
            case .yday: 1...366
            case .mday: 1...31
            case .wday: 1...7
            case .hour: 0...23
            case .minute, .second: 0...59
            }
        }

        func value(of time: CalendarTime) -> Int {
            switch self {
            case .year: time.year
            case .month: time.month
            case .week: time.weekOfMonth
            case .yday: time.dayOfYear
            case .mday: time.dayOfMonth
            case .wday: time.dayOfWeek
            case .hour: time.hour
            case .minute: time.minute
            // A leap second belongs to the last one.
            case .second: min(time.second, 59)
            }
        }
    }

    /// Values of a scale, both ends included; wraps round where `last` is below `first`.
    struct Range: Equatable, Sendable {
        var first: Int
        var last: Int

        func contains(_ value: Int) -> Bool {
            first <= last ? first <= value && value <= last : value >= first || value <= last
        }
    }

    struct Condition: Equatable, Sendable {
        var scale: Scale
        var ranges: [Range]
        /// Years of two digits, whose century is that of the time that is asked for.
        var shortYears: [Range] = []

        func holds(_ time: CalendarTime) -> Bool {
            let value = scale.value(of: time)
            return ranges.contains { $0.contains(value) } || shortYears.contains { $0.contains(value % 100) }
        }
    }

    /// What the file says.
    package let text: String
    /// Joined by "or"; the conditions of one by "and". One without conditions holds always.
    private let parts: [[Condition]]

    /// Whether a time is within the period.
    package func contains(_ time: CalendarTime) -> Bool {
        parts.contains { conditions in conditions.allSatisfy { $0.holds(time) } }
    }

    /// What is wrong with a period's text, and from which byte on it is.
    package struct Malformed: Error, Equatable, Sendable {
        package var offset: Int
        package var message: String
    }

    /// Reads a period; blank is always, `none` is never.
    package init(_ text: String) throws(Malformed) {
        self.text = text
        var scanner = TimePeriodScanner(text)
        parts = try scanner.parts()
    }

    /// Holds always.
    package static let always = TimePeriod(text: "", parts: [[]])

    private init(text: String, parts: [[Condition]]) {
        self.text = text
        self.parts = parts
    }
}
