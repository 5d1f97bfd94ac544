// Who is alive: deadtime counts, and the votes of the others confirm or veto (design, section 4).
import ClusterModel
import Failovers
import Messaging

extension Cluster {
    /// A node that is called long after it asked to be cannot blame the others for the silence.
    mutating func noteLateness(_ now: Instant) {
        // It is renewed with every keepalive, so nothing but a stopped node lets it run out where no vote ends it.
        let hasRunOut = entitledUntil.map { lastHandled <= $0 && $0 < now } ?? false
        if hasRunOut { noteSleep(now) }
        guard let due = nextDeadline, now - due > timing.keepalive else { return }
        let lateness = now - due
        // The others may hold messages for this node, and have not been asked for two keepalives.
        // A node that is late all the time must still come to a judgement between two such pauses.
        if lateness >= timing.deadtime / 2 || now - distrustUntil >= timing.deadtime {
            distrustUntil = now + timing.keepalive * 2
        }
        if lateness > timing.warntime {
            log(.warning, "self-late", "this node was late by \(readable(lateness)): it accuses nobody for now",
                [Setting(name: "LATENESS_MS", value: String(lateness.wholeMilliseconds))])
        }
        if lateness >= timing.effectiveLease && !hasRunOut { noteSleep(now) }
    }

    /// This node was stopped for longer than its lease.
    private mutating func noteSleep(_ now: Instant) {
        // Votes tell by themselves when the right has ended. A ping node answers whoever asks.
        if configuration.quorum != .majority { wokeAt = now }
        for index in groups.indices where groups[index].phase.occupies { groups[index].needsReassertion = true }
        isUnsettled = true
    }

    /// Whether others may have taken what this node holds, and had no time yet to say so or to give it up. Then the
    /// lease is not prolonged, and nothing claimed. The status that goes out first thing after a pause keeps the others
    /// from declaring this node dead; what they took before is in the status that comes a keepalive later. One that has
    /// a group of this node's, too, gives it up when it hears that; its kernel serves the addresses until the group is
    /// stopped or its lease is over, which is no later than a deadtime from then. Who says nothing for its deadtime is
    /// stopped itself, and its lease is over, or is dead.
    var isWaking: Bool {
        guard let wokeAt else { return false }
        return others.contains { id in
            lastHandled < wokeAt + nodes[id.index].deadInterval
                && ((nodes[id.index].heardAt ?? .distantPast) <= wokeAt + timing.keepalive || sharesGroups(id))
        }
    }

    /// Whether another node has something, by its last word, that this one has.
    private func sharesGroups(_ id: NodeID) -> Bool {
        nodes[id.index].said?.groups.contains { report in
            report.phase.occupies && groups[report.group.index].phase.occupies
        } ?? false
    }

    /// Judges every member whose interval has passed.
    mutating func judgeMembers(_ now: Instant) {
        guard now >= judgeAt || mustJudge || status != .active else { return }
        judgeAt = .distantFuture
        mustJudge = false
        for index in nodes.indices where index != localNode.index {
            let id = NodeID(index)
            let interval = nodes[index].deadInterval
            for medium in links.expire(id, after: interval, now: now) { logLink(id, medium, "dead") }
            if nodes[index].status != .dead { judge(id, now) }
            judgeAt = min(judgeAt, links.nextExpiry(id, after: interval) ?? .distantFuture)
        }
        joinIfKnown(now)
    }

    private mutating func judge(_ id: NodeID, _ now: Instant) {
        let due = judgementTime(id.index)
        if now < due {
            judgeAt = min(judgeAt, due)
            return
        }
        if !nodes[id.index].isSuspect {
            nodes[id.index].isSuspect = true
            isUnsettled = true
            recordSuspicion(id, now)
        }
        let vetoedUntil = vetoEnd(id, now)
        guard vetoedUntil > now else { return declareDead(id, reason: deathReason(id, now), now) }
        // The word of any voter may end the veto before its time.
        mustJudge = true
        judgeAt = min(judgeAt, vetoedUntil)
        noteVeto(id, until: vetoedUntil, now)
    }

    private func judgementTime(_ index: Int) -> Instant {
        let grace = status == .active ? Instant.distantPast : bootedAt + timing.initdead
        let due = nodes[index].heardAt.map { $0 + nodes[index].deadInterval } ?? bootedAt + timing.initdead
        return max(due, grace, distrustUntil)
    }

    /// Until when some voter that is heard still hears the node by its own word.
    private func vetoEnd(_ suspect: NodeID, _ now: Instant) -> Instant {
        guard nodes[suspect.index].kind == .normal else { return .distantPast }
        var end = Instant.distantPast
        for voter in others where voter != suspect && nodes[voter.index].isReachable {
            guard let heard = lastHeard(suspect, by: voter) else { continue }
            end = max(end, heard + nodes[suspect.index].deadInterval)
        }
        return end
    }

    /// When a voter last heard the node's present daemon, by the voter's last word; nil where it does not hear it.
    private func lastHeard(_ suspect: NodeID, by voter: NodeID) -> Instant? {
        guard let hearing = nodes[voter.index].said?.hears[nodes[suspect.index].name],
            hearing.generation >= nodes[suspect.index].generation
        else { return nil }
        return nodes[voter.index].reportedAt - hearing.age
    }

    /// What the voters that are heard, this node first, say of a node: when each has last heard it, nil where it does
    /// not. Empty for what is no normal node, or this one.
    func votes(on suspect: NodeID) -> [(voter: NodeID, heardAt: Instant?)] {
        guard nodes[suspect.index].kind == .normal, suspect != localNode else { return [] }
        let own = nodes[suspect.index].isReachable ? nodes[suspect.index].heardAt : nil
        let voters = others.filter { $0 != suspect && nodes[$0.index].isReachable }
        return [(localNode, own)] + voters.map { ($0, lastHeard(suspect, by: $0)) }
    }

    private mutating func noteVeto(_ id: NodeID, until end: Instant, _ now: Instant) {
        // A veto that ends within a keepalive is only the spread of arrivals.
        guard !nodes[id.index].isVetoed, end - now > timing.keepalive else { return }
        nodes[id.index].isVetoed = true
        isUnsettled = true
        recordVotes(id, isVetoed: true, now)
        log(.warning, "node-unreachable",
            "node \(nodes[id.index].name): not heard here for \(readable(nodes[id.index].deadInterval)), but others "
                + "hear it: nothing is taken over", [Setting(name: "NODE", value: nodes[id.index].name)])
    }

    private func deathReason(_ id: NodeID, _ now: Instant) -> String {
        let node = nodes[id.index]
        guard let heardAt = node.heardAt else { return "never heard within initdead \(readable(timing.initdead))" }
        let medium = node.lastMedium.map { configuration.media[$0.index] }
        let path = medium.map { " on \($0.directive) \($0.linkName)" } ?? ""
        return "deadtime \(readable(node.deadInterval)) elapsed, last heard\(path) \(readable(now - heardAt)) ago"
            + agreement(id)
    }

    private func agreement(_ id: NodeID) -> String {
        let voters = others.filter { $0 != id && nodes[$0.index].isReachable }.map { nodes[$0.index].name }
        return voters.isEmpty ? "" : "; not heard by \(voters.joined(separator: ", ")) either"
    }

    mutating func declareDead(_ id: NodeID, reason: String, _ now: Instant) {
        let old = nodes[id.index].status
        if nodes[id.index].isSuspect { recordVotes(id, isVetoed: false, now) }
        nodes[id.index].status = .dead
        if nodes[id.index].kind == .normal { record(.dead, of: id, text: reason) }
        nodes[id.index].isSuspect = false
        nodes[id.index].isVetoed = false
        if let said = nodes[id.index].said, said.leaving {
            nodes[id.index].leftBehind = []
            noteLeftBehind(id, said.groups.filter { $0.phase == .blocked })
        }
        noteDeath(id, now)
        nodes[id.index].cached = nil
        nodes[id.index].window.interrupt()
        for medium in links.expire(id, after: .zero, now: now) { logLink(id, medium, "dead") }
        for group in groups where marks.wanted(group.id) == id { marks.set(group.id, nil) }
        loseClassic(id)
        isUnsettled = true
        log(nodes[id.index].hasLeft ? .info : .warning, "node-dead",
            "node \(nodes[id.index].name): is dead (\(old.rawValue) -> dead), reason: \(reason)",
            [Setting(name: "NODE", value: nodes[id.index].name), Setting(name: "REASON", value: reason)])
    }

    /// A node that was shut down runs on without its daemon: what could not be stopped there is nobody's to take.
    mutating func noteLeftBehind(_ id: NodeID, _ reports: [GroupReport]) {
        let known = nodes[id.index].leftBehind.map(\.group)
        for left in reports where !known.contains(left.group) {
            nodes[id.index].leftBehind.append(left)
            isUnsettled = true
            let name = groups[left.group.index].name
            logGroup(
                left.group.index, .critical, "group-left-behind",
                "node \(nodes[id.index].name) was shut down with \(name), which it could not stop. No node takes it "
                    + "until it is stopped by hand and cleaned up (hb cleanup \(name))")
        }
    }

    /// Becomes active once every member was heard, is dead or is heard by others only, and it is known what runs here.
    private mutating func joinIfKnown(_ now: Instant) {
        guard status == .up, hasResourceManager, !isNameTaken else { return }
        let allKnown = nodes.indices.allSatisfy { index in
            index == localNode.index || nodes[index].status != .initial || nodes[index].isVetoed
        }
        guard allKnown else { return }
        activeSince = now
        isUnsettled = true
        setStatus(.active)
    }

    private var isNameTaken: Bool {
        nodes[localNode.index].namesakeAt.map { lastHandled < $0 + timing.deadtime } ?? false
    }

    mutating func setStatus(_ new: NodeStatus) {
        status = new
        mayHaveNews = true
        log(.info, "local-status", "Local status now set to: '\(new.rawValue)'",
            [Setting(name: "STATUS", value: new.rawValue)])
        effects.append(.statusChanged(new))
    }

    func logText(_ id: NodeID, _ medium: MediumID, _ state: String) -> String {
        "Link \(nodes[id.index].name):\(configuration.media[medium.index].linkName) \(state)."
    }

    mutating func logLink(_ id: NodeID, _ medium: MediumID, _ state: String) {
        log(state == "up" ? .info : .warning, "link-\(state)", logText(id, medium, state),
            [Setting(name: "NODE", value: nodes[id.index].name),
             Setting(name: "MEDIUM", value: configuration.media[medium.index].linkName)])
    }

    /// Whether this node has lost the right to hold anything, so that groups belong elsewhere.
    func isBarred(_ now: Instant) -> Bool {
        if configuration.quorum == .ping && now >= heldUntil { return true }
        // Its lease is not prolonged, so that nothing else would be served here either.
        return groups.contains { group in
            if case .blocked = group.phase { group.isForfeit } else { false }
        }
    }

    /// An answer of a ping node older than this is no proof that this node is on the right side of a cut.
    var pingFreshness: Duration { .nanoseconds(timing.keepalive.wholeNanoseconds * 3) }

    /// Whether ping nodes answer again, and another node may not have been heard yet that was cut off together with
    /// them: it was silent for less than its deadtime since.
    var isUnproven: Bool {
        guard let pingedSince else { return false }
        return others.contains { id in
            lastHandled < pingedSince + nodes[id.index].deadInterval
                && (nodes[id.index].heardAt ?? .distantPast) < pingedSince
        }
    }

    /// When a ping node has answered last; nil where none has yet.
    var pingedAt: Instant? {
        nodes.lazy.filter { $0.kind == .ping }.compactMap(\.heardAt).max()
    }

    /// Quorum as it is now.
    var quorum: QuorumInput {
        var reachable = 0
        var promises: [Instant] = []
        promises.reserveCapacity(others.count)
        for id in others {
            if nodes[id.index].isReachable { reachable += 1 }
            promises.append(nodes[id.index].promisedUntil ?? inheritedUntil)
        }
        return QuorumInput(
            policy: configuration.quorum, nodeCount: others.count + 1, reachableCount: reachable + 1,
            promises: promises, pingedAt: pingedAt, inheritedUntil: inheritedUntil,
            lease: timing.effectiveLease + patienceGranted, freshness: pingFreshness, now: lastHandled)
    }
}
