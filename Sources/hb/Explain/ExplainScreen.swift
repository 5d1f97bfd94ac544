// Failovers as text: a list, or one time line with a step a line.
import Admin
import ClusterModel
import Failovers

struct ExplainScreen {
    let painter: Painter

    /// One line for each failover, the latest first.
    func list(_ report: FailoverReport) -> String {
        var table = Table(["NUMBER", "WHEN", "WHAT", "GROUPS", "STEPS", "LASTED"])
        for failover in report.failovers.reversed() {
            let groups = failover.groups
            let named = groups.prefix(3).joined(separator: ", ") + (groups.count > 3 ? " ..." : "")
            let lasted = (failover.steps.last?.at ?? failover.origin) - failover.origin
            table.add(
                [
                    String(failover.number), ExplainScreen.wall(failover, failover.origin), failover.cause.words, named,
                    String(failover.steps.count), StepWords.brief(lasted),
                ].map { Table.Cell(text: $0) })
        }
        return table.text(painter)
    }

    /// The time line, the phases behind it, and how far its clocks can be trusted.
    func text(_ timeline: Timeline) -> String {
        let failover = timeline.reference.failover
        var text = painter.paint(ExplainScreen.title(timeline.reference), .heading) + "\n\n"
        var table = Table(["SINCE FAULT", "DELTA", "NODE", "STEP", "WHAT DECIDED IT"])
        var before: Duration?
        for line in timeline.lines {
            let words = StepWords(line.step)
            let delta = before.map { line.since - $0 }
            before = line.since
            table.add([
                Table.Cell(text: aligned(StepWords.fixed(line.since, digits: 3), to: 14)),
                Table.Cell(text: aligned(delta.map { "+" + StepWords.fixed($0, digits: 3) } ?? "", to: 14)),
                Table.Cell(text: timeline.lanes[line.lane].node), Table.Cell(text: words.title, style: words.style),
                Table.Cell(text: words.reason),
            ])
        }
        text += table.text(painter)
        if failover.dropped > 0 { text += "\(failover.dropped) more steps were not kept\n" }
        text += phases(failover) + notes(timeline)
        return text
    }

    /// `failover 3 on beta, 2026-11-21 04:48:07.312: alpha died`.
    static func title(_ witness: Witness) -> String {
        "failover \(witness.failover.number) on \(witness.node), "
            + "\(wall(witness.failover, witness.failover.origin)): \(witness.failover.cause.words)"
    }

    /// By the clock of its node, in the time zone of the user.
    static func wall(_ failover: Failover, _ at: Instant) -> String {
        let nanoseconds = failover.wall(at)
        let fraction = String(1000 + abs(nanoseconds) / 1_000_000 % 1000).dropFirst()
        return "\(WallClock.text(nanoseconds / 1_000_000_000)).\(fraction)"
    }

    private func phases(_ failover: Failover) -> String {
        let phases = FailoverPhases(failover).phases
        guard phases.contains(where: { $0.duration > .zero }) else { return "" }
        var table = Table(["WHERE THE TIME WENT", ""])
        for phase in phases {
            table.add([
                Table.Cell(text: phase.name),
                Table.Cell(text: aligned(StepWords.fixed(phase.duration, digits: 3), to: 14)),
            ])
        }
        return "\n" + table.text(painter)
    }

    private func notes(_ timeline: Timeline) -> String {
        let others = timeline.lanes.dropFirst()
        if others.isEmpty {
            return "\nThe record of \(timeline.reference.node) alone; hb explain --merge adds those of others.\n"
        }
        return "\n" + others.map { lane in
            switch lane.basis {
            case .reference: ""
            case .messages:
                "\(lane.node)'s clock is set by messages in both directions: its times may be wrong by "
                    + "\(StepWords.brief(lane.uncertainty ?? .zero))\n"
            case .wallClocks:
                "\(lane.node)'s clock is set by the time of day, as no messages tell it\n"
            }
        }.joined()
    }

    private func aligned(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
