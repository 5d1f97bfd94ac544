import ClusterCore
import ClusterModel
import Testing
@testable import Simulation

private let clusterSizes = [2, 3, 5, 10, 32, 100]

@Suite("Membership, votes and quorum")
struct MembershipTests {
    static func cluster(_ count: Int, quorum: QuorumPolicy = .majority) -> TestCluster {
        TestCluster.nodes(count, quorum: quorum)
    }

    @Test("clusters of 2 to 100 nodes come up and survive a crash", arguments: clusterSizes)
    func sizes(_ count: Int) {
        var cluster = MembershipTests.cluster(count)
        if count == 2 { cluster.quorum = .ignore }
        if count > 20 {
            cluster.keepalive = .milliseconds(500)
            cluster.deadtime = .seconds(2)
            cluster.initdead = .seconds(4)
        }
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(3))
        #expect(world.map == Array(0..<count), "\(world.story)")
        world.crash(0)
        world.run(.seconds(4))
        #expect(world.map[0] > 0, "\(world.story)")
        #expect(Array(world.map.dropFirst()) == Array(1..<count))
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("the groups of a dead node are spread over the others")
    func spread() {
        var cluster = MembershipTests.cluster(4)
        cluster.groups = (0..<9).map { ("ip\($0)", "node00") }
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(3))
        #expect(world.map == Array(repeating: 0, count: 9))
        world.crash(0)
        world.run(.seconds(2))
        for node in 1...3 { #expect(world.map.filter { $0 == node }.count == 3, "\(world.map)") }
    }

    @Test("one cut link of two moves nothing")
    func redundantLink() {
        var world = TestCluster().world(segments: 2)
        world.startAll()
        world.run(.seconds(3))
        world.partition([0], [1], segment: 0)
        world.run(.seconds(5))
        #expect(world.map == [0, 1])
        #expect(world.ownership.takes == 2)
        #expect(world.logged("link-dead") == 2)
        #expect(world.logged("node-dead") == 0)
    }

    @Test("a node that one other node no longer hears is kept by the vote of the third")
    func veto() {
        var world = MembershipTests.cluster(3).world()
        world.startAll()
        world.run(.seconds(3))
        world.partition([0], [1])
        world.run(.seconds(10))
        #expect(world.map == [0, 1, 2], "\(world.story)")
        #expect(world.ownership.takes == 3)
        #expect(world.logged("node-unreachable") >= 1)
        #expect(world.logged("node-dead") == 0)
        world.heal()
        world.run(.seconds(2))
        #expect(world.map == [0, 1, 2])
    }

    @Test("majority: the minority gives up before the majority takes over, and nothing is owned twice")
    func minority() {
        var world = MembershipTests.cluster(3).world()
        world.startAll()
        world.run(.seconds(3))
        world.partition([0], [1, 2])
        world.run(.seconds(2))
        #expect(world.nodes[0].running.isEmpty, "\(world.story)")
        #expect(world.map[0] > 0)
        #expect(world.ownership.overlaps.isEmpty)
        #expect(world.ownership.doublyOwned.isEmpty)
        world.heal()
        world.run(.seconds(2))
        #expect(world.map == [0, 1, 2], "\(world.story)")
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("majority: with half of the nodes gone nobody claims, and what is held stays")
    func evenSplit() {
        var world = MembershipTests.cluster(4).world()
        world.startAll()
        world.run(.seconds(3))
        world.partition([0, 1], [2, 3])
        world.run(.seconds(3))
        #expect(world.map == [0, 1, 2, 3], "\(world.story)")
        world.heal()
        world.run(.seconds(2))
        #expect(world.map == [0, 1, 2, 3])
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("ignore: two nodes that lose each other both own everything; healed, one gives up at once")
    func healedPartition() {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        world.partition([0], [1])
        world.run(.seconds(2))
        #expect(world.ownership.doublyOwned == ["ip1", "ip2"])
        world.heal()
        let healed = world.now
        #expect(world.run(atMost: .milliseconds(250)) { $0.ownership.doublyOwned.isEmpty }, "\(world.story)")
        #expect(world.now - healed < .milliseconds(110), "within one keepalive of the first message that gets through")
        world.run(.seconds(2))
        #expect(!world.map.contains(-1) && !world.map.contains(-2), "\(world.story)")
        #expect(world.logged("group-reassert") >= 1)
        #expect(world.logged("node-restart") == 0)
    }

    @Test("loss, duplication and reordering of a third of all messages move nothing while deadtime is long enough")
    func lossyNetwork() {
        var cluster = MembershipTests.cluster(3)
        cluster.deadtime = .seconds(3)
        cluster.initdead = .seconds(4)
        var world = cluster.world(seed: 7)
        world.conditions.loss = 0.3
        world.conditions.duplication = 0.2
        world.conditions.delayMax = .milliseconds(150)
        world.startAll()
        world.run(.seconds(60))
        #expect(world.map == [0, 1, 2], "\(world.story)")
        #expect(world.logged("node-dead") == 0)
        #expect(world.logged("packets-complete") > 0)
    }

    @Test("a node that was paused accuses nobody when it comes back")
    func pausedNode() {
        var world = MembershipTests.cluster(3).world()
        world.startAll()
        world.run(.seconds(3))
        world.pause(0)
        world.run(.seconds(3))
        world.resume(0)
        world.run(.milliseconds(50))
        let accused = world.history.filter { $0.node == "node00" && $0.record.event == "node-dead" }
        #expect(accused.isEmpty, "\(world.story)")
        world.run(.seconds(3))
        #expect(world.map == [0, 1, 2], "\(world.story)")
    }

    @Test("serial lines alone join a chain and a ring into one cluster", arguments: [false, true])
    func serial(_ ring: Bool) {
        var cluster = MembershipTests.cluster(4)
        cluster.keepalive = .milliseconds(200)
        cluster.deadtime = .seconds(1)
        var world = cluster.serialWorld(ring: ring)
        world.startAll()
        world.run(.seconds(4))
        #expect(world.map == [0, 1, 2, 3], "\(world.story)")
        if ring {
            world.partition([0], [1])
            world.run(.seconds(5))
            #expect(world.map == [0, 1, 2, 3])
            #expect(world.logged("node-dead") == 0)
            world.heal()
            world.run(.seconds(1))
        }
        world.crash(3)
        world.run(.seconds(3))
        #expect(world.map[3] >= 0 && world.map[3] != 3, "\(world.story)")
    }

    @Test("clocks that drift by a thousandth change nothing")
    func drift() {
        var world = MembershipTests.cluster(3).world()
        world.nodes[1].driftPartsPerMillion = 1000
        world.nodes[2].driftPartsPerMillion = -1000
        world.startAll()
        world.run(.seconds(60))
        #expect(world.map == [0, 1, 2])
        #expect(world.ownership.takes == 3)
    }

    @Test("equal seeds give equal runs")
    func reproducible() {
        func run() -> [String] {
            var world = MembershipTests.cluster(5).world(seed: 99)
            world.conditions.loss = 0.2
            world.startAll()
            world.run(.seconds(5))
            world.crash(2)
            world.run(.seconds(5))
            return world.history.map { "\($0.at.nanoseconds) \($0.node) \($0.record.text)" }
        }
        let first = run()
        #expect(first == run())
        #expect(first.count > 10)
    }
}
