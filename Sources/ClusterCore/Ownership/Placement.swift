// Which node each group belongs on: one pure function of what all nodes of a view know, so that they need not talk
// about it (design, section 3).
import ClusterModel

/// What a live node may be given.
enum Standing: Equatable, Sendable {
    /// Active: may be given groups.
    case candidate
    /// Active, but it and another live node do not hear each other: keeps what it holds. It cannot be granted more
    /// until they do, and is given only what nobody else can have.
    case partlyHeard
    /// Running but not active yet: keeps what it holds.
    case joining
    /// Shutting down: gives up what it holds.
    case leaving
    /// Votes, and is given nothing.
    case witness
    /// Alive by the word of others, but not heard here: keeps what it holds, for it cannot be asked to give it up.
    case unreachable
}

/// What placement looks at. Dead nodes are left out.
struct PlacementInput {
    struct Node {
        var id: NodeID
        var name: String
        var standing: Standing
    }

    struct Group {
        var preferred: NodeID?
        /// The live node with the best claim on having it now.
        var holder: NodeID?
        /// Where an operator wants it.
        var wanted: NodeID?
        /// Nodes where it failed to start.
        var failedAt: [NodeID]
    }

    var nodes: [Node]
    var groups: [Group]
    var autoFailback: AutoFailback
    /// The cluster has just come up: a group that prefers a joining node waits for it.
    var waitsForJoining: Bool
}

/// The owners of all groups; nil where no node may have a group, or where it is worth waiting.
func placement(_ input: PlacementInput) -> [NodeID?] {
    // By name, so that nodes whose ha.cf lists them in another order agree.
    let nodes = input.nodes.sorted { $0.name < $1.name }
    let slotCount = (nodes.map { $0.id.index }.max() ?? -1) + 1
    var standings = [Standing?](repeating: nil, count: slotCount)
    for node in nodes { standings[node.id.index] = node.standing }
    var load = [Int](repeating: 0, count: slotCount)
    var owners = [NodeID?](repeating: nil, count: input.groups.count)

    func standing(_ id: NodeID?) -> Standing? {
        guard let id, id.index < slotCount else { return nil }
        return standings[id.index]
    }

    func eligible(_ id: NodeID?, _ group: PlacementInput.Group) -> NodeID? {
        guard let id, standing(id) == .candidate, !group.failedAt.contains(id) else { return nil }
        return id
    }

    func mayKeep(_ id: NodeID?, _ group: PlacementInput.Group) -> NodeID? {
        guard let id, standing(id) == .partlyHeard, !group.failedAt.contains(id) else { return eligible(id, group) }
        return id
    }

    func settled(_ group: PlacementInput.Group) -> NodeID? {
        if standing(group.holder) == .unreachable || standing(group.holder) == .joining { return group.holder }
        if let wanted = eligible(group.wanted, group) { return wanted }
        let preferred = eligible(group.preferred, group)
        guard let holder = mayKeep(group.holder, group) else { return preferred }
        return input.autoFailback == .off ? holder : preferred ?? holder
    }

    func leastLoaded(_ choice: (NodeID) -> NodeID?) -> NodeID? {
        var best: NodeID?
        for node in nodes where choice(node.id) != nil {
            if let chosen = best, load[chosen.index] <= load[node.id.index] { continue }
            best = node.id
        }
        return best
    }

    var orphans: [Int] = []
    for (index, group) in input.groups.enumerated() {
        guard let owner = settled(group) else {
            orphans.append(index)
            continue
        }
        owners[index] = owner
        load[owner.index] += 1
    }
    for index in orphans {
        let group = input.groups[index]
        if input.waitsForJoining && standing(group.preferred) == .joining { continue }
        guard let best = leastLoaded({ eligible($0, group) }) ?? leastLoaded({ mayKeep($0, group) }) else { continue }
        owners[index] = best
        load[best.index] += 1
    }
    return owners
}
