// The records of several nodes on one time line. Their clocks have nothing to do with each other, and are set against
// each other by the messages that both ends have recorded: none arrives before it was sent.
import ClusterModel

/// One failover as one node saw it.
package struct Witness: Equatable, Sendable {
    package var node: String
    package var failover: Failover

    package init(node: String, failover: Failover) {
        self.node = node
        self.failover = failover
    }
}

/// One failover over all nodes that have a record of it.
package struct Timeline: Equatable, Sendable {
    /// How a node's clock was set against the first one's.
    package struct Lane: Equatable, Sendable {
        /// What the alignment goes by.
        package enum Basis: String, Sendable {
            /// It is the clock of all others.
            case reference
            /// Messages in both directions.
            case messages
            /// The clocks that tell the time of day, for there were no messages in both directions.
            case wallClocks = "wall-clocks"
        }

        package var node: String
        /// What is to be taken off this node's `Instant`s.
        package var offset: Duration
        package var basis: Basis
        /// The true offset is that close; nil where the wall clocks say it, which may be wrong by anything.
        package var uncertainty: Duration?
    }

    /// A step and whose it is.
    package struct Line: Equatable, Sendable {
        /// Position in `lanes`.
        package var lane: Int
        /// After the fault.
        package var since: Duration
        package var step: FailoverStep
    }

    /// The first one's record decides what the failover was.
    package let reference: Witness
    package private(set) var lanes: [Lane]
    /// In order of time.
    package private(set) var lines: [Line]

    /// The record of one node, and of what others tell of the same failover that each has recorded; nodes that have
    /// none of it are left out.
    package init(_ reference: Witness, others: [(node: String, failovers: [Failover])] = []) {
        self.reference = reference
        lanes = [Lane(node: reference.node, offset: .zero, basis: .reference, uncertainty: .zero)]
        var witnesses = [reference]
        for (node, failovers) in others where !witnesses.contains(where: { $0.node == node }) {
            guard let witness = Timeline.counterpart(of: reference, node, failovers) else { continue }
            lanes.append(Timeline.lane(reference, witness))
            witnesses.append(witness)
        }
        let origin = reference.failover.origin
        lines = []
        for (lane, witness) in witnesses.enumerated() {
            let offset = lanes[lane].offset
            lines += witness.failover.steps.map { step in
                Line(lane: lane, since: step.at - offset - origin, step: step)
            }
        }
        // A sort of the standard library need not keep the order of equals.
        lines = lines.enumerated().sorted { a, b in
            (a.element.since, a.offset) < (b.element.since, b.offset)
        }.map(\.element)
    }

    /// Of a node's records the one that shares most messages with the reference, or else the nearest in time of day.
    private static func counterpart(of reference: Witness, _ node: String, _ failovers: [Failover]) -> Witness? {
        var best: (witness: Witness, shared: Int, distance: UInt64)?
        for failover in failovers where !failover.steps.isEmpty {
            let witness = Witness(node: node, failover: failover)
            let shared = delays(from: reference, to: witness).count + delays(from: witness, to: reference).count
            let ours = reference.failover
            let distance = (failover.wall(failover.origin) &- ours.wall(ours.origin)).magnitude
            if shared == 0 && distance > 60_000_000_000 { continue }
            if let best, (best.shared, UInt64.max - best.distance) >= (shared, UInt64.max - distance) { continue }
            best = (witness, shared, distance)
        }
        return best?.witness
    }

    /// For each message that one has sent and the other has heard: arrival by the other's clock less sending by the
    /// one's, which is the offset of the clocks and the time on the way.
    private static func delays(from sender: Witness, to receiver: Witness) -> [Duration] {
        let told = sender.failover.steps.filter { $0.kind == .told }
        return receiver.failover.steps.compactMap { step in
            guard step.by == sender.node, let sequence = step.sequence else { return nil }
            let sent = told.first { $0.sequence == sequence && $0.generation == step.generation }
            return sent.map { step.at - $0.at }
        }
    }

    private static func lane(_ reference: Witness, _ witness: Witness) -> Lane {
        let most = delays(from: reference, to: witness).min()
        let least = delays(from: witness, to: reference).min().map { .zero - $0 }
        if let most, let least, least <= most {
            return Lane(
                node: witness.node, offset: (most + least) / 2, basis: .messages, uncertainty: (most - least) / 2)
        }
        let wall = Duration.nanoseconds(reference.failover.wallOffset &- witness.failover.wallOffset)
        // What the messages forbid, the wall clocks have wrong.
        var offset = wall
        if let most { offset = min(offset, most) }
        if let least { offset = max(offset, least) }
        return Lane(node: witness.node, offset: offset, basis: .wallClocks, uncertainty: nil)
    }
}
