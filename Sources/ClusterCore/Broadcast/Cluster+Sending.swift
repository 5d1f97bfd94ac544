// What goes out: status messages, requests for what is missing, acknowledgements.
import ClusterModel
import Messaging

extension Cluster {
    /// Sends what is due at the end of each event: status at once when it changed, else with the keepalive.
    mutating func send(_ now: Instant) {
        if status == .initial {
            transmitStatus(now)
            setStatus(.up)
        }
        for index in nodes.indices where index != localNode.index {
            guard nodes[index].isAlive else {
                nodes[index].window.interrupt()
                continue
            }
            for sequence in nodes[index].window.dueRequests(now: now, interval: timing.rexmitDelayMax) {
                request(sequence, from: NodeID(index))
            }
        }
        hasUntold = false
        if now >= nextKeepalive {
            transmitStatus(now)
        } else if mayHaveNews && news(now) == lastSaid {
            mayHaveNews = false
        } else if mayHaveNews {
            if pacing.take(now: now, keepalive: timing.keepalive) { transmitStatus(now) } else { hasUntold = true }
        }
        endIfDone(now)
    }

    mutating func transmitStatus(_ now: Instant) {
        let news = news(now)
        lastSaid = news
        mayHaveNews = false
        // Keeps its beat where it can; after a pause it starts anew rather than catching up.
        nextKeepalive = nextKeepalive + timing.keepalive > now && now >= nextKeepalive
            ? nextKeepalive + timing.keepalive : now + timing.keepalive
        noteConfirmation()
        transmit(coding.encode(report(news, now)), now)
        noteAnnouncement()
        recordTelling(now)
        noteEntitlement()
    }

    /// Tells the resource manager until when this node may hold its groups: what an earlier daemon was told until its
    /// word has come, and nothing more while something runs here that others may have taken.
    /// Where no vote ends the right, a silent node is still dead for the others after deadtime.
    mutating func noteEntitlement() {
        guard !groups.isEmpty else { return }
        if !isWaking, !hasForfeits {
            entitledUntil = min(heldUntil, lastHandled + timing.effectiveLease + patienceGranted)
        }
        if let entitledUntil { effects.append(.entitled(until: entitledUntil)) }
    }

    /// Whether something runs here, or may, that others may have taken.
    var hasForfeits: Bool {
        groups.contains { $0.phase == .unknown || ($0.isForfeit && $0.phase.occupies) }
    }

    mutating func transmit(_ body: HAMessage, _ now: Instant) {
        let promise = now + timing.effectiveLease + patience
        effects.append(.transmit(Outgoing(body: body, sequence: sent.next(promise: promise))))
    }

    /// What this node says of itself, and what makes a message worth sending before its time.
    private func news(_ now: Instant) -> StatusReport {
        var said = StatusExtension()
        said.configurationDigest = configurationDigest
        said.leaving = isLeaving
        said.barred = isBarred(now)
        said.pleads = pleads
        said.deaf = others.filter { nodes[$0.index].isVetoed }
        said.fences = fenceReports
        said.marks = marks.writtenMarks
        said.clearings = marks.writtenClearings
        said.maintenance = maintenance.written.map { mark in
            var bare = mark
            bare.until = nil
            return MaintenanceReport(mark: bare, remaining: nil)
        }
        said.groups = groupReports
        said.grants = groups.compactMap(\.grant)
        return StatusReport(status: status, deadInterval: deadIntervalSaid, statusExtension: said)
    }

    /// A line for each group that is not idle here, or has failed.
    var groupReports: [GroupReport] {
        groups.compactMap { group in
            let failures = group.failures.count
            if let reported = group.phase.reported {
                return GroupReport(
                    group: group.id, phase: reported.phase, epoch: reported.epoch, failures: failures)
            }
            if failures == 0 { return nil }
            return GroupReport(group: group.id, phase: .failed, epoch: group.epochSeen, failures: failures)
        }
    }

    /// The same with what is another number in every message, and no news.
    private func report(_ news: StatusReport, _ now: Instant) -> StatusReport {
        var report = news
        var hears = Hearings()
        for id in others {
            guard let heardAt = nodes[id.index].heardAt, nodes[id.index].isAlive else { continue }
            hears.append(nodes[id.index].name, Hearing(
                generation: nodes[id.index].generation, sequence: nodes[id.index].statusSequence,
                age: now - heardAt))
        }
        report.statusExtension?.hears = hears
        for (index, mark) in maintenance.written.enumerated() {
            report.statusExtension?.maintenance[index].remaining = mark.until.map { max(.zero, $0 - now) }
        }
        report.deadInterval += inheritedPatience(now)
        return report
    }

    /// What this daemon must ask for while it is not known what an earlier one left here. The kernel may have been told
    /// to serve addresses for as long as a hand-over takes, and does if this node stops before the resource manager
    /// could end that; it ends that before it tells what it has found.
    private func inheritedPatience(_ now: Instant) -> Duration {
        if hasResourceManager { return .zero }
        return max(.zero, bootedAt + Timing.handOverPatience - now)
    }

    mutating func acknowledge(_ sequence: UInt64, to id: NodeID) {
        var body = HAMessage()
        body.append("t", "NS_ackmsg")
        body.append("dest", nodes[id.index].name)
        body.append("ackseq", String(sequence, radix: 16))
        effects.append(.transmit(Outgoing(body: body, sequence: nil)))
    }

    private mutating func request(_ sequence: UInt64, from id: NodeID) {
        var body = HAMessage()
        body.append("t", "NS_rexmit")
        body.append("dest", nodes[id.index].name)
        body.append("firstseq", String(sequence))
        body.append("lastseq", String(sequence))
        effects.append(.transmit(Outgoing(body: body, sequence: nil)))
    }

    mutating func answerRetransmitRequest(_ first: UInt64, _ last: UInt64, from id: NodeID, _ now: Instant) {
        if last > sent.last {
            log(
                .warning, "rexmit-unknown",
                "Rexmit of seq \(last) requested by \(nodes[id.index].name). \(sent.last) is max.")
        }
        let answers = sent.answer(first: first, last: last, from: id, interval: timing.rexmitDelayMax, now: now)
        for answer in answers {
            switch answer {
            case .retransmit(let sequence): effects.append(.retransmit(sequence: sequence))
            case .refuse(let sequence, let reason):
                var body = HAMessage()
                body.append("t", "NS_nak_rexmit")
                body.append("firstseq", String(sequence, radix: 16))
                body.append("dest", nodes[id.index].name)
                body.append("info", reason)
                effects.append(.transmit(Outgoing(body: body, sequence: nil)))
            }
        }
    }
}
