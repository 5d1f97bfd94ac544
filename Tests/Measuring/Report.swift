// All that a run has measured, as a table for a terminal, as one for a page, and as lines for other programs.

/// The outcome of a run.
package struct Report: Sendable {
    /// What everything was measured on, one sentence.
    package var machine: String
    /// Begins the order of everything: a run with the same seed and arguments has the same order.
    package var seed: UInt64
    /// Versions of what was measured: `keepalived 2.2.7`.
    package var versions: [String] = []
    package var measurements: [Measurement] = []
    /// What could not be measured, and why.
    package var skipped: [String] = []

    package init(machine: String, seed: UInt64) {
        self.machine = machine
        self.seed = seed
    }

    /// The measurements whose goals were missed.
    package var missed: [Measurement] { measurements.filter { $0.verdict == .missed } }

    private static let heading = ["figure", "system", "setting", "n", "p5", "median", "p95", "goal", ""]

    private static func cells(_ row: Measurement) -> [String] {
        let shares = [0.05, 0.5, 0.95].map { Decimal.spread(Spread.quantile($0, of: row.values)) }
        let verdict = row.verdict == .missed ? "MISSED" : row.verdict.rawValue
        let unit = row.unit.isEmpty ? "" : ", \(row.unit)"
        return ["\(row.figure): \(row.quantity)\(unit)", row.system, row.setting, "\(row.values.count)"]
            + shares + [row.goalText, verdict]
    }

    /// Columns of equal width; numbers end at the right.
    package var table: String {
        let rows = [Report.heading] + measurements.map(Report.cells)
        let widths = Report.heading.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return (3...6).contains(column) ? space + row[column] : row[column] + space
            }.joined(separator: "  ").trimmedRight
        }
        return (lines + notes).joined(separator: "\n")
    }

    /// The same as a table of Markdown, with all that is needed to read it.
    package var markdown: String {
        let titles = Report.heading.dropLast() + ["goal met"]
        let lines =
            ["| " + titles.joined(separator: " | ") + " |", "|---|---|---|--:|--:|--:|--:|---|---|"]
            + measurements.map { row in
                var cells = Report.cells(row)
                cells[8] = row.verdict == .none ? "" : row.verdict == .met ? "yes" : "**no**"
                return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
            }
        return (notes.map { "- \($0)" } + [""] + lines).joined(separator: "\n")
    }

    private var notes: [String] {
        var notes = ["machine: \(machine)"]
        if !versions.isEmpty { notes.append("beside: \(versions.joined(separator: ", "))") }
        notes.append("seed \(seed)")
        notes += skipped.map { "skipped: \($0)" }
        return notes
    }

    /// One JSON object a line: the run, then each measurement with every value.
    package var jsonLines: [String] {
        let run = JSONLine([
            ("machine", .text(machine)), ("seed", .text("\(seed)")), ("versions", .texts(versions)),
            ("skipped", .texts(skipped)),
        ])
        return [run.text]
            + measurements.map { row in
                var members: [(String, JSONLine.Value)] = [
                    ("figure", .text(row.figure)), ("system", .text(row.system)), ("setting", .text(row.setting)),
                    ("quantity", .text(row.quantity)), ("unit", .text(row.unit)),
                ]
                if let goal = row.goal {
                    members.append(("goal_median", .number(goal.median)))
                    if let p95 = goal.p95 { members.append(("goal_p95", .number(p95))) }
                    members.append(("verdict", .text(row.verdict.rawValue)))
                }
                return JSONLine(members + [("values", .numbers(row.values))]).text
            }
    }
}

extension String {
    /// Without spaces at the end.
    fileprivate var trimmedRight: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }

    fileprivate func replacing(_ character: Character, with text: String) -> String {
        map { $0 == character ? text : String($0) }.joined()
    }
}
