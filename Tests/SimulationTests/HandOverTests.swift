import ClusterCore
import ClusterModel
import Testing
@testable import Simulation

@Suite("A daemon that is restarted keeps what runs")
struct HandOverTests: QuorumScenario {
    @Test("a node that stood still learns what the others took before it hands over")
    func handOverAfterPause() {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        world.pause(0)
        world.run(.seconds(2))
        world.handOver(0)
        world.resume(0)
        world.run(.milliseconds(200))
        #expect(world.ownership.doublyOwned.isEmpty, "\(world.story)")
        world.run(.seconds(2))
        #expect(world.nodes[0].isUp && world.map == [1, 1], "\(world.story)")
    }

    @Test("who was granted a group last keeps it over a restart, where its epoch was kept", arguments: [1, 2])
    func epochOutlivesDaemon(_ seed: UInt64) {
        var world = TestCluster(failback: .off).world(seed: seed)
        world.startAll()
        world.run(.seconds(3))
        world.pause(0)
        world.run(.seconds(2))
        world.handOver(1)
        world.run(.seconds(2))
        #expect(world.nodes[1].isUp && world.nodes[1].running == ["ip1", "ip2"], "\(world.story)")
        world.resume(0)
        world.run(.seconds(2))
        #expect(world.map == (world.nodes[1].keepsEpochs ? [1, 1] : [0, 1]), "\(world.story)")
        #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
    }

    @Test("the right of a hand-over is no longer than the next daemon's own word")
    func rightAfterHandOver() {
        var world = world()
        world.handOver(0)
        world.run(.milliseconds(350))
        #expect(world.nodes[0].isUp && world.map == [0, 1, 2])
        world.partition([0], [1, 2])
        world.run(.seconds(2))
        #expect(world.map[0] > 0, "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("a daemon that follows a hand-over asks for patience until the kernel has been told of its own interval")
    func pauseAfterHandOver() {
        var world = world()
        world.conditions.inventoryTime = .milliseconds(50)
        world.handOver(0)
        let isGone = world.run(atMost: .seconds(1), until: { !$0.nodes[0].isUp })
        let isBack = world.run(atMost: .seconds(1), until: { $0.nodes[0].isUp })
        #expect(isGone && isBack, "\(world.story)")
        world.run(.milliseconds(20))
        #expect(world.logged("node-restart") == 2, "\(world.story)")
        world.pause(0)
        // A hand-over lasts for 10 s.
        world.run(.seconds(14))
        #expect(world.map[0] == -2 && world.logged("group-start") == 4, "\(world.story)")
        #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
    }

    @Test("what was confirmed to a node that hands over binds the daemons that follow", arguments: [false, true])
    func confirmationOutlivesDaemon(_ isPowerCut: Bool) {
        var world = world()
        world.conditions.restartTime = .seconds(60)
        world.handOver(1)
        let isGone = world.run(atMost: .seconds(1), until: { !$0.nodes[1].isUp })
        #expect(isGone, "\(world.story)")
        for node in [0, 2] {
            if isPowerCut { world.crash(node) } else { world.restartStatusProcess(node) }
            world.start(node)
            world.run(.milliseconds(100))
        }
        world.run(.seconds(9))
        #expect(world.owners("ip-node01") == [1], "\(world.story)")
        world.run(.seconds(3))
        #expect(world.logged("group-start") > 3, "\(world.story)")
        #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
    }

    @Test("a hand-over waits until the others have heard of it, so that one lost message costs nothing")
    func handOver() {
        var world = world()
        world.conditions.restartTime = .seconds(3)
        world.cut(from: 0, to: 1)
        world.cut(from: 0, to: 2)
        world.handOver(0)
        world.run(.milliseconds(120))
        world.heal()
        world.run(.seconds(6))
        #expect(world.map == [0, 1, 2], "\(world.story)")
        #expect(world.ownership.takes == 3, "\(world.story)")
        expectNeverDouble(world)
    }

    @Test("a hand-over ends what is under way first: half a stop would be found as a torn group")
    func handOverAtWork() {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        world.conditions.stopTime = .seconds(2)
        _ = world.request(.standby(.all), at: 0)
        world.run(.milliseconds(20))
        world.handOver(0)
        world.run(.seconds(5))
        #expect(world.map == [1, 1], "\(world.story)")
        #expect(!world.history.contains { $0.record.text.contains("only a part of it runs here") })
    }

    @Test(
        "ping: a hand-over that nobody has heard of prolongs nothing, whether a daemon follows or not",
        arguments: [[6, 6], [6, 1]])
    func unheardHandOver(_ factors: [Int]) {
        for restartTime in [Duration.milliseconds(300), .seconds(60)] {
            var world = TestCluster.cutOff(deadtimeFactors: factors)
            world.conditions.restartTime = restartTime
            world.run(.seconds(1))
            world.handOver(0)
            world.run(.seconds(6))
            #expect(world.owners("ip1").contains(1), "\(world.story)")
            world.run(.seconds(10))
            #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
        }
    }

    @Test("a message from before the hand-over that comes late does not free the daemon that follows")
    func lateWord() throws {
        var world = world()
        world.conditions.restartTime = .seconds(60)
        let last = (1...1000).last { world.nodes[0].sentMessage(UInt64($0)) != nil }
        let late = try #require(last.flatMap { world.nodes[0].sentMessage(UInt64($0)) })
        world.cut(from: 0, to: 2)
        world.handOver(0)
        let isGone = world.run(atMost: .seconds(1), until: { !$0.nodes[0].isUp })
        #expect(isGone, "\(world.story)")
        // What is still on its way is heard by the daemon that ends.
        world.run(.milliseconds(1))
        world.restartStatusProcess(1)
        // As from a serial line that has more to say than it can.
        world.queue.push(
            at: world.now + .milliseconds(20), .datagram(late, medium: MediumID(0), node: 1))
        world.run(.seconds(9))
        #expect(world.owners("ip-node00") == [0], "\(world.story)")
        world.run(.seconds(3))
        #expect(world.owners("ip-node00").count == 2, "\(world.story)")
        #expect(world.service.overlaps.isEmpty, "\(world.service.overlaps)\n\(world.story)")
    }
}
