// Time intervals as mon.cf writes them, "timevals" (specs/mon.md 3.1): a number, decimals allowed, and right behind it
// one of d, h, m and s, which may not be missing.
import ClusterModel

/// Reads and writes timevals.
package enum IntervalText {
    /// What one looks like, for diagnostics.
    package static let expectation = "a time such as 30s, 5m, 1.5h or 1d"

    /// Longest interval, a hundred years: more is a slip of the hand.
    private static let secondsMax: Double = 100 * 365 * 86_400

    /// The interval, zero included; nil for anything that is none.
    package static func parse(_ text: String) -> Duration? {
        guard let unit = text.unicodeScalars.last, let seconds = seconds(ofUnit: unit) else { return nil }
        let number = text.dropLast()
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.contains(where: { !$0.isEmpty }),
            parts.allSatisfy({ part in part.utf8.allSatisfy { (48...57).contains($0) } }), number.utf8.count <= 18,
            let value = Double((parts[0].isEmpty ? "0" : parts[0]) + "." + (parts.count == 2 ? parts[1] + "0" : "0"))
        else { return nil }
        let total = value * seconds
        guard total <= secondsMax else { return nil }
        return .milliseconds(Int64(total * 1000 + 0.5))
    }

    /// In seconds, as clients and files are told: whole ones where it is whole.
    package static func seconds(_ interval: Duration) -> String {
        let milliseconds = interval.wholeMilliseconds
        if milliseconds % 1000 == 0 { return "\(milliseconds / 1000)" }
        var fraction = String(1000 + milliseconds % 1000).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(milliseconds / 1000).\(fraction)"
    }

    private static func seconds(ofUnit unit: Unicode.Scalar) -> Double? {
        switch unit {
        case "s", "S": 1
        case "m", "M": 60
        case "h", "H": 3600
        case "d", "D": 86_400
        default: nil
        }
    }
}
