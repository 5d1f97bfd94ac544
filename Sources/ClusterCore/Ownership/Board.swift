// The last words of all live nodes about all groups, turned round: for each group, who says what. Made anew whenever
// something was said, so that decisions about hundreds of groups need not search hundreds of reports.
import ClusterModel

/// One node's line about one group.
struct BoardEntry: Equatable, Sendable {
    var node: NodeID
    var phase: GroupPhase
    var epoch: UInt64
    var failures: Int
}

/// Who says what about each group.
struct Board: Sendable {
    /// The live normal nodes but this one, in ascending order.
    private(set) var alive: [NodeID] = []
    private var entries: [[BoardEntry]]
    private var grants: [[(by: NodeID, grant: Grant)]]

    init(groups: Int) {
        entries = Array(repeating: [], count: groups)
        grants = Array(repeating: [], count: groups)
    }

    /// Lines about a group, in ascending order of node.
    subscript(_ group: GroupID) -> [BoardEntry] { entries[group.index] }

    func hasGranted(_ node: NodeID, _ group: GroupID, to claimant: NodeID, epoch: UInt64) -> Bool {
        grants[group.index].contains { $0.by == node && $0.grant.node == claimant && $0.grant.epoch == epoch }
    }

    /// Whether a granted claim is still pursued by its owner's last word.
    func isPursued(_ grant: Grant) -> Bool {
        entries[grant.group.index].contains { entry in
            entry.node == grant.node && entry.epoch == grant.epoch
                && (entry.phase == .claiming || entry.phase == .starting)
        }
    }

    mutating func clear() {
        alive.removeAll(keepingCapacity: true)
        for index in entries.indices {
            if !entries[index].isEmpty { entries[index].removeAll(keepingCapacity: true) }
            if !grants[index].isEmpty { grants[index].removeAll(keepingCapacity: true) }
        }
    }

    /// Adds what a node that is gone may still run; nodes MUST come in ascending order.
    mutating func add(_ node: NodeID, leftBehind: [GroupReport]) {
        for report in leftBehind {
            entries[report.group.index].append(BoardEntry(
                node: node, phase: report.phase, epoch: report.epoch, failures: report.failures))
        }
    }

    /// Adds a live node's last word; nodes MUST come in ascending order.
    mutating func add(_ node: NodeID, _ said: StatusExtension?) {
        alive.append(node)
        guard let said else { return }
        for report in said.groups {
            entries[report.group.index].append(BoardEntry(
                node: node, phase: report.phase, epoch: report.epoch, failures: report.failures))
        }
        for grant in said.grants { grants[grant.group.index].append((node, grant)) }
    }
}
