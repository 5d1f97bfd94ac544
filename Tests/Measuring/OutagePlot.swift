// Outages as a picture: for each system a strip of all values and a box over them, on a logarithmic axis.
import Glibc

/// Panels of strips and boxes, one below the other, with one axis for all.
package struct OutagePlot: Sendable {
    /// What one panel shows.
    package struct Panel: Sendable {
        package var title: String
        /// One strip for each; all in the same unit.
        package var rows: [Measurement]

        package init(title: String, rows: [Measurement]) {
            self.title = title
            self.rows = rows
        }
    }

    private static let (width, left, right) = (960.0, 330.0, 96.0)
    private static let (rowHeight, titleHeight, top, bottom) = (30.0, 34.0, 44.0, 46.0)
    /// A strip's own colour for this project, and one for all others.
    private static let (own, other, ink, grid) = ("#0b6e99", "#8a8a8a", "#222222", "#dddddd")

    private let title: String
    private let unit: String
    private let ownSystem: String
    private let panels: [Panel]
    /// Powers of ten at which the axis begins and ends.
    private let decades: ClosedRange<Int>

    /// `ownSystem` names the system that is shown in colour. Values of zero and below stand at the axis's beginning.
    package init(title: String, unit: String, ownSystem: String, panels: [Panel]) {
        self.title = title
        self.unit = unit
        self.ownSystem = ownSystem
        self.panels = panels.filter { $0.rows.contains { !$0.values.isEmpty } }
        let values = self.panels.flatMap(\.rows).flatMap(\.values).filter { $0.isFinite && $0 > 0 }
        let first = Int(log10(max(values.min() ?? 1, 0.01)).rounded(.down))
        let last = Int(log10(max(values.max() ?? 10, 0.1)).rounded(.up))
        decades = first...max(first + 1, last)
    }

    /// The whole picture, a file of its own.
    package var svg: String {
        let rows = panels.reduce(0) { $0 + $1.rows.count }
        let height =
            OutagePlot.top + Double(rows) * OutagePlot.rowHeight
            + Double(panels.count) * OutagePlot.titleHeight + OutagePlot.bottom
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(OutagePlot.width)) \(number(height))\" "
                + "font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            text(title, x: 16, y: 26, size: 16),
        ]
        parts += axis(height)
        var y = OutagePlot.top
        for panel in panels {
            parts.append(text(panel.title, x: 16, y: y + 22, size: 13, weight: "bold"))
            y += OutagePlot.titleHeight
            for row in panel.rows {
                parts += strip(row, middle: y + OutagePlot.rowHeight / 2)
                y += OutagePlot.rowHeight
            }
        }
        return (parts + ["</svg>", ""]).joined(separator: "\n")
    }

    private func place(_ value: Double) -> Double {
        let (first, last) = (Double(decades.lowerBound), Double(decades.upperBound))
        let share = value > 0 ? (log10(value) - first) / (last - first) : 0
        return OutagePlot.left
            + min(max(share, 0), 1) * (OutagePlot.width - OutagePlot.left - OutagePlot.right)
    }

    private func axis(_ height: Double) -> [String] {
        let end = height - OutagePlot.bottom
        var parts: [String] = []
        for decade in decades {
            let value = pow(10, Double(decade))
            for step in [1.0, 2, 5] where step == 1 || decade < decades.upperBound {
                let x = place(value * step)
                let shade = step == 1 ? "#bbbbbb" : OutagePlot.grid
                parts.append(line(x, OutagePlot.top, x, end, colour: shade, width: 1))
                // Labels of narrow decades would lie on each other.
                guard step == 1 || decades.count <= 5 else { continue }
                let label = value * step < 1 ? Decimal.short(value * step) : Decimal.text(value * step, digits: 0)
                parts.append(text(label, x: x, y: end + 16, size: 11, anchor: "middle"))
            }
        }
        let caption = "\(unit), logarithmic; dots: every run; box: quartiles; bar: median; whiskers: 5 % and 95 %"
        return parts + [text(caption, x: OutagePlot.left, y: end + 36, size: 11)]
    }

    private func strip(_ row: Measurement, middle: Double) -> [String] {
        let colour = row.system == ownSystem ? OutagePlot.own : OutagePlot.other
        let label = row.setting.isEmpty ? row.system : "\(row.system), \(row.setting)"
        var parts = [text(label, x: OutagePlot.left - 12, y: middle + 4, size: 11.5, anchor: "end")]
        guard !row.values.isEmpty else {
            return parts + [text("not measured", x: OutagePlot.left + 6, y: middle + 4, size: 11)]
        }
        for (index, value) in row.values.enumerated() {
            // Spread over the strip's height, so that equal values do not hide each other.
            let y = middle - 9 + Double(index * 7 % 19)
            parts.append(
                "<circle cx=\"\(number(place(value)))\" cy=\"\(number(y))\" r=\"2\" fill=\"\(colour)\" "
                    + "fill-opacity=\"0.45\"/>")
        }
        let marks = [0.05, 0.25, 0.5, 0.75, 0.95].map { place(Spread.quantile($0, of: row.values)) }
        parts.append(line(marks[0], middle, marks[4], middle, colour: colour, width: 1.2))
        parts.append(
            "<rect x=\"\(number(marks[1]))\" y=\"\(number(middle - 7))\" width=\"\(number(marks[3] - marks[1]))\" "
                + "height=\"14\" fill=\"\(colour)\" fill-opacity=\"0.18\" stroke=\"\(colour)\"/>")
        parts.append(line(marks[2], middle - 9, marks[2], middle + 9, colour: colour, width: 2.5))
        let median = "\(Decimal.spread(row.median)) \(row.unit)"
        return parts + [text(median, x: OutagePlot.width - OutagePlot.right + 10, y: middle + 4, size: 11.5)]
    }

    private func line(_ x: Double, _ y: Double, _ x2: Double, _ y2: Double, colour: String, width: Double) -> String {
        "<line x1=\"\(number(x))\" y1=\"\(number(y))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
            + "stroke=\"\(colour)\" stroke-width=\"\(number(width))\"/>"
    }

    private func text(
        _ text: String, x: Double, y: Double, size: Double, anchor: String = "start", weight: String = "normal"
    ) -> String {
        let escaped = text.map { character in
            switch character {
            case "<": "&lt;"
            case ">": "&gt;"
            case "&": "&amp;"
            default: String(character)
            }
        }.joined()
        return "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"\(number(size))\" text-anchor=\"\(anchor)\" "
            + "font-weight=\"\(weight)\" fill=\"\(OutagePlot.ink)\">\(escaped)</text>"
    }

    private func number(_ value: Double) -> String { Decimal.short(value) }
}
