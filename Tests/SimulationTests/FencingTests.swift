import ClusterCore
import ClusterModel
import Testing
@testable import Simulation

@Suite("Fencing")
struct FencingTests {
    /// Two nodes that may both claim whatever they see, with a filesystem at home on each.
    private func world(
        nodes: [String] = ["alpha", "beta"], quorum: QuorumPolicy = .ignore,
        _ change: (inout TestCluster) -> Void = { _ in }
    ) -> World {
        var cluster = TestCluster(groups: nodes.map { ("fs-" + $0, $0) }, failback: .off, quorum: quorum)
        cluster.nodes = nodes
        cluster.addDevices()
        change(&cluster)
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(4))
        #expect(Array(world.map.prefix(nodes.count)) == Array(nodes.indices), "\(world.story)")
        return world
    }

    private func expectNeverDouble(_ world: World, _ location: SourceLocation = #_sourceLocation) {
        let overlaps = world.ownership.overlaps
        #expect(overlaps.isEmpty, "\(overlaps)\n\(world.story)", sourceLocation: location)
        #expect(world.ownership.doublyOwned.isEmpty, "\(world.story)", sourceLocation: location)
    }

    @Test("a dead node is fenced once, and then its groups are taken")
    func crash() {
        var world = world()
        world.conditions.rebootTime = nil
        world.crash(0)
        world.run(.milliseconds(570))
        #expect(world.owners("fs-alpha") == [], "the device is still at work\n\(world.story)")
        world.run(.seconds(2))
        #expect(world.map == [1, 1], "\(world.story)")
        #expect(world.fencesDone == 1)
        let alpha = world.nodes[1].cluster?.snapshot(world.nodes[1].localTime(world.now)).nodes[0]
        #expect(alpha?.fencing == "fenced")
        world.run(.seconds(60))
        #expect(world.fencesBegun == 1)
    }

    @Test("a node that was only paused is powered off before its groups are taken")
    func pause() {
        for pausedFor in [600, 700, 800, 900, 1500, 5000] {
            var world = world()
            world.pause(0)
            world.run(.milliseconds(Int64(pausedFor)))
            world.resume(0)
            world.run(.seconds(10))
            expectNeverDouble(world)
            #expect(world.owners("fs-alpha").count == 1, "\(pausedFor) \(world.story)")
            #expect(world.owners("fs-beta").count == 1, "\(pausedFor) \(world.story)")
        }
    }

    @Test("cut off from each other, two nodes never both have a filesystem, and the cluster comes back")
    func split() {
        var world = world()
        world.partition([0], [1])
        for _ in 0..<30 {
            world.run(.seconds(1))
            expectNeverDouble(world)
        }
        #expect(world.fencesDone >= 1)
        world.heal()
        world.run(.seconds(20))
        expectNeverDouble(world)
        #expect(!world.map.contains { $0 < 0 }, "\(world.map)\n\(world.story)")
    }

    @Test("of two that fence each other only the slower one's victim stays up")
    func duel() {
        var world = world()
        world.conditions.rebootTime = .seconds(30)
        world.nodes[1].driftPartsPerMillion = 900
        world.partition([0], [1])
        world.run(.seconds(5))
        #expect(world.nodes.count { $0.isUp } <= 1, "\(world.story)")
        expectNeverDouble(world)
        world.heal()
        world.run(.seconds(60))
        #expect(!world.map.contains { $0 < 0 }, "\(world.map)\n\(world.story)")
    }

    @Test("while the device fails nothing is taken, until an operator says that the node is off")
    func failure() {
        var world = world()
        world.conditions.fenceFailure = 1
        world.crash(0)
        world.run(.seconds(100))
        #expect(world.map == [-1, 1], "\(world.story)")
        #expect((2...5).contains(world.fencesBegun), "\(world.fencesBegun)")
        let snapshot = world.nodes[1].cluster?.snapshot(world.nodes[1].localTime(world.now))
        #expect(snapshot?.groups[0].waitsForFencing == ["alpha"])
        let refused = world.request(.fence(node: "beta", isConfirmed: true), at: 1)
        let confirmed = world.request(.fence(node: "alpha", isConfirmed: true), at: 1)
        world.run(.seconds(1))
        #expect(world.response(to: refused)?.outcome == .refused)
        #expect(world.response(to: confirmed)?.outcome == .done)
        #expect(world.map == [1, 1], "\(world.story)")
    }

    @Test("nobody confirms the fencing of a node that is alive")
    func confirmAlive() {
        var world = world()
        let request = world.request(.fence(node: "alpha", isConfirmed: true), at: 1)
        world.run(.seconds(1))
        #expect(world.response(to: request)?.outcome == .refused)
        #expect(world.map == [0, 1])
    }

    @Test("an operator fences a node that runs: its groups move, and it comes back")
    func manual() {
        var world = world()
        let request = world.request(.fence(node: "alpha", isConfirmed: false), at: 1)
        world.run(.seconds(1))
        #expect(world.response(to: request)?.outcome == .done)
        #expect(world.map == [1, 1], "\(world.story)")
        expectNeverDouble(world)
        world.run(.seconds(10))
        #expect(world.nodes[0].isUp)
        #expect(world.fencesDone == 1)
    }

    @Test("a node that shuts down is not fenced")
    func goodbye() {
        var world = world()
        world.shutDown(0)
        world.run(.seconds(10))
        #expect(world.map == [1, 1], "\(world.story)")
        #expect(world.fencesBegun == 0)
    }

    @Test("a node that shuts down with what it could not stop takes no leave of those who do not know it")
    func goodbyeUnheard() {
        for seed in 1...8 as ClosedRange<UInt64> {
            var cluster = TestCluster(groups: [("fs-alpha", "alpha")], failback: .off)
            cluster.addDevices()
            var world = cluster.world(seed: seed)
            world.startAll()
            world.run(.seconds(4))
            world.conditions.stopFailure = 1
            world.conditions.stopTime = .milliseconds(50)
            world.shutDown(0)
            world.run(.milliseconds(20))
            // It is heard to begin, and not what came of it.
            world.cut(from: 0, to: 1)
            let isBlocked = world.run(atMost: .seconds(1), until: { $0.logged("group-blocked") > 0 })
            #expect(isBlocked, "\(world.story)")
            world.run(.milliseconds(490))
            world.heal()
            let isTaken = world.run(atMost: .seconds(20), until: { $0.owners("fs-alpha").contains(1) })
            #expect(world.owners("fs-alpha") == (isTaken ? [1] : [0]), "\(world.story)")
        }
    }

    @Test("groups of addresses alone do not wait")
    func addresses() {
        var world = world { $0.groups.append(("ip", "alpha")) }
        world.conditions.fenceFailure = 1
        world.crash(0)
        world.run(.seconds(2))
        #expect(world.map == [-1, 1, 1], "\(world.story)")
    }

    @Test("without a lease in the kernel groups of addresses wait too")
    func addressesWithoutLease() {
        var configuration = Configuration()
        let group = ResourceGroup(
            name: "ip", preferred: "a", resources: [.init(type: "IPaddr", arguments: ["ip"], text: "ip")], line: 1)
        #expect(!configuration.needsFencing(group))
        configuration.policy.leasesAddresses = false
        #expect(configuration.needsFencing(group))
    }

    @Test("one of three fences, the first by name; the others take its word")
    func oneFencer() {
        var world = world(nodes: ["alpha", "beta", "gamma"], quorum: .majority)
        world.conditions.rebootTime = nil
        world.crash(1)
        world.run(.seconds(3))
        #expect(world.fencesBegun == 1)
        #expect(world.history.filter { $0.record.event == "fence-start" }.map(\.node) == ["alpha"])
        #expect(world.logged("fence-learned") == 1)
        #expect(world.owners("fs-beta").count == 1, "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("when the one that fences fails or dies, the next one does it")
    func nextFencer() {
        for dies in [true, false] {
            var world = world(nodes: ["alpha", "beta", "delta", "gamma", "omega"], quorum: .majority)
            world.conditions.fenceTime = .seconds(1)
            world.conditions.fenceFailure = dies ? 0 : 1
            world.conditions.rebootTime = nil
            world.crash(4)
            world.run(.seconds(1))
            #expect(world.fencesBegun == 1, "\(world.story)")
            if dies { world.restartResourceManager(0) }
            if dies { world.pause(0) }
            world.run(.milliseconds(700))
            world.conditions.fenceFailure = 0
            world.run(.seconds(8))
            #expect(world.history.contains { $0.node == "beta" && $0.record.event == "fence-start" }, "\(world.story)")
            #expect(world.owners("fs-omega").count == 1, "\(world.story)")
            expectNeverDouble(world)
        }
    }

    @Test("the side without quorum fences nobody")
    func minority() {
        var world = world(nodes: ["alpha", "beta", "gamma"], quorum: .majority)
        world.partition([0], [1, 2])
        world.run(.seconds(2))
        #expect(!world.history.contains { $0.node == "alpha" && $0.record.event == "fence-start" }, "\(world.story)")
        #expect(world.fencesDone == 1)
        expectNeverDouble(world)
    }

    @Test("a node that another one calls fenced, and that runs, gives up what it has")
    func wrongWord() {
        var world = world(nodes: ["alpha", "beta", "gamma"], quorum: .majority)
        world.conditions.fenceFailure = 1
        world.pause(0)
        world.run(.milliseconds(900))
        let request = world.request(.fence(node: "alpha", isConfirmed: true), at: 1)
        world.run(.milliseconds(20))
        #expect(world.response(to: request)?.outcome == .done)
        world.resume(0)
        world.run(.seconds(5))
        #expect(world.logged("fence-self") >= 1 || world.logged("fence-ineffective") >= 1, "\(world.story)")
        #expect(world.ownership.doublyOwned.isEmpty, "\(world.story)")
        #expect(world.map.allSatisfy { $0 >= 0 }, "\(world.map)\n\(world.story)")
    }

    /// Beta dies while alpha's resource manager stands still, for longer than an order to fence is worth something.
    private func unread(betaReturns: Bool) -> World {
        var world = world()
        world.conditions.rebootTime = nil
        world.hangResourceManager(0)
        world.crash(1)
        world.run(.seconds(1))
        #expect(world.logged("fence-start") == 1, "\(world.story)")
        if betaReturns { world.start(1) }
        world.run(.seconds(4))
        world.wakeResourceManager(0)
        return world
    }

    @Test("an order to fence that is read when the node is back powers nobody off")
    func lateOrder() {
        var world = unread(betaReturns: true)
        world.run(.seconds(60))
        #expect(world.fencesDone == 0 && world.nodes[1].isUp, "\(world.story)")
        #expect(world.owners("fs-beta").count == 1, "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("a fence of a node that is heard again is recalled, and one that an operator wants is not")
    func recall() {
        for isManual in [false, true] {
            var world = world()
            world.conditions.fenceTime = .seconds(3)
            world.conditions.fenceFailure = 1
            world.pause(1)
            world.run(.seconds(1))
            if isManual { _ = world.request(.fence(node: "beta", isConfirmed: false), at: 0) }
            world.resume(1)
            world.run(.seconds(1))
            #expect(world.recalls == (isManual ? 0 : 1), "\(world.story)")
        }
    }

    @Test("an order to fence that is read too late is given again while the node is dead")
    func lateOrderAgain() {
        var world = unread(betaReturns: false)
        world.run(.seconds(20))
        #expect(world.fencesBegun == 0 && world.owners("fs-beta") == [], "\(world.story)")
        world.run(.seconds(20))
        #expect(world.fencesDone == 1 && world.map == [0, 0], "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("random faults: a group that needs fencing never runs twice, under any quorum")
    func randomFaults() {
        var failures = 0
        for seed in 1...200 as ClosedRange<UInt64> where failures < 3 {
            guard let text = RandomRun.violation(seed: seed, kind: .fences) else { continue }
            failures += 1
            Issue.record("hb_seeds \(seed) 1 fences: \(text)")
        }
    }

    /// A world in which the first node cannot stop its group, and is asked to.
    private func stuck(_ failure: Double = 0) -> World {
        var world = world { $0.stopFailure = .fence }
        world.conditions.rebootTime = nil
        world.conditions.fenceFailure = failure
        world.conditions.stopFailure = 1
        _ = world.request(.standby(.local), at: 0)
        world.run(.milliseconds(300))
        return world
    }

    @Test("a node that cannot stop a group asks to be powered off: another one does it, once, and takes the group")
    func plea() {
        var world = stuck()
        world.run(.seconds(4))
        #expect(world.fencesBegun == 1 && world.fencesDone == 1, "\(world.story)")
        #expect(world.map == [1, 1], "\(world.story)")
        expectNeverDouble(world)
        world.run(.seconds(60))
        #expect(world.fencesBegun == 1)
    }

    @Test("also where the node shuts down before it is powered off")
    func pleaAtShutdown() {
        var world = world { $0.stopFailure = .fence }
        world.conditions.rebootTime = nil
        world.conditions.stopFailure = 1
        world.shutDown(0)
        world.run(.seconds(10))
        #expect(world.fencesDone == 1, "\(world.story)")
        #expect(world.map == [1, 1], "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("devices that fail are tried again after pauses, and the group stays where it is")
    func pleaUnheard() {
        var world = stuck(1)
        world.run(.seconds(100))
        #expect((2...5).contains(world.fencesBegun), "\(world.fencesBegun) tries\n\(world.story)")
        #expect(world.owners("fs-alpha") == [0], "\(world.story)")
        world.conditions.stopFailure = 0
        world.conditions.fenceFailure = 0
        _ = world.request(.cleanup(group: nil), at: 1)
        world.run(.seconds(40))
        #expect(world.fencesDone == 0, "it was stopped, nobody has to be powered off\n\(world.story)")
    }

    @Test("while the cluster is frozen nobody is powered off because of a stop that failed")
    func pleaFrozen() {
        var world = world { $0.stopFailure = .fence }
        world.conditions.stopFailure = 1
        _ = world.request(.standby(.local), at: 0)
        _ = world.request(.maintain(MaintenanceOrder(group: nil, isOn: true)), at: 1)
        world.run(.seconds(20))
        #expect(world.fencesBegun == 0, "\(world.story)")
    }
}
