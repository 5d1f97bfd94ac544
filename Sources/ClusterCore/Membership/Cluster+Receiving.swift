// What comes in: which node, which generation, which number, and then which message (specs/heartbeat.md 2.4, 3.2).
import ClusterModel
import Failovers
import Messaging

extension Cluster {
    mutating func receive(_ message: HAMessage, on medium: MediumID, arrival: Instant, _ now: Instant) {
        guard let envelope = Envelope(message) else { return drop(.malformed) }
        guard let id = coding.node(named: envelope.source) else {
            return drop(.unknownNode, "bad node [\(printable(envelope.source))] in message")
        }
        if id == localNode { return receiveOwn(envelope, message, medium, arrival) }
        if nodes[id.index].kind == .ping { return receivePing(id, envelope, medium, arrival) }
        if isNamesake(id, message) { return receiveNamesake(id, arrival) }
        guard envelope.generation >= nodes[id.index].generation else {
            return drop(
                .replay,
                "attempted replay attack [\(envelope.source)]? [gen = \(envelope.generation), "
                    + "curgen = \(nodes[id.index].generation)]")
        }
        if !isPast(id, arrival, now) { noteLink(id, medium, arrival, envelope.sequence) }
        guard let sequence = envelope.sequence else {
            forward(message, envelope, from: medium)
            return use(envelope, message, id, medium, arrival, now)
        }
        if case .status = envelope.body, envelope.generation > nodes[id.index].generation { restart(id, envelope) }
        guard number(sequence, id, now) else { return drop(.duplicate) }
        forward(message, envelope, from: medium)
        use(envelope, message, id, medium, arrival, now)
    }

    /// Whether a node is dead that has been silent for its deadtime again since a message of it came in: a worker, or
    /// this process, stood still and brings what it held back. It is no sign of life.
    private func isPast(_ id: NodeID, _ arrival: Instant, _ now: Instant) -> Bool {
        nodes[id.index].status == .dead && arrival + nodes[id.index].deadInterval <= now
    }

    private mutating func noteLink(
        _ id: NodeID, _ medium: MediumID, _ arrival: Instant, _ sequence: UInt64? = nil
    ) {
        // What comes in shows that this node's own link carries.
        _ = links.heard(localNode, medium, at: arrival)
        guard links.heard(id, medium, at: arrival, sequence: sequence) else { return }
        mustJudge = true
        logLink(id, medium, "up")
    }

    private mutating func drop(_ reason: DropReason, _ text: String? = nil) {
        effects.append(.dropped(reason))
        if let text { log(.error, "dropped-\(reason.rawValue)", text) }
    }

    /// A message with this node's name comes back from a broadcast, or from another machine with the same name. What
    /// that one holds nobody tells this node, so it does not join beside it (`isNameTaken`); where it has joined, the
    /// others that know that one do not hear this one, and it gets nothing from them.
    private mutating func receiveOwn(
        _ envelope: Envelope, _ message: HAMessage, _ medium: MediumID, _ arrival: Instant
    ) {
        _ = links.heard(localNode, medium, at: arrival)
        guard isForeign(envelope, message) else { return drop(.ownMessage) }
        guard noteNamesake(of: localNode, arrival, timing.deadtime) else { return }
        let consequence = status == .active
            ? "stop one of them, both may hold the same groups"
            : "this one joins when the other has been silent for deadtime"
        log(.critical, "name-taken", "another machine uses this node's name \(envelope.source): \(consequence)")
    }

    /// Whether a message with this node's name is none that this machine has sent: of another machine, or of a copy of
    /// this one that was started later.
    private func isForeign(_ envelope: Envelope, _ message: HAMessage) -> Bool {
        if let other = message.binary("srcuuid"), other != uuid { return true }
        if envelope.generation != generation { return envelope.generation > generation }
        return (envelope.sequence ?? 0) > sent.last
    }

    /// Whether a message has the name of a node that is alive, and comes from another machine. What that one holds is
    /// not what the node holds.
    private func isNamesake(_ id: NodeID, _ message: HAMessage) -> Bool {
        guard let uuid = nodes[id.index].uuid, nodes[id.index].isAlive, !message.holds(.binary(uuid), for: "srcuuid")
        else { return false }
        return message.binary("srcuuid") != nil
    }

    /// Drops a message of another machine with a node's name. Returns whether that is news: none came for an interval.
    private mutating func noteNamesake(of id: NodeID, _ arrival: Instant, _ interval: Duration) -> Bool {
        drop(.namesake)
        let former = nodes[id.index].namesakeAt
        nodes[id.index].namesakeAt = max(arrival, former ?? arrival)
        return former.map { arrival >= $0 + interval } ?? true
    }

    private mutating func receiveNamesake(_ id: NodeID, _ arrival: Instant) {
        guard noteNamesake(of: id, arrival, nodes[id.index].deadInterval) else { return }
        let name = nodes[id.index].name
        log(
            .critical, "name-taken",
            "another machine uses the name of node \(name): it is not heard before that one has been silent for "
                + "deadtime",
            [Setting(name: "NODE", value: name)])
    }

    private mutating func receivePing(_ id: NodeID, _ envelope: Envelope, _ medium: MediumID, _ arrival: Instant) {
        let path = configuration.media[medium.index]
        guard case .pingReply(let kind) = envelope.body, path.pingNodeName == nodes[id.index].name,
            kind == path.directive
        else { return drop(.pingMismatch) }
        noteLink(id, medium, arrival)
        hasRightChanged = true
        if configuration.quorum == .ping {
            if arrival >= quorum.heldUntil { wokeAt = arrival }
            if arrival - (pingedAt ?? .distantPast) > pingFreshness { pingedSince = arrival }
        }
        nodes[id.index].heardAt = max(arrival, nodes[id.index].heardAt ?? arrival)
        nodes[id.index].lastMedium = medium
        nodes[id.index].isSuspect = false
        if nodes[id.index].status != .ping { changeStatus(id, to: .ping) }
    }

    /// A new generation: what was known of the old one is void.
    private mutating func restart(_ id: NodeID, _ envelope: Envelope) {
        if nodes[id.index].generation > 0 {
            log(
                .info, "node-restart", "Heartbeat restart on node \(nodes[id.index].name)",
                [Setting(name: "NODE", value: nodes[id.index].name)])
        }
        nodes[id.index].generation = envelope.generation
        nodes[id.index].window.reset()
        nodes[id.index].statusSequence = 0
        nodes[id.index].hasLeft = false
        nodes[id.index].leftBehind = []
        nodes[id.index].hasHeardUs = false
        restartClassic(id)
        // It is told at once that it is heard: until then it lives on what its earlier daemon left it.
        lastSaid = nil
        mayHaveNews = true
    }

    /// Accounts for a number. Returns whether the message is new.
    private mutating func number(_ sequence: UInt64, _ id: NodeID, _ now: Instant) -> Bool {
        let delayMax = max(1, timing.rexmitDelayMax.wholeMilliseconds)
        let delayMin: Int64 = delayMax < 100 ? 0 : 50
        var random = self.random
        let before = nodes[id.index].window.last ?? 0
        let verdict = nodes[id.index].window.receive(sequence) {
            now + .milliseconds(Int64.random(in: delayMin...delayMax, using: &random))
        }
        self.random = random
        let name = nodes[id.index].name
        switch verdict {
        case .duplicate: return false
        case .filled(let complete):
            if complete { log(.info, "packets-complete", "No pkts missing from \(name)!") }
        case .accepted(let lost, let abandoned):
            if abandoned {
                if classic?.node == id { classic?.peer.missWord() }
                log(.error, "packets-lost", "lost a lot of packets from \(name)! [\(before):\(sequence)]")
            } else if lost > 0 {
                log(.warning, "packets-lost", "\(lost) lost packet(s) for [\(name)] [\(before):\(sequence)]")
            }
        }
        // Only 3.0.6 holds its clients back for acknowledgements; among a hundred nodes they would be most of the
        // traffic.
        guard nodes[id.index].isClassic else { return true }
        var filled = false
        if case .filled = verdict { filled = true }
        if let number = nodes[id.index].window.acknowledgement(after: sequence, filledGap: filled) {
            acknowledge(number, to: id)
        }
        return true
    }

    /// Passes a message on along a chain or ring of serial lines.
    private mutating func forward(_ message: HAMessage, _ envelope: Envelope, from medium: MediumID) {
        guard configuration.media[medium.index].isSerial, envelope.ttl > 1,
            envelope.destination != configuration.localName,
            configuration.media.indices.contains(where: { $0 != medium.index && configuration.media[$0].isSerial })
        else { return }
        var passed = message
        passed.replace("ttl", with: String(envelope.ttl - 1))
        effects.append(.forward(passed, except: medium))
    }

    private mutating func use(
        _ envelope: Envelope, _ message: HAMessage, _ id: NodeID, _ medium: MediumID, _ arrival: Instant, _ now: Instant
    ) {
        if let destination = envelope.destination, destination != configuration.localName { return drop(.notForUs) }
        noteUUID(id, message)
        switch envelope.body {
        case .status: receiveStatus(id, envelope, message, medium, arrival, now)
        case .acknowledgement(let sequence): receiveAcknowledgement(sequence, from: id)
        case .pingReply: break
        case .other: deliverToClients(message)
        case .retransmitRequest(let first, let last): answerRetransmitRequest(first, last, from: id, now)
        case .refusal(let sequence):
            if nodes[id.index].window.refused(sequence) {
                if classic?.node == id { classic?.peer.missWord() }
                log(
                    .error, "packet-irretrievable", "Irretrievably lost packet: node \(envelope.source) seq \(sequence)"
                )
            }
        case .shutdownDone: receiveGoodbye(id, envelope, message, now)
        case .dialogue(let message): receiveDialogue(message, envelope.sequence ?? 0, from: id, now)
        }
    }

    private mutating func noteUUID(_ id: NodeID, _ message: HAMessage) {
        guard !message.holds(nodes[id.index].uuid.map(FieldValue.binary), for: "srcuuid"),
            let uuid = message.binary("srcuuid")
        else { return }
        if nodes[id.index].uuid != nil {
            log(.warning, "uuid-changed", "node \(nodes[id.index].name) changed its uuid")
        }
        nodes[id.index].uuid = uuid
    }

    private mutating func receiveStatus(
        _ id: NodeID, _ envelope: Envelope, _ message: HAMessage, _ medium: MediumID, _ arrival: Instant, _ now: Instant
    ) {
        let sequence = envelope.sequence ?? 0
        guard sequence > nodes[id.index].statusSequence, !nodes[id.index].hasLeft,
            !isLastGasp(id, envelope.generation, arrival), !isPast(id, arrival, now)
        else { return drop(.stale) }
        guard let cached = coding.decode(message, previous: nodes[id.index].cached) else { return drop(.malformed) }
        guard admit(id, cached.report) else { return drop(.refused) }
        noteInterval(id, arrival)
        let wasDead = nodes[id.index].status == .dead
        let isSameDaemon = nodes[id.index].statusSequence > 0
        if wasDead { noteReturn(id, now) }
        let before = nodes[id.index].cached
        let wasReachable = nodes[id.index].isReachable
        if nodes[id.index].isSuspect || (wasDead && isSameDaemon) { record(.returned, of: id, by: id) }
        nodes[id.index].statusSequence = sequence
        nodes[id.index].generation = envelope.generation
        // What had to wait until this daemon was there says nothing of a silence since.
        nodes[id.index].heardAt = max(arrival, bootedAt, nodes[id.index].heardAt ?? arrival)
        nodes[id.index].lastMedium = medium
        nodes[id.index].isSuspect = false
        nodes[id.index].isVetoed = false
        nodes[id.index].reportedAt = arrival
        nodes[id.index].cached = cached
        let interval = cached.report.deadInterval > .zero ? cached.report.deadInterval : timing.deadtime
        if interval != nodes[id.index].deadInterval { mustJudge = true }
        nodes[id.index].deadInterval = interval
        let status: NodeStatus = cached.report.status == .active ? .active : .up
        if nodes[id.index].status != status { changeStatus(id, to: status) }
        if !wasReachable { isUnsettled = true }
        noteAlive(id, arrival)
        if let said = cached.report.statusExtension { learn(id, said, before?.report.statusExtension) }
        meetClassic(id, wasDead: wasDead, isSameDaemon: isSameDaemon, now)
    }

    private mutating func noteInterval(_ id: NodeID, _ arrival: Instant) {
        guard let heardAt = nodes[id.index].heardAt, nodes[id.index].isAlive else { return }
        let interval = arrival - heardAt
        guard interval > min(timing.warntime, nodes[id.index].deadInterval) else { return }
        let name = nodes[id.index].name
        let fields = [
            Setting(name: "NODE", value: name), Setting(name: "INTERVAL_MS", value: String(interval.wholeMilliseconds)),
        ]
        if interval > nodes[id.index].deadInterval {
            log(
                .critical, "late-heartbeat",
                "Late heartbeat: Node \(name): interval \(interval.wholeMilliseconds) ms "
                    + "(> deadtime)", fields)
        } else if interval > timing.warntime {
            log(
                .warning, "late-heartbeat",
                "Late heartbeat: Node \(name): interval \(interval.wholeMilliseconds) ms", fields)
        }
    }

    private mutating func noteReturn(_ id: NodeID, _ now: Instant) {
        // A restart was told already; the same generation was only out of sight, and may hold what others took.
        guard nodes[id.index].statusSequence > 0 else { return }
        log(
            .critical, "partition-healed", "Cluster node \(nodes[id.index].name) returning after partition.",
            [Setting(name: "NODE", value: nodes[id.index].name)])
        for index in groups.indices where groups[index].phase.occupies { groups[index].needsReassertion = true }
        // It hears at once what is held here: until then both may have it.
        lastSaid = nil
        mayHaveNews = true
        noteContender(id, now)
    }

    private mutating func changeStatus(_ id: NodeID, to new: NodeStatus) {
        let old = nodes[id.index].status
        nodes[id.index].status = new
        isUnsettled = true
        mustJudge = true
        log(
            .info, "node-status",
            "Status update for node \(nodes[id.index].name): status \(new.rawValue) "
                + "(\(old.rawValue) -> \(new.rawValue))",
            [Setting(name: "NODE", value: nodes[id.index].name), Setting(name: "STATUS", value: new.rawValue)])
    }

    /// Takes in what a node says beyond the classic fields.
    private mutating func learn(_ id: NodeID, _ said: StatusExtension, _ before: StatusExtension?) {
        if let hearing = said.hears[configuration.localName], hearing.generation == generation,
            let promise = sent.promise(of: hearing.sequence)
        {
            nodes[id.index].promisedUntil = promise
            hasRightChanged = true
            if !nodes[id.index].hasHeardUs { isUnsettled = true }
            nodes[id.index].hasHeardUs = true
        }
        for report in said.groups { noteEpoch(report.group, report.epoch) }
        for grant in said.grants { noteEpoch(grant.group, grant.epoch) }
        for mark in said.marks where marks.merge(mark, name: coding.name) { isUnsettled = true }
        for report in said.maintenance { learn(report) }
        for clearing in said.clearings where marks.merge(clearing) { isUnsettled = true }
        if before?.fences != said.fences {
            learnFences(said.fences, from: id, lastHandled)
            isUnsettled = true
        }
        if before?.groups != said.groups || before?.grants != said.grants || before?.leaving != said.leaving
            || before?.barred != said.barred || before?.pleads != said.pleads || before?.deaf != said.deaf
        {
            isUnsettled = true
            recordUp(id, said, before)
        }
        let differs = said.configurationDigest != configurationDigest
        if differs && !nodes[id.index].warnedOfConfiguration {
            log(
                .warning, "configuration-differs",
                "node \(nodes[id.index].name) has other nodes or other fencing in its ha.cf, or another "
                    + "haresources: make the files equal on all nodes",
                [Setting(name: "NODE", value: nodes[id.index].name)])
        }
        nodes[id.index].warnedOfConfiguration = differs
    }

    /// Groups that are up on another node now.
    private mutating func recordUp(_ id: NodeID, _ said: StatusExtension, _ before: StatusExtension?) {
        guard let before, before.groups != said.groups else { return }
        for report in said.groups where report.phase == .held && before.report(on: report.group)?.phase != .held {
            record(.seen, report.group.index, by: id)
        }
    }

    private mutating func noteEpoch(_ group: GroupID, _ epoch: UInt64) {
        let seen = groups[group.index].epochSeen
        if epoch > seen, Counter.isCredible(epoch, after: seen) { groups[group.index].epochSeen = epoch }
    }

    private mutating func receiveGoodbye(
        _ id: NodeID, _ envelope: Envelope, _ message: HAMessage, _ now: Instant
    ) {
        guard let sequence = envelope.sequence, sequence > nodes[id.index].statusSequence,
            envelope.generation == nodes[id.index].generation
        else { return drop(.stale) }
        nodes[id.index].statusSequence = sequence
        nodes[id.index].hasLeft = true
        recordGoodbye(id, sequence: sequence)
        log(
            .info, "node-shutdown", "Received shutdown notice from '\(nodes[id.index].name)'.",
            [Setting(name: "NODE", value: nodes[id.index].name)])
        if nodes[id.index].status != .dead { declareDead(id, reason: "it was shut down", now) }
        noteLeftBehind(id, coding.remains(in: message))
    }

    /// A name from the network, safe to print.
    private func printable(_ text: String) -> String {
        String(
            text.unicodeScalars.prefix(100).map { $0.isASCII && $0.value >= 32 && $0.value < 127 ? Character($0) : "?" }
        )
    }
}
