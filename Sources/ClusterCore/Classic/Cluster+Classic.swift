// A peer that speaks heartbeat 3.0.6: recognised by its status, and given a voice in the words of the rest of the core.
// What the dialogue knows of it becomes lines on the board, its consent becomes grants, and where the dialogue puts a
// group is where placement puts it.
import ClusterModel
import Messaging

/// The peer and what is agreed with it.
struct ClassicLink: Sendable {
    let node: NodeID
    var peer: ClassicPeer
    /// With `auto_failback legacy`, in place of the sides of `peer`.
    var legacy: LegacyGroups?
    /// When the dialogue is to go on if nothing happens before.
    var nextDeadline: Instant? {
        guard let legacy else { return peer.nextDeadline }
        return legacy.nextDeadline
    }
}

extension Cluster {
    // MARK: Who it is

    /// Judges a node's dialect by its status. Returns whether it may take part.
    mutating func admit(_ id: NodeID, _ report: StatusReport) -> Bool {
        guard report.statusExtension == nil else {
            nodes[id.index].isRefused = false
            if classic?.node == id { dropClassic() }
            return true
        }
        guard others.count > 1 else { return true }
        if !nodes[id.index].isRefused {
            nodes[id.index].isRefused = true
            log(
                .critical, "classic-refused",
                "node \(nodes[id.index].name) runs heartbeat 3.0.6, which can only be in a cluster of two nodes, and "
                    + "this one has \(others.count + 1): it takes no part",
                [Setting(name: "NODE", value: nodes[id.index].name)])
        }
        return false
    }

    /// Begins the dialogue with a node that was heard for the first time, or again. `wasDead`: before this status;
    /// `isSameDaemon`: and it has never ended.
    mutating func meetClassic(_ id: NodeID, wasDead: Bool, isSameDaemon: Bool, _ now: Instant) {
        guard classic == nil, nodes[id.index].isClassic else { return }
        let name = nodes[id.index].name
        log(
            .notice, "classic-peer", "node \(name) runs heartbeat 3.0.6: speaking its dialogue",
            [Setting(name: "NODE", value: name)])
        let peer: ClassicPeer
        if wasDead && isSameDaemon {
            peer = ClassicPeer(name: name, returnedAt: now)
        } else if status == .active {
            peer = ClassicPeer(
                name: name, metWith: wasDead ? .all : classicFacts.occupied, owesFailback: owesFailback,
                isActive: nodes[id.index].status == .active)
        } else {
            peer = ClassicPeer(metByJoining: name)
        }
        var link = ClassicLink(node: id, peer: peer, legacy: nil)
        if configuration.autoFailback == .legacy {
            let isUnknown = peer.returnedBy == nil && (peer.stage == .waiting || nodes[id.index].status == .active)
            link.peer.effects.removeAll()
            link.legacy = LegacyGroups(groups.map { group in
                if isUnknown { return .unknown(isLocal: !isForeign(group)) }
                return peer.own.contains(side(of: group)) ? .here : .there
            })
        }
        classic = link
        isUnsettled = true
    }

    /// The node's daemon was started anew while nobody missed it.
    mutating func restartClassic(_ id: NodeID) {
        nodes[id.index].isRefused = false
        guard classic?.node == id else { return }
        classic?.peer.restart()
        isUnsettled = true
    }

    /// The node is dead, or has left: what it had is nobody's.
    mutating func loseClassic(_ id: NodeID) {
        owesFailback = true
        guard let link = classic, link.node == id else { return }
        if link.peer.returnedBy != nil {
            // Until now both had them.
            for index in groups.indices where groups[index].phase.occupies { groups[index].needsReassertion = true }
        }
        failRequests(for: .all, "node \(nodes[id.index].name) is dead", goal: .elsewhere)
        dropClassic()
    }

    private mutating func dropClassic() {
        classic = nil
        isUnsettled = true
    }

    // MARK: What it says

    mutating func receiveDialogue(_ message: ClassicMessage, _ sequence: UInt64, from id: NodeID, _ now: Instant) {
        guard !nodes[id.index].isRefused else { return }
        if case .nodesRequest = message {
            let names = nodes.filter { $0.kind == .normal }.map(\.name)
            return transmit(ClassicMessage.nodesAnswer(names, to: nodes[id.index].name).body, now)
        }
        guard var link = classic, link.node == id else { return }
        let before = link.peer
        if link.legacy != nil {
            receiveLegacy(message, &link, now)
        } else {
            link.peer.receive(message, sequence: sequence, classicFacts, now)
        }
        finishStep(link, before, now)
    }

    private func receiveLegacy(_ message: ClassicMessage, _ link: inout ClassicLink, _ now: Instant) {
        switch message {
        case .groupRequest(let name):
            guard let group = coding.group(named: name) else { return }
            link.legacy?.receiveRequest(
                group.index, name, from: nodes[link.node.index].name,
                occupied: groups[group.index].phase.isBusy)
        case .groupAnswer(let name, let destination, _, let isGranted):
            guard isGranted, destination == configuration.localName, let group = coding.group(named: name) else {
                return
            }
            link.legacy?.receiveAnswer(group.index)
        case .starting, .resource, .standby, .takeover, .nodesRequest, .nodesAnswer: break
        }
    }

    // MARK: What happens here

    /// Moves the dialogue on: at the end of each event, before groups are looked at.
    mutating func advanceClassic(_ now: Instant) {
        guard var link = classic else { return }
        let before = link.peer
        if isLeaving && link.peer.stage != .leaving {
            link.peer.leave()
            if link.legacy != nil { link.peer.effects.removeAll() }
        }
        if link.legacy != nil {
            let facts = classicFacts
            let isSettled = facts.isActive && facts.peerIsActive && !isLeaving
            link.legacy?.advance(
                groups.map { ($0.name, $0.phase.isBusy) }, peer: nodes[link.node.index].name, mayAsk: isSettled, now)
        } else {
            link.peer.advance(classicFacts, now)
        }
        finishStep(link, before, now)
    }

    private mutating func finishStep(_ changed: ClassicLink, _ before: ClassicPeer, _ now: Instant) {
        var link = changed
        let effects = link.peer.effects + (link.legacy?.effects ?? [])
        link.peer.effects.removeAll()
        link.legacy?.effects.removeAll()
        let placesBefore = classic?.legacy?.places
        classic = link
        if !before.hasSameBoard(as: link.peer) || placesBefore != link.legacy?.places { isUnsettled = true }
        for effect in effects {
            switch effect {
            case .send(let message): transmit(message.body, now)
            case .log(let level, let event, let text):
                log(level, event, text, [Setting(name: "NODE", value: link.peer.name)])
            case .abandoned(let sides, let reason): failRequests(for: sides, reason)
            }
        }
    }

    /// What the dialogue has to know of the groups.
    var classicFacts: ClassicFacts {
        var facts = ClassicFacts()
        facts.isActive = status == .active && hasResourceManager
        facts.peerIsActive = classic.map { nodes[$0.node.index].status == .active } ?? false
        facts.isBarred = isBarred(lastHandled)
        facts.failsBack = configuration.autoFailback == .on
        for group in groups {
            let side = side(of: group)
            if group.phase.isBusy { facts.occupied.insert(side) }
            let hasFailed = group.failures.count > 0
            if hasFailed { facts.failed.insert(side) }
            switch group.phase {
            case .held, .blocked: break
            case .idle where hasFailed || facts.isBarred: break
            case .unknown, .idle, .claiming, .starting, .stopping: facts.unfinished.insert(side)
            }
        }
        return facts
    }

    func side(of group: LocalGroup) -> Sides { isForeign(group) ? .foreign : .local }

    // MARK: What the rest of the core sees of it

    private func classicOwner(_ index: Int, _ link: ClassicLink) -> ClassicPeer.Owner {
        if isLeaving { return .nobody }
        return link.legacy?.owner(of: index) ?? link.peer.owner(of: side(of: groups[index]))
    }

    /// Where every group belongs by the dialogue; nil where there is none.
    var classicPlacement: [NodeID?]? {
        guard let classic else { return nil }
        return groups.indices.map { index in
            switch classicOwner(index, classic) {
            case .here: localNode
            case .there: classic.node
            case .nobody: nil
            }
        }
    }

    /// Whether the peer leaves a group to this node; nil for every other node.
    func classicGrant(_ id: NodeID, _ group: GroupID) -> Bool? {
        guard let classic, classic.node == id else { return nil }
        guard classic.legacy == nil else { return classicOwner(group.index, classic) == .here }
        return classic.peer.grants(side(of: groups[group.index]))
    }

    /// What the peer would say of the groups if it spoke as this version does.
    func classicWord(_ id: NodeID) -> StatusExtension? {
        guard let classic, classic.node == id else { return nil }
        var word = StatusExtension()
        for (index, group) in groups.enumerated() {
            guard let phase = classicPhase(index, classic) else { continue }
            // While this node has the group, the peer claims it: with a better claim than any before.
            let epoch = group.epochSeen + (phase == .claiming ? 1 : 0)
            word.groups.append(GroupReport(group: GroupID(index), phase: phase, epoch: epoch, failures: 0))
        }
        return word
    }

    private func classicPhase(_ index: Int, _ link: ClassicLink) -> GroupPhase? {
        let group = groups[index]
        guard classicOwner(index, link) == .there else { return nil }
        if group.phase.isBusy { return .claiming }
        guard link.legacy == nil else { return .held }
        let side = side(of: group)
        if link.peer.ceding.contains(side) { return .stopping }
        if link.peer.other.contains(side) { return .held }
        return .starting
    }
}

extension ClassicPeer {
    /// Whether the core sees the same in both.
    func hasSameBoard(as other: ClassicPeer) -> Bool {
        stage == other.stage && own == other.own && self.other == other.other && ceding == other.ceding
            && move == other.move
    }
}

extension LocalPhase {
    /// Whether something of the group runs here, starts or stops, or may do so.
    var isBusy: Bool {
        switch self {
        case .unknown, .starting, .held, .stopping, .blocked: true
        case .idle, .claiming: false
        }
    }
}
