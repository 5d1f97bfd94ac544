// What operators ask: hb_standby, hb_takeover, hb cleanup. A request only writes a mark; the answer waits until the
// groups are where they were asked to be (specs/heartbeat.md 5.5 for the words).
import ClusterModel

/// A request that waits for its outcome.
struct PendingRequest: Sendable {
    enum Goal: Sendable {
        /// Held by another node.
        case elsewhere
        /// Held by this one.
        case here
    }

    var id: RequestID
    var goal: Goal
    var groups: [GroupID]
    /// The groups' marks, to see when somebody else decides otherwise.
    var marks: [Mark]
    var deadline: Instant
}

extension Cluster {
    /// Requests that may wait at once.
    private static let pendingMax = 100

    mutating func accept(_ request: OperatorRequest, _ id: RequestID, _ now: Instant) {
        guard pending.count < Cluster.pendingMax else { return refuse(id, "too many requests wait already") }
        if acceptClassic(request, id, now) { return }
        switch request {
        case .standby(let selection): standby(selection, id, now)
        case .takeover(let selection): takeover(selection, id, now)
        case .cleanup(let name): cleanup(name, id)
        case .fail(let resource, let reason): fail(resource, reason, id)
        case .maintain(let order): maintain(order, id, now)
        case .fence(let node, let isConfirmed): fence(node, isConfirmed: isConfirmed, id, now)
        }
    }

    /// Why an order is not to be obeyed whose reason began to be looked at at `observedAt`: the group was started here
    /// since, or is only being started, so that another node's service was seen. nil: nothing speaks against it. Two
    /// service monitors that see one outage would otherwise pass a group on twice.
    package func objection(to request: OperatorRequest, observedAt: Instant) -> String? {
        let subject: LocalGroup? =
            switch request {
            case .standby(.group(let name)): groups.first { $0.name == name }
            case .fail(let resource, _): places(of: resource).first?.group
            default: nil
            }
        guard let subject else { return nil }
        if case .starting = subject.phase { return "\(subject.name) is being started here: nothing was done" }
        guard subject.startedAt > observedAt else { return nil }
        return "\(subject.name) was started here after that was seen: nothing was done"
    }

    mutating func refuse(_ id: RequestID, _ text: String) {
        effects.append(.reply(id, OperatorResponse(.refused, text)))
    }

    /// The groups of a selection; nil after the request was refused.
    private mutating func select(_ selection: GroupSelection, _ id: RequestID) -> [LocalGroup]? {
        guard status == .active, !isLeaving else {
            refuse(id, isLeaving ? "this node is shutting down" : "this node has not joined the cluster yet")
            return nil
        }
        switch selection {
        case .all: return groups
        case .local: return groups.filter { !isForeign($0) }
        case .foreign: return groups.filter(isForeign)
        case .failback: return groups
        case .group(let name):
            guard let group = groups.first(where: { $0.name == name }) else {
                refuse(id, "no resource group is named \(name): see hb status for the names")
                return nil
            }
            return [group]
        }
    }

    private mutating func standby(_ selection: GroupSelection, _ id: RequestID, _ now: Instant) {
        guard let selected = select(selection, id) else { return }
        if let refusal = heldStillRefusal(selected) { return refuse(id, refusal) }
        let held = selected.filter { group in
            if selection == .failback && !isForeign(group) { return false }
            switch group.phase {
            case .held, .starting: return true
            case .unknown, .idle, .claiming, .stopping, .blocked: return false
            }
        }
        guard !held.isEmpty else {
            return effects.append(.reply(id, OperatorResponse(.done, "this node holds no such resources")))
        }
        let targets = placementNow(now, excluding: localNode)
        var moves: [(GroupID, NodeID)] = []
        for group in held {
            let target = selection == .failback ? preferredCandidate(group) : targets[group.id.index]
            guard let target else { return refuse(id, "no other node can take \(group.name): nothing was moved") }
            moves.append((group.id, target))
        }
        for (group, target) in moves { marks.set(group, target) }
        recordRequest("standby \(selection.word)")
        log(.info, "standby", "\(configuration.localName) wants to go standby [\(selection.word)]")
        wait(id, .elsewhere, moves.map(\.0), now)
    }

    private func preferredCandidate(_ group: LocalGroup) -> NodeID? {
        guard let preferred = group.preferred, nodes[preferred.index].isReachable,
            nodes[preferred.index].status == .active, nodes[preferred.index].said?.leaving == false,
            nodes[preferred.index].said?.report(on: group.id)?.failures ?? 0 == 0
        else { return nil }
        return preferred
    }

    private mutating func takeover(_ selection: GroupSelection, _ id: RequestID, _ now: Instant) {
        guard var selected = select(selection, id) else { return }
        if let refusal = heldStillRefusal(selected) { return refuse(id, refusal) }
        if selection == .failback { selected = selected.filter { !isForeign($0) } }
        if configuration.witnesses.contains(configuration.localName) {
            return refuse(id, "this node is a witness (ha.cf): it holds nothing")
        }
        guard quorum.mayClaim else { return refuse(id, "this node has no quorum (\(configuration.quorum.rawValue))") }
        if let failed = selected.first(where: { $0.failures.count > 0 }) {
            return refuse(
                id,
                "\(failed.name) failed here: \(failed.failures.reason). Clear it with: hb cleanup "
                    + failed.name)
        }
        let wanted = selected.filter { group in
            if case .held = group.phase { return false }
            return true
        }
        for group in selected { marks.set(group.id, localNode) }
        isUnsettled = true
        guard !wanted.isEmpty else {
            return effects.append(.reply(id, OperatorResponse(.done, "this node holds them already")))
        }
        recordRequest("takeover \(selection.word)")
        log(.info, "takeover", "\(configuration.localName) wants to take over [\(selection.word)]")
        wait(id, .here, wanted.map(\.id), now)
    }

    private mutating func cleanup(_ name: String?, _ id: RequestID) {
        guard select(.all, id) != nil else { return }
        if let name, !groups.contains(where: { $0.name == name }) {
            return refuse(id, "no resource group is named \(name): see hb status for the names")
        }
        for group in groups where name == nil || group.name == name { marks.clear(group.id) }
        isUnsettled = true
        effects.append(.reply(id, OperatorResponse(.done, "failures of \(name ?? "all groups") cleared")))
    }

    /// The resource manager does what it does when a monitor finds a resource dead; the answer does not wait for it.
    private mutating func fail(_ resource: String, _ reason: String, _ id: RequestID) {
        guard select(.all, id) != nil else { return }
        let places = places(of: resource)
        guard !places.isEmpty else {
            return refuse(id, "no group has a resource \(resource): see hb status for the words")
        }
        let held = places.first { place in
            if case .held = place.group.phase { true } else { false }
        }
        guard let place = held else {
            return refuse(id, "\(resource) of \(places[0].group.name) is not held here: nothing was done")
        }
        if let refusal = heldStillRefusal([place.group]) { return refuse(id, refusal) }
        log(
            .warning, "resource-reported", "\(resource) is reported as failed: \(reason)",
            [Setting(name: "GROUP", value: place.group.name), Setting(name: "RESOURCE", value: resource)])
        effects.append(.fail(place.group.id, resource: place.resource, reason: reason))
        effects.append(.reply(id, OperatorResponse(.done, "\(resource) is treated as failed")))
    }

    /// The groups that have a resource, and where in them it stands.
    private func places(of resource: String) -> [(group: LocalGroup, resource: Int)] {
        groups.compactMap { group in
            configuration.groups[group.id.index].resources.firstIndex { $0.text == resource }.map { (group, $0) }
        }
    }

    private mutating func wait(_ id: RequestID, _ goal: PendingRequest.Goal, _ ids: [GroupID], _ now: Instant) {
        isUnsettled = true
        settle(now)
        let patience = configuration.policy.operationTimeout * 2 + timing.deadtime
        pending.append(
            PendingRequest(
                id: id, goal: goal, groups: ids, marks: ids.map { marks.marks[$0.index] },
                deadline: now + patience))
    }

    /// The run ends: those who wait are told.
    mutating func answerRest() {
        for id in pending.map(\.id) + pendingMaintenance.map(\.id) {
            effects.append(
                .reply(id, OperatorResponse(.failed, "this node's daemon ends: see hb status elsewhere")))
        }
        pending.removeAll()
        pendingMaintenance.removeAll()
        answerFenceRequests()
    }

    /// Answers the requests whose groups have arrived, cannot arrive, or took too long.
    mutating func answerRequests(_ now: Instant) {
        guard !pending.isEmpty else { return }
        var waiting: [PendingRequest] = []
        for request in pending {
            if let response = outcome(request, now) {
                effects.append(.reply(request.id, response))
            } else {
                waiting.append(request)
            }
        }
        pending = waiting
    }

    private func outcome(_ request: PendingRequest, _ now: Instant) -> OperatorResponse? {
        var lines: [String] = []
        var failed = false
        for (group, mark) in zip(request.groups, request.marks) {
            let place = whereabouts(group)
            let arrived = request.goal == .here ? place == localNode : place != nil && place != localNode
            let name = groups[group.index].name
            if arrived, let place {
                lines.append("\(name) runs on \(nodes[place.index].name)")
            } else if request.goal == .here && groups[group.index].failures.count > 0 {
                failed = true
                lines.append("\(name) failed here: \(groups[group.index].failures.reason)")
            } else if case .blocked = groups[group.index].phase {
                failed = true
                lines.append("\(name) cannot be stopped here")
            } else if marks.marks[group.index] != mark {
                failed = true
                lines.append("\(name): another request, or the death of its target, has changed where it belongs")
            } else if now >= request.deadline {
                failed = true
                lines.append("\(name) did not arrive in time: see hb status")
            } else {
                return nil
            }
        }
        return OperatorResponse(failed ? .failed : .done, lines.joined(separator: "\n"))
    }

    /// The one live node where a group is held; nil while it moves.
    func whereabouts(_ group: GroupID) -> NodeID? {
        let rivals = rivals(group)
        if case .held = groups[group.index].phase { return rivals.isEmpty ? localNode : nil }
        guard !groups[group.index].phase.occupies, rivals.count == 1, rivals[0].phase == .held else { return nil }
        return rivals[0].node
    }
}
