// hb freeze and hb unmanage under faults: agreed by all, visible, ended, and never in the way of safety.
import ClusterCore
import ClusterModel
import Testing

@testable import Simulation

@Suite("What operators hold still")
struct MaintenanceTests {
    private func freeze(_ duration: Duration? = nil, reason: String = "new cables") -> OperatorRequest {
        .maintain(MaintenanceOrder(group: nil, isOn: true, duration: duration, user: "ann", reason: reason, time: 5))
    }

    private let thaw = OperatorRequest.maintain(MaintenanceOrder(group: nil, isOn: false))

    private func started() -> World {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        #expect(world.map == [0, 1], "\(world.story)")
        return world
    }

    @Test("A frozen cluster does not replace a node that dies; when it ends, it does")
    func crash() {
        var world = started()
        let request = world.request(freeze(), at: 1)
        world.run(.milliseconds(500))
        #expect(world.response(to: request)?.outcome == .done)
        world.crash(0)
        world.run(.seconds(5))
        #expect(world.map == [-1, 1], "\(world.story)")
        _ = world.request(thaw, at: 1)
        #expect(world.run(atMost: .seconds(1)) { $0.map == [1, 1] }, "\(world.story)")
        #expect(world.stillness.violation == nil)
    }

    @Test("All nodes know of it, who ordered it and why; one that joins later learns it")
    func known() throws {
        var world = started()
        world.crash(0)
        world.run(.seconds(2))
        _ = world.request(freeze(.seconds(60)), at: 1)
        world.start(0)
        world.run(.seconds(4))
        #expect(world.map == [1, 1], "nothing goes home: \(world.story)")
        for node in 0...1 {
            let frozen = try #require(world.nodes[node].snapshot(world.now)?.frozen)
            let words = MaintenanceWords(node: world.nodes[1].name, user: "ann", reason: "new cables", time: 5)
            #expect(frozen.words == words)
            let remaining = try #require(frozen.remaining)
            #expect(remaining > .seconds(50) && remaining < .seconds(60))
        }
    }

    @Test("It ends by itself on all nodes, and what was left undone is done")
    func expiry() {
        var world = started()
        _ = world.request(freeze(.seconds(3)), at: 0)
        world.run(.milliseconds(300))
        world.crash(0)
        world.run(.milliseconds(2000))
        #expect(world.map == [-1, 1])
        #expect(world.run(atMost: .seconds(2)) { $0.map == [1, 1] }, "\(world.story)")
        #expect(world.nodes[1].snapshot(world.now)?.frozen == nil)
    }

    @Test("While everything is frozen, moves are refused with the way out")
    func refusals() {
        var world = started()
        _ = world.request(freeze(), at: 0)
        world.run(.milliseconds(300))
        for request in [OperatorRequest.standby(.all), .takeover(.all)] {
            let id = world.request(request, at: 1)
            world.run(.milliseconds(300))
            #expect(world.response(to: id)?.outcome == .refused)
            #expect(world.response(to: id)?.text.contains("hb freeze --end") == true)
        }
        #expect(world.map == [0, 1])
    }

    @Test("A group that is not managed stays as it is while others move; a loss is seen to when it is managed again")
    func unmanaged() {
        var world = started()
        let name = world.nodes[0].configuration.groups[0].name
        let order = MaintenanceOrder(group: name, isOn: true)
        _ = world.request(.maintain(order), at: 1)
        world.run(.milliseconds(300))
        world.lose(group: name, at: 0, reason: "removed")
        _ = world.request(.takeover(.group(world.nodes[0].configuration.groups[1].name)), at: 0)
        world.run(.seconds(2))
        #expect(world.map == [0, 0], "\(world.story)")
        _ = world.request(.maintain(MaintenanceOrder(group: name, isOn: false)), at: 1)
        #expect(world.run(atMost: .seconds(2)) { $0.map == [1, 0] }, "\(world.story)")
        #expect(world.stillness.violation == nil)
    }

    @Test("A lost right stops what is frozen all the same")
    func lostRight() {
        var cluster = Blueprint.nodes(3)
        cluster.failback = .off
        var world = cluster.world(segments: 1, seed: 1)
        for node in 0..<3 { world.start(node) }
        world.run(.seconds(4))
        _ = world.request(freeze(), at: 1)
        world.run(.milliseconds(500))
        let owned = world.owners
        world.partition([0], [1, 2])
        world.run(.seconds(3))
        for (index, group) in world.nodes[0].configuration.groups.enumerated() where owned[index] == 0 {
            #expect(!world.nodes[0].running.contains(group.name))
            #expect(world.owners[index] == -1, "frozen: nobody takes it")
        }
        #expect(owned.contains(0))
        #expect(world.ownership.overlaps.isEmpty && world.stillness.violation == nil)
    }

    @Test("Two operators at the same time: all nodes come to the same, and end it alike")
    func twoOperators() {
        var world = started()
        _ = world.request(freeze(reason: "a"), at: 0)
        _ = world.request(freeze(reason: "b"), at: 1)
        world.run(.seconds(1))
        let words = (0...1).map { world.nodes[$0].snapshot(world.now)?.frozen?.words }
        #expect(words[0] != nil && words[0] == words[1])
        _ = world.request(thaw, at: 0)
        world.run(.seconds(1))
        #expect((0...1).allSatisfy { world.nodes[$0].snapshot(world.now)?.frozen == nil })
    }

    @Test("It is logged again and again, so that nobody forgets it")
    func reminders() {
        var world = started()
        _ = world.request(freeze(), at: 0)
        world.run(.seconds(1300))
        for node in world.nodes {
            let reminders = world.history.filter {
                $0.node == node.name && $0.record.event == "maintenance" && $0.record.level == .warning
            }
            #expect(reminders.count == 2)
        }
    }
}
