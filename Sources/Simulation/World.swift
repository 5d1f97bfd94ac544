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
    package var delayMin = Duration.microseconds(50)
    package var delayMax = Duration.microseconds(400)
    package var startTime = Duration.milliseconds(1)
    package var stopTime = Duration.milliseconds(1)
    /// Chance of a start to fail.
    package var startFailure = 0.0
    /// Chance of a stop to fail with the resource still running.
    package var stopFailure = 0.0

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
    package internal(set) var ownership: OwnershipChecker
    package internal(set) var eventCount = 0
    /// Answers to operators' requests, in order.
    package internal(set) var responses: [(request: RequestID, response: OperatorResponse)] = []

    var queue = EventQueue()
    var random: RandomSource
    var requestLast: RequestID = 0
    /// Pairs of nodes, from and to, with the segments (nil: all) that do not carry between them.
    var cuts: [Cut] = []

    struct Cut: Equatable, Sendable {
        var from: Int
        var to: Int
        var segment: Int?
    }

    /// One configuration for each node; all of them MUST have the same groups in the same order.
    package init(configurations: [Configuration], segments: [[Endpoint]], seed: UInt64) {
        self.segments = segments
        random = RandomSource(seed: seed)
        nodes = configurations.map { VirtualNode(configuration: $0) }
        ownership = OwnershipChecker(groups: configurations[0].groups.map(\.name))
    }

    // MARK: What can be done to the cluster

    /// Boots a node, or only its daemon where its resources survived.
    package mutating func start(_ node: Int) {
        guard !nodes[node].isUp else { return }
        nodes[node].boot(now: now, seed: random.next())
        let found = nodes[node].inventory
        deliver(.inventory(found), to: node)
    }

    /// Power cut: daemon and resources are gone at once.
    package mutating func crash(_ node: Int) {
        nodes[node].powerOff()
        ownership.cleared(node: node, at: now)
    }

    /// The status process dies and is started again with a new generation; resources stay.
    package mutating func restartStatusProcess(_ node: Int) {
        guard nodes[node].isUp else { return }
        nodes[node].stopDaemon()
        start(node)
    }

    /// Nothing of the node's daemon runs until `resume`; its resources go on.
    package mutating func pause(_ node: Int) {
        nodes[node].isPaused = true
        ownership.suspended(node: node)
    }

    package mutating func resume(_ node: Int) {
        guard nodes[node].isPaused else { return }
        nodes[node].isPaused = false
        queue.push(at: now + conditions.stopTime * 4 + .milliseconds(10), .trust(node: node))
        let held = nodes[node].inbox
        nodes[node].inbox.removeAll()
        // What the media held is delivered before anything else, as the shell does.
        for event in held { deliver(event, to: node) }
        if nodes[node].isUp { deliver(.wake, to: node) }
    }

    /// Begins a graceful shutdown.
    package mutating func shutDown(_ node: Int) { deliver(.shutdown, to: node) }

    /// Types a command at a node. Returns the number under which its answer will be in `responses`.
    package mutating func request(_ request: OperatorRequest, at node: Int) -> RequestID {
        requestLast += 1
        deliver(.requested(request, requestLast), to: node)
        return requestLast
    }

    package func response(to request: RequestID) -> OperatorResponse? {
        responses.first { $0.request == request }?.response
    }

    /// A running resource of the group is found lost at a node.
    package mutating func lose(group: String, at node: Int, reason: String) {
        deliver(.lost(group: group, reason: reason), to: node)
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

    package mutating func heal() { cuts.removeAll() }

    /// Runs until `duration` has passed.
    package mutating func run(_ duration: Duration) {
        let end = now + duration
        while let next = queue.nextTime, next <= end { step() }
        now = end
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
        nodes.indices.filter { nodes[$0].running.contains(group) }
    }

    // MARK: The run

    private mutating func step() {
        guard let event = queue.pop() else { return }
        now = max(now, event.at)
        eventCount += 1
        switch event.kind {
        case .datagram(let message, let medium, let node):
            guard nodes[node].isUp else { return }
            deliver(.received(message, medium: medium, arrival: nodes[node].localTime(now)), to: node)
        case .operation(let operation, let node, let life, let change):
            guard nodes[node].life == life else { return }
            finish(operation, change, at: node)
        case .trust(let node): if !nodes[node].isPaused { ownership.trusted(node: node) }
        case .wake(let node, let number):
            guard nodes[node].isUp, nodes[node].wakeNumber == number, !nodes[node].isPaused else { return }
            nodes[node].wakeAt = nil
            guard let due = nodes[node].nextDeadline, due <= nodes[node].localTime(now) else { return schedule(node) }
            deliver(.wake, to: node)
        }
    }

    private mutating func deliver(_ event: Event, to node: Int) {
        guard nodes[node].isUp else { return }
        if nodes[node].isPaused { return nodes[node].inbox.append(event) }
        let effects = nodes[node].handle(event, now: now)
        for effect in effects { carryOut(effect, at: node) }
        schedule(node)
    }

    private mutating func schedule(_ node: Int) {
        guard let deadline = nodes[node].nextDeadline else { return }
        let at = max(nodes[node].virtualTime(deadline), now)
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
        case .start(let group, _, let operation): startGroup(group, operation, at: node)
        case .stop(let group, let operation): stopGroup(group, operation, at: node)
        case .reassert(_, _, let operation): complete(operation, .none, after: conditions.startTime, at: node)
        case .reboot: crash(node)
        case .reply(let request, let response): responses.append((request, response))
        case .log(let record): history.append(WorldRecord(at: now, node: nodes[node].name, record: record))
        case .finished: nodes[node].stopDaemon()
        case .dropped, .statusChanged: break
        }
    }

    private mutating func transmit(_ message: HAMessage, from node: Int) {
        for medium in nodes[node].configuration.media.indices {
            send(message, from: Endpoint(node: node, medium: medium))
        }
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

    private func isCut(from: Int, to: Int, segment: Int) -> Bool {
        cuts.contains { $0.from == from && $0.to == to && ($0.segment == nil || $0.segment == segment) }
    }

    private mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && Double(random.next() >> 11) / Double(UInt64(1) << 53) < probability
    }

    // MARK: Resources

    private mutating func startGroup(_ group: GroupID, _ operation: OperationID, at node: Int) {
        let name = nodes[node].configuration.groups[group.index].name
        nodes[node].running.append(name)
        ownership.occupied(name, node: node, at: now)
        let fails = chance(conditions.startFailure)
        complete(operation, fails ? .startFailed(name) : .none, after: conditions.startTime, at: node)
    }

    private mutating func stopGroup(_ group: GroupID, _ operation: OperationID, at node: Int) {
        let name = nodes[node].configuration.groups[group.index].name
        let fails = chance(conditions.stopFailure)
        complete(operation, fails ? .stopFailed : .stopped(name), after: conditions.stopTime, at: node)
    }

    private mutating func complete(_ operation: OperationID, _ change: Change, after time: Duration, at node: Int) {
        queue.push(
            at: now + time, .operation(operation, node: node, life: nodes[node].life, change: change))
    }

    private mutating func finish(_ operation: OperationID, _ change: Change, at node: Int) {
        switch change {
        case .none: deliver(.finished(operation, failure: nil, remains: false), to: node)
        case .startFailed(let name):
            release(name, at: node)
            deliver(.finished(operation, failure: "\(name): start failed", remains: false), to: node)
        case .stopFailed: deliver(.finished(operation, failure: "stop failed", remains: true), to: node)
        case .stopped(let name):
            release(name, at: node)
            deliver(.finished(operation, failure: nil, remains: false), to: node)
        }
    }

    private mutating func release(_ name: String, at node: Int) {
        nodes[node].running.removeAll { $0 == name }
        ownership.released(name, node: node, at: now)
    }
}
