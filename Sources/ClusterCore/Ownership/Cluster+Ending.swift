// How a run ends: a shutdown gives everything to the others, a hand-over leaves everything to the daemon that follows.
// What the others must know is said before, and the end waits until they have heard it.
import ClusterModel
import Messaging

/// Something that the others are to hear before this daemon ends.
struct LastWord: Sendable {
    /// What the message that carries it promises: whoever confirms that much has heard it.
    var promise: Instant
    /// The end waits no longer.
    var by: Instant
}

extension Cluster {
    /// Releases everything, then ends the run.
    mutating func leave(_ now: Instant) {
        guard !isLeaving else { return }
        isLeaving = true
        isUnsettled = true
        log(.info, "shutdown", "Heartbeat shutdown in progress.")
        if holdsAnything { log(.info, "shutdown-release", "Giving up all HA resources.") }
    }

    /// Asks the others to wait longer, because this daemon is restarted and its resources stay.
    mutating func handOver(_ now: Instant) {
        guard !isHandingOver, !isLeaving else { return }
        isHandingOver = true
        // A right that ended while this node was stopped is not prolonged after the fact.
        patience = now < heldUntil ? Timing.handOverPatience : .zero
        sayLast(now)
    }

    /// How much longer this node holds what it has, for the others wait that long. Where votes decide, each
    /// confirmation brings it. Elsewhere the right is counted from this node's own clock, and who has not heard of the
    /// hand-over would take the groups before it has ended. A node of 3.0.6 does not say in time what it has heard.
    var patienceGranted: Duration {
        if configuration.quorum == .majority || classic != nil { return patience }
        return lastWord.map { isKnownToAll($0.promise) } ?? false ? patience : .zero
    }

    /// When the run may end though not everybody has confirmed the last word.
    var endsBy: Instant? { isAtWork || isWaking ? nil : lastWord?.by }

    /// Ends the run when all is done and said.
    mutating func endIfDone(_ now: Instant) {
        if isLeaving { finishLeaving(now) } else if isHandingOver { finishHandOver(now) }
    }

    private mutating func sayLast(_ now: Instant) {
        transmitStatus(now)
        lastWord = LastWord(
            promise: sent.promise(of: sent.last) ?? now,
            by: now + (isMovingWithClassic ? .seconds(10) : max(timing.keepalive * 4, .milliseconds(500))))
    }

    private var isMovingWithClassic: Bool { classic.map { $0.peer.move != nil } ?? false }

    /// Whether every node that is heard has confirmed the last word.
    private func isHeard(_ word: LastWord, _ now: Instant) -> Bool {
        now >= word.by || others.allSatisfy { !nodes[$0.index].isReachable || hasConfirmed($0, word.promise) }
    }

    /// Whether a node has confirmed the message that promised that, or a later one.
    private func hasConfirmed(_ id: NodeID, _ promise: Instant) -> Bool {
        (nodes[id.index].promisedUntil ?? .distantPast) >= promise
    }

    /// Whether every other node has confirmed it, or is gone, where this node's right is counted from its own clock. A
    /// node that is not heard may live and wait for as long as it was told last: it counts as gone when that is over
    /// and this node has its right all the same.
    func isKnownToAll(_ promise: Instant) -> Bool {
        let provenAt = configuration.quorum == .ping ? pingedAt ?? .distantPast : lastHandled
        return others.allSatisfy { id in
            let isGone = !nodes[id.index].isReachable
                && (nodes[id.index].promisedUntil ?? inheritedUntil) <= provenAt
            return isGone || hasConfirmed(id, promise)
        }
    }

    private mutating func finishLeaving(_ now: Instant) {
        guard !isAtWork, !holdsAnything, hasResourceManager else {
            lastWord = nil
            return
        }
        if groups.contains(where: { $0.phase.occupies }) {
            // Who has not heard of it would take what still runs here.
            if lastWord == nil { sayLast(now) }
            if let lastWord, !isHeard(lastWord, now) { return }
            log(.critical, "shutdown-blocked", "shutting down with resources that could not be stopped")
        }
        log(.info, "shutdown-released", "All HA resources relinquished.")
        transmitGoodbye(now)
        end()
    }

    private mutating func finishHandOver(_ now: Instant) {
        // A move with a node of heartbeat 3.0.6 would be forgotten here, and not there. What others took while this
        // node was stopped is given up before, not by the daemon that follows.
        guard !isAtWork, !isWaking, let lastWord, isHeard(lastWord, now) else { return }
        if isMovingWithClassic && now < lastWord.by { return }
        noteEntitlement()
        end()
    }

    /// The last message of a shutdown: the others need not wait for deadtime. It may be all that one of them hears.
    private mutating func transmitGoodbye(_ now: Instant) {
        transmit(coding.encodeGoodbye(groupReports.filter { $0.phase == .blocked }), now)
    }

    private mutating func end() {
        answerRest()
        isFinished = true
        effects.append(.finished)
    }
}
