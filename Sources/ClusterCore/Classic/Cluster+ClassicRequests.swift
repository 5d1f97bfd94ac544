// hb_standby and hb_takeover beside a peer that speaks heartbeat 3.0.6: it knows sides, not groups, and answers in its
// own words (specs/heartbeat.md 5.5).
import ClusterModel

extension Cluster {
    /// Carries a request out in the dialogue. Returns false where there is no classic peer, or the request does not
    /// concern it.
    mutating func acceptClassic(_ request: OperatorRequest, _ id: RequestID, _ now: Instant) -> Bool {
        guard let classic, status == .active, !isLeaving else { return false }
        let name = nodes[classic.node.index].name
        let selection: GroupSelection
        switch request {
        case .standby(let asked), .takeover(let asked): selection = asked
        case .cleanup, .fail, .fence, .maintain: return false
        }
        if case .group(let group) = selection, coding.group(named: group) == nil { return false }
        guard classic.legacy == nil else {
            refuseClassic(id, "node \(name) runs heartbeat 3.0.6, which moves nothing with auto_failback legacy")
            return true
        }
        guard let wanted = sides(of: selection, request) else {
            refuseClassic(
                id, "node \(name) runs heartbeat 3.0.6, which cannot move single groups: ask for local, foreign or all")
            return true
        }
        switch request {
        case .standby: offerClassic(wanted.intersection(classic.peer.own), id, now)
        case .takeover: takeClassic(wanted, id, now)
        case .cleanup, .fail, .fence, .maintain: break
        }
        return true
    }

    private mutating func offerClassic(_ sides: Sides, _ id: RequestID, _ now: Instant) {
        guard let peer = classic?.peer else { return }
        let held = classicGroups(sides)
        guard !sides.isEmpty, !held.isEmpty else {
            return answerClassic(id, "this node holds no such resources")
        }
        guard let node = classic?.node, nodes[node.index].isReachable else {
            return refuseClassic(id, "node \(peer.name) is not heard: nothing was moved")
        }
        guard peer.order == nil else { return refuseClassic(id, "another request waits already") }
        classic?.peer.carryOut(giving: true, sides, now)
        waitClassic(id, .elsewhere, held, now)
    }

    private mutating func takeClassic(_ wanted: Sides, _ id: RequestID, _ now: Instant) {
        guard let peer = classic?.peer else { return }
        let missing = wanted.subtracting(peer.own)
        let groups = classicGroups(missing)
        guard !missing.isEmpty, !groups.isEmpty else { return answerClassic(id, "this node holds them already") }
        guard quorum.mayClaim else {
            return refuseClassic(id, "this node has no quorum (\(configuration.quorum.rawValue))")
        }
        if let failed = groups.map({ self.groups[$0.index] }).first(where: { $0.failures.count > 0 }) {
            return refuseClassic(
                id, "\(failed.name) failed here: \(failed.failures.reason). Clear it with: hb cleanup \(failed.name)")
        }
        guard peer.order == nil else { return refuseClassic(id, "another request waits already") }
        log(.info, "takeover", "\(configuration.localName) wants to take over [\(missing.word)]")
        classic?.peer.carryOut(giving: false, missing, now)
        waitClassic(id, .here, groups, now)
    }

    /// The sides that a selection is, seen from this node; nil where it is only a part of one.
    private func sides(of selection: GroupSelection, _ request: OperatorRequest) -> Sides? {
        switch selection {
        case .all: return .all
        case .local: return .local
        case .foreign: return .foreign
        case .failback:
            if case .takeover = request { return .local }
            return .foreign
        case .group(let name):
            let matches = [Sides.local, .foreign].first { side in
                groups.filter { self.side(of: $0) == side }.map(\.name) == [name]
            }
            return matches
        }
    }

    private func classicGroups(_ sides: Sides) -> [GroupID] {
        groups.filter { sides.contains(side(of: $0)) }.map(\.id)
    }

    private mutating func waitClassic(_ id: RequestID, _ goal: PendingRequest.Goal, _ ids: [GroupID], _ now: Instant) {
        isUnsettled = true
        let patience = configuration.policy.operationTimeout * 2 + timing.deadtime
        pending.append(
            PendingRequest(
                id: id, goal: goal, groups: ids, marks: ids.map { marks.marks[$0.index] },
                deadline: now + patience))
    }

    private mutating func refuseClassic(_ id: RequestID, _ text: String) {
        effects.append(.reply(id, OperatorResponse(.refused, text)))
    }

    private mutating func answerClassic(_ id: RequestID, _ text: String) {
        effects.append(.reply(id, OperatorResponse(.done, text)))
    }

    /// Answers those who wait for a move of these sides that will not come about; `goal`: only those who wait for that.
    mutating func failRequests(for sides: Sides, _ reason: String, goal: PendingRequest.Goal? = nil) {
        let groups = classicGroups(sides)
        func isConcerned(_ request: PendingRequest) -> Bool {
            (goal == nil || request.goal == goal) && request.groups.contains(where: groups.contains)
        }
        for request in pending where isConcerned(request) {
            effects.append(.reply(request.id, OperatorResponse(.failed, "nothing was moved: \(reason)")))
        }
        pending.removeAll(where: isConcerned)
    }
}
