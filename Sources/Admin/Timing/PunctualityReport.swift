// What a daemon has recorded of its own punctuality and of the other nodes', and the records that carry it:
// `t=hb-punctuality` first, then `t=hb-arrivals` for each node and behind it one for each of its links.
import ClusterModel
import Messaging
import Timeliness

/// Recorded since the daemon of this node started.
package struct PunctualityReport: Equatable, Sendable {
    /// The other nodes, or the links to one.
    package struct Source: Equatable, Sendable {
        /// The node's name, or the medium's.
        package var name: String
        package var arrivals: Arrivals

        /// A source with what was heard of it.
        package init(name: String, arrivals: Arrivals) {
            self.name = name
            self.arrivals = arrivals
        }
    }

    /// One other node.
    package struct Node: Equatable, Sendable {
        /// Over whichever medium was first.
        package var any: Source
        package var links: [Source]

        /// A node and its links.
        package init(any: Source, links: [Source]) {
            self.any = any
            self.links = links
        }
    }

    package var recorded: Duration
    package var timing: TimingReport
    /// By how much the status process ran later than its timer.
    package var scheduling: LatenessHistogram
    package var nodes: [Node]

    /// A report with these parts.
    package init(recorded: Duration, timing: TimingReport, scheduling: LatenessHistogram, nodes: [Node]) {
        self.recorded = recorded
        self.timing = timing
        self.scheduling = scheduling
        self.nodes = nodes
    }
}

extension PunctualityReport {
    private static let head = "hb-punctuality"
    private static let line = "hb-arrivals"

    /// The records of the report.
    package func messages() -> [HAMessage] {
        var writer = RecordWriter(type: PunctualityReport.head)
        writer.add("recorded", recorded)
        writer.add("keepalive", timing.keepalive)
        writer.add("warntime", timing.warntime)
        writer.add("deadtime", timing.deadtime)
        writer.add("initdead", timing.initdead)
        writer.add("deadping", timing.deadping)
        writer.add("scheduling", scheduling.text)
        var records = [writer.message]
        for node in nodes {
            records.append(record(node.any, isLink: false))
            records += node.links.map { record($0, isLink: true) }
        }
        return records
    }

    private func record(_ source: Source, isLink: Bool) -> HAMessage {
        var writer = RecordWriter(type: PunctualityReport.line)
        writer.add("name", source.name)
        writer.add("islink", flag: isLink)
        writer.add("received", number: source.arrivals.received)
        writer.add("lost", number: source.arrivals.lost)
        writer.add("longestloss", number: source.arrivals.longestLoss)
        writer.add("silences", number: source.arrivals.silences)
        writer.add("lateness", source.arrivals.lateness.text)
        return writer.message
    }

    /// Reads what `messages` wrote.
    package init(_ records: [HAMessage]) throws(AdminMessageError) {
        guard let first = records.first else { throw AdminMessageError("no record") }
        let reader = try RecordReader(first, type: PunctualityReport.head)
        self.init(
            recorded: try reader.duration("recorded"),
            timing: TimingReport(
                keepalive: try reader.duration("keepalive"), warntime: try reader.duration("warntime"),
                deadtime: try reader.duration("deadtime"), initdead: try reader.duration("initdead"),
                deadping: try reader.duration("deadping")),
            scheduling: try PunctualityReport.histogram(reader, "scheduling"), nodes: [])
        for record in records.dropFirst() {
            let reader = try RecordReader(record, type: PunctualityReport.line)
            var arrivals = Arrivals()
            arrivals.received = try reader.number("received")
            arrivals.lost = try reader.number("lost")
            arrivals.longestLoss = try reader.number("longestloss")
            arrivals.silences = try reader.number("silences")
            arrivals.lateness = try PunctualityReport.histogram(reader, "lateness")
            let source = Source(name: try reader.text("name"), arrivals: arrivals)
            if try !reader.flag("islink") {
                nodes.append(Node(any: source, links: []))
            } else if nodes.isEmpty {
                throw AdminMessageError("a link without a node")
            } else {
                nodes[nodes.count - 1].links.append(source)
            }
        }
    }

    private static func histogram(
        _ reader: RecordReader, _ name: String
    ) throws(AdminMessageError) -> LatenessHistogram {
        guard let histogram = LatenessHistogram(text: try reader.text(name)) else {
            throw AdminMessageError("'\(name)' is no histogram")
        }
        return histogram
    }
}
