// What this node does with each group: where placement, claims and the right to hold meet (design, section 3).
import ClusterModel
import Failovers

extension Cluster {
    /// Advances every group until nothing changes any more.
    mutating func settle(_ now: Instant) {
        // Each pass can only move a group one step on; four steps lead from idle to starting and back.
        var passes = 0
        guard isUnsettled else { return }
        mayHaveNews = true
        readBoard()
        noteHolders()
        noteContenders(now)
        while isUnsettled && passes < 8 {
            isUnsettled = false
            passes += 1
            settleMaintenance(now)
            obeyClearings()
            settleGrants(now)
            let owners = classicPlacement ?? placementNow(now)
            for index in groups.indices { advance(index, owner: owners[index], now) }
            considerFencing(owners, now)
        }
    }

    private mutating func readBoard() {
        board.clear()
        for index in nodes.indices where index != localNode.index && nodes[index].kind == .normal {
            let id = NodeID(index)
            if nodes[index].isAlive {
                board.add(id, nodes[index].said ?? classicWord(id))
            } else if !isFenced(id) {
                board.add(id, leftBehind: nodes[index].leftBehind)
            }
        }
    }

    var holdsAnything: Bool {
        groups.indices.contains { index in
            switch groups[index].phase {
            case .held, .starting: true
            case .unknown, .idle, .claiming, .stopping, .blocked: false
            }
        }
    }

    /// Whether a start or stop is under way.
    var isAtWork: Bool {
        groups.contains { group in
            switch group.phase {
            case .starting, .stopping: true
            case .unknown, .idle, .claiming, .held, .blocked: false
            }
        }
    }

    private mutating func advance(_ index: Int, owner: NodeID?, _ now: Instant) {
        switch groups[index].phase {
        case .unknown: break
        case .stopping(let epoch, _), .blocked(let epoch):
            if rivals(groups[index].id).contains(where: { $0.isKept && $0.epoch >= epoch }) {
                groups[index].isForfeit = true
            }
        case .idle: considerClaim(index, owner)
        case .claiming(let epoch): pursueClaim(index, epoch, owner)
        case .starting(let epoch, _): checkRight(index, epoch, now)
        case .held(let epoch):
            checkRight(index, epoch, now)
            if case .held = groups[index].phase { considerRelease(index, epoch, owner, now) }
            if case .held = groups[index].phase { reassertIfAlone(index, epoch) }
        }
    }

    /// While its lease is not prolonged, nothing that a node starts is served.
    var mayClaim: Bool {
        status == .active && !isLeaving && !isHandingOver && quorum.mayClaim && lastHandled < heldUntil
            && !isWaking && !isUnproven && !hasForfeits && hasOutwaitedConfirmations
    }

    /// Whether something of the group may still run where no daemon does.
    func isLeftBehind(_ index: Int) -> Bool {
        board[groups[index].id].contains { !nodes[$0.node.index].isAlive }
    }

    private mutating func considerClaim(_ index: Int, _ owner: NodeID?) {
        guard owner == localNode, mayClaim, groups[index].grant == nil, groups[index].failures.count == 0,
            !isLeftBehind(index), !isHeldStill(groups[index].id)
        else { return }
        groups[index].epochSeen += 1
        groups[index].isForfeit = false
        groups[index].isCold = isLongFree(index, lastHandled)
        groups[index].phase = .claiming(epoch: groups[index].epochSeen)
        groups[index].awaitsFence = false
        recordClaim(index)
        isUnsettled = true
    }

    private mutating func pursueClaim(_ index: Int, _ epoch: UInt64, _ owner: NodeID?) {
        // A holder gives way to a later claim only, so one that was overtaken is made anew.
        let isOvertaken = rivals(groups[index].id).contains { $0.epoch >= epoch }
        guard owner == localNode, mayClaim, !isLeftBehind(index), !isOvertaken,
            !isHeldStill(groups[index].id)
        else {
            groups[index].phase = .idle
            isUnsettled = true
            return
        }
        let without = nodesWithoutGrant(groups[index].id, epoch)
        let unfenced = fencesAwaited(groups[index].id)
        recordProgress(index, without: without, unfenced: unfenced)
        guard without.isEmpty, unfenced.isEmpty else { return }
        operationLast += 1
        groups[index].phase = .starting(epoch: epoch, operationLast)
        groups[index].needsReassertion = false
        record(.ordered, index, text: groups[index].isCold ? "nobody is known to have had it just before" : nil)
        logGroup(index, .info, "group-start", "Acquiring resource group \(groups[index].name), epoch \(epoch)")
        noteEntitlement()
        effects.append(.start(groups[index].id, epoch: epoch, operationLast))
    }

    /// Gives up at once what another one has a better claim on, and what this node has no right to hold.
    private mutating func checkRight(_ index: Int, _ epoch: UInt64, _ now: Instant) {
        let group = groups[index].id
        for rival in rivals(group) where beats(rival, index, epoch) {
            groups[index].isForfeit = true
            return stop(
                index,
                "node \(nodes[rival.node.index].name) holds it with epoch \(rival.epoch), here it has "
                    + "\(epoch)", .critical)
        }
        guard now >= heldUntil else { return }
        record(.rightLost, index, text: lossOfRight)
        stop(index, lossOfRight, .critical)
    }

    private var lossOfRight: String {
        switch configuration.quorum {
        case .majority: "this node may have been declared dead: it is not heard by enough others"
        case .ping: "no ping node answers"
        case .ignore: "no quorum"
        }
    }

    private mutating func considerRelease(_ index: Int, _ epoch: UInt64, _ owner: NodeID?, _ now: Instant) {
        guard owner != localNode else {
            groups[index].releaseBy = nil
            return
        }
        guard isLeaving || !isHeldStill(groups[index].id) else { return }
        guard let owner else {
            if isLeaving { stop(index, "shutdown, and no other node can take it", .warning) }
            return
        }
        if board[groups[index].id].contains(where: { $0.node == owner && $0.phase == .claiming && $0.epoch > epoch }) {
            return stop(index, "node \(nodes[owner.index].name) takes it", .info)
        }
        guard isLeaving else { return }
        let releaseBy = groups[index].releaseBy ?? now + max(timing.keepalive * 4, .seconds(1))
        groups[index].releaseBy = releaseBy
        if now >= releaseBy { stop(index, "shutdown, and nobody claimed it in time", .warning) }
    }

    private mutating func reassertIfAlone(_ index: Int, _ epoch: UInt64) {
        guard groups[index].needsReassertion, !isWaking, !isHeldStill(groups[index].id),
            rivals(groups[index].id).isEmpty,
            !reassertions.contains(where: { $0.group == groups[index].id })
        else { return }
        groups[index].needsReassertion = false
        operationLast += 1
        reassertions.append((operationLast, groups[index].id))
        logGroup(
            index, .notice, "group-reassert",
            "Resource group \(groups[index].name) is still this node's, epoch "
                + "\(epoch): checking and announcing it again")
        effects.append(.reassert(groups[index].id, epoch: epoch, operationLast))
    }

    mutating func stop(_ index: Int, _ reason: String, _ level: LogLevel) {
        guard let reported = groups[index].phase.reported else { return }
        operationLast += 1
        groups[index].phase = .stopping(epoch: reported.epoch, operationLast)
        groups[index].stopReason = reason
        groups[index].releaseBy = nil
        groups[index].lossHeldBack = nil
        reassertions.removeAll { $0.group == groups[index].id }
        isUnsettled = true
        record(.stopping, index, text: reason)
        logGroup(index, level, "group-stop", "Releasing resource group \(groups[index].name), reason: \(reason)")
        effects.append(.stop(groups[index].id, operationLast))
    }

    // MARK: What the resource manager says

    /// Finds until when this node may hold groups, and sees whether that is over: whatever the others confirm from here
    /// on, they may have taken the groups in between.
    mutating func noteRight(_ now: Instant) {
        if hasRightChanged { heldUntil = quorum.heldUntil }
        hasRightChanged = false
        guard now >= heldUntil else { return }
        if holdsAnything { isUnsettled = true }
        for index in groups.indices where groups[index].phase.occupies { groups[index].isForfeit = true }
        if !hasResourceManager { hasLapsed = true }
    }

    mutating func takeInventory(_ findings: [Finding], _ entitled: Instant?) {
        entitledUntil = entitledUntil ?? entitled
        // A reload may not have reached the resource manager yet.
        noteOverhang(entitledUntil)
        if quorum.heldUntil != .distantFuture {
            let inherited = entitled ?? .distantPast
            if inherited < bootedAt { hasLapsed = true }
            // The others judge by this daemon's interval as soon as they hear it, whatever they left the one before.
            inheritedUntil = min(inherited, bootedAt + timing.effectiveLease)
        } else if (entitled ?? .distantPast) < bootedAt, findings.contains(where: { $0.state != .stopped }) {
            wokeAt = lastHandled
        }
        defer { hasLapsed = false }
        for index in groups.indices {
            let finding = findings.first { $0.group == groups[index].name }
            groups[index].epochSeen = max(groups[index].epochSeen, finding?.epoch ?? 0)
            if hasLapsed { groups[index].isForfeit = true }
            switch finding?.state ?? .stopped {
            case .stopped:
                groups[index].phase = .idle
                groups[index].isForfeit = false
            case .held:
                groups[index].phase = .held(epoch: finding?.epoch ?? 0)
                logGroup(index, .info, "group-found", "Resource group \(groups[index].name) runs here already")
                if groups[index].isForfeit { stop(index, lossOfRight, .critical) }
            case .partial:
                groups[index].phase = .held(epoch: finding?.epoch ?? 0)
                stop(index, "only a part of it runs here", .warning)
            }
        }
        isUnsettled = true
    }

    mutating func loseResourceManager() {
        for index in groups.indices {
            groups[index].phase = .unknown
            groups[index].releaseBy = nil
            groups[index].isSuspended = false
            groups[index].lossHeldBack = nil
        }
        reassertions.removeAll()
        forgetFenceOrders()
        isUnsettled = true
        log(.error, "resource-manager-lost", "the resource manager died: taking stock anew")
    }

    mutating func finish(_ operation: OperationID, _ failure: String?, remains: Bool) {
        if let position = reassertions.firstIndex(where: { $0.operation == operation }) {
            let group = reassertions.remove(at: position).group
            isUnsettled = true
            if let failure { lose(groups[group.index].name, failure) }
            return
        }
        for index in groups.indices {
            switch groups[index].phase {
            case .starting(let epoch, operation): return finishStart(index, epoch, failure, remains: remains)
            case .stopping(let epoch, operation): return finishStop(index, epoch, failure, remains: remains)
            case .unknown, .idle, .claiming, .starting, .held, .stopping, .blocked: continue
            }
        }
    }

    private mutating func finishStart(_ index: Int, _ epoch: UInt64, _ failure: String?, remains: Bool) {
        isUnsettled = true
        groups[index].phase = .held(epoch: epoch)
        groups[index].startedAt = lastHandled
        record(failure == nil ? .up : .failed, index, text: failure)
        guard let failure else {
            return logGroup(index, .info, "group-held", "Resource group \(groups[index].name) is up, epoch \(epoch)")
        }
        noteFailure(index, failure)
        if remains { stop(index, "it could not be started", .error) } else { groups[index].phase = .idle }
    }

    private mutating func finishStop(_ index: Int, _ epoch: UInt64, _ failure: String?, remains: Bool) {
        isUnsettled = true
        record(remains ? .blocked : .stopped, index, text: failure)
        guard remains else {
            groups[index].phase = .idle
            return logGroup(index, .info, "group-released", "Resource group \(groups[index].name) is released")
        }
        groups[index].phase = .blocked(epoch: epoch)
        let text = failure ?? "it still runs"
        switch configuration.policy.stopFailure {
        case .block:
            logGroup(
                index, .critical, "group-blocked",
                "Resource group \(groups[index].name) cannot be stopped: "
                    + "\(text). No node takes it until it is stopped by hand and cleaned up (hb cleanup)")
        case .fence:
            logGroup(
                index, .critical, "group-blocked",
                "Resource group \(groups[index].name) cannot be stopped: \(text). This node must be fenced"
                    + (fenceable[localNode.index] ? "" : ", and no node has a device for it: see hb cleanup"))
        case .reboot:
            logGroup(index, .critical, "group-reboot", "Resource STOP failure: \(text). Reboot required!")
            effects.append(.reboot(reason: "\(groups[index].name): \(text)"))
        }
    }

    mutating func lose(_ name: String, _ reason: String) {
        guard let index = groups.firstIndex(where: { $0.name == name }), case .held = groups[index].phase else {
            return
        }
        guard !isHeldStill(groups[index].id) else {
            groups[index].lossHeldBack = reason
            return logGroup(
                index, .critical, "group-failed",
                "Resource group \(name) has failed and is held still: nothing is done. \(reason)")
        }
        record(.lost, index, text: reason)
        noteFailure(index, reason)
        stop(index, "a resource was lost: \(reason)", .error)
    }

    /// Others may have it by now: it is stopped, and may come back.
    mutating func forfeit(_ name: String, _ reason: String) {
        guard let index = groups.firstIndex(where: { $0.name == name }), case .held = groups[index].phase else {
            return
        }
        groups[index].isForfeit = true
        record(.rightLost, index, text: reason)
        stop(index, reason, .critical)
    }

    private mutating func noteFailure(_ index: Int, _ reason: String) {
        groups[index].failures.count += 1
        groups[index].failures.reason = reason
        logGroup(
            index, .critical, "group-failed",
            "Giving up resource group \(groups[index].name) due to failure: "
                + "\(reason)")
    }

    mutating func noteResourceFailures(_ name: String, _ failures: [ResourceFailure]) {
        guard let index = groups.firstIndex(where: { $0.name == name }) else { return }
        groups[index].resourceFailures = failures
    }

    private mutating func obeyClearings() {
        for index in groups.indices where marks.clearings[index].stamp > groups[index].clearedAt {
            // A blocked group would be stopped; it is when it is not held still any more.
            if case .blocked = groups[index].phase, isHeldStill(groups[index].id) { continue }
            groups[index].clearedAt = marks.clearings[index].stamp
            groups[index].failures = FailureCount()
            groups[index].resourceFailures = []
            effects.append(.forgetFailures(groups[index].id))
            forgetLeftBehind(groups[index].id)
            if case .blocked = groups[index].phase { stop(index, "tried again by an operator", .info) }
        }
    }

    private mutating func forgetLeftBehind(_ group: GroupID) {
        for index in nodes.indices where nodes[index].leftBehind.contains(where: { $0.group == group }) {
            nodes[index].leftBehind.removeAll { $0.group == group }
            readBoard()
        }
    }

    func isForeign(_ group: LocalGroup) -> Bool { group.preferred != localNode }

    mutating func logGroup(_ index: Int, _ level: LogLevel, _ event: String, _ text: String) {
        log(
            level, event, text,
            [
                Setting(name: "GROUP", value: groups[index].name),
                Setting(name: "EPOCH", value: "\(groups[index].epochSeen)"),
            ])
    }
}
