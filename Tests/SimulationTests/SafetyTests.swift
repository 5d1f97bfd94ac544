import ClusterCore
import ClusterModel
import Testing
@testable import Simulation

@Suite("Never two owners under majority")
struct SafetyTests: QuorumScenario {
    @Test("a status process that is restarted in a minority has no more right than the one before it")
    func restartInMinority() {
        var world = world()
        world.partition([0], [1, 2])
        world.run(.milliseconds(150))
        world.restartStatusProcess(0)
        world.run(.seconds(2))
        #expect(world.map[0] > 0, "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("a status process that is restarted in a majority keeps what runs here, also when messages are lost")
    func restartInMajority() {
        var world = world()
        world.conditions.loss = 0.2
        for node in 0..<3 {
            world.restartStatusProcess(node)
            world.run(.seconds(2))
        }
        #expect(world.map == [0, 1, 2], "\(world.story)")
        #expect(world.ownership.takes == 3, "\(world.story)")
    }

    @Test("the only node that hears both sides is restarted: its silence about the holder is no vote")
    func restartedVoter() {
        var world = world(groups: [("ip", "node00")])
        world.partition([0], [1])
        world.run(.seconds(3))
        for _ in 0..<20 {
            world.restartStatusProcess(2)
            world.run(.milliseconds(170))
        }
        world.run(.seconds(1))
        #expect(world.map == [0], "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("a node that still hears the holder grants the group to nobody else")
    func grantBesideHolder() {
        for silence in stride(from: 380, through: 500, by: 10) {
            var world = world(groups: [("ip", "node00")])
            world.partition([0], [1])
            world.run(.seconds(1))
            world.cut(from: 2, to: 1)
            world.run(.milliseconds(Int64(silence)))
            world.heal()
            world.partition([0], [1])
            world.run(.seconds(3))
            #expect(world.map == [0], "\(silence) \(world.story)")
            expectNeverDouble(world)
        }
    }

    @Test("grants that were long on their way start nothing once the right to hold has ended")
    func lateGrants() {
        var world = world(groups: [("ip", "node01")])
        // What comes to node 0 is held up, as behind a stalled switch, and then comes all at once.
        world.conditions.startTime = .milliseconds(20)
        world.crash(1)
        world.run(.milliseconds(495))
        world.conditions.delayMin = .milliseconds(900)
        world.conditions.delayMax = .milliseconds(901)
        world.run(.milliseconds(100))
        world.partition([0], [2])
        world.conditions.delayMin = .microseconds(50)
        world.run(.seconds(3))
        expectNeverDouble(world)
    }

    @Test("a status process that starts after the right of the one before has ended gives up what it finds")
    func lateStatusRestart() {
        var world = world()
        world.partition([0], [2])
        world.pause(0)
        world.run(.seconds(2))
        #expect(world.owners("ip-node00").count == 2, "the paused node still has it")
        world.restartStatusProcess(0)
        world.run(.milliseconds(20))
        #expect(world.nodes[0].running.isEmpty, "\(world.story)")
    }

    /// Two nodes of which the first stands still, and the other one has taken its group. Nothing waits at its media
    /// when it goes on.
    private func standingStill(seed: UInt64 = 1) -> World {
        var world = TestCluster(failback: .off).world(seed: seed)
        world.startAll()
        world.run(.seconds(3))
        world.partition([0], [1])
        world.pause(0)
        world.run(.seconds(2))
        return world
    }

    @Test("ignore: a node that stood still is silent until the other one had time to say what it took")
    func silentAfterPause() {
        var world = standingStill()
        #expect(world.ownership.doublyOwned == ["ip1"])
        world.heal()
        world.resume(0)
        let end = world.now + .seconds(1)
        while world.ownership.doublyOwned == ["ip1"], world.now < end {
            #expect(world.nodes[0].entitledUntil.map { $0 < world.now } == true, "\(world.story)")
            let announced = world.history.contains { $0.node == "node00" && $0.record.event == "group-reassert" }
            #expect(!announced, "\(world.story)")
            world.run(.milliseconds(1))
        }
        #expect(world.ownership.doublyOwned.isEmpty, "\(world.story)")
    }

    @Test("ignore: a node that stood still, alone, answers again when the other one must be dead or have no lease")
    func aloneAfterPause() {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        world.crash(1)
        world.pause(0)
        world.run(.seconds(2))
        world.resume(0)
        world.run(world.nodes[0].configuration.timing.deadtime - .milliseconds(5))
        #expect(world.nodes[0].entitledUntil.map { $0 < world.now } == true, "\(world.story)")
        world.run(world.nodes[0].configuration.timing.keepalive + .milliseconds(10))
        #expect(world.nodes[0].entitledUntil.map { $0 > world.now } == true, "\(world.story)")
        #expect(world.logged("group-reassert") >= 1, "\(world.story)")
    }

    @Test("ignore: who comes back with the better claim waits while the other one's lease runs, though its stop fails")
    func betterClaimAfterPause() {
        // What node 1 knew of epochs could not be kept, so that node 0 has the better claim to its own group.
        var world = standingStill(seed: 2)
        world.restartResourceManager(1)
        world.run(.seconds(1))
        world.conditions.stopFailure = 1
        world.heal()
        world.resume(0)
        world.run(.seconds(2))
        #expect(world.logged("group-blocked") >= 1, "\(world.story)")
        #expect(world.nodes[0].entitledUntil.map { $0 > world.now } == true, "\(world.story)")
        #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
    }

    @Test("a node that reboots within deadtime has lost its groups: they are started again at once")
    func quickReboot() {
        var world = world()
        world.crash(0)
        world.run(.milliseconds(100))
        world.start(0)
        world.run(.milliseconds(300))
        #expect(world.map[0] >= 0, "\(world.story)")
        #expect(world.logged("node-dead") == 0)
        expectNeverDouble(world)
    }

    @Test("two operators at once, and ha.cf files in another order: all nodes agree on one of the two")
    func concurrentMarks() {
        var cluster = MembershipTests.cluster(3)
        cluster.isRotated = true
        cluster.failback = .off
        cluster.groups = [("ip", "node00")]
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(3))
        let requests = [1, 2].map { world.request(.takeover(.group("ip")), at: $0) }
        world.run(.seconds(3))
        #expect(requests.map { world.response(to: $0)?.outcome } == [.failed, .done], "both are told")
        let takes = world.ownership.takes
        let wanted = (0..<3).map { world.nodes[$0].cluster?.snapshot(world.now).groups[0].wanted }
        #expect(wanted[0] == wanted[1] && wanted[1] == wanted[2], "\(wanted)")
        world.run(.seconds(3))
        #expect(world.ownership.takes == takes, "\(world.story)")
        expectNeverDouble(world)
    }
}

@Suite("What must happen does happen")
struct LivenessTests {
    @Test("a node that is always late still declares a dead one dead, and moves its groups")
    func alwaysLate() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        world.crash(1)
        for _ in 0..<15 {
            world.pause(0)
            world.run(.milliseconds(220))
            world.resume(0)
            world.run(.milliseconds(1))
        }
        #expect(world.map == [0, 0], "\(world.story)")
    }

    /// A link between two of four nodes is cut for good.
    private static func partlyHeard() -> World {
        var world = Blueprint.nodes(4).world()
        world.startAll()
        world.run(.seconds(3))
        world.partition([0], [1])
        world.run(.seconds(2))
        return world
    }

    @Test("a dead node's group goes to a node that all others hear, for only that one gets every grant")
    func partialMesh() {
        var world = LivenessTests.partlyHeard()
        #expect(world.map == [0, 1, 2, 3], "what runs stays")
        world.crash(3)
        world.run(.seconds(2))
        #expect(world.map == [0, 1, 2, 2], "\(world.story)")
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("a group does not go home to a node that could not start it")
    func failbackIntoPartialMesh() {
        var world = LivenessTests.partlyHeard()
        world.crash(0)
        world.run(.seconds(2))
        let away = world.map[0]
        world.start(0)
        world.run(.seconds(5))
        #expect(world.map == [away, 1, 2, 3], "\(world.story)")
        world.heal()
        world.run(.seconds(2))
        #expect(world.map == [0, 1, 2, 3], "\(world.story)")
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("a node whose resource manager dies while it shuts down goes on when the next one has taken stock")
    func managerLostAtShutdown() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        world.cut(from: 0, to: 1)
        world.shutDown(0)
        world.run(.milliseconds(50))
        world.restartResourceManager(0)
        let before = world.eventCount
        world.run(.seconds(5))
        #expect(world.eventCount - before < 2000)
        #expect(!world.nodes[0].isUp, "\(world.story)")
    }

    @Test("a node that is often late does not accuse one that lives")
    func lateAccuser() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        for _ in 0..<40 {
            world.pause(0)
            world.run(.milliseconds(230))
            world.resume(0)
            world.run(.milliseconds(30))
        }
        #expect(world.logged("node-dead") == 0, "\(world.story)")
    }

    @Test("what is due is done with whatever event comes first, not only with a wake")
    func dueWithoutWake() {
        let cluster = MembershipTests.cluster(3)
        let media = [Medium.broadcast(interface: "eth0", port: 694)]
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(3))
        _ = media
        world.partition([0], [1, 2])
        world.run(.milliseconds(200))
        world.pause(0)
        world.run(.seconds(1))
        // The first thing that the node sees after its right has ended is a request.
        _ = world.request(.cleanup(group: nil), at: 0)
        var copy = world.nodes[0]
        var effects: [Effect] = []
        copy.handle(.requesterGone(99), now: world.now, effects: &effects)
        #expect(effects.contains { if case .stop = $0 { true } else { false } }, "\(effects)")
    }

    @Test("every request is answered once, also by a node that shuts down before it is done", arguments: [false, true])
    func answerAtShutdown(_ handsOver: Bool) {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        world.conditions.stopTime = .seconds(3)
        _ = world.request(.takeover(.group("ip1")), at: 1)
        world.run(.milliseconds(50))
        if handsOver { world.handOver(1) } else { world.shutDown(1) }
        world.run(.seconds(10))
        #expect(world.responses.count == 1)
        #expect(world.wronglyAnswered.isEmpty, "\(world.story)")
    }

    @Test("operators cannot make a node remember requests without end")
    func manyRequests() {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        world.conditions.stopTime = .seconds(20)
        for _ in 0..<1000 { _ = world.request(.takeover(.all), at: 1) }
        // Each one but the last is answered: refused, or told that a later one has changed the goal.
        #expect(world.responses.count > 800, "\(world.responses.count)")
    }

    @Test("a clean-up typed at a node that has not joined yet is refused, for it would not be heard")
    func earlyCleanup() {
        var world = TestCluster().world()
        world.start(0)
        let request = world.request(.cleanup(group: nil), at: 0)
        #expect(world.response(to: request)?.outcome == .refused)
    }

    @Test("ping quorum: without an answer everything is released, with one it is claimed again")
    func pingQuorum() {
        var cluster = TestCluster(quorum: .ping)
        cluster.pingNodes = ["10.0.0.254"]
        var world = cluster.world()
        world.conditions.pingLoss = 1
        world.startAll()
        world.run(.seconds(5))
        #expect(world.map == [-1, -1], "\(world.story)")
        world.conditions.pingLoss = 0
        world.run(.milliseconds(400))
        #expect(world.map == [0, 1], "\(world.story)")
        world.conditions.pingLoss = 1
        world.run(.milliseconds(700))
        #expect(world.map == [-1, -1], "\(world.story)")
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("ping quorum: a node that was cut off waits for the other one when the ping node answers again")
    func pingBeforePeer() {
        var cluster = TestCluster(quorum: .ping)
        cluster.pingNodes = ["10.0.0.254"]
        var world = cluster.world()
        world.startAll()
        world.run(.seconds(3))
        #expect(world.map == [0, 1], "\(world.story)")
        // The ping node answers as soon as the cable is in; the other node speaks with its next keepalive.
        for round in 0..<20 {
            world.partition([0], [1])
            world.conditions.pingLoss = 1
            world.run(.milliseconds(2000 + round * 13))
            #expect(world.map == [-1, -1], "\(world.story)")
            world.conditions.pingLoss = 0
            world.heal()
            world.run(.seconds(2))
            #expect(world.map == [0, 1], "\(world.story)")
        }
        #expect(world.ownership.overlaps.isEmpty, "\(world.ownership.overlaps)")
        // One that is dead is waited for no longer than that.
        world.crash(1)
        world.conditions.pingLoss = 1
        world.run(.seconds(2))
        world.conditions.pingLoss = 0
        world.run(.seconds(2))
        #expect(world.map == [0, 0], "\(world.story)")
    }
}
