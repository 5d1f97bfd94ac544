// Who has had each group lately, for those who hear another machine on the network answer for its address: is that a
// node of this cluster, whose claim the epochs settle, or a machine that knows nothing of it?
import ClusterModel

extension Cluster {
    /// Takes note, whenever something was said, of who has what.
    mutating func noteContenders(_ now: Instant) {
        for index in groups.indices {
            // Who dies while it starts a group may have it; who lives and fails has not.
            let hasStarterDied = groups[index].starter.map { !nodes[$0.index].isAlive } ?? false
            if groups[index].wasTaken || hasStarterDied { groups[index].takenAt = now }
            let isHere = groups[index].phase.reported?.phase.isTaken ?? false
            groups[index].wasTaken = isHere
            groups[index].starter = nil
            // A node that stood still gives up what it finds lapsed before it hears who has taken it.
            if isHere || groups[index].isForfeit { groups[index].wasForfeit = groups[index].isForfeit }
            let isContended = isHere || groups[index].wasForfeit
            for entry in board[groups[index].id] {
                if entry.phase == .starting { groups[index].starter = entry.node }
                guard entry.phase.isTaken else { continue }
                if isContended { groups[index].contender = (entry.node, now) }
                groups[index].wasTaken = true
            }
        }
    }

    /// A node is heard again that was out of sight and ran on: it may have had whatever this node has.
    mutating func noteContender(_ id: NodeID, _ now: Instant) {
        for index in groups.indices where groups[index].phase.reported?.phase.isTaken ?? false {
            groups[index].contender = (id, now)
        }
    }

    /// Whether a start of the group that was ordered is a cold one: when this node claimed it, nobody was known to have
    /// had it for as long as a death and what follows it may take. Another machine that answers for its addresses is
    /// then neither the node that died nor the one that hands it over.
    package func startsCold(_ group: GroupID) -> Bool { groups[group.index].isCold }

    /// Whether another node may serve the group by now, so that its addresses go before anything else of it is stopped.
    package func isForfeit(_ group: GroupID) -> Bool { groups[group.index].isForfeit }

    /// The node that had the group while this one had it too, or may have had it, or when this one had lost it to
    /// whoever took it, and was heard at an instant or later; nil where none was.
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
    /// Whether the whole group is, or was just now, where somebody says this.
    fileprivate var isTaken: Bool {
        switch self {
        case .held, .stopping, .blocked: true
        case .unknown, .claiming, .starting, .failed: false
        }
    }
}
