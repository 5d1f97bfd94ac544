// Another machine with the name of a node: it must not count as that node.
import ClusterModel
import Testing

@testable import ClusterCore

@Suite("Two machines with one name")
struct NamesakeTests {
    /// A node that has groups, and machines that say their status each tenth of a second.
    private struct Scene {
        var alpha = Listener(hasGroups: true)
        var effects: [Effect] = []
        private var sequences: [[UInt8]: UInt64] = [:]

        mutating func hear(_ name: String, _ uuid: [UInt8], generation: UInt64 = 9) {
            pass(.milliseconds(90))
            sequences[uuid, default: 0] += 1
            effects += alpha.hear("status", sequences[uuid] ?? 0, from: name, uuid: uuid, generation: generation)
        }

        mutating func pass(_ time: Duration) { effects += alpha.pass(time) }

        var status: NodeStatus { alpha.status }
        var beta: NodeSnapshot? { alpha.beta }
        var warnings: Int {
            effects.count { if case .log(let record) = $0 { record.event == "name-taken" } else { false } }
        }
        var isStarting: Bool { effects.contains { if case .start = $0 { true } else { false } } }
    }

    @Test("A node that is alone with another machine of its name does not join, and does when that one is silent")
    func own() {
        var alpha = Scene()
        for _ in 0..<100 { alpha.hear("alpha", [9]) }
        #expect(alpha.status == .up && !alpha.isStarting)
        #expect(alpha.effects.contains(.dropped(.namesake)))
        #expect(alpha.warnings == 1)
        alpha.pass(.seconds(2))
        #expect(alpha.status == .active)
    }

    @Test("What comes back of a node's own messages does not keep it from joining")
    func echo() {
        var alpha = Scene()
        for _ in 0..<30 {
            alpha.hear("beta", [2])
            // Of the daemon before.
            alpha.hear("alpha", [1], generation: 4)
        }
        #expect(alpha.status == .active && alpha.warnings == 0)
    }

    @Test("A copy with the same uuid is known by what this machine cannot have sent", arguments: [5, 6])
    func copy(_ generation: UInt64) {
        var alpha = Scene()
        for _ in 0..<100 { alpha.hear("alpha", [1], generation: generation) }
        #expect(alpha.status == .up && alpha.warnings == 1)
    }

    @Test("A machine with the name of a node that is alive is not heard before that one has been silent for deadtime")
    func other() {
        var alpha = Scene()
        for _ in 0..<30 { alpha.hear("beta", [2]) }
        for _ in 0..<30 {
            alpha.hear("beta", [3], generation: 10)
            alpha.hear("beta", [2])
        }
        #expect(alpha.beta?.generation == 9 && alpha.beta?.status == .active)
        #expect(alpha.warnings == 1)
        // The one that it knew dies; then the other one is as good as any.
        for _ in 0..<15 { alpha.hear("beta", [3], generation: 10) }
        #expect(alpha.beta?.generation == 10 && alpha.beta?.status == .active)
        #expect(alpha.effects.contains { if case .log(let record) = $0 { record.event == "node-dead" } else { false } })
    }
}
