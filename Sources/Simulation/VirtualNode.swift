// A node of a virtual cluster: a core with a clock of its own, and the resources that run beside it.
import ClusterCore
import ClusterModel
import Messaging

/// One node.
package struct VirtualNode: Sendable {
    package let configuration: Configuration
    package internal(set) var cluster: Cluster?
    /// Groups of which something runs here; they outlive the daemon, not the power.
    package internal(set) var running: [String] = []
    package internal(set) var isPaused = false
    /// How much faster than virtual time this node's clock runs, in millionths.
    package var driftPartsPerMillion: Int64 = 0
    package internal(set) var generation: UInt64 = 100

    var inbox: [Event] = []
    var wakeNumber = 0
    /// When the wake that is queued comes.
    var wakeAt: Instant?
    /// Counts the times that the node lost its power.
    var life = 0
    private var sent: [(sequence: UInt64, message: HAMessage)] = []

    init(configuration: Configuration) { self.configuration = configuration }

    package var name: String { configuration.localName }
    package var isUp: Bool { cluster != nil }
    var nextDeadline: Instant? { cluster?.nextDeadline }

    var inventory: [Finding] {
        configuration.groups.map { group in
            Finding(group: group.name, state: running.contains(group.name) ? .held : .stopped, epoch: 0)
        }
    }

    mutating func boot(now: Instant, seed: UInt64) {
        generation += 1
        sent.removeAll()
        inbox.removeAll()
        isPaused = false
        cluster = Cluster(
            configuration: configuration, generation: generation, uuid: uuid, seed: seed, now: localTime(now))
    }

    mutating func stopDaemon() {
        cluster = nil
        inbox.removeAll()
        isPaused = false
        wakeAt = nil
        // Orders of the old daemon are not answered to the new one.
        life += 1
    }

    mutating func powerOff() {
        stopDaemon()
        running.removeAll()
    }

    mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        var effects: [Effect] = []
        let time = localTime(now)
        cluster?.handle(event, now: time, effects: &effects)
        return effects
    }

    func localTime(_ now: Instant) -> Instant {
        Instant(nanoseconds: now.nanoseconds + now.nanoseconds / 1_000_000 * driftPartsPerMillion)
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

    private var uuid: [UInt8] { (Array(name.utf8) + [UInt8](repeating: 0, count: 16)).prefix(16) + [] }
}
