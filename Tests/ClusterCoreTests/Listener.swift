// The core of a node on virtual time, and what it hears.
import ClusterModel
import Messaging

@testable import ClusterCore

/// The core of alpha, generation 5, uuid 1, whose deadtime is a second; it is for beta alone.
struct Listener {
    var cluster: Cluster
    var now: Instant

    init(startedAt start: Instant = Instant(nanoseconds: 0), hasGroups: Bool = false) {
        now = start
        var configuration = WireTests.configuration()
        configuration.members.removeLast()
        if !hasGroups { configuration.groups = [] }
        configuration.quorum = .ignore
        configuration.timing.deadtime = .seconds(1)
        configuration.timing.initdead = .seconds(2)
        cluster = Cluster(configuration: configuration, generation: 5, uuid: [1], seed: 1, now: now)
        var effects: [Effect] = []
        cluster.handle(.inventory([], entitledUntil: nil), now: now, effects: &effects)
    }

    /// Hears a message, 10 ms after what was before; returns what comes of it.
    mutating func hear(
        _ type: String, _ sequence: UInt64, from name: String = "beta", uuid: [UInt8]? = nil, generation: UInt64 = 9,
        age: Duration = .zero
    ) -> [Effect] {
        var message = HAMessage()
        let status = [("st", "active"), ("dt", "3e8"), ("protocol", "1"), ("hb_version", "1")]
        let control = [
            ("src", name), ("seq", String(sequence, radix: 16)), ("hg", String(generation, radix: 16)), ("ts", "1"),
        ]
        let fields = [("t", type)] + (type == "status" ? status : []) + control
        for (name, value) in fields { message.append(name, value) }
        if let uuid { message.append("srcuuid", binary: uuid) }
        now = now + .milliseconds(10)
        var effects: [Effect] = []
        let event = Event.received(message, medium: MediumID(0), arrival: now - age)
        cluster.handle(event, now: now, effects: &effects)
        return effects
    }

    /// Hears nothing for a time; returns what comes of it.
    mutating func pass(_ time: Duration) -> [Effect] {
        let end = now + time
        var effects: [Effect] = []
        while let due = cluster.nextDeadline, due <= end {
            now = max(now, due)
            cluster.handle(.wake, now: now, effects: &effects)
        }
        now = end
        return effects
    }

    /// Hears nothing until beta is dead.
    mutating func awaitDeath() {
        var effects: [Effect] = []
        let limit = now + .seconds(60)
        while beta?.status != .dead, now < limit {
            now = max(now, cluster.nextDeadline ?? limit)
            cluster.handle(.wake, now: now, effects: &effects)
        }
    }

    var status: NodeStatus { cluster.snapshot(now).status }
    var beta: NodeSnapshot? { cluster.snapshot(now).nodes.first { $0.name == "beta" } }
}
