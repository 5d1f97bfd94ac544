// The fields that every message gets, acknowledgements of a classic node, and when clients must wait.
import ClusterModel
import Messaging
import Testing
@testable import ClusterCore

@Suite("Control fields and flow control (specs/heartbeat.md 2.1, 3.4)")
struct FlowControlTests {
    private static let start = Instant(nanoseconds: 0)
    private static let second = Duration.seconds(1)

    /// A node of 3.0.6 takes part in a cluster of two only.
    private func cluster(of count: Int = 3) -> Cluster {
        var configuration = WireTests.configuration()
        configuration.members.removeLast(3 - count)
        configuration.quorum = .ignore
        var cluster = Cluster(
            configuration: configuration, generation: 5, uuid: [1], seed: 1, now: FlowControlTests.start)
        var effects: [Effect] = []
        cluster.handle(.inventory([], entitledUntil: nil), now: FlowControlTests.start, effects: &effects)
        return cluster
    }

    /// What a message of another node does.
    private func hear(
        _ cluster: inout Cluster, _ fields: [(String, String)], from name: String = "beta", at now: Instant
    ) -> [Effect] {
        var message = HAMessage()
        for (name, value) in fields + [("src", name), ("hg", "9"), ("ts", "1")] { message.append(name, value) }
        var effects: [Effect] = []
        cluster.handle(.received(message, medium: MediumID(0), arrival: now), now: now, effects: &effects)
        return effects
    }

    private func status(_ sequence: Int, _ more: [(String, String)] = []) -> [(String, String)] {
        [("t", "status"), ("st", "active"), ("dt", "7530"), ("protocol", "1")] + more
            + [("seq", String(sequence, radix: 16))]
    }

    @Test("W21, W22: control fields stand behind the others in their order; NS_ types have neither number nor load")
    func controlFields() {
        var body = HAMessage()
        body.append("t", "status")
        let identity = WireIdentity(name: "alpha", uuid: Array(0..<16), generation: 0x6b, ttl: 3)
        let numbered = Outgoing(body: body, sequence: 26).completed(as: identity, timestamp: 255, load: "n/a")
        #expect(numbered.fields.map(\.name) == ["t", "src", "srcuuid", "seq", "hg", "ts", "ld", "ttl"])
        #expect(["seq", "hg", "ts", "ttl"].map { numbered.text($0) } == ["1a", "6b", "ff", "3"])
        let other = Outgoing(body: body, sequence: nil).completed(as: identity, timestamp: 255, load: "n/a")
        #expect(other.fields.map(\.name) == ["t", "src", "srcuuid", "hg", "ts", "ttl"])
    }

    @Test("R16: a classic node is acknowledged once in ten numbers, a node with the extension never")
    func acknowledgements() {
        func acknowledged(_ more: [(String, String)]) -> [UInt64] {
            var cluster = cluster(of: 2)
            var numbers: [UInt64] = []
            for number in 1...60 {
                let now = FlowControlTests.start + .milliseconds(Int64(number) * 10)
                for case .transmit(let outgoing) in hear(&cluster, status(number, more), at: now)
                where outgoing.body.text("t") == "NS_ackmsg" {
                    #expect(outgoing.body.text("dest") == "beta")
                    numbers.append(outgoing.body.number("ackseq", radix: 16) ?? 0)
                }
            }
            return numbers
        }
        let numbers = acknowledged([])
        #expect(numbers.count == 6)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 10 })
        #expect(acknowledged([("hb_version", "1")]) == [])
    }

    @Test("R17: clients wait while a live node is more than 250 messages behind", arguments: [true, false])
    func clients(_ isClassic: Bool) {
        var cluster = cluster(of: 2)
        var now = FlowControlTests.start
        var number = 0
        var sent: UInt64 = 0
        var effects: [Effect] = []
        /// Sends messages until so many are out; beta is heard all the time and has heard up to `reached`.
        func send(until count: UInt64, reached: UInt64) {
            while sent < count {
                now = max(now, cluster.nextDeadline ?? now)
                cluster.handle(.wake, now: now, effects: &effects)
                number += 1
                let hears = [("hb_version", "1"), ("hb_hears", "alpha 5 \(String(reached, radix: 16)) 1")]
                effects += hear(&cluster, status(number, isClassic ? [] : hears), at: now)
                for case .transmit(let outgoing) in effects { sent = max(sent, outgoing.sequence ?? 0) }
                effects.removeAll()
            }
        }
        func acknowledge(_ sequence: UInt64) -> [Effect] {
            guard isClassic else { return [] }
            return hear(
                &cluster, [("t", "NS_ackmsg"), ("dest", "alpha"), ("ackseq", String(sequence, radix: 16))], at: now)
        }
        // A failed expectation prints what it was called with: not the whole core.
        func maySend() -> Bool { cluster.clientsMaySend }
        send(until: 200, reached: 10)
        _ = acknowledge(10)
        #expect(maySend())
        send(until: 262, reached: 10)
        #expect(!maySend())
        _ = acknowledge(40)
        send(until: sent + 1, reached: 40)
        #expect(maySend())
        guard isClassic else { return }
        _ = acknowledge(12)
        #expect(maySend(), "an older one changes nothing")
        let wrong = acknowledge(sent + 1000).contains { effect in
            if case .log(let record) = effect { record.text.hasPrefix("corrupted ackseq") } else { false }
        }
        #expect(wrong)
        // The dead hold nobody up.
        send(until: sent + 240, reached: 0)
        #expect(!maySend())
        let silence = now + .seconds(60)
        while now < silence {
            now = max(now, cluster.nextDeadline ?? now)
            cluster.handle(.wake, now: now, effects: &effects)
        }
        #expect(maySend())
    }
}
