// What this node has sent: numbers, what they promise, and which of them may be asked for again
// (specs/heartbeat.md 3.3).
import ClusterModel

/// The sending side of this node's sequence.
struct SendWindow: Sendable {
    /// Messages that the shell keeps for retransmission.
    static let historyMax: UInt64 = 500
    /// Clients wait while more messages than this are not acknowledged (specs/heartbeat.md 3.4).
    static let clientWindow: UInt64 = 250
    /// Most numbers that are sent again for one request.
    static let perRequestMax: UInt64 = 50

    enum Answer: Equatable {
        case retransmit(UInt64)
        case refuse(UInt64, reason: String)
    }

    private struct Sent: Sendable {
        var sequence: UInt64 = 0
        /// What this node promised with it: whoever has heard it leaves this node its groups until then.
        var promise = Instant.distantPast
        var retransmittedAt = Instant.distantPast
    }

    private(set) var last: UInt64 = 0
    /// By the node's index; a node beyond the end has acknowledged nothing.
    private var acknowledged: [UInt64] = []
    private var ring = [Sent](repeating: Sent(), count: Int(historyMax))

    /// Takes the next number for a message that goes out now.
    mutating func next(promise: Instant) -> UInt64 {
        last += 1
        ring[Int(last % SendWindow.historyMax)] = Sent(sequence: last, promise: promise)
        return last
    }

    /// Until when those who have heard a message leave this node its groups; nil for numbers too old or never used.
    func promise(of sequence: UInt64) -> Instant? {
        let slot = ring[Int(sequence % SendWindow.historyMax)]
        return slot.sequence == sequence && sequence > 0 ? slot.promise : nil
    }

    /// No message promises more than this any longer.
    mutating func shortenPromises(to end: Instant) {
        for index in ring.indices { ring[index].promise = min(ring[index].promise, end) }
    }

    /// How far a node has acknowledged, 0 where it has not.
    func acknowledged(by node: NodeID) -> UInt64 {
        acknowledged.indices.contains(node.index) ? acknowledged[node.index] : 0
    }

    /// A node has every message up to a number. Returns false for a number that was never sent.
    mutating func acknowledge(_ sequence: UInt64, by node: NodeID) -> Bool {
        guard sequence <= last else { return false }
        while acknowledged.count <= node.index { acknowledged.append(0) }
        acknowledged[node.index] = max(acknowledged[node.index], sequence)
        return true
    }

    /// What to do for a node's request of the numbers from `first` to `wanted`, both included. Passed over: what the
    /// node has acknowledged, what was never sent, and what went out again within `interval` less 10 ms, since another
    /// node has just asked for it too. The most that is sent again, and the most that is refused, is `perRequestMax`.
    mutating func answer(
        first: UInt64, last wanted: UInt64, from node: NodeID, interval: Duration, now: Instant
    ) -> [Answer] {
        var answers: [Answer] = []
        let begin = max(first, acknowledged(by: node) + 1)
        let lowest = last >= SendWindow.historyMax ? last - SendWindow.historyMax + 1 : 1
        if begin < lowest {
            let end = min(wanted, lowest - 1, begin.addingReportingOverflow(SendWindow.perRequestMax - 1).partialValue)
            if begin <= end { answers += (begin...end).map { .refuse($0, reason: "seqno too low") } }
        }
        let end = min(wanted, last)
        var sequence = max(begin, lowest)
        var retransmitted: UInt64 = 0
        while sequence <= end, retransmitted < SendWindow.perRequestMax {
            let slot = Int(sequence % SendWindow.historyMax)
            if now - ring[slot].retransmittedAt >= interval - .milliseconds(10) {
                ring[slot].retransmittedAt = now
                answers.append(.retransmit(sequence))
                retransmitted += 1
            }
            sequence += 1
        }
        return answers
    }
}
