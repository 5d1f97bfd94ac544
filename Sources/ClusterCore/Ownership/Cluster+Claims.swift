// Claims and grants: a node starts a group only when every live node has promised it, so that two nodes with
// different views cannot both start it.
//
// A grant is given only by a node that neither has the group nor claims it nor sees another one that has it, to the
// best
// claim that it sees, and stands until that claim is gone from its owner's status. Two claimants need each other's
// grant,
// and the worse one gives it. Two majorities that do not see each other share a node, and that one has seen the holder.
import ClusterModel
import Failovers

/// Another node that has a group, or may have it.
struct Rival: Equatable {
    var node: NodeID
    var phase: GroupPhase
    var epoch: UInt64

    /// Whether it means to keep the group.
    var isKept: Bool { phase == .held || phase == .starting }
}

extension Cluster {
    /// Live nodes whose last word was that something of the group may run there.
    func rivals(_ group: GroupID) -> [Rival] {
        board[group].filter { $0.phase.occupies }.map { Rival(node: $0.node, phase: $0.phase, epoch: $0.epoch) }
    }

    /// Whether a rival keeps the group and this node must give it up: the newer claim wins, then the preferred node,
    /// then the name that sorts first. Both sides come to the same answer. A rival that cannot stop it, or is not done
    /// with that, keeps it only by a newer claim.
    func beats(_ rival: Rival, _ index: Int, _ epoch: UInt64) -> Bool {
        switch rival.phase {
        case .held, .starting: break
        case .stopping, .blocked: return rival.epoch > epoch
        case .unknown, .claiming, .failed: return false
        }
        if rival.epoch != epoch { return rival.epoch > epoch }
        if groups[index].preferred == localNode { return false }
        if groups[index].preferred == rival.node { return true }
        return nodes[rival.node.index].name < configuration.localName
    }

    /// The live nodes that have not granted this node's claim. What one of them granted to an earlier daemon of this
    /// node
    /// is no grant: it counts only from a node that has heard this one.
    func nodesWithoutGrant(_ group: GroupID, _ epoch: UInt64) -> [NodeID] {
        let occupants = board[group].filter { $0.phase.occupies }.map(\.node)
        return board.alive.filter { id in
            if let isGranted = classicGrant(id, group) { return !isGranted }
            return occupants.contains(id) || !nodes[id.index].hasHeardUs
                || !board.hasGranted(id, group, to: localNode, epoch: epoch)
        }
    }

    /// Withdraws grants whose claim is gone and gives those that can be given.
    mutating func settleGrants(_ now: Instant) {
        let knows = knowsWhoHolds(now)
        for index in groups.indices {
            // By a name of its own: a call with a part of `self` as argument copies all of `self`.
            let group = groups[index].id
            if let grant = groups[index].grant, !board.isPursued(grant) {
                groups[index].grant = nil
                isUnsettled = true
            }
            // What one node holds still, no other starts.
            guard knows, groups[index].grant == nil, !isHeldStill(group), let claim = bestClaim(group)
            else { continue }
            // A planned move goes through its holder, and a holder that only this node hears must not be passed over.
            guard rivals(group).isEmpty else { continue }
            switch groups[index].phase {
            case .idle: break
            case .claiming(let epoch):
                guard outranks(claim, epoch) else { continue }
                groups[index].phase = .idle
            case .unknown, .starting, .held, .stopping, .blocked: continue
            }
            groups[index].grant = claim
            isUnsettled = true
            record(.granting, index, by: claim.node)
        }
    }

    /// Whether this node runs long enough to have heard of everything that is held: a holder that goes by what it has
    /// confirmed to an earlier daemon of this node is entitled no longer than that. Before, a node's word counts only
    /// where it names this daemon: one that was asked for by the earlier daemon and comes late may be of any age.
    private func knowsWhoHolds(_ now: Instant) -> Bool {
        guard hasOutwaitedConfirmations else { return false }
        let isNew = now < bootedAt + timing.deadtime
        if !isNew && now >= confirmedUntil { return true }
        return (status == .active || !isNew) && board.alive.allSatisfy { id in
            nodes[id.index].said == nil || nodes[id.index].hasHeardUs
        }
    }

    /// Of the claims of all live nodes the one with the greatest epoch, then with the name that sorts first.
    private func bestClaim(_ group: GroupID) -> Grant? {
        var best: Grant?
        for entry in board[group] where entry.phase == .claiming {
            if let chosen = best {
                if entry.epoch < chosen.epoch { continue }
                if entry.epoch == chosen.epoch && coding.name(chosen.node) < coding.name(entry.node) { continue }
            }
            best = Grant(group: group, node: entry.node, epoch: entry.epoch)
        }
        return best
    }

    /// Whether another node's claim goes before this node's own.
    private func outranks(_ claim: Grant, _ epoch: UInt64) -> Bool {
        if claim.epoch != epoch { return claim.epoch > epoch }
        return nodes[claim.node.index].name < configuration.localName
    }

    /// Where every group belongs by what is known now; `excluding` asks what would be without a node.
    func placementNow(_ now: Instant, excluding excluded: NodeID? = nil) -> [NodeID?] {
        var input = PlacementInput(
            nodes: [], groups: [], autoFailback: configuration.autoFailback,
            waitsForJoining: activeSince.map { now < $0 + timing.initdead } ?? true)
        for index in nodes.indices where nodes[index].kind == .normal && index != excluded?.index {
            if let standing = standing(NodeID(index)) {
                input.nodes.append(.init(id: NodeID(index), name: coding.name(NodeID(index)), standing: standing))
            }
        }
        for group in groups {
            input.groups.append(
                .init(
                    preferred: group.preferred, holder: holder(group), wanted: marks.wanted(group.id), failedAt: []))
        }
        noteFailures(in: &input)
        return placement(input)
    }

    private func noteFailures(in input: inout PlacementInput) {
        for index in groups.indices {
            if groups[index].failures.count > 0 { input.groups[index].failedAt.append(localNode) }
            for entry in board[GroupID(index)] where entry.failures > 0 {
                input.groups[index].failedAt.append(entry.node)
            }
        }
    }

    private func standing(_ id: NodeID) -> Standing? {
        if id == localNode {
            if isLeaving || isBarred(lastHandled) { return .leaving }
            return status == .active ? activeStanding(id) : .joining
        }
        guard nodes[id.index].isAlive else { return nil }
        if nodes[id.index].isSuspect { return .unreachable }
        guard let said = nodes[id.index].said else { return .joining }
        if said.leaving || said.barred { return .leaving }
        return nodes[id.index].status == .active ? activeStanding(id) : .joining
    }

    private func activeStanding(_ id: NodeID) -> Standing {
        if configuration.witnesses.contains(nodes[id.index].name) { return .witness }
        return isPartlyHeard(id) ? .partlyHeard : .candidate
    }

    /// Whether the node and another live one do not hear each other, by the word of either.
    private func isPartlyHeard(_ id: NodeID) -> Bool {
        let deaf = id == localNode ? others.filter { nodes[$0.index].isVetoed } : nodes[id.index].said?.deaf ?? []
        return deaf.contains { $0 == localNode || nodes[$0.index].isAlive }
            || others.contains { nodes[$0.index].isAlive && nodes[$0.index].said?.deaf.contains(id) == true }
    }

    /// The live node with the best claim on having the group now; one that is stopping it has none.
    private func holder(_ group: LocalGroup) -> NodeID? {
        var best: (node: NodeID, rank: Int, epoch: UInt64)?
        func consider(_ node: NodeID, _ phase: GroupPhase, _ epoch: UInt64) {
            let rank: Int
            switch phase {
            case .held, .starting, .blocked: rank = 2
            case .unknown: rank = 1
            case .claiming, .stopping, .failed: return
            }
            if let chosen = best {
                if rank < chosen.rank || (rank == chosen.rank && epoch < chosen.epoch) { return }
                if rank == chosen.rank && epoch == chosen.epoch
                    && coding.name(chosen.node) < coding.name(node)
                {
                    return
                }
            }
            best = (node, rank, epoch)
        }
        if let own = group.phase.reported { consider(localNode, own.phase, own.epoch) }
        for entry in board[group.id] { consider(entry.node, entry.phase, entry.epoch) }
        return best?.node
    }
}
