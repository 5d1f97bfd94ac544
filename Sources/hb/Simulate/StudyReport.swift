// What a study found, as text and as JSON.
import Admin
import CLinux
import ClusterModel
import JSON
import Simulation

/// The outcome of a study.
struct StudyReport {
    /// A timeline tells of no more groups than this.
    private static let groupsToldMax = 5

    let study: Study
    /// Runs that were made; fewer than asked for after ^C.
    let done: Int
    let tallies: [StudyTally]
    /// The shortest schedule in which two nodes served a group at once.
    let shortest: StudyRun?
    /// The run whose timeline is shown.
    let told: StudyRun?

    var isDouble: Bool { shortest != nil }
    var isComplete: Bool { done == study.runs }

    // MARK: Text

    func text(_ painter: Painter) -> String {
        let timing = study.configuration.timing
        var text = isComplete ? "" : "Ended by ^C after \(done) of \(study.runs) schedules.\n"
        text += "\(done) schedules, seed \(study.seed); nodes \(study.cluster.nodes.joined(separator: " ")), "
            + "quorum \(study.configuration.quorum.rawValue), deadtime \(Self.time(timing.deadtime)), "
            + "keepalive \(Self.time(timing.keepalive))\n\n"
        var table = Table(["FAULT", "RUNS", "GROUP", "OUTAGES", "TYPICAL", "WORST", "TWO OWNERS"])
        for tally in tallies {
            for (index, group) in study.cluster.groups.enumerated() {
                let sum = tally.groups[index]
                let style: Style = sum.lasting > 0 ? .attention : .plain
                table.add([
                    .init(text: index == 0 ? tally.row.title : ""),
                    .init(text: index == 0 ? "\(tally.runs)" : ""), .init(text: group), .init(text: "\(sum.hits)"),
                    .init(text: sum.typical.map(Self.time) ?? (sum.hits > 0 ? "until repaired" : "none")),
                    .init(text: Self.worst(sum), style: style),
                    .init(text: Self.double(sum), style: sum.doubles > 0 ? .bad : .good),
                ])
            }
        }
        text += table.text(painter)
        if study.cutsLinks {
            text += "\nLinks here carry heartbeats. Clients that come over one that fails lose a group besides, until "
                + "it moves or the link is repaired.\n"
        }
        guard let told else { return text + "\nNo group was ever served by two nodes at once.\n" }
        text += isDouble
            ? "\nTwo nodes served a group at once. The shortest schedule that shows it:\n\n"
            : "\nNo group was ever served by two nodes at once. The first run:\n\n"
        let affected = affectedGroups(told)
        let groups = Array(affected.prefix(Self.groupsToldMax))
        var lines = Table(["AFTER", "WHERE", "WHAT"])
        for line in study.cluster.story(told, of: groups) {
            let style: Style = line.source == "fault" ? .attention : line.source == "client" ? .bad : .plain
            lines.add([
                .init(text: Self.precise(line.at)), .init(text: line.source, style: style), .init(text: line.text),
            ])
        }
        text += lines.text(painter)
        let left = affected.count - groups.count
        return left > 0 ? text + "\n(\(left) more groups that it concerns are not told of.)\n" : text
    }

    /// Groups that two nodes served at once in a run; where there are none, those that were not served.
    private func affectedGroups(_ run: StudyRun) -> [String] {
        let names = study.cluster.groups
        let times = run.isDouble ? run.overlaps : run.outages
        let affected = names.indices.filter { times[$0] > .zero || !run.isDouble && run.lasts[$0] }
        return affected.isEmpty ? names : affected.map { names[$0] }
    }

    private static func worst(_ sum: StudyTally.Group) -> String {
        sum.lasting > 0 ? "until repaired, \(sum.lasting) times" : sum.worst.map(time) ?? "none"
    }

    private static func double(_ sum: StudyTally.Group) -> String {
        guard sum.doubles > 0 else { return "never" }
        guard sum.doublesLasting > 0 else { return "\(sum.doubles) times, at most \(time(sum.doubleWorst))" }
        return "\(sum.doubles) times, until repaired"
            + (sum.doublesLasting < sum.doubles ? " \(sum.doublesLasting) times" : "")
    }

    /// As people read it: `250 ms`, `2.1 s`.
    private static func time(_ milliseconds: Int64) -> String {
        if milliseconds < 1000 { return milliseconds < 1 ? "under 1 ms" : "\(milliseconds) ms" }
        return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }

    private static func time(_ duration: Duration) -> String { time(duration.wholeMilliseconds) }

    private static func precise(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.wholeMilliseconds)
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest + " s"
    }

    // MARK: JSON

    var json: JSONValue {
        .object([
            ("version", .number(1)), ("seed", .string(String(study.seed))), ("runs", .number(Int64(done))),
            ("complete", .bool(isComplete)), ("nodes", .array(study.cluster.nodes.map { .string($0) })),
            ("quorum", .string(study.configuration.quorum.rawValue)), ("double", .bool(isDouble)),
            ("faults", .array(tallies.map(json))), ("shortest", JSONValue(shortest, json)),
            ("timeline", .array(told.map { study.cluster.story($0, of: study.cluster.groups) }?.map { line in
                .object([
                    ("at_ms", .number(line.at.wholeMilliseconds)), ("source", .string(line.source)),
                    ("text", .string(line.text)),
                ])
            } ?? [])),
        ])
    }

    private func json(_ tally: StudyTally) -> JSONValue {
        .object([
            ("kind", .string(study.isGiven ? "given" : tally.row.kind.rawValue)),
            ("title", .string(tally.row.title)), ("runs", .number(Int64(tally.runs))),
            ("groups", .array(study.cluster.groups.enumerated().map { index, group in
                let sum = tally.groups[index]
                return .object([
                    ("name", .string(group)), ("outages", .number(Int64(sum.hits))),
                    ("typical_ms", JSONValue(sum.typical) { .number($0) }),
                    ("worst_ms", JSONValue(sum.worst) { .number($0) }),
                    ("lasting_runs", .number(Int64(sum.lasting))), ("double_runs", .number(Int64(sum.doubles))),
                    ("double_lasting_runs", .number(Int64(sum.doublesLasting))),
                    ("double_worst_ms", .number(sum.doubleWorst.wholeMilliseconds)),
                ])
            })),
        ])
    }

    private func json(_ run: StudyRun) -> JSONValue {
        .array(run.steps.map { step in
            .object([
                ("at_ms", .number(step.at.wholeMilliseconds)),
                ("text", .string(study.cluster.text(step.fault, pingsOver: run.pingsOver))),
            ])
        })
    }
}
