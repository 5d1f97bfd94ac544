// A node that was dead and is heard again: what it says now counts at once, what it said before does not.
import ClusterModel
import Messaging
import Testing

@testable import ClusterCore

@Suite("Numbers of a node that was dead")
struct ReturnTests {
    private func delivers(_ effects: [Effect]) -> Bool {
        effects.contains { if case .deliver = $0 { true } else { false } }
    }

    private func requests(_ effects: [Effect]) -> Int {
        effects.count { if case .transmit(let outgoing) = $0 { outgoing.body.text("t") == "NS_rexmit" } else { false } }
    }

    /// A listener that has heard beta's numbers 1 to 20, number 10 being a client's word, and then nothing.
    private func listener() -> Listener {
        var listener = Listener()
        for sequence: UInt64 in 1...20 {
            let effects = listener.hear(sequence == 10 ? "greeting" : "status", sequence)
            #expect(delivers(effects) == (sequence == 10))
        }
        let alive = listener.beta?.status
        #expect(alive == .active)
        listener.awaitDeath()
        let dead = listener.beta?.status
        #expect(dead == .dead)
        return listener
    }

    @Test("A node that was dead and is heard again is told at once what is held here, not with the next keepalive")
    func answered() {
        var alpha = Listener()
        _ = alpha.hear("status", 1)
        alpha.awaitDeath()
        let first = alpha.hear("status", 2)
        #expect(first.contains { if case .transmit = $0 { true } else { false } })
        let second = alpha.hear("status", 3)
        #expect(!second.contains { if case .transmit = $0 { true } else { false } })
    }

    @Test("Messages that have waited for the daemon longer than deadtime do not make their sender look dead")
    func backlog() {
        var alpha = Listener(startedAt: Instant(nanoseconds: 10_000_000_000))
        var effects: [Effect] = []
        for sequence: UInt64 in 1...20 {
            effects += alpha.hear("status", sequence, age: .milliseconds(2100 - 100 * Int(sequence)))
            let seen = alpha.beta?.status
            #expect(seen == .active)
        }
        #expect(!effects.contains { if case .log(let record) = $0 { record.event == "node-dead" } else { false } })
        // From here on it is as silent as any other.
        alpha.awaitDeath()
        let silence = alpha.now - Instant(nanoseconds: 10_000_000_000)
        #expect(silence >= .seconds(1) && silence <= .milliseconds(2500))
    }

    @Test("What came in a deadtime ago and is handed over only now does not bring a dead node back for a moment")
    func past() {
        var alpha = listener()
        for sequence: UInt64 in 21...30 {
            let effects = alpha.hear("status", sequence, age: .milliseconds(1000 + 10 * Int64(30 - sequence)))
            let seen = alpha.beta?.status
            #expect(seen == .dead)
            #expect(effects.contains(.dropped(.stale)))
            #expect(!effects.contains { if case .log = $0 { true } else { false } })
        }
        // Less than a deadtime ago: it may well be alive.
        _ = alpha.hear("status", 31, age: .milliseconds(990))
        let back = alpha.beta?.status
        #expect(back == .active)
    }

    @Test("R10: what was heard before the death is a duplicate after it, as the first thing that is heard and later")
    func repeated() {
        var listener = listener()
        let first = listener.hear("greeting", 10)
        #expect(first.contains(.dropped(.duplicate)))
        #expect(!delivers(first))
        _ = listener.hear("status", 21)
        let back = listener.beta?.status
        #expect(back == .active)
        let later = listener.hear("greeting", 10)
        #expect(later.contains(.dropped(.duplicate)))
    }

    @Test("R10: a node is back with its next status, however many numbers were lost", arguments: [21, 100, 100_000])
    func partition(_ sequence: UInt64) {
        var listener = listener()
        var effects = listener.hear("status", sequence)
        let back = listener.beta?.status
        #expect(back == .active)
        effects += listener.hear("greeting", sequence + 1)
        #expect(delivers(effects))
        for more in 2...30 { effects += listener.hear("status", sequence + UInt64(more)) }
        #expect(requests(effects) == 0, "what was sent meanwhile was for others")
        #expect(!effects.contains { if case .log(let record) = $0 { record.event == "packets-lost" } else { false } })
    }

    @Test("R9: a restarted node is taken in with its first status, whose number was heard of the old one")
    func restarted() {
        var listener = listener()
        let effects = listener.hear("status", 1, generation: 10)
        #expect(!effects.contains(.dropped(.duplicate)))
        let back = listener.beta?.status
        #expect(back == .active)
        #expect(delivers(listener.hear("greeting", 2, generation: 10)))
    }
}
