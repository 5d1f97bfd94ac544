// A whole cluster on virtual time: the daemon's own core, virtual media and virtual resources. Equal seeds and equal
// commands give equal runs, event by event.
import ClusterCore
import ClusterModel
import Messaging

/// How the virtual network and resources behave; may be changed at any moment of a run.
package struct Conditions: Sendable {
    /// Chance of each delivery to be lost, 0 to 1.
    package var loss = 0.0
    /// Chance of each delivery to come twice.
    package var duplication = 0.0
    /// Chance of each ping to remain without an answer.
    package var pingLoss = 0.0
    package var delayMin = Duration.microseconds(50)
    package var delayMax = Duration.microseconds(400)
    package var startTime = Duration.milliseconds(1)
    package var stopTime = Duration.milliseconds(1)
    package var inventoryTime = Duration.milliseconds(1)
    /// Between the end of a daemon that hands over and the start of the next.
    package var restartTime = Duration.milliseconds(300)
    /// Chance of a start to fail.
    package var startFailure = 0.0
    /// Chance of a stop to fail with the resource still running.
    package var stopFailure = 0.0
    /// How long a fencing device works.
    package var fenceTime = Duration.milliseconds(200)
    /// Chance of a device to fail and leave the node as it is.
    package var fenceFailure = 0.0
    /// From a fence until the node is on again; nil: it stays off.
    package var rebootTime: Duration? = .seconds(3)

    package init() {}
}

/// The place of a medium at one node.
package struct Endpoint: Equatable, Sendable {
    package var node: Int
    package var medium: MediumID

    package init(node: Int, medium: Int) {
        self.node = node
        self.medium = MediumID(medium)
    }
}

/// A line of the run's record.
package struct WorldRecord: Sendable {
    package var at: Instant
    package var node: String
    package var record: LogRecord
}

/// A running cluster. Its clock only moves in `run`.
package struct World: Sendable {
    package internal(set) var now = Instant(nanoseconds: 0)
    package internal(set) var nodes: [VirtualNode]
    package var conditions = Conditions()
    /// Each segment joins endpoints; what one sends all others get.
    package let segments: [[Endpoint]]
    package internal(set) var history: [WorldRecord] = []
    /// What runs where.
    package internal(set) var ownership: OwnershipChecker
    /// What is served where.
    package internal(set) var service: ServiceChecker
    /// What was used of what was sent.
    package internal(set) var delivery: DeliveryChecker
    package internal(set) var stillness = StillnessChecker()
    package internal(set) var eventCount = 0
    /// Answers to operators' requests, in order.
    package internal(set) var responses: [(request: RequestID, response: OperatorResponse)] = []
    /// Wakes after which the core wanted to be woken in the past.
    package internal(set) var uselessWakes = 0
    /// Orders to fencing devices, and nodes that they powered off.
    package internal(set) var fencesBegun = 0
    package internal(set) var fencesDone = 0
    /// Orders to fence that were recalled. A virtual device is tried once only, so nothing follows of it.
    package internal(set) var recalls = 0

    var queue = EventQueue()
    var random: RandomSource
    var requestLast: RequestID = 0
    /// Requests that must be answered: a daemon took them and was not killed.
    var asked: [Asked] = []
    var jobLast = 0
    /// Pairs of nodes, from and to, with the segments (nil: all) that do not carry between them.
    var cuts: [Cut] = []
    /// Nodes whom no ping node answers.
    var unpinged: [Int] = []

    struct Asked: Sendable {
        var request: RequestID
        var node: Int
        var session: Int
    }

    struct Cut: Equatable, Sendable {
        var from: Int
        var to: Int
        var segment: Int?
    }

    /// One configuration for each node. With an odd seed a resource manager finds the groups' epochs, with an even one
    /// it knows nothing of them.
    package init(configurations: [Configuration], segments: [[Endpoint]], seed: UInt64) {
        self.segments = segments
        random = RandomSource(seed: seed)
        nodes = configurations.map { VirtualNode(configuration: $0, keepsEpochs: seed % 2 == 1) }
        var groups: [(name: String, isLeased: Bool, hasLeased: Bool)] = []
        for configuration in configurations {
            for group in configuration.groups where !groups.contains(where: { $0.name == group.name }) {
                groups.append((group.name, configuration.leases(group), configuration.leasesSome(group)))
            }
        }
        ownership = OwnershipChecker(groups: groups.map(\.name))
        for configuration in configurations where configuration.isFenceable(configuration.localName) {
            for group in configuration.groups where configuration.needsFencing(group) {
                ownership.protectedByFencing(group.name)
            }
        }
        service = ServiceChecker(groups: groups, nodes: nodes.count)
        delivery = DeliveryChecker(names: nodes.map(\.name))
    }

    // MARK: What can be done to the cluster

    /// Boots a node, or only its daemon where its resources survived.
    package mutating func start(_ node: Int) {
        guard !nodes[node].isUp else { return }
        nodes[node].boot(now: now, seed: random.next())
        delivery.started(node)
        takeStock(node)
        schedule(node, notBefore: now)
        if nodes[node].isOverdue {
            nodes[node].isOverdue = false
            trustLater(node)
        }
        guard nodes[node].isBetweenLives else { return }
        nodes[node].isBetweenLives = false
        trustLater(node)
        deliverInbox(node)
    }

    /// What the media held is delivered before anything else, as the shell does.
    private mutating func deliverInbox(_ node: Int) {
        let held = nodes[node].inbox
        nodes[node].inbox.removeAll()
        for event in held { deliver(event, to: node) }
    }

    mutating func takeStock(_ node: Int) {
        let (session, life) = (nodes[node].session, nodes[node].life)
        queue.push(at: now + conditions.inventoryTime, .inventory(node: node, session: session, life: life))
    }

    /// What the resource manager does before it tells a new status process what it has found.
    private mutating func limitLease(_ node: Int) {
        guard let until = nodes[node].entitledUntil else { return }
        let limited = nodes[node].configuration.timing.inherited(until, at: nodes[node].localTime(now))
        nodes[node].entitledUntil = limited
        service.renewed(node: node, until: nodes[node].virtualTime(limited), at: now)
    }

    /// Power cut: daemon and resources are gone at once.
    package mutating func crash(_ node: Int) {
        forgetRequests(node)
        nodes[node].powerOff()
        ownership.cleared(node: node, at: now)
        service.cleared(node: node, at: now)
    }

    /// The daemon is restarted for an upgrade; resources stay.
    package mutating func handOver(_ node: Int) {
        guard nodes[node].isUp else { return }
        nodes[node].isHandingOver = true
        deliver(.handOver, to: node)
    }

    /// Nothing of the node's daemon runs until `resume`; its resources go on.
    package mutating func pause(_ node: Int) {
        nodes[node].isPaused = true
        ownership.suspended(node: node)
    }

    package mutating func resume(_ node: Int) {
        guard nodes[node].isPaused else { return }
        nodes[node].isPaused = false
        trustLater(node)
        deliverInbox(node)
        if nodes[node].isUp { deliver(.wake, to: node) }
    }

    /// `resume` after a while.
    mutating func resumeLater(_ node: Int, after time: Duration) {
        queue.push(at: now + time, .resume(node: node))
    }

    mutating func forgetRequests(_ node: Int) {
        asked.removeAll { asked in
            asked.node == node && asked.session == nodes[node].session
                && !responses.contains { $0.request == asked.request }
        }
    }

    /// Begins a graceful shutdown.
    package mutating func shutDown(_ node: Int) { deliver(.shutdown, to: node) }

    /// Types a command at a node. Returns the number under which its answer will be in `responses`.
    package mutating func request(_ request: OperatorRequest, at node: Int) -> RequestID {
        requestLast += 1
        deliver(.requested(request, requestLast), to: node)
        return requestLast
    }

    /// Requests without an answer whose daemon ended in order, or still runs, and those with several answers.
    package var wronglyAnswered: [RequestID] {
        asked.filter { asked in responses.count { $0.request == asked.request } != 1 }.map(\.request)
    }

    package func response(to request: RequestID) -> OperatorResponse? {
        responses.first { $0.request == request }?.response
    }

    /// A node's ha.cf has other intervals; its daemon reads them again, or has them when it starts.
    package mutating func retime(_ node: Int, _ timing: Timing) {
        nodes[node].configuration.timing = timing
        deliver(.retimed(timing), to: node)
    }

    /// A running resource of the group is found lost at a node.
    package mutating func lose(group: String, at node: Int, reason: String) {
        deliver(.lost(group: group, reason: reason), to: node)
    }

    /// The resource manager of a node gives a group up unasked.
    package mutating func forfeit(group: String, at node: Int, reason: String) {
        deliver(.forfeited(group: group, reason: reason), to: node)
    }

    /// Stops what goes from one node to another, on one segment or on all.
    package mutating func cut(from: Int, to: Int, segment: Int? = nil) {
        cuts.append(Cut(from: from, to: to, segment: segment))
    }

    /// Stops everything between two sets of nodes.
    package mutating func partition(_ one: [Int], _ other: [Int], segment: Int? = nil) {
        for a in one {
            for b in other {
                cut(from: a, to: b, segment: segment)
                cut(from: b, to: a, segment: segment)
            }
        }
    }

    package mutating func heal() {
        cuts.removeAll()
        unpinged.removeAll()
    }

    /// Adds a line to the run's record that no node wrote.
    package mutating func note(_ text: String) {
        history.append(WorldRecord(at: now, node: "world", record: LogRecord(.notice, "fault", text)))
    }

    /// Runs until `duration` has passed.
    package mutating func run(_ duration: Duration) {
        let end = now + duration
        while let next = queue.nextTime, next <= end { step() }
        now = end
        service.settle(now)
    }

    /// Runs until a condition holds, at most for `limit`. Returns whether it came to hold.
    package mutating func run(atMost limit: Duration, until condition: (World) -> Bool) -> Bool {
        let end = now + limit
        while !condition(self) {
            guard let next = queue.nextTime, next <= end else {
                now = end
                return condition(self)
            }
            step()
        }
        return true
    }

    /// Nodes where some of the group runs.
    package func owners(_ group: String) -> [Int] {
        nodes.indices.filter { index in nodes[index].groups.contains { $0.name == group && $0.runs } }
    }

    // MARK: The run

    private mutating func step() {
        guard let event = queue.pop() else { return }
        now = max(now, event.at)
        eventCount += 1
        switch event.kind {
        case .datagram(let message, let medium, let node):
            let event = Event.received(message, medium: medium, arrival: nodes[node].localTime(now))
            if nodes[node].isBetweenLives { return nodes[node].inbox.append(event) }
            guard nodes[node].isUp else { return }
            deliver(event, to: node)
        case .job(let job, let node, let life):
            guard nodes[node].life == life else { return }
            if nodes[node].isManagerHung { nodes[node].unanswered.append(event.kind) } else { finish(job, at: node) }
        case .inventory(let node, let session, let life):
            guard nodes[node].isUp, nodes[node].session == session, nodes[node].life == life else { return }
            if nodes[node].isManagerHung { return nodes[node].unanswered.append(event.kind) }
            nodes[node].heldOrders.remove()
            nodes[node].inventoryLives.append(life)
            limitLease(node)
            deliver(.inventory(nodes[node].inventory, entitledUntil: nodes[node].entitledUntil), to: node)
        case .boot(let node): start(node)
        case .fence(let fence): finish(fence)
        case .fenced(let fence, let failure): answer(fence, failure)
        case .resume(let node): resume(node)
        case .trust(let node, let number):
            guard number == nodes[node].trustNumber else { return }
            if nodes[node].isPaused || nodes[node].isManagerHung || nodes[node].isBetweenLives { return }
            if isUninformed(node) { trustLater(node) } else { ownership.trusted(node: node) }
        case .wake(let node, let number):
            guard nodes[node].isUp, nodes[node].wakeNumber == number, !nodes[node].isPaused else { return }
            nodes[node].wakeAt = nil
            guard let due = nodes[node].nextDeadline, due <= nodes[node].localTime(now) else {
                return schedule(node, notBefore: now)
            }
            deliver(.wake, to: node)
        }
    }

    mutating func deliver(_ event: Event, to node: Int) {
        guard nodes[node].isUp else { return }
        if nodes[node].isPaused { return nodes[node].inbox.append(event) }
        if case .requested(_, let request) = event {
            asked.append(Asked(request: request, node: node, session: nodes[node].session))
        }
        if case .inventory = event { nodes[node].linkedLife = nodes[node].inventoryLives.removeFirst() }
        var effects: [Effect] = []
        let before = nodes[node].heldStill
        nodes[node].handle(event, now: now, effects: &effects)
        if StillnessChecker.concerns(effects) {
            stillness.look(effects, of: event, at: nodes[node], before: before, now)
        }
        if case .received(let message, _, _) = event, !effects.contains(where: { $0.isDrop }) {
            delivery.used(message, by: node)
        }
        for effect in effects { carryOut(effect, at: node) }
        if case .wake = event, let due = nodes[node].nextDeadline, due <= nodes[node].localTime(now) {
            uselessWakes += 1
            // Time goes on all the same.
            return schedule(node, notBefore: now + .milliseconds(1))
        }
        schedule(node, notBefore: now)
    }

    private mutating func schedule(_ node: Int, notBefore earliest: Instant) {
        guard let deadline = nodes[node].nextDeadline else { return }
        let at = max(nodes[node].virtualTime(deadline), earliest)
        // A wake that comes before it is needed finds nothing to do, and arms the next one.
        if let wakeAt = nodes[node].wakeAt, wakeAt <= at, wakeAt >= now { return }
        nodes[node].wakeAt = at
        nodes[node].wakeNumber += 1
        queue.push(at: at, .wake(node: node, number: nodes[node].wakeNumber))
    }

    private mutating func carryOut(_ effect: Effect, at node: Int) {
        switch effect {
        case .transmit(let outgoing): transmit(nodes[node].complete(outgoing), from: node)
        case .retransmit(let sequence):
            if let message = nodes[node].sentMessage(sequence) { transmit(message, from: node) }
        case .forward(let message, let except):
            for medium in nodes[node].configuration.media.indices
            where medium != except.index && nodes[node].configuration.media[medium].isSerial {
                send(message, from: Endpoint(node: node, medium: medium))
            }
        case .start, .stop, .reassert, .entitled, .fence:
            // What a daemon orders before it has heard that its resource manager is gone, nobody gets.
            guard nodes[node].linkedLife == nodes[node].life else { return }
            if nodes[node].isManagerHung { nodes[node].unread.append(effect) } else { carryOutOrder(effect, at: node) }
        case .reboot: crash(node)
        case .reply(let request, let response): responses.append((request, response))
        case .log(let record): history.append(WorldRecord(at: now, node: nodes[node].name, record: record))
        case .finished: endDaemon(node)
        case .confirms(let time): nodes[node].confirmedFor = time
        case .recall: recalls += 1
        case .dropped, .statusChanged, .deliver, .fail, .forgetFailures, .suspend, .step: break
        }
    }

    mutating func carryOutOrder(_ effect: Effect, at node: Int) {
        switch effect {
        case .start(let group, let epoch, let operation): startGroup(group, epoch, operation, at: node)
        case .stop(let group, let operation):
            nodes[node].heldOrders.remove { $0.group == group }
            stopGroup(group, operation, at: node)
        case .reassert(let group, let epoch, let operation): verify(group, epoch, operation, at: node)
        case .entitled(let until):
            nodes[node].entitledUntil = until
            service.renewed(node: node, until: nodes[node].virtualTime(until), at: now)
            let (timing, time) = (nodes[node].configuration.timing, nodes[node].localTime(now))
            for order in nodes[node].heldOrders.heard(until: until, timing, now: time) {
                carryOutOrder(order, at: node)
            }
        case .fence(let target, let operation, let until): fence(target, operation, until: until, at: node)
        default: break
        }
    }

    private mutating func transmit(_ message: HAMessage, from node: Int) {
        for (index, medium) in nodes[node].configuration.media.enumerated() {
            let endpoint = Endpoint(node: node, medium: index)
            guard let name = medium.pingNodeName else {
                send(message, from: endpoint)
                continue
            }
            if message.text("t") == "status" && !unpinged.contains(node) && !chance(conditions.loss)
                && !chance(conditions.pingLoss)
            {
                arrive(pingReply(name, medium), endpoint)
            }
        }
    }

    private func pingReply(_ name: String, _ medium: Medium) -> HAMessage {
        var message = HAMessage()
        message.append("t", "NS_st")
        message.append("st", "ping")
        message.append("info", medium.directive)
        message.append("src", name)
        message.append("ts", "1")
        return message
    }

    private mutating func send(_ message: HAMessage, from endpoint: Endpoint) {
        for (index, segment) in segments.enumerated() where segment.contains(endpoint) {
            for other in segment where other != endpoint {
                guard !isCut(from: endpoint.node, to: other.node, segment: index) else { continue }
                guard !chance(conditions.loss) else { continue }
                arrive(message, other)
                if chance(conditions.duplication) { arrive(message, other) }
            }
        }
    }

    private mutating func arrive(_ message: HAMessage, _ endpoint: Endpoint) {
        let spread = max(1, (conditions.delayMax - conditions.delayMin).wholeNanoseconds)
        let delay = conditions.delayMin + .nanoseconds(Int64(random.next() % UInt64(spread)))
        queue.push(at: now + delay, .datagram(message, medium: endpoint.medium, node: endpoint.node))
    }

    /// Whether a segment carries nothing between any two nodes.
    func isCutForAll(segment: Int) -> Bool {
        nodes.indices.allSatisfy { a in
            nodes.indices.allSatisfy { b in a == b || isCut(from: a, to: b, segment: segment) }
        }
    }

    private func isCut(from: Int, to: Int, segment: Int) -> Bool {
        cuts.contains { $0.from == from && $0.to == to && ($0.segment == nil || $0.segment == segment) }
    }

    mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && Double(random.next() >> 11) / Double(UInt64(1) << 53) < probability
    }

    private mutating func endDaemon(_ node: Int) {
        let restarts = nodes[node].isHandingOver
        let returns = nodes[node].classic?.restartsAtEnd ?? false
        nodes[node].stopDaemon()
        nodes[node].stopResourceManager()
        if restarts {
            let back = now + conditions.restartTime
            queue.push(at: back, .boot(node: node))
            // Others wait no longer, and nobody is there to give anything up.
            if let until = nodes[node].entitledUntil, nodes[node].virtualTime(until) <= back {
                nodes[node].isOverdue = true
                ownership.suspended(node: node)
            }
        }
        // 3.0.6 sleeps until it must be thought dead.
        if returns { queue.push(at: now + nodes[node].configuration.timing.deadtime + .seconds(1), .boot(node: node)) }
    }
}

extension Effect {
    fileprivate var isDrop: Bool { if case .dropped = self { true } else { false } }
}
