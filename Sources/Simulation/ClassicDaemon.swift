// A virtual heartbeat 3.0.6, written from its description (specs/heartbeat.md 3 to 5) and not from this project's own
// side of the dialogue, so that the two can be tried on each other. It takes the core's events and gives its effects,
// and keeps the oddities that matter: reactions that go out before their cause, ten seconds at the start, a restart
// after a healed partition.
import ClusterCore
import ClusterModel
import Messaging

/// A daemon of heartbeat 3.0.6 in one life.
package struct ClassicDaemon: Sendable {
    /// What is known of one other node.
    struct Peer: Sendable {
        let name: String
        var status = "init"
        var generation: UInt64 = 0
        var heardAt: Instant?
        var deadInterval: Duration
        var statusSequence: UInt64 = 0
        var last: UInt64?
        var missing: [(sequence: UInt64, requestAt: Instant)] = []

        var isLive: Bool { status == "up" || status == "active" }
    }

    let configuration: Configuration
    let generation: UInt64
    let startedAt: Instant
    var status = "init"
    var peers: [Peer]
    var sequence: UInt64 = 0
    var nextKeepalive: Instant
    var nodesAsked: Instant?

    // Resources.
    var state = State.initial
    var own: Holding = []
    /// What the other node has, in this node's words.
    var other: Holding = []
    var otherIsStable = false
    var going = Going.not
    var standby: (holding: Holding, until: Instant)?
    var takeoverAt: Instant?
    var needsFailback = false
    var work: [Work] = []
    var running: [Bool]
    var operation: OperationID = 0
    var underWay: (operation: OperationID, group: Int, isStart: Bool)?
    /// A group that failed to start is offered to the other node then.
    var surrenderAt: (at: Instant, holding: Holding)?
    var restartAt: Instant?
    var isAskedToEnd = false
    /// Everything is released; the end comes then.
    var endAt: Instant?
    var restartsAtEnd = false
    var isFinished = false
    var effects: [Effect] = []

    init(configuration: Configuration, generation: UInt64, now: Instant) {
        self.configuration = configuration
        self.generation = generation
        startedAt = now
        nextKeepalive = now
        peers = configuration.members.filter { $0.kind == .normal && $0.name != configuration.localName }.map {
            Peer(name: $0.name, deadInterval: configuration.timing.deadtime)
        }
        running = configuration.groups.map { _ in false }
    }

    var isLegacy: Bool { configuration.autoFailback == .legacy }
    /// The one other node that resources are shared with.
    var other0: Peer { peers[0] }

    mutating func handle(_ event: Event, now: Instant, effects sink: inout [Effect]) {
        guard !isFinished else { return }
        switch event {
        case .received(let message, _, let arrival): receive(message, arrival: arrival, now)
        case .inventory(let findings, _):
            for (index, group) in configuration.groups.enumerated() {
                running[index] = findings.contains { $0.group == group.name && $0.state != .stopped }
            }
        case .finished(let operation, let failure, let remains): finish(operation, failure != nil, remains, now)
        case .requested(let request, let id): obey(request, id, now)
        case .shutdown: beginShutdown(now)
        case .lost, .forfeited, .requesterGone, .resourceManagerLost, .handOver, .retimed, .clientMessage, .fenced,
            .failures, .wake:
            break
        }
        tick(now)
        sink.append(contentsOf: effects)
        effects.removeAll()
    }

    var nextDeadline: Instant? {
        if isFinished { return nil }
        var times = [nextKeepalive]
        for peer in peers where peer.status != "dead" { times.append(deathTime(peer)) }
        for peer in peers where peer.isLive { times += peer.missing.map(\.requestAt) }
        times += [nodesAsked.map { $0 + .seconds(1) }, takeoverAt, standby?.until, surrenderAt?.at, restartAt, endAt]
            .compactMap { $0 }
        return times.min()
    }

    private func deathTime(_ peer: Peer) -> Instant {
        guard let heardAt = peer.heardAt else { return startedAt + configuration.timing.initdead }
        return heardAt + peer.deadInterval
    }

    // MARK: Time

    private mutating func tick(_ now: Instant) {
        if status == "init" {
            transmitStatus()
            status = "up"
        }
        for index in peers.indices where peers[index].status != "dead" && now >= deathTime(peers[index]) {
            peers[index].status = "dead"
            peers[index].last = nil
            peers[index].missing.removeAll()
            log(.warning, "node-dead", "node \(peers[index].name): is dead")
            if index == 0 && status == "active" { takeFromDead(now) }
        }
        joinIfKnown(now)
        for index in peers.indices where peers[index].isLive { requestMissing(index, now) }
        tickResources(now)
        if now >= nextKeepalive {
            nextKeepalive = now + configuration.timing.keepalive
            transmitStatus()
        }
    }

    private mutating func joinIfKnown(_ now: Instant) {
        guard status == "up", peers.allSatisfy({ $0.status != "init" }) else { return }
        guard let live = peers.first(where: { $0.isLive }) else { return becomeActive(now) }
        if let nodesAsked, now < nodesAsked + .seconds(1) { return }
        nodesAsked = now
        transmit([("t", "reqnodes"), ("dest", live.name)])
    }

    mutating func becomeActive(_ now: Instant) {
        guard status == "up" else { return }
        status = "active"
        nodesAsked = nil
        transmitStatus()
        startResources(now)
    }

    private mutating func requestMissing(_ index: Int, _ now: Instant) {
        for gap in peers[index].missing.indices where peers[index].missing[gap].requestAt <= now {
            let number = String(peers[index].missing[gap].sequence)
            peers[index].missing[gap].requestAt = now + configuration.timing.rexmitDelayMax
            transmit([("t", "NS_rexmit"), ("dest", peers[index].name), ("firstseq", number), ("lastseq", number)])
        }
    }

    // MARK: In

    private mutating func receive(_ message: HAMessage, arrival: Instant, _ now: Instant) {
        guard let index = peers.firstIndex(where: { $0.name == message.text("src") }),
            let type = message.text("t"), let incoming = message.number("hg", radix: 16)
        else { return }
        guard incoming >= peers[index].generation else { return log(.error, "replay", "attempted replay attack") }
        let number = message.number("seq", radix: 16)
        if let number {
            if type == "status" {
                guard noteGeneration(index, incoming, number, now) else { return }
            }
            guard isNew(index, number, now) else { return }
        }
        if let name = message.text("dest"), name != configuration.localName { return }
        switch type {
        case "status": receiveStatus(index, message, number ?? 0, arrival, now)
        case "NS_rexmit":
            guard let first = message.number("firstseq", radix: 10), let last = message.number("lastseq", radix: 10),
                first <= last, last <= sequence
            else { return }
            for wanted in first...last { effects.append(.retransmit(sequence: wanted)) }
        case "NS_nak_rexmit":
            let gone = message.number("firstseq", radix: 16)
            peers[index].missing.removeAll { $0.sequence == gone }
        case "reqnodes":
            let names = ([configuration.localName] + peers.map(\.name)).map { $0 + " " }.joined()
            transmit([
                ("dest", peers[index].name), ("t", "repnodes"), ("nodelist", names), ("delnodelist", " "),
            ])
        case "repnodes": becomeActive(now)
        default: if index == 0 { receiveResources(type, message, now) }
        }
    }

    /// Returns whether the status is to be used.
    private mutating func noteGeneration(
        _ index: Int, _ incoming: UInt64, _ number: UInt64, _ now: Instant
    ) -> Bool {
        if incoming > peers[index].generation {
            peers[index].last = nil
            peers[index].missing.removeAll()
            peers[index].statusSequence = 0
        } else if peers[index].status == "dead" {
            guard number > peers[index].statusSequence else { return false }
            returnAfterPartition(index, now)
        }
        peers[index].generation = incoming
        return true
    }

    private mutating func isNew(_ index: Int, _ number: UInt64, _ now: Instant) -> Bool {
        guard let last = peers[index].last else {
            peers[index].last = number
            return true
        }
        if number == last { return false }
        if number < last {
            guard let gap = peers[index].missing.firstIndex(where: { $0.sequence == number }) else { return false }
            peers[index].missing.remove(at: gap)
            return true
        }
        if number > last + 250 {
            peers[index].missing.removeAll()
        } else {
            for lost in (last + 1)..<max(number, last + 1) {
                peers[index].missing.append((lost, now + .milliseconds(50 + Int64(lost % 200))))
            }
        }
        peers[index].last = number
        if number % 10 == 3 && peers[index].missing.isEmpty {
            transmit([("t", "NS_ackmsg"), ("dest", peers[index].name), ("ackseq", String(number, radix: 16))])
        }
        return true
    }

    private mutating func receiveStatus(
        _ index: Int, _ message: HAMessage, _ number: UInt64, _ arrival: Instant, _ now: Instant
    ) {
        guard number > peers[index].statusSequence else { return }
        peers[index].statusSequence = number
        peers[index].heardAt = arrival
        peers[index].status = message.text("st") ?? "up"
        if let interval = message.number("dt", radix: 16) {
            peers[index].deadInterval = .milliseconds(Int64(min(interval, 1 << 30)))
        }
    }

    // MARK: Out

    private mutating func transmitStatus() {
        let milliseconds = UInt64(max(1, configuration.timing.deadtime.wholeMilliseconds))
        transmit([("t", "status"), ("st", status), ("dt", String(milliseconds, radix: 16)), ("protocol", "1")])
    }

    mutating func transmit(_ fields: [(String, String)]) {
        effects.append(.transmit(outgoing(fields)))
    }

    /// A message and the one that its own loop-back makes this node send: the second one goes out first.
    mutating func transmit(_ fields: [(String, String)], before reaction: [(String, String)]) {
        let first = outgoing(fields)
        effects.append(.transmit(outgoing(reaction)))
        effects.append(.transmit(first))
    }

    private mutating func outgoing(_ fields: [(String, String)]) -> Outgoing {
        var body = HAMessage()
        for (name, value) in fields { body.append(name, value) }
        guard body.text("t")?.hasPrefix("NS_") == false else { return Outgoing(body: body, sequence: nil) }
        sequence += 1
        return Outgoing(body: body, sequence: sequence)
    }

    mutating func log(_ level: LogLevel, _ event: String, _ text: String) {
        effects.append(.log(LogRecord(level, event, text)))
    }
}
