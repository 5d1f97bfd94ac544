// Times as ha.cf writes them: what heartbeat 3.0.6 takes (specs/heartbeat.md 4.2), and s, sec, m, min.
import ClusterModel

/// Times of ha.cf.
package enum TimeText {
    /// Longest time that makes sense in ha.cf.
    static let longest: Duration = .seconds(365 * 86_400)

    /// What a time is to look like, for diagnostics.
    static let expectation = "a time such as 200ms, 1.5s, 2m or 10 (seconds)"

    enum Outcome: Equatable {
        /// `exact` is false where the text says more than whole milliseconds.
        case time(Duration, exact: Bool)
        case notANumber
        case unknownUnit(String)
        case tooLong
    }

    /// A number with an optional fraction and a unit right behind; rounded to the nearest millisecond.
    static func parse(_ text: String) -> Outcome {
        let number = text.prefix { $0 == "." || ("0"..."9").contains($0) }
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }) else { return .notANumber }
        let unit = text.dropFirst(number.count).lowercased()
        guard let unitNanoseconds = nanoseconds(ofUnit: unit) else { return .unknownUnit(unit) }

        guard let whole = parts[0].isEmpty ? 0 : Int64(parts[0]) else { return .tooLong }
        var (total, overflow) = whole.multipliedReportingOverflow(by: unitNanoseconds)
        guard !overflow, total <= longest.wholeNanoseconds else { return .tooLong }
        var place = unitNanoseconds
        var exact = true
        for digit in parts.count == 2 ? parts[1] : "" {
            guard let value = digit.wholeNumberValue else { return .notANumber }
            exact = exact && (place % 10 == 0 || value == 0)
            place /= 10
            total += Int64(value) * place
        }
        let milliseconds = (total + 500_000) / 1_000_000
        return .time(.milliseconds(milliseconds), exact: exact && total % 1_000_000 == 0)
    }

    /// A time as ha.cf writes it, rounded to the nearest millisecond; nil where the text is none.
    package static func duration(_ text: String) -> Duration? {
        if case .time(let duration, _) = parse(text) { duration } else { nil }
    }

    /// The shortest spelling that `parse` takes back exactly; whole milliseconds only.
    package static func spell(_ time: Duration) -> String {
        let milliseconds = time.wholeMilliseconds
        return milliseconds % 1000 == 0 && milliseconds != 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }

    private static func nanoseconds(ofUnit unit: String) -> Int64? {
        switch unit {
        case "us", "usec": 1000
        case "ms", "msec": 1_000_000
        case "", "s", "sec": 1_000_000_000
        case "m", "min": 60_000_000_000
        default: nil
        }
    }
}
