// What was heard of one node's numbered messages: gaps, duplicates, requests for what is missing, acknowledgements
// (specs/heartbeat.md 3.2 to 3.4). Messages are passed on at once, in whatever order they come.
import ClusterModel

/// The receiving side of one node's sequence.
struct ReceiveWindow: Sendable {
    /// More lost at once than this are given up (specs/heartbeat.md 3.2, rule 5).
    static let lossMax: UInt64 = 250
    /// A number that lies so far below the newest one is no longer missed: its sender has forgotten it too. So many
    /// numbers at most are missing.
    static let missingMax: UInt64 = 500

    enum Verdict: Equatable {
        /// New: use it. `lost` numbers before it are missing now; `abandoned`: so many that they are not asked for.
        case accepted(lost: UInt64, abandoned: Bool)
        /// Fills a gap: use it. `complete`: nothing is missing any more.
        case filled(complete: Bool)
        case duplicate
    }

    struct Missing: Equatable, Sendable {
        var sequence: UInt64
        /// When it is asked for next.
        var requestAt: Instant
    }

    private(set) var last: UInt64?
    /// In ascending order of sequence.
    private(set) var missing: [Missing] = []
    /// The residue modulo 10 of the numbers that are acknowledged.
    private let acknowledgeTrigger: UInt64
    /// The node was gone: what it sent meanwhile was for others.
    private var isInterrupted = false

    init(acknowledgeTrigger: UInt64) { self.acknowledgeTrigger = acknowledgeTrigger % 10 }

    /// When the next request is due.
    var nextRequest: Instant? {
        var earliest: Instant?
        for entry in missing { earliest = min(earliest ?? .distantFuture, entry.requestAt) }
        return earliest
    }

    /// Judges a number. `firstRequest` tells for each missing number when to ask for it first.
    mutating func receive(_ sequence: UInt64, firstRequest: () -> Instant) -> Verdict {
        guard let last else {
            self.last = sequence
            return .accepted(lost: 0, abandoned: false)
        }
        if sequence == last { return .duplicate }
        if sequence < last {
            guard let position = missing.firstIndex(where: { $0.sequence == sequence }) else { return .duplicate }
            missing.remove(at: position)
            return .filled(complete: missing.isEmpty)
        }
        let lost = sequence - last - 1
        self.last = sequence
        if isInterrupted {
            isInterrupted = false
            return .accepted(lost: 0, abandoned: false)
        }
        if lost > ReceiveWindow.lossMax {
            missing.removeAll()
            return .accepted(lost: lost, abandoned: true)
        }
        if lost > 0 {
            for number in (last + 1)..<sequence { missing.append(Missing(sequence: number, requestAt: firstRequest())) }
        }
        if let first = missing.first, sequence - first.sequence >= ReceiveWindow.missingMax {
            missing.removeAll { sequence - $0.sequence >= ReceiveWindow.missingMax }
        }
        return .accepted(lost: lost, abandoned: false)
    }

    /// The number to acknowledge after `sequence` was accepted, if it is one that is: in order, and nothing missing
    /// before it; after a gap was filled, the largest such number below the next one that is missing.
    func acknowledgement(after sequence: UInt64, filledGap: Bool) -> UInt64? {
        guard let last else { return nil }
        let firstMissing = missing.first?.sequence
        if filledGap {
            if let firstMissing, firstMissing <= sequence { return nil }
            let top = firstMissing.map { $0 - 1 } ?? last
            let back = (top % 10 + 10 - acknowledgeTrigger) % 10
            return top > back ? top - back : nil
        }
        guard sequence % 10 == acknowledgeTrigger, firstMissing == nil else { return nil }
        return sequence
    }

    /// The sender no longer has this number. Returns whether it was missed here.
    mutating func refused(_ sequence: UInt64) -> Bool {
        guard let position = missing.firstIndex(where: { $0.sequence == sequence }) else { return false }
        missing.remove(at: position)
        return true
    }

    /// The numbers to ask for now; each is due again after `interval`.
    mutating func dueRequests(now: Instant, interval: Duration) -> [UInt64] {
        var due: [UInt64] = []
        for index in missing.indices where missing[index].requestAt <= now {
            due.append(missing[index].sequence)
            missing[index].requestAt = now + interval
        }
        return due
    }

    /// What is heard next starts anew.
    mutating func reset() {
        last = nil
        isInterrupted = false
        missing.removeAll()
    }

    /// The node is gone: nobody is there to answer. When it is heard again, its messages go on from whatever number
    /// they have; those up to the newest one are still duplicates.
    mutating func interrupt() {
        if !missing.isEmpty { missing.removeAll() }
        isInterrupted = last != nil
    }
}
