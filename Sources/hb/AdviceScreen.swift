// The advice on intervals and its evidence, for people and as JSON.
import Admin
import ClusterConfig
import ClusterModel
import JSON
import Timeliness

struct AdviceScreen {
    let report: PunctualityReport
    let advice: TimingAdvice
    let wish: TimingWish
    let painter: Painter

    // MARK: Text

    var text: String {
        let now = report.timing
        var text = "recorded for \(report.recorded.spoken), with keepalive \(TimeText.spell(now.keepalive)),"
            + " warntime \(TimeText.spell(now.warntime)), deadtime \(TimeText.spell(now.deadtime))\n\n" + table + "\n"
        if case .insufficient(let reasons) = advice.basis {
            return text + painter.paint("not enough data yet", .attention) + ":\n" + list(reasons)
        }
        text += "One false takeover in \(wish.onceIn.spoken), as far as this tells:\n\n"
        for (directive, value) in [
            ("keepalive", advice.keepalive), ("warntime", advice.warntime), ("deadtime", advice.deadtime),
        ] {
            text += "    \(directive) \(painter.paint(TimeText.spell(value), .heading))\n"
        }
        let losses = advice.lossesTolerated
        text += "\nThat leaves room for \(losses) lost \(losses == 1 ? "message" : "messages") in a row and a delay of"
            + " \(brief(advice.latenessTolerated)). With the present intervals: \(frequency(advice.presentRate)).\n"
        if case .thin(let reasons) = advice.basis {
            text += "\n" + painter.paint("little to go by", .attention) + ":\n" + list(reasons)
        }
        return text
    }

    private func list(_ lines: [String]) -> String { lines.map { "  \($0)\n" }.joined() }

    private var table: String {
        var table = Table([
            "HEARD", "MESSAGES", "LOST", "IN A ROW", "SILENCES", "HALF", "99 %", "99.99 %", "LATEST",
        ])
        for node in report.nodes {
            table.add(row(node.any.name, node.any.arrivals))
            for link in node.links { table.add(row("  \(link.name)", link.arrivals)) }
        }
        let own = report.scheduling
        table.add(
            ["own timers", String(own.count), "", "", ""].map { Table.Cell(text: $0) } + delays(own))
        return table.text(painter)
    }

    private func row(_ name: String, _ arrivals: Arrivals) -> [Table.Cell] {
        [
            Table.Cell(text: name), Table.Cell(text: String(arrivals.received)),
            Table.Cell(text: String(arrivals.lost), style: arrivals.lost > 0 ? .attention : .plain),
            Table.Cell(text: String(arrivals.longestLoss)),
            Table.Cell(text: String(arrivals.silences), style: arrivals.silences > 0 ? .bad : .plain),
        ] + delays(arrivals.lateness)
    }

    private func delays(_ histogram: LatenessHistogram) -> [Table.Cell] {
        [0.5, 0.99, 0.9999, 1].map { Table.Cell(text: histogram.quantile($0).map(brief) ?? "-") }
    }

    private func brief(_ duration: Duration) -> String {
        let microseconds = duration.wholeNanoseconds / 1000
        if microseconds < 1000 { return "\(microseconds) us" }
        if microseconds < 100_000 { return "\(microseconds / 1000).\(microseconds % 1000 / 100) ms" }
        return duration.spoken
    }

    private func frequency(_ inAYear: Double) -> String {
        switch inAYear {
        case ..<0.000_001: "fewer than one in a million years"
        case ..<1: "one in \(Int64(1 / inAYear)) years"
        case ..<365: "\(Int64(inAYear)) a year"
        default: "\(Int64(min(inAYear / 365, 1e9))) a day"
        }
    }

    // MARK: JSON

    /// Times in microseconds.
    var json: JSONValue {
        let basis: (String, [String]) =
            switch advice.basis {
            case .insufficient(let reasons): ("insufficient", reasons)
            case .thin(let reasons): ("thin", reasons)
            case .sound: ("sound", [])
            }
        return .object([
            ("recorded", time(report.recorded)), ("basis", .string(basis.0)),
            ("reasons", .array(basis.1.map(JSONValue.string))), ("present", intervals(report.timing)),
            (
                "advice",
                .object([
                    ("keepalive", time(advice.keepalive)), ("warntime", time(advice.warntime)),
                    ("deadtime", time(advice.deadtime)), ("losses", .number(Int64(advice.lossesTolerated))),
                    ("delay", time(advice.latenessTolerated)),
                ])
            ),
            ("scheduling", delays(report.scheduling)),
            (
                "nodes",
                .array(
                    report.nodes.map { node in
                        .object(members(node.any) + [("links", .array(node.links.map { .object(members($0)) }))])
                    })
            ),
        ])
    }

    private func intervals(_ timing: TimingReport) -> JSONValue {
        .object([
            ("keepalive", time(timing.keepalive)), ("warntime", time(timing.warntime)),
            ("deadtime", time(timing.deadtime)),
        ])
    }

    private func members(_ source: PunctualityReport.Source) -> [(String, JSONValue)] {
        let arrivals = source.arrivals
        return [
            ("name", .string(source.name)), ("received", count(arrivals.received)), ("lost", count(arrivals.lost)),
            ("longestLoss", count(arrivals.longestLoss)), ("silences", count(arrivals.silences)),
            ("lateness", delays(arrivals.lateness)),
        ]
    }

    private func delays(_ histogram: LatenessHistogram) -> JSONValue {
        .object([
            ("count", count(histogram.count)), ("p50", JSONValue(histogram.quantile(0.5), time)),
            ("p99", JSONValue(histogram.quantile(0.99), time)), ("p9999", JSONValue(histogram.quantile(0.9999), time)),
            ("max", time(histogram.longest)),
        ])
    }

    private func count(_ number: UInt64) -> JSONValue { .number(Int64(clamping: number)) }
    private func time(_ duration: Duration) -> JSONValue { .number(duration.wholeNanoseconds / 1000) }
}
