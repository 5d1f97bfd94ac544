import ClusterModel
import Messaging
import Testing

@testable import ClusterCore

@Suite("Messages of clients")
struct ClientMessageTests {
    private var now = Instant(nanoseconds: 1_000_000_000)

    /// A node alone: active once initdead has passed.
    private func activeNode() -> (Cluster, Instant) {
        var configuration = WireTests.configuration()
        configuration.groups = []
        configuration.quorum = .ignore
        configuration.timing.initdead = .seconds(1)
        configuration.timing.deadtime = .seconds(1)
        var cluster = Cluster(configuration: configuration, generation: 5, uuid: [], seed: 1, now: now)
        var time = now
        var effects: [Effect] = []
        cluster.handle(.inventory([], entitledUntil: nil), now: time, effects: &effects)
        while cluster.status != .active, time < now + .seconds(60), let next = cluster.nextDeadline {
            time = max(time, next)
            cluster.handle(.wake, now: time, effects: &effects)
        }
        return (cluster, time)
    }

    private func message(_ fields: (String, String)...) -> HAMessage {
        var message = HAMessage()
        for (name, value) in fields { message.append(name, value) }
        return message
    }

    @Test("a message goes out with the next number, and comes back to the clients of this node")
    func sent() throws {
        var (cluster, now) = activeNode()
        #expect(cluster.status == .active)
        var effects: [Effect] = []
        let body = message(("t", "greeting"), ("info", "hello"))
        cluster.handle(.clientMessage(body), now: now, effects: &effects)
        let sent = effects.compactMap { if case .transmit(let outgoing) = $0 { outgoing } else { nil } }
        let outgoing = try #require(sent.first { $0.body == body })
        #expect(outgoing.sequence != nil)
        #expect(effects.contains(.deliver(message(("t", "greeting"), ("info", "hello"), ("src", "alpha")))))
    }

    @Test("a message for another node does not come back, one for this node does")
    func destination() {
        var (cluster, now) = activeNode()
        for (destination, comesBack) in [("beta", false), ("Alpha", true)] {
            var effects: [Effect] = []
            cluster.handle(.clientMessage(message(("t", "x"), ("dest", destination))), now: now, effects: &effects)
            let delivered = effects.contains { if case .deliver = $0 { true } else { false } }
            #expect(delivered == comesBack)
        }
    }

    @Test("a node that is not active, or is leaving, says nothing for its clients")
    func silent() {
        var effects: [Effect] = []
        var young = Cluster(
            configuration: WireTests.configuration(), generation: 5, uuid: [], seed: 1, now: now)
        let body = message(("t", "x"))
        young.handle(.clientMessage(body), now: now, effects: &effects)
        var (leaving, now) = activeNode()
        leaving.handle(.shutdown, now: now, effects: &effects)
        leaving.handle(.clientMessage(body), now: now, effects: &effects)
        #expect(!effects.contains { if case .transmit(let outgoing) = $0 { outgoing.body == body } else { false } })
        #expect(!effects.contains { if case .deliver = $0 { true } else { false } })
    }

    @Test("a message that none of the core's duties knows goes to the clients, once")
    func received() {
        var (cluster, now) = activeNode()
        let said = message(
            ("t", "greeting"), ("src", "beta"), ("seq", "7"), ("hg", "1"), ("ts", "1"), ("ttl", "3"))
        for (index, expected) in [1, 0].enumerated() {
            var effects: [Effect] = []
            cluster.handle(
                .received(said, medium: MediumID(0), arrival: now), now: now + .milliseconds(Int64(index)),
                effects: &effects)
            #expect(effects.filter { $0 == .deliver(said) }.count == expected)
        }
    }
}
