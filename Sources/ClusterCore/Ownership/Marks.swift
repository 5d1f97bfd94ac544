// What operators decided, as registers that every node carries in its status: the greater stamp wins everywhere, so
// nothing has to be delivered in order, or once.
import ClusterModel

/// Where an operator wants a group: the result of hb_standby or hb_takeover.
package struct Mark: Equatable, Sendable {
    package var group: GroupID
    /// nil: no wish any more.
    package var node: NodeID?
    package var stamp: UInt64
}

/// An operator's order to forget start failures and to try failed stops again.
package struct Clearing: Equatable, Sendable {
    package var group: GroupID
    package var stamp: UInt64
}

/// The registers of one node, by group.
struct MarkTable: Sendable {
    private(set) var marks: [Mark]
    private(set) var clearings: [Clearing]

    init(groups: Int) {
        marks = (0..<groups).map { Mark(group: GroupID($0), node: nil, stamp: 0) }
        clearings = (0..<groups).map { Clearing(group: GroupID($0), stamp: 0) }
    }

    func wanted(_ group: GroupID) -> NodeID? { marks[group.index].node }

    /// The registers that were ever written: what a status message carries.
    var writtenMarks: [Mark] { marks.filter { $0.stamp > 0 } }
    var writtenClearings: [Clearing] { clearings.filter { $0.stamp > 0 } }

    /// Writes this node's own decision.
    mutating func set(_ group: GroupID, _ node: NodeID?) {
        marks[group.index].node = node
        marks[group.index].stamp += 1
    }

    mutating func clear(_ group: GroupID) { clearings[group.index].stamp += 1 }

    /// Takes over what another node's register says, if it is newer. Equal stamps with different values come from two
    /// operators at once: the greater node wins, everywhere alike.
    /// `name` gives a node's name, since nodes may list each other in different orders.
    mutating func merge(_ mark: Mark, name: (NodeID) -> String) -> Bool {
        let own = marks[mark.group.index]
        guard Counter.isCredible(mark.stamp, after: own.stamp) else { return false }
        let wins = mark.stamp > own.stamp
            || (mark.stamp == own.stamp && (mark.node.map(name) ?? "") > (own.node.map(name) ?? ""))
        if wins { marks[mark.group.index] = mark }
        return wins
    }

    mutating func merge(_ clearing: Clearing) -> Bool {
        let own = clearings[clearing.group.index].stamp
        guard clearing.stamp > own, Counter.isCredible(clearing.stamp, after: own) else { return false }
        clearings[clearing.group.index] = clearing
        return true
    }
}
