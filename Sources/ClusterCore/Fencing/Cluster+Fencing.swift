// Who must be powered off before a group may start, and which node does it (specs/heartbeat.md 9).
//
// A node whose silence was not announced may still write to a disk. Where ha.cf has a device for it, no group that has
// more than addresses starts anywhere before the node was fenced, or an operator has said that it is off. One live node
// does it, the first by name of those that can; all others learn of it from its status.
import ClusterModel
import Failovers

extension Cluster {
    /// How long devices that have failed are left alone.
    private static let retryInterval = Duration.seconds(30)

    // MARK: What has to be fenced

    /// The dead nodes that a group waits for: each may still have it. A group that was seen at a live node after the
    /// other's death cannot be at the dead one.
    func fencesAwaited(_ group: GroupID) -> [NodeID] {
        guard !unfencedNodes.isEmpty, configuration.needsFencing(configuration.groups[group.index]) else { return [] }
        let seen = groups[group.index].seenHeldAt
        return unfencedNodes.filter { seen <= fences[$0.index].diedAt }
    }

    private func isUnfenced(_ id: NodeID) -> Bool {
        nodes[id.index].status == .dead && !nodes[id.index].hasLeft && fenceable[id.index] && !isFenced(id)
    }

    /// Whether the node that was heard last is known to have been powered off since.
    func isFenced(_ id: NodeID) -> Bool {
        let state = fences[id.index]
        guard state.mark.isFenced, state.mark.generation >= nodes[id.index].generation else { return false }
        return (nodes[id.index].heardAt ?? .distantPast) <= state.learnedAt + timing.keepalive
    }

    /// Takes stock before groups are looked at: who is unfenced, and which groups are at live nodes.
    mutating func noteHolders() {
        guard hasFencing else { return }
        unfencedNodes = others.filter(isUnfenced)
        for index in groups.indices {
            // What this node has at the moment of a death, it has rightly, and the dead one has not.
            if case .held = groups[index].phase { groups[index].seenHeldAt = lastHandled + .nanoseconds(1) }
            for entry in board[GroupID(index)] where entry.phase == .held && nodes[entry.node.index].isAlive {
                groups[index].seenHeldAt = max(groups[index].seenHeldAt, nodes[entry.node.index].reportedAt)
            }
        }
    }

    // MARK: Who does it

    /// Has those fenced that groups wait for, if it is this node's turn.
    mutating func considerFencing(_ owners: [NodeID?], _ now: Instant) {
        let pleading = pleadingNodes
        guard hasFencing, !unfencedNodes.isEmpty || !pleading.isEmpty, mayClaim, hasResourceManager else { return }
        var wanted: [NodeID] = maintenance.isOn(nil, now) ? [] : pleading
        for index in groups.indices where owners[index] != nil && !isLeftBehind(index) && !isHeldStill(GroupID(index)) {
            guard !groups[index].phase.occupies, rivals(GroupID(index)).isEmpty else { continue }
            for id in fencesAwaited(GroupID(index)) where !wanted.contains(id) { wanted.append(id) }
        }
        for id in wanted.sorted() where fences[id.index].operation == nil { considerFencing(id, now) }
    }

    private mutating func considerFencing(_ id: NodeID, _ now: Instant) {
        if let until = fences[id.index].failedUntil, now >= until {
            fences[id.index].failedUntil = nil
            mayHaveNews = true
        }
        guard fences[id.index].failedUntil == nil, canFence(localNode, id) else { return }
        let since = fences[id.index].waitsSince ?? now
        fences[id.index].waitsSince = since
        // One that does not say that it has begun has another ha.cf, or another view.
        let isLate = now >= since + turnPatience
        let before = others.filter { other in
            effort(of: other, id) == .working
                || coding.name(other) < configuration.localName && mayFence(other, id, isLate: isLate)
        }
        guard before.isEmpty else { return }
        order(id)
    }

    /// Whether this node asks to be powered off, for it cannot stop what others are to have (`stop_failure fence`).
    var pleads: Bool {
        configuration.policy.stopFailure == .fence
            && groups.contains { group in
                if case .blocked = group.phase { return !isHeldStill(group.id) }
                return false
            }
    }

    /// The live nodes that ask for it and were not fenced in this run of their daemon.
    private var pleadingNodes: [NodeID] {
        guard hasFencing else { return [] }
        return others.filter { id in
            nodes[id.index].isReachable && nodes[id.index].said?.pleads == true && fenceable[id.index]
                && !isFenced(id) && fences[id.index].pleaObeyed < nodes[id.index].generation
        }
    }

    /// Whether the resource manager has said what runs here, and so takes orders.
    var hasResourceManager: Bool { !groups.contains { $0.phase == .unknown } }

    private func effort(of other: NodeID, _ target: NodeID) -> FenceEffort {
        guard nodes[other.index].isReachable, let said = nodes[other.index].said else { return .none }
        return said.fences.first { $0.mark.node == target }?.effort ?? .none
    }

    /// How long the nodes that go before are waited for: they may come to the same judgement a little later.
    private var turnPatience: Duration { timing.deadtime * 2 }

    private func canFence(_ node: NodeID, _ target: NodeID) -> Bool {
        configuration.canFence(from: coding.name(node), coding.name(target))
    }

    private func mayFence(_ other: NodeID, _ target: NodeID, isLate: Bool) -> Bool {
        guard nodes[other.index].isReachable, nodes[other.index].status == .active, canFence(other, target),
            let said = nodes[other.index].said, !said.leaving, !said.barred
        else { return false }
        switch effort(of: other, target) {
        case .failed: return false
        case .working: return true
        case .none: return !isLate
        }
    }

    private mutating func order(_ id: NodeID) {
        operationLast += 1
        fences[id.index].operation = operationLast
        fences[id.index].isForSilence = nodes[id.index].status == .dead
        fences[id.index].orderedGeneration = max(fences[id.index].mark.generation, nodes[id.index].generation)
        fences[id.index].waitsSince = nil
        mayHaveNews = true
        record(.fencing, of: id)
        logFence(id, .warning, "fence-start", "Resetting node \(nodes[id.index].name)")
        effects.append(.fence(id, operationLast, until: lastHandled + timing.deadtime))
    }

    /// Devices that have failed are not tried again for an order that nobody needs any more.
    private mutating func recall(_ id: NodeID) {
        guard let operation = fences[id.index].operation, fences[id.index].isForSilence else { return }
        fences[id.index].isForSilence = false
        effects.append(.recall(operation))
    }

    /// The next instant at which fencing has something to do.
    var fencingDeadline: Instant {
        guard hasFencing else { return .distantFuture }
        var earliest = Instant.distantFuture
        for id in unfencedNodes + pleadingNodes where fences[id.index].operation == nil {
            if let until = fences[id.index].failedUntil, until > lastHandled { earliest = min(earliest, until) }
            if let since = fences[id.index].waitsSince, since + turnPatience > lastHandled {
                earliest = min(earliest, since + turnPatience)
            }
        }
        return earliest
    }

    // MARK: What comes of it

    /// The outcome of an order; `failure` is nil where the node was powered off.
    mutating func finishFence(_ operation: OperationID, _ failure: String?, _ now: Instant) {
        guard let index = fences.indices.first(where: { fences[$0].operation == operation }) else { return }
        let id = NodeID(index)
        let requests = fences[index].requests
        fences[index].operation = nil
        fences[index].requests = []
        isUnsettled = true
        mayHaveNews = true
        record(failure == nil ? .fenced : .fenceFailed, of: id, text: failure)
        if let failure {
            fences[index].failure = failure
            fences[index].failedUntil = now + Cluster.retryInterval
            let isWaitedFor = nodes[index].status == .dead && !isFenced(id)
            logFence(
                id, isWaitedFor ? .critical : .warning, "fence-failed",
                "STONITH of \(nodes[index].name) failed: \(failure)"
                    + (isWaitedFor
                        ? ". Nothing that it may have is taken before it is fenced; if it is off, say so with: "
                            + "hb fence --confirm \(nodes[index].name)" : ""))
            return answer(requests, .failed, "\(nodes[index].name) could not be fenced: \(failure)")
        }
        fences[index].pleaObeyed = fences[index].orderedGeneration
        logFence(id, .notice, "fence-done", "node \(nodes[index].name) now reset.")
        // One that is back already was powered off before that: what it is now is not what was fenced.
        if nodes[index].generation <= fences[index].orderedGeneration { takeAsFenced(id, now) }
        answer(requests, .done, "node \(nodes[index].name) is fenced")
    }

    private mutating func answer(_ requests: [RequestID], _ outcome: OperatorResponse.Outcome, _ text: String) {
        for request in requests { effects.append(.reply(request, OperatorResponse(outcome, text))) }
    }

    private mutating func takeAsFenced(_ id: NodeID, _ now: Instant) {
        let mark = fences[id.index].mark
        fences[id.index].mark = FenceMark(
            node: id, generation: max(mark.generation, nodes[id.index].generation), stamp: mark.stamp + 1,
            isFenced: true)
        fences[id.index].learnedAt = now
        fences[id.index].failedUntil = nil
        fences[id.index].waitsSince = nil
        isUnsettled = true
        mayHaveNews = true
        if nodes[id.index].status != .dead { declareDead(id, reason: "it was fenced", now) }
    }

    /// The resource manager died at work: nobody knows what became of it, so it is done again.
    mutating func forgetFenceOrders() {
        for index in fences.indices where fences[index].operation != nil {
            fences[index].operation = nil
            let requests = fences[index].requests
            fences[index].requests = []
            answer(requests, .failed, "the resource manager died: see hb status")
        }
    }

    // MARK: What is heard

    /// A node has died without a goodbye, or with one.
    mutating func noteDeath(_ id: NodeID, _ now: Instant) {
        guard hasFencing, nodes[id.index].kind == .normal else { return }
        fences[id.index].diedAt = now
        raise(id)
    }

    private mutating func raise(_ id: NodeID) {
        guard fences[id.index].mark.generation < nodes[id.index].generation else { return }
        fences[id.index].mark = FenceMark(
            node: id, generation: nodes[id.index].generation, stamp: 0, isFenced: false)
        mayHaveNews = true
    }

    /// Whether a message is one that a node which was just powered off had sent before.
    func isLastGasp(_ id: NodeID, _ generation: UInt64, _ arrival: Instant) -> Bool {
        let state = fences[id.index]
        return state.mark.isFenced && generation <= state.mark.generation && nodes[id.index].status == .dead
            && arrival <= state.learnedAt + timing.keepalive
    }

    /// A status of the node was heard: it runs.
    mutating func noteAlive(_ id: NodeID, _ arrival: Instant) {
        guard hasFencing else { return }
        // The pauses between tries count for one that is to be fenced while it runs.
        if nodes[id.index].said?.pleads != true {
            fences[id.index].failedUntil = nil
            fences[id.index].waitsSince = nil
        }
        raise(id)
        recall(id)
        let mark = fences[id.index].mark
        guard mark.isFenced, arrival > fences[id.index].learnedAt + timing.keepalive else { return }
        fences[id.index].mark.stamp += 1
        fences[id.index].mark.isFenced = false
        mayHaveNews = true
        guard nodes[id.index].generation <= mark.generation else { return }
        logFence(
            id, .critical, "fence-ineffective",
            "node \(nodes[id.index].name) was fenced and still runs: its fencing device does not do what it says")
    }

    /// Takes over what another node says of fencing.
    mutating func learnFences(_ reports: [FenceReport], from other: NodeID, _ now: Instant) {
        guard hasFencing else { return }
        for report in reports where report.mark.outranks(fences[report.mark.node.index].mark) {
            let id = report.mark.node
            if id == localNode {
                learnOwnFence(report.mark, from: other)
                continue
            }
            fences[id.index].mark = report.mark
            isUnsettled = true
            mayHaveNews = true
            guard report.mark.isFenced else { continue }
            fences[id.index].learnedAt = now
            fences[id.index].failedUntil = nil
            record(.fenced, of: id, by: other)
            logFence(
                id, .notice, "fence-learned",
                "node \(nodes[other.index].name) says that \(nodes[id.index].name) is fenced")
        }
    }

    /// Others take this node for powered off, and may take what it has: the device or an operator was wrong.
    private mutating func learnOwnFence(_ mark: FenceMark, from other: NodeID) {
        guard mark.isFenced, mark.generation >= generation else { return }
        fences[localNode.index].mark = mark
        logFence(
            localNode, .critical, "fence-self",
            "node \(nodes[other.index].name) takes this node for fenced, and it runs: releasing everything")
        for index in groups.indices {
            switch groups[index].phase {
            case .held, .starting: stop(index, "others take this node for fenced", .critical)
            case .unknown, .idle, .claiming, .stopping, .blocked: break
            }
        }
    }

    /// What this node tells of fencing.
    var fenceReports: [FenceReport] {
        guard hasFencing else { return [] }
        return others.compactMap { id in
            let state = fences[id.index]
            guard state.mark.stamp > 0 || state.effort != .none || nodes[id.index].status == .dead else { return nil }
            return FenceReport(mark: state.mark, effort: state.effort)
        }
    }

    /// What `hb status` says of a node's fencing.
    func fencingText(_ id: NodeID) -> String? {
        guard hasFencing, id != localNode, nodes[id.index].kind == .normal else { return nil }
        let state = fences[id.index]
        if state.operation != nil { return "being fenced" }
        if let other = others.first(where: { effort(of: $0, id) == .working }) {
            return "being fenced by \(coding.name(other))"
        }
        guard nodes[id.index].status == .dead, !nodes[id.index].hasLeft else { return nil }
        if isFenced(id) { return "fenced" }
        if state.failedUntil != nil { return "fencing failed: \(state.failure)" }
        return fenceable[id.index] ? "not fenced" : nil
    }

    // MARK: Operators

    /// `hb fence`: power a node off now, or take an operator's word that it is off.
    mutating func fence(_ name: String, isConfirmed: Bool, _ request: RequestID, _ now: Instant) {
        func refuse(_ text: String, _ cluster: inout Cluster) {
            cluster.effects.append(.reply(request, OperatorResponse(.refused, text)))
        }
        guard let id = others.first(where: { coding.name($0) == name.lowercased() }) else {
            return refuse("\(name): expected the name of another node: see hb status", &self)
        }
        guard hasFencing else { return refuse("ha.cf has no fencing device (stonith, stonith_host)", &self) }
        if isConfirmed {
            guard nodes[id.index].status == .dead else {
                return refuse("\(name) is not dead: nothing waits for it to be fenced", &self)
            }
            if !isFenced(id) { takeAsFenced(id, now) }
            recall(id)
            record(.fenced, of: id, text: "an operator says so")
            logFence(id, .warning, "fence-confirmed", "an operator says that node \(name) is off")
            return effects.append(.reply(request, OperatorResponse(.done, "node \(name) counts as fenced")))
        }
        guard canFence(localNode, id) else {
            return refuse("this node has no fencing device for \(name)", &self)
        }
        guard hasResourceManager else {
            return refuse("the resource manager is not ready", &self)
        }
        if fences[id.index].operation == nil { order(id) }
        // Who wants it wants it whether the node is heard or not.
        fences[id.index].isForSilence = false
        fences[id.index].requests.append(request)
    }

    /// The requests that wait for a device, when the run ends.
    mutating func answerFenceRequests() {
        for index in fences.indices {
            let requests = fences[index].requests
            fences[index].requests = []
            answer(requests, .failed, "this node's daemon ends: see hb status elsewhere")
        }
    }

    private mutating func logFence(_ id: NodeID, _ level: LogLevel, _ event: String, _ text: String) {
        log(level, event, text, [Setting(name: "NODE", value: nodes[id.index].name)])
    }
}
