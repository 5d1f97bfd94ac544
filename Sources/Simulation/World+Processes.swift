// Faults of one process of a daemon beside others that run: it dies, is not there for a while, or stands still.
import ClusterCore
import ClusterModel

extension World {
    /// The status process dies and is started again with a new generation; resources stay.
    package mutating func restartStatusProcess(_ node: Int) {
        guard nodes[node].isUp else { return }
        if nodes[node].isPaused { trustLater(node) }
        forgetRequests(node)
        nodes[node].stopDaemon()
        start(node)
    }

    /// The status process dies, and another one is there only after a while.
    package mutating func loseStatusProcess(_ node: Int, for time: Duration) {
        guard nodes[node].isUp, !nodes[node].runsClassic else { return }
        forgetRequests(node)
        nodes[node].stopDaemon()
        nodes[node].isBetweenLives = true
        ownership.suspended(node: node)
        queue.push(at: now + time, .boot(node: node))
    }

    /// The resource manager dies and is started again; what it was at work on is left as it is.
    package mutating func restartResourceManager(_ node: Int) {
        guard nodes[node].isUp else { return }
        nodes[node].stopResourceManager()
        deliver(.resourceManagerLost, to: node)
        takeStock(node)
    }

    /// The resource manager stands still; its daemon goes on.
    package mutating func hangResourceManager(_ node: Int) {
        guard nodes[node].isUp, !nodes[node].isPaused, !nodes[node].runsClassic else { return }
        nodes[node].isManagerHung = true
        ownership.suspended(node: node)
    }

    /// It goes on, and reads what it was told meanwhile.
    package mutating func wakeResourceManager(_ node: Int) {
        guard nodes[node].isManagerHung else { return }
        nodes[node].isManagerHung = false
        trustLater(node)
        let (unread, unanswered) = (nodes[node].unread, nodes[node].unanswered)
        nodes[node].unread.removeAll()
        nodes[node].unanswered.removeAll()
        for kind in unanswered { queue.push(at: now, kind) }
        for effect in unread {
            if effect.group != nil, !isEntitled(node) {
                nodes[node].heldOrders.hold(effect, now: nodes[node].localTime(now))
            } else {
                carryOutOrder(effect, at: node)
            }
        }
    }

    mutating func trustLater(_ node: Int) {
        let settled = conditions.inventoryTime + conditions.stopTime * 4 + .milliseconds(10)
        nodes[node].trustNumber += 1
        queue.push(at: now + settled, .trust(node: node, number: nodes[node].trustNumber))
    }

    /// Whether nobody can tell the node that another one has what it has: the other one's daemon is between two runs.
    func isUninformed(_ node: Int) -> Bool {
        nodes.indices.contains { other in
            other != node && !nodes[other].isUp && nodes[other].running.contains { nodes[node].running.contains($0) }
        }
    }

    private func isEntitled(_ node: Int) -> Bool {
        nodes[node].entitledUntil.map { $0 > nodes[node].localTime(now) } ?? false
    }
}

extension Effect {
    /// The group of an order that brings something up.
    var group: GroupID? {
        switch self {
        case .start(let group, _, _), .reassert(let group, _, _): group
        default: nil
        }
    }
}
