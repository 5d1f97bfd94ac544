// How regularly one node is heard, over one medium or over all.
import ClusterModel

/// What came of a node's messages, and how late.
package struct Arrivals: Equatable, Sendable {
    /// By how much a message came later than a keepalive after the one before it, where none was lost between them.
    package var lateness = LatenessHistogram()
    /// Messages that came in their order.
    package var received: UInt64 = 0
    /// Messages that did not come, or only after later ones.
    package var lost: UInt64 = 0
    /// The most that were lost in a row.
    package var longestLoss: UInt64 = 0
    /// Silences of deadtime and longer within the life of one daemon: cut cables, or takeovers for nothing. They are
    /// not among the lateness.
    package var silences: UInt64 = 0

    private var generation: UInt64 = 0
    private var sequence: UInt64 = 0
    private var heardAt: Instant?

    /// Nothing was heard yet.
    package init() {}

    /// Takes note of a message with its daemon's generation and its number (specs/heartbeat.md 2.4). A copy, a
    /// retransmission or a message of an earlier daemon changes nothing.
    package mutating func heard(generation: UInt64, sequence: UInt64, at arrival: Instant, _ timing: Timing) {
        guard generation >= self.generation else { return }
        defer {
            if generation > self.generation || sequence > self.sequence {
                (self.generation, self.sequence, heardAt) = (generation, sequence, arrival)
            }
        }
        guard generation == self.generation, sequence > self.sequence, let heardAt else { return }
        received += 1
        let gap = arrival - heardAt
        guard gap < timing.deadtime else {
            silences += 1
            return
        }
        let missing = sequence - self.sequence - 1
        // A peer that lies in its numbers must not end this process.
        lost = missing > .max - lost ? .max : lost + missing
        longestLoss = max(longestLoss, missing)
        if missing == 0 { lateness.add(gap - timing.keepalive) }
    }
}
