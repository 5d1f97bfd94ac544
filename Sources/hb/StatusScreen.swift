// The cluster on one screen.
import Admin
import ClusterModel

struct StatusScreen {
    let report: ClusterReport
    let painter: Painter

    /// Newest events that are shown.
    private static let eventsMax = 10
    /// Of what a failed resource printed; JSON has more.
    private static let outputLinesMax = 3
    /// Causes of drops that are the rule and no trouble: a broadcast comes back to its sender, a message on several
    /// media arrives several times, and one for another node is heard by all. JSON has them.
    private static let harmlessDrops = ["ownMessage", "duplicate", "notForUs"]

    /// Everything, ending in LF.
    var text: String {
        let problems = report.problems
        let parts = [
            summary(isWell: problems.isEmpty), nodes, links, groups, failures,
            list("PROBLEMS", problems.map { painter.paint($0, .attention) }), list("EVENTS", events),
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func summary(isWell: Bool) -> String {
        let state = report.status.rawValue + (report.isLeaving ? ", shutting down" : "")
        let name = painter.paint(report.localName, .heading)
        var lines = [
            "heartbeat \(Terminal.printableWord(report.version)) on \(name): \(state), up \(report.runTime.spoken), "
                + "process \(report.pid)"
        ]
        let quorum = report.quorum
        let voters = "\(quorum.reachable) of \(quorum.configured) nodes"
        let isUnanswered = quorum.policy == .ping && !quorum.isPresent
        let votes = "\(voters)\(isUnanswered ? ", no ping node answers" : ""), policy \(quorum.policy.rawValue)"
        let lease = quorum.heldFor.map { ", may hold groups for \($0.spoken) more if unheard" } ?? ""
        lines.append(
            "quorum: \(painter.paint(quorum.isPresent ? "yes" : "no", quorum.isPresent ? .good : .bad))"
                + ", \(votes)\(lease)")
        lines.append(
            "keepalive \(report.timing.keepalive.spoken), deadtime \(report.timing.deadtime.spoken), "
                + "auto_failback \(report.autoFailback.rawValue), this node holds: \(report.holdings.rawValue)")
        lines.append(leaseLine)
        let drops = report.drops.filter { $0.count > 0 && !StatusScreen.harmlessDrops.contains($0.cause) }
        if !drops.isEmpty {
            let causes = drops.map { "\($0.count) \($0.cause)" }.joined(separator: ", ")
            lines.append("messages dropped since the start: \(Terminal.printableWord(causes))")
        }
        if let frozen = report.frozen {
            let text = "FROZEN since \(WallClock.text(frozen.time)) \(Terminal.printableWord(frozen.text))"
            lines.append(painter.paint(text, .attention))
        }
        lines.append(isWell ? painter.paint("all is well", .good) : painter.paint("needs attention", .attention))
        return lines.map { $0 + "\n" }.joined()
    }

    /// The inequality that keeps two nodes from answering at once: lease + margin = deadtime.
    private var leaseLine: String {
        let margin = report.timing.deadtime - report.lease.duration
        let what = report.lease.isKernels
            ? "the kernel ends held addresses" : "\(painter.paint("off", .attention)): no kernel ends held addresses"
        return "lease \(report.lease.duration.spoken), \(margin.spoken) before deadtime; \(what)"
    }

    private static func since(_ age: Duration?) -> String { age.map { "\($0.spoken) ago" } ?? "never" }

    private var nodes: String {
        let hasVotes = report.nodes.contains { !$0.votes.isEmpty }
        var table = Table(["NODE", "STATE", "LAST HEARD"] + (hasVotes ? ["VOTES"] : []))
        for node in report.nodes {
            let (state, style) = StatusScreen.state(node)
            let heard = node.isLocal ? "this node" : StatusScreen.since(node.age)
            let cells = [Table.Cell(text: node.name), Table.Cell(text: state, style: style), Table.Cell(text: heard)]
            table.add(cells + (hasVotes ? [Table.Cell(text: StatusScreen.votes(node))] : []))
        }
        return table.text(painter)
    }

    private static func votes(_ node: NodeReport) -> String {
        let hearing = node.votes.filter { $0.age != nil }.map { "\($0.voter) hears it (\(since($0.age)))" }
        let deaf = node.votes.filter { $0.age == nil }.map(\.voter)
        let verb = deaf.count == 1 ? "does" : "do"
        return (hearing + (deaf.isEmpty ? [] : ["\(deaf.joined(separator: ", ")) \(verb) not"]))
            .joined(separator: "; ")
    }

    private static func state(_ node: NodeReport) -> (String, Style) {
        if node.isUnreachable { return ("unreachable", .bad) }
        let style: Style =
            switch node.status {
            case .active, .ping: .good
            case .initial, .up: .attention
            case .dead: .bad
            }
        let word: String =
            switch node.dialect {
            case .extended: node.status.rawValue
            case .classic: node.status.rawValue + ", 3.0.6"
            case .refused: "refused, 3.0.6"
            }
        if node.dialect == .refused { return (word, .bad) }
        if let fencing = node.fencing { return ("\(word), \(Terminal.printableWord(fencing))", style) }
        return node.isLeaving ? (word + ", leaving", .attention) : (word, style)
    }

    private var links: String {
        var table = Table(["LINK TO", "MEDIUM", "STATE", "LAST HEARD"])
        for node in report.nodes where !node.isLocal {
            for link in node.links {
                table.add([
                    Table.Cell(text: node.name), Table.Cell(text: "\(link.directive) \(link.name)"),
                    Table.Cell(text: link.status.rawValue, style: link.status == .up ? .good : .bad),
                    Table.Cell(text: StatusScreen.since(link.age)),
                ])
            }
        }
        return table.text(painter)
    }

    private var groups: String {
        var table = Table(["GROUP", "STATE", "ON", "PREFERRED", "NOTES"])
        for group in report.groups {
            let style: Style =
                switch group.state {
                case .held: .good
                case .claiming, .starting, .stopping, .unknown: .attention
                case .blocked, .failed, .stopped: .bad
                }
            table.add([
                Table.Cell(text: group.name), Table.Cell(text: group.state.rawValue, style: style),
                Table.Cell(text: group.owner ?? "-"), Table.Cell(text: group.preferred),
                Table.Cell(text: StatusScreen.notes(group)),
            ])
        }
        return table.text(painter)
    }

    /// What went wrong with resources on this node, with the last words of each.
    private var failures: String {
        var table = Table(["FAILED RESOURCE", "TIMES", "LAST", "OPERATION", "REASON"])
        var words: [String] = []
        for failure in report.groups.flatMap(\.resourceFailures) {
            table.add([
                Table.Cell(text: failure.resource), Table.Cell(text: String(failure.count), style: .attention),
                Table.Cell(text: StatusScreen.since(failure.age)), Table.Cell(text: failure.operation),
                Table.Cell(text: failure.reason),
            ])
            words += failure.output.split(separator: "\n").suffix(StatusScreen.outputLinesMax).map {
                "  \(Terminal.printableWord(failure.resource)): \(Terminal.printableWord(String($0)))"
            }
        }
        guard report.groups.contains(where: { !$0.resourceFailures.isEmpty }) else { return "" }
        return table.text(painter) + words.map { $0 + "\n" }.joined()
    }

    private static func notes(_ group: GroupReport) -> String {
        var notes: [String] = []
        if let unmanaged = group.unmanaged {
            let text = Terminal.printableWord(unmanaged.text)
            notes.append("not managed since \(WallClock.text(unmanaged.time)) \(text)")
        }
        if let wanted = group.wanted { notes.append("wanted on \(wanted)") }
        for failure in group.failures { notes.append("\(failure.count) failed on \(failure.node)") }
        if !group.waitsFor.isEmpty { notes.append("waits for \(group.waitsFor.joined(separator: ", "))") }
        if !group.waitsForFencing.isEmpty {
            notes.append("waiting for fencing of \(group.waitsForFencing.joined(separator: ", "))")
        }
        if group.resources.count > 1 { notes.append("\(group.resources.count) resources") }
        return notes.joined(separator: "; ")
    }

    private var events: [String] {
        report.events.suffix(StatusScreen.eventsMax).map { event in
            let style: Style =
                switch event.level {
                case .critical, .error: .bad
                case .warning: .attention
                case .notice, .info, .debug: .plain
                }
            let level = event.level.word + String(repeating: " ", count: 6 - event.level.word.count)
            return "\(WallClock.text(event.time))  \(painter.paint(level, style))  "
                + painter.paint(event.text, style)
        }
    }

    private func list(_ heading: String, _ lines: [String]) -> String {
        guard !lines.isEmpty else { return "" }
        return painter.paint(heading, .heading) + "\n" + lines.map { $0 + "\n" }.joined()
    }
}
