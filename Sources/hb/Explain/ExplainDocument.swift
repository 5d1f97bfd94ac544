// Failovers as JSON: what `--json` prints, and what `--merge` reads.
import Admin
import ClusterModel
import Failovers
import JSON

enum ExplainDocument {
    /// The record of one node.
    static func json(_ report: FailoverReport) -> JSONValue {
        .object([
            ("node", .string(report.node)), ("generation", .number(Int64(clamping: report.generation))),
            ("recorded_ns", .number(report.recorded.wholeNanoseconds)),
            ("failovers", .array(report.failovers.map(json))),
        ])
    }

    /// A time line over several nodes.
    static func json(_ timeline: Timeline) -> JSONValue {
        let lanes = timeline.lanes.map { lane in
            JSONValue.object([
                ("node", .string(lane.node)), ("clock_offset_ns", .number(lane.offset.wholeNanoseconds)),
                ("aligned_by", .string(lane.basis.rawValue)),
                ("uncertainty_ns", JSONValue(lane.uncertainty) { .number($0.wholeNanoseconds) }),
            ])
        }
        let lines = timeline.lines.map { line in
            JSONValue.object(
                [
                    ("node", .string(timeline.lanes[line.lane].node)),
                    ("since_fault_ns", .number(line.since.wholeNanoseconds)),
                ] + members(line.step))
        }
        return .object(
            [("node", .string(timeline.reference.node))] + head(timeline.reference.failover) + [
                ("nodes", .array(lanes)), ("steps", .array(lines)),
            ])
    }

    private static func json(_ failover: Failover) -> JSONValue {
        let steps = failover.steps.map { step in
            JSONValue.object(
                [("since_fault_ns", .number((step.at - failover.origin).wholeNanoseconds))] + members(step))
        }
        return .object(head(failover) + [("steps", .array(steps))])
    }

    private static func head(_ failover: Failover) -> [(String, JSONValue)] {
        let about: String? =
            switch failover.cause {
            case .death(let node), .silence(let node), .shutdown(let node): node
            case .request(let words): words
            case .failure(let group): group
            case .rightLost, .placement: nil
            }
        return [
            ("number", .number(Int64(clamping: failover.number))), ("cause", .string(failover.cause.word)),
            ("about", JSONValue(about) { .string($0) }),
            ("fault_wall_ns", .number(failover.wall(failover.origin))),
            ("wall_offset_ns", .number(failover.wallOffset)), ("dropped", .number(Int64(failover.dropped))),
            ("groups", .array(failover.groups.map { .string($0) })),
            (
                "phases",
                .array(
                    FailoverPhases(failover).phases.map {
                        .object([("name", .string($0.name)), ("ns", .number($0.duration.wholeNanoseconds))])
                    })
            ),
        ]
    }

    private static func members(_ step: FailoverStep) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [
            ("step", .string(step.kind.rawValue)), ("at_ns", .number(step.at.nanoseconds)),
        ]
        let texts = [
            ("subject", step.subject), ("by", step.by), ("group", step.group), ("resource", step.resource),
            ("medium", step.medium), ("text", step.text),
        ]
        for (name, text) in texts { if let text { members.append((name, .string(text))) } }
        let numbers = [
            ("more", step.more > 0 ? Int64(step.more) : nil), ("sequence", step.sequence.map { Int64(clamping: $0) }),
            ("generation", step.generation.map { Int64(clamping: $0) }),
            ("duration_ns", step.duration?.wholeNanoseconds),
        ]
        for (name, number) in numbers { if let number { members.append((name, .number(number))) } }
        return members
    }

    // MARK: Reading

    /// The record that `json` of a report wrote; nil for any other text. Steps of kinds that this version does not know
    /// are left out.
    static func read(_ text: [UInt8]) -> FailoverReport? {
        guard let document = JSONValue(parsing: text), let node = document["node"]?.string,
            let failovers = document["failovers"]?.array
        else { return nil }
        return FailoverReport(
            node: node, generation: UInt64(clamping: document["generation"]?.integer ?? 0),
            recorded: .nanoseconds(document["recorded_ns"]?.integer ?? 0),
            failovers: failovers.map { failover in
                Failover(
                    number: UInt64(clamping: failover["number"]?.integer ?? 0),
                    wallOffset: failover["wall_offset_ns"]?.integer ?? 0,
                    steps: (failover["steps"]?.array ?? []).compactMap(step),
                    dropped: Int(clamping: failover["dropped"]?.integer ?? 0))
            })
    }

    private static func step(_ value: JSONValue) -> FailoverStep? {
        guard let kind = value["step"]?.string.flatMap(FailoverStep.Kind.init(rawValue:)),
            let at = value["at_ns"]?.integer
        else { return nil }
        var step = FailoverStep(
            kind, at: Instant(nanoseconds: at), subject: value["subject"]?.string, by: value["by"]?.string,
            group: value["group"]?.string)
        step.more = Int(clamping: value["more"]?.integer ?? 0)
        step.resource = value["resource"]?.string
        step.medium = value["medium"]?.string
        step.sequence = value["sequence"]?.integer.map { UInt64(clamping: $0) }
        step.generation = value["generation"]?.integer.map { UInt64(clamping: $0) }
        step.duration = value["duration_ns"]?.integer.map { .nanoseconds($0) }
        step.text = value["text"]?.string
        return step
    }
}
