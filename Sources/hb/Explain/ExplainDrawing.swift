// A failover as a picture: above where the time went, to scale; below a lane for each node, a row for each step, and an
// arrow for each message that both ends have recorded.
import ClusterModel
import Failovers

struct ExplainDrawing {
    private static let (laneWidth, left, textWidth) = (120.0, 214.0, 620.0)
    private static let (rowHeight, top, phaseHeight) = (24.0, 56.0, 20.0)
    private static let (ink, faint, grid, band) = ("#1f2933", "#7b8794", "#e4e7eb", "#f7f9fb")
    private static let shades = ["#0b6e99", "#e07b39", "#4c9a6a", "#b0413e", "#7a5ea8", "#c9a227", "#5b7083", "#2c5f2d"]
    /// Characters of a reason that fit beside the lanes.
    private static let reasonMax = 96

    let timeline: Timeline

    /// The whole picture, a file of its own.
    var svg: String {
        let phases = FailoverPhases(timeline.reference.failover).phases.filter { $0.duration > .zero }
        let lanesTop = ExplainDrawing.top + (phases.isEmpty ? 0 : bar(phases).height)
        let rowsTop = lanesTop + 34
        let height = rowsTop + Double(timeline.lines.count) * ExplainDrawing.rowHeight + 26 * Double(notes.count) + 20
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(n(width))\" height=\"\(n(height))\" "
                + "viewBox=\"0 0 \(n(width)) \(n(height))\" font-family=\"sans-serif\" font-size=\"12\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            text(ExplainScreen.title(timeline.reference), 20, 32, size: 16, weight: "bold"),
        ]
        if !phases.isEmpty { parts += bar(phases).parts }
        parts += lanes(lanesTop, rowsTop)
        parts += arrows(rowsTop)
        for (row, line) in timeline.lines.enumerated() { parts += step(line, row, middle(row, rowsTop)) }
        for (index, note) in notes.enumerated() {
            let y = middle(timeline.lines.count, rowsTop) + 8 + 26 * Double(index)
            parts.append(text(note, 20, y, colour: "faint"))
        }
        return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private var width: Double {
        ExplainDrawing.left + Double(timeline.lanes.count) * ExplainDrawing.laneWidth + ExplainDrawing.textWidth
    }

    private func middle(_ row: Int, _ top: Double) -> Double { top + (Double(row) + 0.5) * ExplainDrawing.rowHeight }

    private func x(_ lane: Int) -> Double { ExplainDrawing.left + (Double(lane) + 0.5) * ExplainDrawing.laneWidth }

    private func shade(_ index: Int) -> String { ExplainDrawing.shades[index % ExplainDrawing.shades.count] }

    // MARK: Where the time went

    private func bar(_ phases: [FailoverPhases.Phase]) -> (parts: [String], height: Double) {
        let whole = phases.reduce(Duration.zero) { $0 + $1.duration }
        let (from, length) = (20.0, width - 40)
        var parts: [String] = []
        var at = from
        for (index, phase) in phases.enumerated() {
            let share = Double(phase.duration.wholeNanoseconds) / Double(max(1, whole.wholeNanoseconds))
            // A sliver is still to be seen.
            let size = max(2, share * (length - 2 * Double(phases.count)))
            parts.append(rectangle(at, ExplainDrawing.top, size, ExplainDrawing.phaseHeight, shade(index)))
            at += size
        }
        let columns = max(1, Int(length / 260))
        for (index, phase) in phases.enumerated() {
            let column = from + Double(index % columns) * 260
            let row = ExplainDrawing.top + 40 + Double(index / columns) * 20
            parts.append(rectangle(column, row - 10, 10, 10, shade(index)))
            let label = "\(phase.name)  \(StepWords.brief(phase.duration))"
            parts.append(text(label, column + 16, row))
        }
        let rows = (phases.count + columns - 1) / columns
        return (parts, 40 + Double(rows) * 20 + 14)
    }

    // MARK: Lanes

    private func lanes(_ top: Double, _ rowsTop: Double) -> [String] {
        var parts: [String] = []
        for row in timeline.lines.indices where row % 2 == 0 {
            let y = middle(row, rowsTop) - ExplainDrawing.rowHeight / 2
            parts.append(rectangle(12, y, width - 24, ExplainDrawing.rowHeight, ExplainDrawing.band))
        }
        parts.append(text("since the fault", 100, top + 18, colour: "faint", anchor: "end"))
        parts.append(text("delta", 190, top + 18, colour: "faint", anchor: "end"))
        let end = middle(timeline.lines.count, rowsTop) - ExplainDrawing.rowHeight / 2
        for (index, lane) in timeline.lanes.enumerated() {
            parts.append(text(lane.node, x(index), top + 18, size: 13, weight: "bold", anchor: "middle"))
            parts.append(stroke(x(index), rowsTop, x(index), end, ExplainDrawing.grid, 3))
        }
        return parts
    }

    private func step(_ line: Timeline.Line, _ row: Int, _ y: Double) -> [String] {
        let words = StepWords(line.step)
        let before = row > 0 ? timeline.lines[row - 1].since : nil
        let start = ExplainDrawing.left + Double(timeline.lanes.count) * ExplainDrawing.laneWidth
        var parts = [text(StepWords.fixed(line.since, digits: 3), 100, y + 4, anchor: "end")]
        if let before {
            let delta = "+" + StepWords.fixed(line.since - before, digits: 3)
            parts.append(text(delta, 190, y + 4, colour: "faint", anchor: "end"))
        }
        parts.append(
            "<circle cx=\"\(n(x(line.lane)))\" cy=\"\(n(y))\" r=\"5\" fill=\"\(ExplainDrawing.colour(words.style))\"/>")
        parts.append(text(words.title, start, y + 4, weight: "bold"))
        let reason = words.reason.count > ExplainDrawing.reasonMax
            ? words.reason.prefix(ExplainDrawing.reasonMax) + "..." : words.reason[...]
        parts.append(text(String(reason), start + 104, y + 4))
        return parts
    }

    /// From the row in which a message was told to each row that it decided on another node.
    private func arrows(_ rowsTop: Double) -> [String] {
        var parts: [String] = []
        for (row, line) in timeline.lines.enumerated() {
            guard let by = line.step.by, let sequence = line.step.sequence else { continue }
            let told = timeline.lines.firstIndex { other in
                other.step.kind == .told && timeline.lanes[other.lane].node == by && other.step.sequence == sequence
                    && other.step.generation == line.step.generation
            }
            guard let told, timeline.lines[told].lane != line.lane else { continue }
            let (fromX, fromY) = (x(timeline.lines[told].lane), middle(told, rowsTop))
            let (toX, toY) = (x(line.lane), middle(row, rowsTop))
            let side: Double = toX > fromX ? -7 : 7
            parts.append(stroke(fromX, fromY, toX + side, toY, "#9aa5b1", 1.5))
            parts.append(
                "<path d=\"M\(n(toX + side)) \(n(toY)) l\(n(side)) -4 l0 8 z\" fill=\"#9aa5b1\"/>")
        }
        return parts
    }

    private var notes: [String] {
        timeline.lanes.dropFirst().map { lane in
            lane.basis == .messages
                ? "\(lane.node): clock set by messages, to \(StepWords.brief(lane.uncertainty ?? .zero))"
                : "\(lane.node): clock set by the time of day"
        }
    }

    // MARK: Elements

    private static func colour(_ style: Style) -> String {
        switch style {
        case .plain: "#0b6e99"
        case .heading: "#7a5ea8"
        case .good: "#2f8f5b"
        case .attention: "#d98e04"
        case .bad: "#c0392b"
        }
    }

    /// With a tenth.
    private func n(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    private func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ fill: String) -> String {
        "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\" fill=\"\(fill)\"/>"
    }

    private func stroke(
        _ x: Double, _ y: Double, _ toX: Double, _ toY: Double, _ colour: String, _ width: Double
    ) -> String {
        "<line x1=\"\(n(x))\" y1=\"\(n(y))\" x2=\"\(n(toX))\" y2=\"\(n(toY))\" stroke=\"\(colour)\" "
            + "stroke-width=\"\(n(width))\"/>"
    }

    private func text(
        _ words: String, _ x: Double, _ y: Double, size: Int = 12, weight: String = "normal", colour: String = "ink",
        anchor: String = "start"
    ) -> String {
        let fill = colour == "faint" ? ExplainDrawing.faint : ExplainDrawing.ink
        let escaped = words.map { character -> String in
            switch character {
            case "<": "&lt;"
            case ">": "&gt;"
            case "&": "&amp;"
            default: character.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } ? String(character) : "?"
            }
        }.joined()
        return "<text x=\"\(n(x))\" y=\"\(n(y))\" font-size=\"\(size)\" font-weight=\"\(weight)\" fill=\"\(fill)\" "
            + "text-anchor=\"\(anchor)\">\(escaped)</text>"
    }
}
