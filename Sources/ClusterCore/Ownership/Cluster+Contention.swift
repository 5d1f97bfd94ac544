// Who has had each group lately, for those who hear another machine on the network answer for its address: is that a node
// of this cluster, whose claim the epochs settle, or a machine that knows nothing of it?
import ClusterModel

extension Cluster {
    /// Takes note, whenever something was said, of who has what.
    mutating func noteContenders(_ now: Instant) {
        for index in groups.indices {
            if groups[index].wasTaken { groups[index].takenAt = now }
            let isHere = groups[index].phase.reported?.phase.isTaken ?? false
            groups[index].wasTaken = isHere
            for entry in board[groups[index].id] where entry.phase.isTaken {
                if isHere, entry.phase == .held || entry.phase == .starting {
                    groups[index].contender = (entry.node, now)
                }
                groups[index].wasTaken = true
            }
        }
    }

    /// Whether a start of the group that was ordered is a cold one: when this node claimed it, nobody was known to have had
    /// it for as long as a death and what follows it may take. Another machine that answers for its addresses is then
    /// neither the node that died nor the one that hands it over.
    package func startsCold(_ group: GroupID) -> Bool { groups[group.index].isCold }

    /// The node that said to have the group, while this one had it too, at an instant or later; nil where none did.
    package func contender(of group: GroupID, since: Instant) -> String? {
        guard let contender = groups[group.index].contender, contender.at >= since else { return nil }
        return nodes[contender.node.index].name
    }

    /// Whether nobody is known to have had the group lately.
    func isLongFree(_ index: Int, _ now: Instant) -> Bool {
        groups[index].takenAt + max(timing.deadtime, .seconds(10)) < now
    }
}

extension GroupPhase {
    /// Whether the group is known to be where somebody says this.
    fileprivate var isTaken: Bool {
        switch self {
        case .held, .starting, .stopping, .blocked: true
        case .unknown, .claiming, .failed: false
        }
    }
}
