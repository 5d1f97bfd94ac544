// A node of a virtual cluster: a core with a clock of its own, and the resources that run beside it.
import ClusterCore
import ClusterModel
import Messaging

/// What of one group is at a node, as its resource manager knows it.
struct VirtualGroup: Sendable {
    let name: String
    /// Something of it may run.
    var runs = false
    /// The resource manager died at work on it.
    var isTorn = false
    /// It could not be stopped.
    var isStuck = false
    /// The job under way; 0: none.
    var job = 0
    var epoch: UInt64 = 0

    var finding: Finding {
        let isPartial = job != 0 || isTorn
        return Finding(group: name, state: isPartial ? .partial : runs ? .held : .stopped, epoch: epoch)
    }
}

/// One node.
package struct VirtualNode: Sendable {
    package internal(set) var configuration: Configuration
    /// Whether a resource manager finds the epochs that the one before it was told; not where its file was not written.
    let keepsEpochs: Bool
    package internal(set) var cluster: Cluster?
    /// In place of `cluster` at a node that runs heartbeat 3.0.6.
    package internal(set) var classic: ClassicDaemon?
    /// Which of the two the next start is of.
    package var runsClassic = false
    /// Whether there is a daemon. Like the next two a copy, for a look into the core would copy all of it.
    package private(set) var isUp = false
    private(set) var nextDeadline: Instant?
    /// What the core held still after the last event.
    private(set) var heldStill: [GroupID] = []
    /// They outlive the daemon, not the power.
    var groups: [VirtualGroup]
    package internal(set) var isPaused = false
    /// How much faster than virtual time this node's clock runs, in millionths.
    package var driftPartsPerMillion: Int64 = 0
    package internal(set) var generation: UInt64 = 100

    var inbox: [Event] = []
    var wakeNumber = 0
    /// When the wake that is queued comes.
    var wakeAt: Instant?
    /// What the resource manager was told of this node's right to hold, by this node's clock.
    var entitledUntil: Instant?
    /// What `Effect.confirms` said last; it outlives the daemon, not the power.
    var confirmedFor = Duration.zero
    /// Counts the resource managers of this node.
    var life = 0
    /// The resource manager stands still, and the daemon does not.
    package internal(set) var isManagerHung = false
    /// What it was told meanwhile, and what came of its own work.
    var unread: [Effect] = []
    var unanswered: [QueuedKind] = []
    /// Orders to start that it read too late.
    var heldOrders = HeldOrders<Effect>()
    /// The resource manager that the daemon gives its orders to.
    var linkedLife = 0
    /// Of the inventories that the daemon has not read yet.
    var inventoryLives: [Int] = []
    /// Counts the daemons of this node.
    var session = 0
    /// The daemon ends in order to start again.
    var isHandingOver = false
    /// The right ends before the daemon that is to follow a hand-over is there.
    var isOverdue = false
    /// Of the last word that the node is to be trusted again.
    var trustNumber = 0
    /// Its status process has died and is to be started again: what comes meanwhile waits in the sockets, which is
    /// `inbox`.
    var isBetweenLives = false
    private var sent: [(sequence: UInt64, message: HAMessage)] = []

    init(configuration: Configuration, keepsEpochs: Bool) {
        self.configuration = configuration
        self.keepsEpochs = keepsEpochs
        groups = configuration.groups.map { VirtualGroup(name: $0.name) }
    }

    package var name: String { configuration.localName }
    /// Groups of which something may run here.
    package var running: [String] { groups.filter { $0.runs }.map(\.name) }
    var inventory: [Finding] { groups.map(\.finding) }

    mutating func boot(now: Instant, seed: UInt64) {
        generation += 1
        session += 1
        sent.removeAll()
        guard !runsClassic else {
            // 3.0.6 runs its scripts itself.
            linkedLife = life
            classic = ClassicDaemon(configuration: configuration, generation: generation, now: localTime(now))
            isUp = true
            nextDeadline = classic?.nextDeadline
            return
        }
        cluster = Cluster(
            configuration: configuration, generation: generation, uuid: uuid, seed: seed, confirmedFor: confirmedFor,
            now: localTime(now))
        isUp = true
        nextDeadline = cluster?.nextDeadline
    }

    mutating func stopDaemon() {
        cluster = nil
        classic = nil
        isUp = false
        nextDeadline = nil
        heldStill = []
        inbox.removeAll()
        inventoryLives.removeAll()
        // Orders that were not read go with the channel.
        unread.removeAll()
        heldOrders.remove()
        isPaused = false
        isHandingOver = false
        wakeAt = nil
    }

    /// What was at work is torn.
    mutating func stopResourceManager() {
        life += 1
        isManagerHung = false
        unread.removeAll()
        unanswered.removeAll()
        heldOrders.remove()
        for index in groups.indices {
            if groups[index].job != 0 { groups[index].isTorn = true }
            groups[index].job = 0
            if !keepsEpochs { groups[index].epoch = 0 }
        }
    }

    mutating func powerOff() {
        stopDaemon()
        isBetweenLives = false
        stopResourceManager()
        entitledUntil = nil
        // A machine that was booted cannot know whom it bound itself to before.
        confirmedFor = configuration.timing.confirmationMax
        groups = configuration.groups.map { VirtualGroup(name: $0.name) }
    }

    /// Appends to `effects` what the core wants done.
    mutating func handle(_ event: Event, now: Instant, effects: inout [Effect]) {
        let time = localTime(now)
        if runsClassic {
            classic?.handle(event, now: time, effects: &effects)
            nextDeadline = classic?.nextDeadline
        } else {
            cluster?.handle(event, now: time, effects: &effects) { core in
                (nextDeadline, heldStill) = (core.nextDeadline, core.groupsHeldStill)
            }
        }
    }

    func localTime(_ now: Instant) -> Instant {
        Instant(nanoseconds: now.nanoseconds + now.nanoseconds * driftPartsPerMillion / 1_000_000)
    }

    func virtualTime(_ local: Instant) -> Instant {
        guard driftPartsPerMillion != 0 else { return local }
        // A little later, so that the node's own clock has surely reached the instant.
        let drift = local.nanoseconds / (1_000_000 + driftPartsPerMillion) * driftPartsPerMillion
        return Instant(nanoseconds: local.nanoseconds - drift + 10_000)
    }

    mutating func complete(_ outgoing: Outgoing) -> HAMessage {
        let identity = WireIdentity(
            name: name, uuid: uuid, generation: generation, ttl: configuration.hopfudge + configuration.members.count)
        let message = outgoing.completed(as: identity, timestamp: 1, load: "n/a")
        if let sequence = outgoing.sequence {
            sent.append((sequence, message))
            if sent.count > 500 { sent.removeFirst(250) }
        }
        return message
    }

    func sentMessage(_ sequence: UInt64) -> HAMessage? { sent.first { $0.sequence == sequence }?.message }

    /// What the daemon has said, counted back from its newest message.
    func pastMessage(_ back: Int) -> HAMessage? {
        sent.indices.contains(sent.count - 1 - back) ? sent[sent.count - 1 - back].message : nil
    }

    private var uuid: [UInt8] { (Array(name.utf8) + [UInt8](repeating: 0, count: 16)).prefix(16) + [] }
}

extension Cluster {
    fileprivate mutating func handle(
        _ event: Event, now: Instant, effects: inout [Effect], andTell: (borrowing Cluster) -> Void
    ) {
        handle(event, now: now, effects: &effects)
        andTell(self)
    }
}
