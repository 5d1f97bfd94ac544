// Another machine with the name of a node: it must not count as that node.
import ClusterModel
import Messaging
import Testing

@testable import ClusterCore

@Suite("Two machines with one name")
struct NamesakeTests {
    /// The core of alpha on virtual time, which has a group, and whose deadtime is a second.
    private struct Listener {
        var cluster: Cluster
        var now = Instant(nanoseconds: 0)
        var effects: [Effect] = []
        private var sequences: [[UInt8]: UInt64] = [:]

        init() {
            var configuration = WireTests.configuration()
            configuration.members.removeLast()
            configuration.quorum = .ignore
            configuration.timing.deadtime = .seconds(1)
            configuration.timing.initdead = .seconds(2)
            cluster = Cluster(configuration: configuration, generation: 5, uuid: [1], seed: 1, now: now)
            cluster.handle(.inventory([], entitledUntil: nil), now: now, effects: &effects)
        }

        /// A status of a machine, a tenth of a second after what came before.
        mutating func hear(_ name: String, _ uuid: [UInt8], generation: String = "9") {
            pass(.milliseconds(100))
            sequences[uuid, default: 0] += 1
            var message = HAMessage()
            for (name, value) in [
                ("t", "status"), ("st", "active"), ("dt", "3e8"), ("protocol", "1"), ("hb_version", "1"), ("src", name),
                ("seq", String(sequences[uuid] ?? 0, radix: 16)), ("hg", generation), ("ts", "1"),
            ] { message.append(name, value) }
            message.append("srcuuid", binary: uuid)
            cluster.handle(.received(message, medium: MediumID(0), arrival: now), now: now, effects: &effects)
        }

        mutating func pass(_ time: Duration) {
            let end = now + time
            while let due = cluster.nextDeadline, due <= end {
                now = max(now, due)
                cluster.handle(.wake, now: now, effects: &effects)
            }
            now = end
        }

        var status: NodeStatus { cluster.snapshot(now).status }
        var beta: NodeSnapshot? { cluster.snapshot(now).nodes.first { $0.name == "beta" } }
        var warnings: Int {
            effects.count { if case .log(let record) = $0 { record.event == "name-taken" } else { false } }
        }
        var isStarting: Bool { effects.contains { if case .start = $0 { true } else { false } } }
    }

    @Test("A node that is alone with another machine of its name does not join, and does when that one is silent")
    func own() {
        var alpha = Listener()
        for _ in 0..<100 { alpha.hear("alpha", [9]) }
        #expect(alpha.status == .up && !alpha.isStarting)
        #expect(alpha.effects.contains(.dropped(.namesake)))
        #expect(alpha.warnings == 1)
        alpha.pass(.seconds(2))
        #expect(alpha.status == .active)
    }

    @Test("What comes back of a node's own messages does not keep it from joining")
    func echo() {
        var alpha = Listener()
        for _ in 0..<30 {
            alpha.hear("beta", [2])
            // Of the daemon before.
            alpha.hear("alpha", [1], generation: "4")
        }
        #expect(alpha.status == .active && alpha.warnings == 0)
    }

    @Test("A copy with the same uuid is known by what this machine cannot have sent", arguments: ["5", "6"])
    func copy(_ generation: String) {
        var alpha = Listener()
        for _ in 0..<100 { alpha.hear("alpha", [1], generation: generation) }
        #expect(alpha.status == .up && alpha.warnings == 1)
    }

    @Test("A machine with the name of a node that is alive is not heard before that one has been silent for deadtime")
    func other() {
        var alpha = Listener()
        for _ in 0..<30 { alpha.hear("beta", [2]) }
        for _ in 0..<30 {
            alpha.hear("beta", [3], generation: "a")
            alpha.hear("beta", [2])
        }
        #expect(alpha.beta?.generation == 9 && alpha.beta?.status == .active)
        #expect(alpha.warnings == 1)
        // The one that it knew dies; then the other one is as good as any.
        for _ in 0..<15 { alpha.hear("beta", [3], generation: "a") }
        #expect(alpha.beta?.generation == 10 && alpha.beta?.status == .active)
        #expect(alpha.effects.contains { if case .log(let record) = $0 { record.event == "node-dead" } else { false } })
    }
}
