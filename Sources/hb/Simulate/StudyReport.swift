// What a study found, as text and as JSON.
import Admin
import CLinux
import ClusterModel
import JSON
import Simulation

/// The outcome of a study.
struct StudyReport {
    /// All runs of one kind.
    struct Kind {
        let kind: FaultKind
        var runs: [StudyRun]
    }

    /// What one kind of fault did to one group.
    private struct Summary {
        /// Runs in which it was not served at some time.
        let hits: Int
        /// The median of these runs.
        let typical: Duration
        let worst: Duration
        /// Runs in which it was not served until the faults were repaired.
        let lasting: Int
        let doubles: Int
        let doubleWorst: Duration

        init(_ runs: [StudyRun], group: Int) {
            let outages = runs.map { $0.outages[group] }.filter { $0 > .zero }.sorted()
            hits = outages.count
            typical = outages.isEmpty ? .zero : outages[outages.count / 2]
            worst = outages.last ?? .zero
            lasting = runs.count { $0.lasts[group] }
            doubles = runs.count { $0.overlaps[group] > .zero }
            doubleWorst = runs.map { $0.overlaps[group] }.max() ?? .zero
        }
    }

    let study: Study
    let kinds: [Kind]
    /// The shortest schedule in which two nodes served a group at once.
    let shortest: StudyRun?
    /// The run whose timeline is shown.
    let told: StudyRun?

    var isDouble: Bool { shortest != nil }

    private func title(_ kind: Kind) -> String {
        study.steps.isEmpty
            ? kind.kind.title : study.steps.map { study.cluster.text($0.fault) }.joined(separator: ", ")
    }

    // MARK: Text

    func text(_ painter: Painter) -> String {
        let timing = study.configuration.timing
        var text = "\(study.runs) schedules, seed \(study.seed); nodes \(study.cluster.nodes.joined(separator: " ")), "
            + "quorum \(study.configuration.quorum.rawValue), deadtime \(Self.time(timing.deadtime)), "
            + "keepalive \(Self.time(timing.keepalive))\n\n"
        var table = Table(["FAULT", "RUNS", "GROUP", "OUTAGES", "TYPICAL", "WORST", "TWO OWNERS"])
        for kind in kinds {
            for (index, group) in study.cluster.groups.enumerated() {
                let sum = Summary(kind.runs, group: index)
                let worst = sum.lasting > 0 ? "until repaired, \(sum.lasting) times" : Self.time(sum.worst)
                let double = sum.doubles > 0 ? "\(sum.doubles) times, at most \(Self.time(sum.doubleWorst))" : "never"
                table.add([
                    .init(text: index == 0 ? title(kind) : ""), .init(text: index == 0 ? "\(kind.runs.count)" : ""),
                    .init(text: group), .init(text: "\(sum.hits)"), .init(text: Self.time(sum.typical)),
                    .init(text: worst, style: sum.lasting > 0 ? .attention : .plain),
                    .init(text: double, style: sum.doubles > 0 ? .bad : .good),
                ])
            }
        }
        text += table.text(painter)
        guard let told else { return text + "\nNo group was ever served by two nodes at once.\n" }
        text += isDouble
            ? "\nTwo nodes served a group at once. The shortest schedule that shows it:\n\n"
            : "\nNo group was ever served by two nodes at once. The first run:\n\n"
        var lines = Table(["AFTER", "WHERE", "WHAT"])
        for line in study.cluster.story(told) {
            let style: Style = line.source == "fault" ? .attention : line.source == "client" ? .bad : .plain
            lines.add([
                .init(text: Self.precise(line.at)), .init(text: line.source, style: style), .init(text: line.text),
            ])
        }
        return text + lines.text(painter)
    }

    /// As people read it: `250 ms`, `2.1 s`.
    private static func time(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        if duration == .zero { return "none" }
        if milliseconds < 1000 { return milliseconds < 1 ? "under 1 ms" : "\(milliseconds) ms" }
        return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }

    private static func precise(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.wholeMilliseconds)
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest + " s"
    }

    // MARK: JSON

    var json: JSONValue {
        .object([
            ("version", .number(1)), ("seed", .string(String(study.seed))), ("runs", .number(Int64(study.runs))),
            ("nodes", .array(study.cluster.nodes.map { .string($0) })),
            ("quorum", .string(study.configuration.quorum.rawValue)), ("double", .bool(isDouble)),
            ("faults", .array(kinds.map(json))), ("shortest", JSONValue(shortest, json)),
            ("timeline", .array(told.map(study.cluster.story)?.map { line in
                .object([
                    ("at_ms", .number(line.at.wholeMilliseconds)), ("source", .string(line.source)),
                    ("text", .string(line.text)),
                ])
            } ?? [])),
        ])
    }

    private func json(_ kind: Kind) -> JSONValue {
        .object([
            ("kind", .string(study.steps.isEmpty ? kind.kind.rawValue : "given")), ("title", .string(title(kind))),
            ("runs", .number(Int64(kind.runs.count))),
            ("groups", .array(study.cluster.groups.enumerated().map { index, group in
                let sum = Summary(kind.runs, group: index)
                return .object([
                    ("name", .string(group)), ("outages", .number(Int64(sum.hits))),
                    ("typical_ms", .number(sum.typical.wholeMilliseconds)),
                    ("worst_ms", .number(sum.worst.wholeMilliseconds)), ("lasting_runs", .number(Int64(sum.lasting))),
                    ("double_runs", .number(Int64(sum.doubles))),
                    ("double_worst_ms", .number(sum.doubleWorst.wholeMilliseconds)),
                ])
            })),
        ])
    }

    private func json(_ run: StudyRun) -> JSONValue {
        .array(run.steps.map { step in
            .object([
                ("at_ms", .number(step.at.wholeMilliseconds)), ("text", .string(study.cluster.text(step.fault))),
            ])
        })
    }
}
