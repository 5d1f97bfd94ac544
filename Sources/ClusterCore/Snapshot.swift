// A read-only picture of the cluster from this node, for `hb status`, `cl_status` and the simulator's checkers.
import ClusterModel

/// One medium towards one node.
package struct LinkSnapshot: Equatable, Sendable {
    package var medium: MediumID
    package var status: LinkStatus
    /// Since the last packet; nil if there never was one.
    package var age: Duration?
}

/// What one voter says of a node that is suspect, unreachable or dead.
package struct VoteSnapshot: Equatable, Sendable {
    package var voter: String
    /// Since it has heard the node; nil where it does not hear it.
    package var age: Duration?
}

/// One member as this node sees it.
package struct NodeSnapshot: Equatable, Sendable {
    package var name: String
    package var kind: Member.Kind
    package var isLocal: Bool
    package var status: NodeStatus
    /// Others hear it, this node does not.
    package var isUnreachable: Bool
    package var isLeaving: Bool
    package var generation: UInt64
    /// 16 bytes; nil where it was never heard.
    package var uuid: [UInt8]?
    /// Since its last heartbeat; nil if it was never heard, zero for this node.
    package var age: Duration?
    package var deadInterval: Duration
    package var differsInConfiguration: Bool
    /// It runs heartbeat 3.0.6.
    package var isClassic: Bool
    /// It takes no part, because it does.
    package var isRefused: Bool
    /// What is known of its being powered off; nil where nothing is to be told.
    package var fencing: String?
    /// This node first; empty where nobody has to vote.
    package var votes: [VoteSnapshot]
    /// How long it surely leaves this node its groups, by what it has confirmed; nil where quorum does not ask that.
    package var leavesFor: Duration?
    package var links: [LinkSnapshot]
}

/// A start failure of a group at a node.
package struct FailureSnapshot: Equatable, Sendable {
    package var node: String
    package var count: Int
    /// Known for this node only.
    package var reason: String?
}

/// What an operator holds still.
package struct MaintenanceSnapshot: Equatable, Sendable {
    package var words: MaintenanceWords
    /// Until it ends by itself; nil: never.
    package var remaining: Duration?
}

/// What went wrong with one resource at this node.
package struct ResourceFailureSnapshot: Equatable, Sendable {
    package var resource: String
    package var count: Int
    /// What failed last: `start`, `stop`, `monitor`.
    package var operation: String
    package var reason: String
    /// What it printed then; lines separated by LF.
    package var output: String
    /// Since the last failure.
    package var age: Duration
}

/// One group as this node sees it.
package struct GroupSnapshot: Equatable, Sendable {
    package var name: String
    package var preferred: String
    package var resources: [String]
    /// The node that has it, or is starting or stopping it; nil where nobody has.
    package var owner: String?
    /// What it is there: held, starting, stopping, blocked, unknown; failed or stopped where nobody has it.
    package var state: String
    package var epoch: UInt64
    /// Where an operator wants it.
    package var wanted: String?
    package var failures: [FailureSnapshot]
    /// Of its resources, at this node.
    package var resourceFailures: [ResourceFailureSnapshot]
    /// It is not managed, whether or not everything is held still.
    package var unmanaged: MaintenanceSnapshot?
    /// Nodes that this node's claim waits for.
    package var waitsFor: [String]
    /// Dead nodes that must be powered off before the group may start.
    package var waitsForFencing: [String]
}

/// Everything that this node knows.
package struct ClusterSnapshot: Equatable, Sendable {
    package var localName: String
    package var status: NodeStatus
    package var generation: UInt64
    package var isLeaving: Bool
    package var timing: Timing
    /// How long this node may hold groups after it was last known to be heard: shorter than the deadtime.
    package var lease: Duration
    /// Whether the kernel ends held addresses with the lease.
    package var leasesAddresses: Bool
    package var autoFailback: AutoFailback
    package var quorumPolicy: QuorumPolicy
    package var hasQuorum: Bool
    package var nodesReachable: Int
    package var nodesConfigured: Int
    /// How long this node may hold its groups if it is not heard again; nil: without limit.
    package var heldFor: Duration?
    package var nodes: [NodeSnapshot]
    package var groups: [GroupSnapshot]
    /// Everything is held still.
    package var frozen: MaintenanceSnapshot?
    /// What `cl_status rscstatus` says: none, local, foreign, all, transition.
    package var holdings: String
}

extension Cluster {
    /// The state as of an instant not before the last event.
    package func snapshot(_ now: Instant) -> ClusterSnapshot {
        let quorum = self.quorum
        let until = quorum.heldUntil
        return ClusterSnapshot(
            localName: configuration.localName, status: status, generation: generation, isLeaving: isLeaving,
            timing: timing, lease: timing.effectiveLease, leasesAddresses: configuration.policy.leasesAddresses,
            autoFailback: configuration.autoFailback, quorumPolicy: configuration.quorum, hasQuorum: quorum.mayClaim,
            nodesReachable: quorum.reachableCount, nodesConfigured: quorum.nodeCount,
            heldFor: until == .distantFuture ? nil : max(.zero, until - now),
            nodes: nodes.indices.map { nodeSnapshot($0, now) }, groups: groups.map { groupSnapshot($0, now) },
            frozen: maintenanceSnapshot(nil, now), holdings: holdings)
    }

    private func maintenanceSnapshot(_ group: GroupID?, _ now: Instant) -> MaintenanceSnapshot? {
        guard maintenance.isOn(group, now) else { return nil }
        let mark = maintenance[group]
        return MaintenanceSnapshot(words: mark.words, remaining: mark.until.map { max(.zero, $0 - now) })
    }

    private func nodeSnapshot(_ index: Int, _ now: Instant) -> NodeSnapshot {
        let node = nodes[index]
        let isLocal = index == localNode.index
        let media = configuration.media.indices.filter { medium in
            guard let pinged = configuration.media[medium].pingNodeName else { return node.kind == .normal }
            return pinged == node.name
        }
        return NodeSnapshot(
            name: node.name, kind: node.kind, isLocal: isLocal, status: isLocal ? status : node.status,
            isUnreachable: node.isVetoed, isLeaving: isLocal ? isLeaving : node.said?.leaving ?? false,
            generation: isLocal ? generation : node.generation, uuid: isLocal ? uuid : node.uuid,
            age: isLocal ? .zero : node.heardAt.map { now - $0 },
            deadInterval: isLocal ? timing.deadtime : node.deadInterval,
            differsInConfiguration: node.warnedOfConfiguration,
            isClassic: node.isRefused || classic?.node.index == index, isRefused: node.isRefused,
            fencing: fencingText(NodeID(index)), votes: voteSnapshots(NodeID(index), now),
            leavesFor: leavesFor(NodeID(index), now),
            links: media.map { medium in
                let link = links[NodeID(index), MediumID(medium)]
                return LinkSnapshot(medium: MediumID(medium), status: link.status, age: link.heardAt.map { now - $0 })
            })
    }

    private func voteSnapshots(_ id: NodeID, _ now: Instant) -> [VoteSnapshot] {
        let node = nodes[id.index]
        guard node.isSuspect || node.isVetoed || node.status == .dead else { return [] }
        return votes(on: id).map { vote in
            VoteSnapshot(voter: nodes[vote.voter.index].name, age: vote.heardAt.map { max(.zero, now - $0) })
        }
    }

    private func leavesFor(_ id: NodeID, _ now: Instant) -> Duration? {
        guard configuration.quorum == .majority, nodes[id.index].kind == .normal, id != localNode else { return nil }
        return max(.zero, (nodes[id.index].promisedUntil ?? inheritedUntil) - now)
    }

    private func groupSnapshot(_ group: LocalGroup, _ now: Instant) -> GroupSnapshot {
        var holders = rivals(group.id)
        if let own = group.phase.reported, own.phase.occupies {
            holders.insert(Rival(node: localNode, phase: own.phase, epoch: own.epoch), at: 0)
        }
        // A node that does not know yet what it has is named only where nobody else has the group.
        let holder = holders.first { $0.phase != .unknown } ?? holders.first
        var failures: [FailureSnapshot] = []
        for index in nodes.indices where nodes[index].kind == .normal {
            let isLocal = index == localNode.index
            let said = nodes[index].isAlive ? nodes[index].said?.report(on: group.id)?.failures ?? 0 : 0
            let count = isLocal ? group.failures.count : said
            if count > 0 {
                failures.append(FailureSnapshot(
                    node: nodes[index].name, count: count, reason: isLocal ? group.failures.reason : nil))
            }
        }
        var waitsFor: [String] = []
        if case .claiming(let epoch) = group.phase {
            waitsFor = nodesWithoutGrant(group.id, epoch).map { nodes[$0.index].name }
        }
        let configured = configuration.groups[group.id.index]
        return GroupSnapshot(
            name: group.name, preferred: configured.preferred, resources: configured.resources.map(\.text),
            owner: holder.map { nodes[$0.node.index].name },
            state: holder.map { word($0.phase) } ?? (failures.isEmpty ? "stopped" : "failed"),
            epoch: group.epochSeen, wanted: marks.wanted(group.id).map { nodes[$0.index].name }, failures: failures,
            resourceFailures: group.resourceFailures.map {
                ResourceFailureSnapshot(
                    resource: $0.resource, count: $0.count, operation: $0.operation, reason: $0.reason,
                    output: $0.output, age: max(.zero, now - $0.at))
            },
            unmanaged: maintenanceSnapshot(group.id, now), waitsFor: waitsFor,
            waitsForFencing: holder == nil ? fencesAwaited(group.id).map { nodes[$0.index].name } : [])
    }

    private func word(_ phase: GroupPhase) -> String {
        switch phase {
        case .claiming: "claiming"
        case .starting: "starting"
        case .held: "held"
        case .stopping: "stopping"
        case .blocked: "blocked"
        case .unknown: "unknown"
        case .failed: "failed"
        }
    }

    private var holdings: String {
        var local = false
        var foreign = false
        for group in groups {
            switch group.phase {
            case .held: if isForeign(group) { foreign = true } else { local = true }
            case .unknown, .claiming, .starting, .stopping, .blocked: return "transition"
            case .idle: break
            }
        }
        switch (local, foreign) {
        case (true, true): return "all"
        case (true, false): return "local"
        case (false, true): return "foreign"
        case (false, false): return "none"
        }
    }
}
