// What this node has confirmed to others binds the daemons that follow it: a holder goes by it, and the next daemon
// here knows nothing of that. How long it may bind is kept outside, and given to the next one.
import ClusterModel

extension Cluster {
    /// Whether every node that may hold something by what an earlier daemon here has confirmed can be asked, or is
    /// known not to. What was heard of one that is dead may be older than what was confirmed to it, unless it has heard
    /// this daemon.
    var hasOutwaitedConfirmations: Bool {
        lastHandled >= confirmedUntil || others.allSatisfy { id in
            let node = nodes[id.index]
            return node.heardAt != nil && (node.isAlive || node.hasLeft || node.promisedUntil != nil)
        }
    }

    /// Tells the shell how long what is confirmed now may bind, where that has changed. MUST come before the status
    /// that confirms it.
    mutating func noteConfirmation() {
        var longest = timing.deadtime
        for id in others {
            guard nodes[id.index].heardAt != nil else {
                if lastHandled < confirmedUntil { longest = max(longest, confirmedUntil - bootedAt) }
                continue
            }
            if nodes[id.index].isAlive { longest = max(longest, nodes[id.index].deadInterval) }
        }
        guard longest != confirmedFor else { return }
        confirmedFor = longest
        effects.append(.confirms(for: longest))
    }
}
