// What a daemon has recorded of failovers, and the records that carry it: `t=hb-failovers` first, then `t=hb-failover`
// for each and behind it one `t=hb-step` for each of its steps.
import ClusterModel
import Failovers
import Messaging

/// Recorded since the status process of this node started; what an earlier one had recorded has gone with it.
package struct FailoverReport: Equatable, Sendable {
    package var node: String
    /// Of the daemon.
    package var generation: UInt64
    /// For how long.
    package var recorded: Duration
    /// Oldest first.
    package var failovers: [Failover]

    /// A report with these parts.
    package init(node: String, generation: UInt64, recorded: Duration, failovers: [Failover]) {
        self.node = node
        self.generation = generation
        self.recorded = recorded
        self.failovers = failovers
    }
}

extension FailoverReport {
    private static let head = "hb-failovers"
    private static let line = "hb-failover"
    private static let step = "hb-step"

    /// The records of the report.
    package func messages() -> [HAMessage] {
        var writer = RecordWriter(type: FailoverReport.head)
        writer.add("node", node)
        writer.add("generation", number: generation)
        writer.add("recorded", recorded)
        var records = [writer.message]
        for failover in failovers {
            var writer = RecordWriter(type: FailoverReport.line)
            writer.add("number", number: failover.number)
            writer.add("walloffset", number: failover.wallOffset)
            writer.add("dropped", number: failover.dropped)
            records.append(writer.message)
            records += failover.steps.map(FailoverReport.record)
        }
        return records
    }

    private static func record(_ step: FailoverStep) -> HAMessage {
        var writer = RecordWriter(type: FailoverReport.step)
        writer.add("kind", step.kind.rawValue)
        writer.add("at", number: step.at.nanoseconds)
        writer.add("subject", step.subject)
        writer.add("by", step.by)
        writer.add("group", step.group)
        if step.more > 0 { writer.add("more", number: step.more) }
        writer.add("resource", step.resource)
        writer.add("medium", step.medium)
        if let sequence = step.sequence { writer.add("sequence", number: sequence) }
        if let generation = step.generation { writer.add("generation", number: generation) }
        writer.add("duration", step.duration)
        writer.add("text", step.text)
        return writer.message
    }

    /// Reads what `messages` wrote.
    package init(_ records: [HAMessage]) throws(AdminMessageError) {
        guard let first = records.first else { throw AdminMessageError("no record") }
        let reader = try RecordReader(first, type: FailoverReport.head)
        self.init(
            node: try reader.text("node"), generation: try reader.number("generation"),
            recorded: try reader.duration("recorded"), failovers: [])
        for record in records.dropFirst() {
            if record.text("t") == FailoverReport.line {
                let reader = try RecordReader(record, type: FailoverReport.line)
                failovers.append(
                    Failover(
                        number: try reader.number("number"), wallOffset: try reader.number("walloffset"),
                        dropped: try reader.number("dropped")))
            } else if failovers.isEmpty {
                throw AdminMessageError("a step without a failover")
            } else {
                failovers[failovers.count - 1].steps.append(try FailoverReport.step(record))
            }
        }
    }

    private static func step(_ record: HAMessage) throws(AdminMessageError) -> FailoverStep {
        let reader = try RecordReader(record, type: FailoverReport.step)
        var step = FailoverStep(try reader.word("kind"), at: Instant(nanoseconds: try reader.number("at")))
        step.subject = try reader.optionalText("subject")
        step.by = try reader.optionalText("by")
        step.group = try reader.optionalText("group")
        step.more = try reader.optionalNumber("more") ?? 0
        step.resource = try reader.optionalText("resource")
        step.medium = try reader.optionalText("medium")
        step.sequence = try reader.optionalNumber("sequence")
        step.generation = try reader.optionalNumber("generation")
        step.duration = try reader.optionalDuration("duration")
        step.text = try reader.optionalText("text")
        return step
    }
}
