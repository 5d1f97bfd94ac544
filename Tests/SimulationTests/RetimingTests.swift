import ClusterCore
import ClusterModel
import Testing
@testable import Simulation

/// Intervals that are read again while the daemon runs.
@Suite("Never two owners while intervals change")
struct RetimingTests: QuorumScenario {
    @Test("a longer deadtime counts only from what the others have heard of it")
    func longerDeadtime() {
        var world = world()
        world.partition([0], [1, 2])
        world.run(.milliseconds(100))
        retime(0, .seconds(5), &world)
        world.run(.seconds(2))
        #expect(world.map[0] > 0, "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("also where no vote decides: the lease grows when the other node has heard of it")
    func longerDeadtimeOfTwo() {
        var world = pair()
        world.cut(from: 0, to: 1)
        retime(0, .seconds(5), &world)
        world.run(.milliseconds(50))
        world.pause(0)
        world.run(.seconds(2))
        #expect(world.owners("ip1").contains(1), "\(world.story)")
        #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
    }

    @Test("once the other node has heard of it, it waits for as long as it says")
    func longerDeadtimeHeard() {
        var world = pair()
        retime(0, .seconds(5), &world)
        world.run(.milliseconds(500))
        world.pause(0)
        world.run(.seconds(4))
        #expect(world.owners("ip1") == [0], "\(world.story)")
        world.run(.seconds(2))
        #expect(world.owners("ip1").contains(1), "\(world.story)")
        #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
    }

    @Test("ping: one that is cut off does not live by a longer deadtime because it hears the other one no more")
    func longerDeadtimeCutOff() {
        for moment in [500, 1500] {
            var world = TestCluster.cutOff(deadtimeFactors: [6, 1])
            world.run(.milliseconds(Int64(moment)))
            retime(0, .seconds(10), &world)
            world.run(.milliseconds(200))
            // Whatever happens, the right is found anew.
            _ = world.request(.cleanup(group: nil), at: 0)
            world.run(.seconds(15))
            #expect(world.owners("ip1") == [1], "\(world.story)")
            #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
        }
    }

    @Test("a shorter deadtime counts when what the kernel was told by the longer one is over")
    func shorterDeadtime() throws {
        var world = slowWorld()
        let served = try #require(world.nodes[0].entitledUntil)
        retime(0, .milliseconds(400), &world)
        world.run(.milliseconds(50))
        let told = try #require(interval(of: 0, at: 1, world))
        #expect(world.now + told > served, "whoever goes by \(told) takes the address while it is still served")
        world.run(.seconds(3))
        #expect(interval(of: 0, at: 1, world) == .milliseconds(400))
    }

    @Test("a node that stands still after a reload keeps its address for no longer than the others wait")
    func pauseAfterReload() throws {
        for interval in [400, 1000, 2900] {
            var world = slowWorld()
            let served = try #require(world.nodes[0].entitledUntil)
            // The resource manager hangs: nothing that it is told from here on reaches the kernel.
            world.nodes[0].life += 1
            retime(0, .milliseconds(Int64(interval)), &world)
            world.pause(0)
            world.run(served - world.now)
            #expect(world.map[0] == 0, "\(world.story)")
            world.run(.seconds(4))
            #expect(world.owners("ip-node00").count == 2, "\(world.story)")
            expectNeverServedTwice(world)
        }
    }

    @Test("one reload after another: the longest lease counts")
    func reloadAfterReload() throws {
        var world = slowWorld()
        let served = try #require(world.nodes[0].entitledUntil)
        for interval in [2000, 400, 1000, 300] {
            retime(0, .milliseconds(Int64(interval)), &world)
            world.run(.milliseconds(20))
        }
        let told = try #require(interval(of: 0, at: 1, world))
        #expect(world.now + told > served)
        world.run(.seconds(3))
        #expect(interval(of: 0, at: 1, world) == .milliseconds(300))
    }

    @Test("a node that is cut off after a reload gives its group up, and the others take it")
    func cutAfterReload() {
        var world = slowWorld()
        world.cut(from: 1, to: 0)
        world.cut(from: 2, to: 0)
        retime(0, .milliseconds(400), &world)
        world.run(.milliseconds(50))
        world.partition([0], [1, 2])
        world.run(.seconds(4))
        #expect(world.map[0] > 0, "\(world.story)")
        expectNeverDouble(world)
    }

    /// The last ones started twice what a resource manager that hung had been told to start long before.
    @Test("random faults, reloads and resource managers that hang")
    func randomFaults() {
        for seed in Array(UInt64(1)...24) + [132, 153, 208, 214, 748, 1094, 1649, 1861] {
            if let text = RandomRun.violation(seed: seed, kind: .strained) {
                Issue.record("hb_seeds \(seed) 1 strained: \(text)")
            }
        }
    }

    /// Three nodes that wait for three seconds.
    private func slowWorld() -> World {
        var cluster = MembershipTests.cluster(3)
        cluster.deadtime = .seconds(3)
        cluster.initdead = .seconds(4)
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(3))
        return world
    }

    /// Two nodes without a vote.
    private func pair() -> World {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        return world
    }

    private func retime(_ node: Int, _ deadtime: Duration, _ world: inout World) {
        var timing = world.nodes[node].configuration.timing
        timing.deadtime = deadtime
        world.retime(node, timing)
    }

    /// How long a node waits for another one.
    private func interval(of node: Int, at other: Int, _ world: World) -> Duration? {
        world.nodes[other].cluster?.snapshot(world.nodes[other].localTime(world.now)).nodes[node].deadInterval
    }

    private func expectNeverServedTwice(_ world: World, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)", sourceLocation: sourceLocation)
    }
}
