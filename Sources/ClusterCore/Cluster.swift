// The core: one value that takes events and the time and gives effects. It reads no clock, draws no ambient
// randomness and does no input or output, so that the daemon and the simulator run the same decisions.
//
// The state stands here; each duty is an extension in a file of its own: Receiving, Membership, Sending, Ownership,
// Claims, Requests, Snapshot.
import ClusterModel
import Messaging

/// A node's part of the cluster.
package struct Cluster: Sendable {
    package let configuration: Configuration
    package let localNode: NodeID
    package let generation: UInt64
    package internal(set) var timing: Timing
    package internal(set) var status = NodeStatus.initial

    let coding: StatusCoding
    let uuid: [UInt8]
    let configurationDigest: UInt64
    /// The other normal nodes, in ascending order.
    let others: [NodeID]
    let bootedAt: Instant
    var random: RandomSource

    // Membership.
    var nodes: [NodeState]
    var links: LinkTable
    var sent = SendWindow()
    /// Since when this node is active.
    var activeSince: Instant?
    /// Nobody is accused before this: this node itself was late.
    var distrustUntil = Instant.distantPast

    /// Nobody has to be judged before this, and no link has been silent for too long.
    var judgeAt = Instant.distantPast
    /// Something but the time has changed what a judgement would say.
    var mustJudge = true

    /// Until when this node may hold groups, as of the last event.
    var heldUntil = Instant.distantFuture
    /// `heldUntil` has to be found anew.
    var hasRightChanged = true
    /// What an earlier daemon of this node left of that, for all who have not heard this one yet.
    var inheritedUntil: Instant
    /// Until when another node may hold groups by what an earlier daemon of this node has confirmed to it.
    let confirmedUntil: Instant
    /// What the shell was told last to keep of that for the next daemon.
    var confirmedFor: Duration
    /// What the resource manager was told last of `heldUntil`.
    var entitledUntil: Instant?
    /// What it was told by longer intervals, before a reload.
    var overhang: Overhang?
    /// Longer intervals of a reload, until the others have heard of them.
    var announced: AnnouncedTiming?
    /// Since when this node has its right again, where no vote decides: it was stopped for longer than its lease, or a
    /// ping node answers again. The others may have taken everything meanwhile (`isWaking`).
    var wokeAt: Instant?
    /// Since when ping nodes answer without a break; nil before the first answer.
    var pingedSince: Instant?
    /// The right to hold has ended, if only for a moment, while it was not known what runs here.
    var hasLapsed = false

    // Ownership.
    var groups: [LocalGroup]
    var marks: MarkTable
    var board: Board
    /// What operators hold still.
    var maintenance: MaintenanceTable
    var pendingMaintenance: [PendingMaintenance] = []
    /// When it is logged again; never where nothing is held still.
    var remindAt = Instant.distantFuture
    var operationLast: OperationID = 0
    /// Reassertions under way, in ascending order of operation.
    var reassertions: [(operation: OperationID, group: GroupID)] = []
    /// The other node of two, where it speaks heartbeat 3.0.6.
    var classic: ClassicLink?
    /// A node has died since this one holds groups that are at home there.
    var owesFailback = false

    // Fencing.
    /// One for each member.
    var fences: [FenceState]
    /// For each member, whether ha.cf says how to power it off.
    let fenceable: [Bool]
    /// Whether any member can be powered off.
    let hasFencing: Bool
    /// The dead nodes that were not fenced and are to be.
    var unfencedNodes: [NodeID] = []

    var isLeaving = false
    var isFinished = false
    var isHandingOver = false
    /// Added to `dt` while the daemon is restarted.
    var patience = Duration.zero
    var lastWord: LastWord?
    var pending: [PendingRequest] = []
    /// Whether something changed that placement or claims look at.
    var isUnsettled = true

    /// The instant at which the shell must deliver `.wake` if nothing else happens first; nil when all is over.
    package private(set) var nextDeadline: Instant?

    // The run of the shell.
    var lastHandled: Instant
    var nextKeepalive: Instant
    /// What the last status message said, but for `hears`.
    var lastSaid: StatusReport?
    var pacing: SendPacing
    /// Something may have changed that was not told yet; it may have to wait because too much was told already.
    var mayHaveNews = true
    var hasUntold = false
    /// Steps of a failover were recorded since the last status.
    var hasUntoldSteps = false
    var effects: [Effect] = []

    /// `configuration.localName` MUST be one of its nodes. `generation` MUST be greater than in every earlier run on
    /// this node. `seed` only spreads retransmission requests. `confirmedFor`: what `Effect.confirms` said last in an
    /// earlier run; zero where there was none that anybody may still go by.
    package init(
        configuration: Configuration, generation: UInt64, uuid: [UInt8], seed: UInt64,
        confirmedFor: Duration = .zero, now: Instant
    ) {
        guard let localNode = configuration.localNode else {
            preconditionFailure("node \(configuration.localName) is not in its own configuration")
        }
        self.configuration = configuration
        self.localNode = localNode
        self.generation = generation
        self.uuid = uuid
        timing = configuration.timing
        coding = StatusCoding(configuration)
        configurationDigest = configuration.digest
        others = configuration.members.indices.map(NodeID.init).filter {
            $0 != localNode && configuration.members[$0.index].kind == .normal
        }
        bootedAt = now
        confirmedUntil = now + confirmedFor
        self.confirmedFor = confirmedFor
        lastHandled = now
        nextKeepalive = now
        inheritedUntil = now
        pacing = SendPacing(now: now)
        var random = RandomSource(seed: seed)
        let timing = configuration.timing
        nodes = configuration.members.map {
            NodeState(
                $0, deadInterval: $0.kind == .ping ? timing.deadping : timing.deadtime,
                acknowledgeTrigger: random.next() % 10)
        }
        self.random = random
        links = LinkTable(members: configuration.members.count, media: configuration.media.count)
        groups = configuration.groups.enumerated().map { index, group in
            LocalGroup(id: GroupID(index), name: group.name, preferred: configuration.node(named: group.preferred))
        }
        marks = MarkTable(groups: configuration.groups.count)
        maintenance = MaintenanceTable(groups: configuration.groups.count)
        board = Board(groups: configuration.groups.count)
        fences = configuration.members.indices.map { FenceState(NodeID($0)) }
        fenceable = configuration.members.map { $0.kind == .normal && configuration.isFenceable($0.name) }
        hasFencing = fenceable.contains(true)
        inheritedUntil = now + timing.effectiveLease
        nextDeadline = now
    }

    /// Applies one event. Appends effects in the order in which they must be carried out. `now` MUST NOT be earlier
    /// than at the call before.
    package mutating func handle(_ event: Event, now: Instant, effects sink: inout [Effect]) {
        precondition(now >= lastHandled, "time went back from \(lastHandled) to \(now)")
        guard !isFinished else { return }
        noteLateness(now)
        lastHandled = now
        apply(event, now)
        judgeMembers(now)
        adoptTiming()
        noteRight(now)
        advanceClassic(now)
        settle(now)
        answerRequests(now)
        answerMaintenance(now)
        send(now)
        sink.append(contentsOf: effects)
        effects.removeAll(keepingCapacity: true)
        nextDeadline = isFinished ? nil : earliestDeadline
    }

    private var earliestDeadline: Instant {
        var earliest = min(nextKeepalive, judgeAt)
        for index in nodes.indices where index != localNode.index {
            if let due = nodes[index].window.nextRequest { earliest = min(earliest, due) }
        }
        if isLeaving {
            for index in groups.indices { earliest = min(earliest, groups[index].releaseBy ?? .distantFuture) }
        }
        if hasUntold { earliest = min(earliest, pacing.nextAllowed(keepalive: timing.keepalive)) }
        if let endsBy { earliest = min(earliest, endsBy) }
        if let due = classic?.nextDeadline { earliest = min(earliest, due) }
        for request in pending { earliest = min(earliest, request.deadline) }
        if holdsAnything { earliest = min(earliest, heldUntil) }
        return min(earliest, fencingDeadline, maintenanceDeadline)
    }

    private mutating func apply(_ event: Event, _ now: Instant) {
        switch event {
        case .received, .wake: break
        default: hasRightChanged = true
        }
        switch event {
        case .received(let message, let medium, let arrival): receive(message, on: medium, arrival: arrival, now)
        case .inventory(let findings, let entitledUntil): takeInventory(findings, entitledUntil)
        case .resourceManagerLost: loseResourceManager()
        case .finished(let operation, let failure, let remains): finish(operation, failure, remains: remains)
        case .lost(let group, let reason): lose(group, reason)
        case .forfeited(let group, let reason): forfeit(group, reason)
        case .failures(let group, let failures): noteResourceFailures(group, failures)
        case .fenced(let operation, let failure): finishFence(operation, failure, now)
        case .requested(let request, let id): accept(request, id, now)
        case .requesterGone(let id):
            pending.removeAll { $0.id == id }
            pendingMaintenance.removeAll { $0.id == id }
        case .clientMessage(let body): sendForClient(body, now)
        case .shutdown: leave(now)
        case .handOver: handOver(now)
        case .retimed(let timing): retime(timing)
        case .wake: isUnsettled = true
        }
    }

    mutating func log(_ level: LogLevel, _ event: String, _ text: String, _ fields: [Setting] = []) {
        effects.append(.log(LogRecord(level, event, text, fields)))
    }

}

/// A duration as people read it: `250 ms`, `1.5 s`.
func readable(_ duration: Duration) -> String {
    let milliseconds = duration.wholeMilliseconds
    if milliseconds < 10_000 && milliseconds % 1000 != 0 { return "\(milliseconds) ms" }
    let tenths = (milliseconds + 50) / 100
    return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
}
