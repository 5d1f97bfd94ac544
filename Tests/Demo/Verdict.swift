// The table at the end: what was measured, and what must be.

/// One line of the table.
struct Verdict {
    var what: String
    var measured: String
    var required: String
    var isMet: Bool
}

/// Everything that was measured, in order.
struct Verdicts {
    private(set) var list: [Verdict] = []

    mutating func add(_ what: String, _ measured: String, mustBe required: String, _ isMet: Bool) {
        list.append(Verdict(what: what, measured: measured, required: required, isMet: isMet))
    }

    /// A time that must not be longer than a limit.
    mutating func add(_ what: String, _ time: Duration, atMost limit: Duration) {
        add(what, Screen.milliseconds(time), mustBe: "at most \(Screen.milliseconds(limit))", time <= limit)
    }

    var areMet: Bool { !list.isEmpty && list.allSatisfy(\.isMet) }

    var lines: [String] {
        let rows = [("", "measured", "must be", "")]
            + list.map { ($0.what, $0.measured, $0.required, $0.isMet ? "ok" : "NOT MET") }
        let widths = (
            rows.map(\.0.count).max() ?? 0, rows.map(\.1.count).max() ?? 0, rows.map(\.2.count).max() ?? 0
        )
        return rows.map { row in
            "\(Screen.pad(row.0, widths.0))  \(Screen.pad(row.1, left: widths.1))  \(Screen.pad(row.2, widths.2))"
                + "  \(row.3)"
        }
    }
}
