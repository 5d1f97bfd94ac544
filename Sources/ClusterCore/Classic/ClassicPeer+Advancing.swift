// What the dialogue with heartbeat 3.0.6 does by itself: as time passes, and as groups come up and go down.
import ClusterModel

extension ClassicPeer {
    /// Goes on where the groups, or the time, allow it.
    mutating func advance(_ facts: ClassicFacts, _ now: Instant) {
        if stage == .waiting && facts.isActive && facts.peerIsActive { begin(facts) }
        if let by = startBy, now >= by { settleIn() }
        if let by = returnedBy, now >= by { returnedBy = nil }
        considerQuestion(facts, now)
        advanceMove(facts, now)
        considerOrder(now)
        if let at = retryAt, now >= at { retryAt = nil }
        if facts.failed.isEmpty { offeredFor = [] }
        considerOffer(facts, now)
        considerOrphans(facts, now)
    }

    /// Asks what the other node has, where it has not said so. To one that returned after a partition and has not gone
    /// nothing was news: it never missed this node, and what it says that it has, it keeps.
    private mutating func considerQuestion(_ facts: ClassicFacts, _ now: Instant) {
        let mayAsk = (stage == .starting || stage == .stable) && facts.peerIsActive
        guard mayAsk, !isKnown, returnedBy == nil, move == nil else {
            askAt = nil
            return
        }
        let at = askAt ?? now + ClassicPeer.wordPatience
        askAt = at
        guard now >= at else { return }
        askAt = now + ClassicPeer.wordPatience
        resourceSequence = 0
        // Its answer is then news, and is answered: it takes the question for a restart.
        otherIsStable = false
        send(.starting)
    }

    /// Something that the other node said is lost for good.
    mutating func missWord() {
        if returnedBy == nil { isKnown = false }
    }

    /// Offers what belongs on the other node: what failed here, what it is owed, what this node may not hold.
    private mutating func considerOffer(_ facts: ClassicFacts, _ now: Instant) {
        guard isAtRest, retryAt == nil else { return }
        let failed = facts.failed.intersection(own)
        if !failed.isEmpty && !offeredFor.isSuperset(of: failed) {
            // Once: if it fails there too, it must not come back for ever.
            offeredFor.formUnion(failed)
            offer(failed, now)
        } else if facts.isBarred && !own.isEmpty {
            offer(own, now)
        } else if owesFailback && facts.failsBack && own.contains(.foreign) {
            offer(.foreign, now)
        }
    }

    private mutating func considerOrphans(_ facts: ClassicFacts, _ now: Instant) {
        let free = Sides.all.subtracting(own).subtracting(other).subtracting(ceding)
        guard isAtRest, isKnown, !facts.isBarred, !free.isEmpty, free.isDisjoint(with: facts.failed) else {
            orphanedBy = nil
            return
        }
        let by = orphanedBy ?? now + ClassicPeer.orphanPatience
        orphanedBy = by
        guard now >= by else { return }
        orphanedBy = nil
        own.formUnion(free)
        log(.warning, "classic-orphan", "no node has the \(free.word) resources: taking them")
        report()
    }

    /// This node shuts down: says so before it stops anything.
    mutating func leave() {
        if case .offered(let sides) = move { abandon(sides, "this node is shutting down") }
        (move, moveBy, startBy, orphanedBy, returnedBy) = (nil, nil, nil, nil, nil)
        for sides in [asked?.sides, order?.sides].compactMap({ $0 }) {
            effects.append(.abandoned(sides, "this node is shutting down"))
        }
        (retryAt, askAt, asked, order) = (nil, nil, nil, nil)
        stage = .leaving
        own = []
        report(ClassicMessage.infoShutdown)
    }
}
