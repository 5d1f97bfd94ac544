// What this node has sent: numbers, what they promise, and which of them may be asked for again
// (specs/heartbeat.md 3.3).
import ClusterModel

/// The sending side of this node's sequence.
struct SendWindow: Sendable {
    /// Messages that the shell keeps for retransmission.
    static let historyMax: UInt64 = 500
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

    /// What to do for a request; numbers that went out again within `interval` less 10 ms are passed over, since
    /// another node has just asked for them too.
    mutating func answer(first: UInt64, last wanted: UInt64, interval: Duration, now: Instant) -> [Answer] {
        var answers: [Answer] = []
        let end = min(wanted, last, first.addingReportingOverflow(SendWindow.perRequestMax - 1).partialValue)
        guard first > 0, first <= end else { return [] }
        for sequence in first...end {
            let slot = Int(sequence % SendWindow.historyMax)
            guard ring[slot].sequence == sequence else {
                answers.append(.refuse(sequence, reason: "seqno too low"))
                continue
            }
            if now - ring[slot].retransmittedAt < interval - .milliseconds(10) { continue }
            ring[slot].retransmittedAt = now
            answers.append(.retransmit(sequence))
        }
        return answers
    }
}
