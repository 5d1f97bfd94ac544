// The last failovers, kept in memory: steps in, records out. Which failover a step belongs to follows from the groups
// and nodes that it names, and from what of them is under way.
import ClusterModel

/// The record of one node, bounded in failovers and in steps.
package struct FailoverLog: Sendable {
    /// Failovers that are kept.
    package static let failoversMax = 16
    /// Steps that all of them have together.
    package static let stepsMax = 2048
    /// A step that nothing else places belongs to what had a step this short before.
    private static let settling = Duration.seconds(10)
    /// What is under way without any step for longer than this waits for somebody, and is no part of what comes then.
    private static let patience = Duration.seconds(600)

    private struct Entry {
        var failover: Failover
        /// Nodes whose death is not decided.
        var suspects: Set<String> = []
        var nodes: Set<String> = []
        var underWay: Set<String> = []
        var settled: Set<String> = []
        var lastAt: Instant

        var isOpen: Bool { !suspects.isEmpty || !underWay.isEmpty }
    }

    /// Oldest first.
    private var entries: [Entry] = []
    private var last: UInt64 = 0
    private var stepCount = 0

    package init() {}

    /// Oldest first.
    package var failovers: [Failover] { entries.map(\.failover) }

    /// Takes a step in. `wallOffset`: the wall clock less the clock of the steps, now.
    package mutating func note(_ step: FailoverStep, wallOffset: Int64) {
        guard let index = place(of: step) else {
            // What tells of nothing is the answer to nothing.
            if step.kind == .told { return }
            last += 1
            entries.append(Entry(failover: Failover(number: last, wallOffset: wallOffset), lastAt: step.at))
            if entries.count > FailoverLog.failoversMax { remove(leastWanted) }
            return append(step, to: entries.count - 1)
        }
        append(step, to: index)
    }

    /// The entry that a step belongs to; nil where it begins a new one.
    private func place(of step: FailoverStep) -> Int? {
        guard let newest = entries.indices.last else { return nil }
        let isRecent = step.at - entries[newest].lastAt <= FailoverLog.settling
        if step.kind.begins {
            return isRecent && entries[newest].isOpen ? newest : nil
        }
        if let group = step.group {
            let open = entries.lastIndex { $0.underWay.contains(group) && step.at - $0.lastAt <= FailoverLog.patience }
            if let open { return open }
            switch step.kind {
            case .worked, .addressUp, .announced:
                return entries.lastIndex {
                    $0.settled.contains(group) && step.at - $0.lastAt <= FailoverLog.settling
                }
            default: return isRecent && !entries[newest].settled.contains(group) ? newest : nil
            }
        }
        if let node = step.subject, let entry = entries.lastIndex(where: { $0.nodes.contains(node) }),
            entries[entry].suspects.contains(node) || step.at - entries[entry].lastAt <= FailoverLog.patience
        {
            return entry
        }
        return isRecent ? newest : nil
    }

    private mutating func append(_ step: FailoverStep, to index: Int) {
        follow(step, in: index)
        entries[index].lastAt = max(entries[index].lastAt, step.at)
        if let previous = entries[index].failover.steps.indices.last,
            entries[index].failover.steps[previous].tellsTheSame(as: step)
        {
            entries[index].failover.steps[previous].more += 1
            return
        }
        var index = index
        while stepCount >= FailoverLog.stepsMax, index > 0 {
            remove(0)
            index -= 1
        }
        guard stepCount < FailoverLog.stepsMax else {
            entries[index].failover.dropped += 1
            return
        }
        stepCount += 1
        // What the resource manager tells comes after what it has led to.
        let later = entries[index].failover.steps.lastIndex { $0.at <= step.at }
        entries[index].failover.steps.insert(step, at: later.map { $0 + 1 } ?? 0)
    }

    private mutating func follow(_ step: FailoverStep, in index: Int) {
        if let node = step.subject {
            entries[index].nodes.insert(node)
            switch step.kind {
            case .heard, .suspected, .vetoed, .agreed: entries[index].suspects.insert(node)
            case .dead, .returned: entries[index].suspects.remove(node)
            default: break
            }
        }
        guard let group = step.group else { return }
        switch step.kind {
        case .claimed, .ordered, .granting, .stopping, .lost, .rightLost:
            entries[index].underWay.insert(group)
            entries[index].settled.remove(group)
        case .up, .failed, .blocked, .seen:
            entries[index].underWay.remove(group)
            entries[index].settled.insert(group)
        default: break
        }
    }

    /// The oldest false alarm, which a lossy network has by the dozen, or else the oldest of all.
    private var leastWanted: Int {
        entries.firstIndex { entry in
            if case .silence = entry.failover.cause { !entry.isOpen } else { false }
        } ?? 0
    }

    private mutating func remove(_ index: Int) { stepCount -= entries.remove(at: index).failover.steps.count }
}
