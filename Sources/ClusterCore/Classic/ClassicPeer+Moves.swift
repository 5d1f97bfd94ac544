// Planned moves between this node and one of heartbeat 3.0.6: me, other, done, done (specs/heartbeat.md 5.5).
import ClusterModel

extension ClassicPeer {
    /// Offers sides to the other node, which MUST be at rest with this one. What is not held is left out.
    mutating func offer(_ sides: Sides, _ now: Instant) {
        move = .offered(sides)
        moveBy = now + ClassicPeer.offerPatience
        otherIsStable = false
        withdrawn = nil
        log(.info, "standby", "this node wants to go standby [\(sides.word)]")
        send(.standby(sides, .me))
    }

    /// Does what an operator wants as soon as the two are at rest.
    mutating func carryOut(giving gives: Bool, _ sides: Sides, _ now: Instant) {
        order = (gives, sides, now + ClassicPeer.offerPatience)
    }

    mutating func considerOrder(_ now: Instant) {
        guard let order else { return }
        guard isAtRest else {
            guard now >= order.by else { return }
            self.order = nil
            return effects.append(.abandoned(order.sides, reasonForFlux))
        }
        self.order = nil
        owesFailback = false
        let sides = order.gives ? order.sides.intersection(own) : order.sides.subtracting(own)
        // What has moved meanwhile is where it was to be.
        guard !sides.isEmpty else { return }
        if order.gives { offer(sides, now) } else { ask(for: sides, now) }
    }

    /// Asks the other node for sides that it has. It MUST be at rest with this one.
    mutating func ask(for sides: Sides, _ now: Instant) {
        asked = (sides, now + ClassicPeer.offerPatience)
        send(.takeover(sides))
    }

    /// The other node wants to have sides.
    mutating func give(_ sides: Sides, _ facts: ClassicFacts, _ now: Instant) {
        guard !sides.isEmpty else {
            return log(.info, "takeover-ignored", "node \(name) asks for resources that this node does not have")
        }
        guard isAtRest else {
            return log(.warning, "takeover-ignored", "hb_takeover from \(name) ignored: \(reasonForFlux)")
        }
        owesFailback = false
        offer(sides, now)
    }

    /// Why no move can begin; for people.
    var reasonForFlux: String {
        if stage == .leaving { return "this node is shutting down" }
        if stage != .stable { return "local resources in flux" }
        if move != nil { return "another move is under way" }
        return "the other side, node \(name), is in flux"
    }

    /// `sides` are those of the node that gives.
    mutating func receive(
        _ step: ClassicMessage.Step, of sides: Sides, _ sequence: UInt64, _ facts: ClassicFacts, _ now: Instant
    ) {
        switch step {
        case .me: considerPromise(sides.mirrored, facts, now)
        case .other: release(sides, now)
        case .done: receiveDone(sides, sequence)
        }
    }

    /// The other node wants to be rid of sides. No answer is a refusal: it then goes on as before.
    private mutating func considerPromise(_ sides: Sides, _ facts: ClassicFacts, _ now: Instant) {
        let refusal: String? =
            if !isAtRest {
                reasonForFlux
            } else if facts.isBarred {
                "this node may hold nothing now"
            } else if !facts.failed.isDisjoint(with: sides) {
                "they failed here, see hb cleanup"
            } else {
                nil
            }
        if let refusal {
            log(.warning, "standby-ignored", "standby message [\(sides.word)] from \(name) ignored: \(refusal)")
            // It takes this node to be in flux from its question on, until it hears otherwise.
            if stage == .stable && move == nil { report() }
            return
        }
        log(.info, "standby", "\(name) wants to go standby [\(sides.mirrored.word)]")
        otherIsStable = false
        asked = nil
        move = .promised(sides)
        moveBy = now + ClassicPeer.movePatience
        send(.standby(sides.mirrored, .other))
    }

    /// The other node will take what was offered.
    private mutating func release(_ sides: Sides, _ now: Instant) {
        let isAnswer = move == .offered(sides) || (move == nil && withdrawn == sides && stage == .stable)
        guard isAnswer, own.isSuperset(of: sides) else { return }
        withdrawn = nil
        log(.info, "standby", "standby: \(name) can take our \(sides.word) resources")
        own.subtract(sides)
        otherIsStable = false
        move = .releasing(sides)
        moveBy = now + ClassicPeer.movePatience
        report(ClassicMessage.infoStandby)
    }

    private mutating func receiveDone(_ sides: Sides, _ sequence: UInt64) {
        switch move {
        case .promised(let promised) where promised == sides.mirrored:
            log(.info, "standby", "standby: acquire [\(sides.word)] resources from \(name)")
            other.subtract(promised)
            ceding.subtract(promised)
            own.formUnion(promised)
            move = .taking(promised)
            // A report from before the release that comes only now is void.
            resourceSequence = max(resourceSequence, sequence)
        case .handedOver(let given) where given == sides:
            log(.info, "standby", "Other node completed standby takeover of \(sides.word) resources.")
            other.formUnion(given)
            if given.contains(.foreign) { owesFailback = false }
            endMove()
            report()
        case .offered, .releasing, .handedOver, .promised, .taking, nil: break
        }
    }

    /// Goes on once the groups are where they are to be, or gives up waiting.
    mutating func advanceMove(_ facts: ClassicFacts, _ now: Instant) {
        if let late = asked, now >= late.by {
            asked = nil
            effects.append(.abandoned(late.sides, "node \(name) did not answer"))
        }
        switch move {
        case .releasing(let sides) where facts.occupied.isDisjoint(with: sides):
            log(.info, "standby", "Local standby process completed [\(sides.word)].")
            move = .handedOver(sides)
            send(.standby(sides, .done))
        case .taking(let sides) where facts.unfinished.isDisjoint(with: sides):
            log(.info, "standby", "Standby resource acquisition done [\(sides.mirrored.word)].")
            if sides.contains(.foreign) { owesFailback = false }
            endMove()
            send(.standby(sides.mirrored, .done))
            report()
        case .offered, .releasing, .handedOver, .promised, .taking, nil: break
        }
        guard let by = moveBy, now >= by else { return }
        if case .offered(let sides) = move {
            withdrawn = sides
            // The other node may not have heard of it, and then it is as stable as it was.
            otherIsStable = true
            retryAt = now + ClassicPeer.retryPause
            abandon(sides, "node \(name) did not answer")
            report()
        } else {
            log(.error, "standby-stuck", "a move with \(name) has not ended within an hour: given up")
        }
        endMove()
    }

    private mutating func endMove() {
        move = nil
        moveBy = nil
    }

    mutating func abandon(_ sides: Sides, _ reason: String) {
        move = nil
        moveBy = nil
        log(.warning, "standby-cancelled", "No reply to standby request.  Standby request cancelled: \(reason)")
        effects.append(.abandoned(sides, reason))
    }
}
