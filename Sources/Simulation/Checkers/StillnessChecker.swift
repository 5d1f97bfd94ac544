// What operators hold still does not move: a core that knows of it starts nothing, and stops only what safety demands.
import ClusterCore
import ClusterModel

/// Looks at every effect of every core.
package struct StillnessChecker: Sendable {
    /// The first thing that should not have been done; nil if nothing.
    package private(set) var violation: String?

    /// Whether there is something to look at; a look costs a copy of the node.
    static func concerns(_ effects: [Effect]) -> Bool {
        effects.contains { effect in
            switch effect {
            case .start, .reassert, .stop: true
            default: false
            }
        }
    }

    /// `before`: what the core held still before the event.
    mutating func look(_ effects: [Effect], of event: Event, at node: VirtualNode, before: [GroupID], _ now: Instant) {
        guard violation == nil, let cluster = node.cluster else { return }
        // What was under way when it came to be held still is ended, if half of it is there.
        let endsWork = switch event {
        case .inventory, .finished: true
        default: false
        }
        for effect in effects {
            switch effect {
            case .start(let group, _, _), .reassert(let group, _, _):
                if isStill(group, before, cluster) { note("started", group, node, now) }
            case .stop(let group, _):
                if isStill(group, before, cluster), !cluster.mayStop(group), !endsWork {
                    note("stopped", group, node, now)
                }
            default: break
            }
        }
    }

    /// Before and after: what was ordered in the same moment may go either way.
    private func isStill(_ group: GroupID, _ before: [GroupID], _ cluster: Cluster) -> Bool {
        before.contains(group) && cluster.isHeldStill(group)
    }

    private mutating func note(_ what: String, _ group: GroupID, _ node: VirtualNode, _ now: Instant) {
        let name = node.configuration.groups[group.index].name
        violation = "\(node.name) \(what) \(name) while it is held still, at \(now.nanoseconds / 1000) us"
    }
}

extension World {
    /// Ends all that operators hold still.
    package mutating func manageAll() {
        guard let node = nodes.indices.first(where: { nodes[$0].isUp && !nodes[$0].runsClassic }) else { return }
        for name in [nil] + nodes[node].configuration.groups.map({ Optional($0.name) }) {
            _ = request(.maintain(MaintenanceOrder(group: name, isOn: false)), at: node)
        }
    }
}
