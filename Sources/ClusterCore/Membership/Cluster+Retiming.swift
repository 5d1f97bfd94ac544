// Intervals that change while the daemon runs. The others judge this node by what it says, its kernel serves by what
// the resource manager was told: at no moment may the first be shorter than the second.
import ClusterModel

/// A right to hold that was given out by longer intervals than those in force.
struct Overhang: Sendable {
    /// When it is over.
    var end: Instant
    /// How much longer than deadtime the others have to wait for this node until then.
    var excess: Duration
}

/// Longer intervals that are told, and not lived by.
struct AnnouncedTiming: Sendable {
    var timing: Timing
    /// What the first message promised that told them; nil until it is sent.
    var promise: Instant?
}

extension Cluster {
    mutating func retime(_ new: Timing) {
        announced = nil
        mayHaveNews = true
        // Where votes decide, the right grows with what each node has confirmed. Elsewhere it is counted from this
        // node's own clock, and who has not heard yet would take the groups before it has ended.
        guard configuration.quorum != .majority, new.effectiveLease > timing.effectiveLease else { return adopt(new) }
        announced = AnnouncedTiming(timing: new)
    }

    /// Lives by longer intervals as soon as every node that may wait for this one has heard of them.
    mutating func adoptTiming() {
        guard let announced, let promise = announced.promise, isKnownToAll(promise) else { return }
        self.announced = nil
        adopt(announced.timing)
    }

    /// A status was sent: who confirms it has heard what is announced.
    mutating func noteAnnouncement() {
        guard announced != nil, announced?.promise == nil else { return }
        announced?.promise = sent.promise(of: sent.last)
    }

    private mutating func adopt(_ new: Timing) {
        timing = new
        let end = lastHandled + timing.effectiveLease
        noteOverhang(entitledUntil)
        // The others may have heard of a shorter interval as soon as it is said, long before they confirm it.
        sent.shortenPromises(to: end)
        inheritedUntil = min(inheritedUntil, end)
        for id in others { nodes[id.index].promisedUntil = nodes[id.index].promisedUntil.map { min($0, end) } }
        for index in nodes.indices where nodes[index].kind == .ping { nodes[index].deadInterval = timing.deadping }
        nextKeepalive = min(nextKeepalive, lastHandled + timing.keepalive)
        mustJudge = true
        mayHaveNews = true
    }

    /// The resource manager was told of a right until then.
    mutating func noteOverhang(_ entitledUntil: Instant?) {
        let end = max(entitledUntil ?? .distantPast, overhang?.end ?? .distantPast)
        let ownEnd = lastHandled + timing.effectiveLease
        // It is said in whole milliseconds.
        overhang = end > ownEnd
            ? Overhang(end: end, excess: .milliseconds((end - ownEnd).wholeMilliseconds + 1)) : nil
    }

    /// For how long the others leave this node alone after each of its messages. A message that is sent at t promises
    /// no less than `overhang.end + deadtime - lease - t`, the margin that every lease has.
    var deadIntervalSaid: Duration {
        var said = timing.deadtime + patience
        if let overhang, lastHandled + timing.effectiveLease < overhang.end { said += overhang.excess }
        if let announced { said = max(said, announced.timing.deadtime) }
        return said
    }
}
