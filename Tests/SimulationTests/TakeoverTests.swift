import ClusterCore
import ClusterModel
import Testing
@testable import Simulation

@Suite("Takeover, failback and operators' moves")
struct TakeoverTests {
    @Test("two nodes that start together each start their own group, and nothing moves twice")
    func coldStart() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        #expect(world.map == [0, 1], "\(world.story)")
        #expect(world.ownership.takes == 2)
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("a cold start of two nodes takes less than two keepalives")
    func coldStartTime() {
        var world = TestCluster().world()
        world.startAll()
        #expect(world.run(atMost: .milliseconds(200)) { $0.map == [0, 1] }, "\(world.story)")
    }

    @Test("a node that starts alone waits for initdead and then holds everything")
    func alone() {
        var world = TestCluster().world()
        world.start(0)
        world.run(.milliseconds(1900))
        #expect(world.map == [-1, -1])
        world.run(.milliseconds(300))
        #expect(world.map == [0, 0], "\(world.story)")
    }

    @Test("the owner's crash is followed by a takeover right after deadtime")
    func crash() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        world.crash(0)
        world.run(.milliseconds(390))
        #expect(world.map == [-1, 1])
        world.run(.milliseconds(120))
        #expect(world.map == [1, 1], "\(world.story)")
    }

    @Test("a witness gives the majority its vote, and holds nothing, whoever dies and whatever is asked of it")
    func witness() {
        var cluster = Blueprint.nodes(3)
        cluster.groups = [("ip1", "node00"), ("ip2", "node01")]
        cluster.witnesses = ["node02"]
        var world = cluster.world()
        for index in world.nodes.indices { world.start(index) }
        world.run(.seconds(5))
        #expect(world.owners == [0, 1])
        let takeover = world.request(.takeover(.all), at: 2)
        world.run(.seconds(1))
        #expect(world.response(to: takeover)?.text == "this node is a witness (ha.cf): it holds nothing")
        world.crash(0)
        world.run(.seconds(2))
        #expect(world.owners == [1, 1])
        // Of those that are left it is no majority.
        world.crash(1)
        world.run(.seconds(5))
        #expect(world.owners == [-1, -1])
    }

    @Test("auto_failback on brings a group home, off leaves it", arguments: [AutoFailback.on, .off])
    func failback(_ policy: AutoFailback) {
        var world = TestCluster(failback: policy).world()
        world.startAll()
        world.run(.seconds(3))
        world.crash(0)
        world.run(.seconds(1))
        world.start(0)
        world.run(.seconds(3))
        #expect(world.map == (policy == .on ? [0, 1] : [1, 1]), "\(world.story)")
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("hb_standby moves what a node holds and answers when it has arrived; release comes before claim")
    func standby() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        let request = world.request(.standby(.all), at: 0)
        #expect(world.response(to: request) == nil)
        world.run(.milliseconds(20))
        #expect(world.map == [1, 1], "\(world.story)")
        #expect(world.response(to: request) == OperatorResponse(.done, "ip1 runs on beta"))
        world.run(.seconds(5))
        #expect(world.map == [1, 1], "auto_failback does not undo an operator's move")
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("hb_takeover brings groups here, failback sends them home")
    func takeover() {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        let all = world.request(.takeover(.all), at: 0)
        world.run(.milliseconds(20))
        #expect(world.map == [0, 0], "\(world.story)")
        #expect(world.response(to: all)?.outcome == .done)
        let home = world.request(.standby(.failback), at: 0)
        world.run(.milliseconds(20))
        #expect(world.map == [0, 1], "\(world.story)")
        #expect(world.response(to: home)?.outcome == .done)
        let one = world.request(.takeover(.group("ip1")), at: 1)
        world.run(.milliseconds(20))
        #expect(world.map == [1, 1])
        #expect(world.response(to: one) == OperatorResponse(.done, "ip1 runs on beta"))
    }

    @Test("what was seen before a group was started here is no reason to give it away, or to call it failed")
    func outdatedReason() throws {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        let before = world.now
        world.run(.milliseconds(1))
        _ = world.request(.standby(.group("ip1")), at: 0)
        // While it is being started, whatever was seen was not this node's.
        var isStarting = false
        for _ in 0..<10_000 where !isStarting {
            world.run(.microseconds(50))
            let objection = world.nodes[1].cluster?.objection(to: .standby(.group("ip1")), observedAt: world.now)
            isStarting = objection != nil
        }
        #expect(isStarting, "\(world.story)")
        world.run(.seconds(1))
        #expect(world.map == [1, 1], "\(world.story)")
        let core = try #require(world.nodes[1].cluster)
        let resource = core.configuration.groups[0].resources[0].text
        for request in [OperatorRequest.standby(.group("ip1")), .fail(resource: resource, reason: "dead")] {
            #expect(core.objection(to: request, observedAt: before) != nil)
            #expect(core.objection(to: request, observedAt: world.now) == nil)
        }
        // What it has had all the time, and what names no group.
        #expect(core.objection(to: .standby(.group("ip2")), observedAt: before) == nil)
        #expect(core.objection(to: .standby(.all), observedAt: before) == nil)
    }

    @Test("hb_standby is refused where nobody can take over, and for groups that do not exist")
    func refusals() {
        var world = TestCluster().world()
        world.start(0)
        let early = world.request(.standby(.all), at: 0)
        #expect(world.response(to: early)?.outcome == .refused)
        world.run(.seconds(4))
        let alone = world.request(.standby(.all), at: 0)
        #expect(world.response(to: alone)?.outcome == .refused)
        let unknown = world.request(.takeover(.group("ip9")), at: 0)
        #expect(world.response(to: unknown)?.text.contains("ip9") == true)
        #expect(world.map == [0, 0])
    }

    @Test("a graceful shutdown hands everything over within milliseconds, and its silence is no death")
    func shutdown() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        world.shutDown(0)
        world.run(.milliseconds(20))
        #expect(world.map == [1, 1], "\(world.story)")
        #expect(!world.nodes[0].isUp)
        #expect(world.ownership.overlaps.isEmpty)
        let warnings = world.history.filter { $0.record.event == "node-dead" && $0.record.level < .info }
        #expect(warnings.isEmpty)
    }

    @Test("the last node to shut down releases its groups though nobody takes them")
    func lastShutdown() {
        var world = TestCluster().world()
        world.start(0)
        world.run(.seconds(4))
        world.shutDown(0)
        world.run(.seconds(2))
        #expect(world.map == [-1, -1])
        #expect(!world.nodes[0].isUp)
    }

    @Test("a restarted status process finds its groups and moves nothing")
    func statusRestart() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        world.restartStatusProcess(0)
        world.run(.seconds(5))
        #expect(world.map == [0, 1], "\(world.story)")
        #expect(world.ownership.takes == 2)
    }

    @Test("a group that fails to start is tried on another node, once each, until an operator cleans up")
    func startFailure() {
        var world = TestCluster(groups: [("ip1", "alpha")]).world()
        world.conditions.startFailure = 1
        world.startAll()
        world.run(.seconds(10))
        #expect(world.map == [-1])
        #expect(world.ownership.takes == 2, "\(world.story)")
        world.conditions.startFailure = 0
        _ = world.request(.cleanup(group: nil), at: 1)
        world.run(.seconds(1))
        #expect(world.map == [0], "\(world.story)")
    }

    @Test("a group that cannot be stopped is blocked where it is and taken by nobody")
    func stopFailure() {
        var world = TestCluster(groups: [("ip1", "alpha")]).world()
        world.startAll()
        world.run(.seconds(3))
        world.conditions.stopFailure = 1
        let request = world.request(.standby(.all), at: 0)
        world.run(.seconds(2))
        #expect(world.map == [0], "\(world.story)")
        #expect(world.response(to: request)?.outcome == .failed)
        world.conditions.stopFailure = 0
        _ = world.request(.cleanup(group: "ip1"), at: 1)
        world.run(.seconds(2))
        #expect(world.map.contains(-2) == false && world.map[0] >= 0, "\(world.story)")
    }

    @Test("what a node could not stop when it was shut down is taken by nobody before an operator says so")
    func leftBehind() {
        var world = TestCluster(groups: [("ip1", "alpha")]).world()
        world.startAll()
        world.run(.seconds(3))
        world.conditions.stopFailure = 1
        world.conditions.loss = 0.5
        world.shutDown(0)
        world.run(.seconds(5))
        #expect(!world.nodes[0].isUp)
        #expect(world.map == [0], "\(world.story)")
        #expect(world.logged("group-left-behind") == 1)
        #expect(world.nodes[1].cluster?.snapshot(world.now).groups[0].state == "blocked")
        _ = world.request(.cleanup(group: "ip1"), at: 1)
        world.run(.seconds(1))
        #expect(world.owners("ip1") == [0, 1], "the operator has stopped it, says he")
    }

    @Test("a resource that is lost sends its group to the other node")
    func lostResource() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        world.lose(group: "ip1", at: 0, reason: "address was removed")
        world.run(.milliseconds(100))
        #expect(world.map == [1, 1], "\(world.story)")
    }

    @Test("what the resource manager stops for want of a word has not failed: it runs again at once")
    func forfeitedGroup() {
        var world = TestCluster().world()
        world.startAll()
        world.run(.seconds(3))
        world.forfeit(group: "ip1", at: 0, reason: "the status process is silent")
        world.run(.milliseconds(100))
        #expect(world.map == [0, 1], "\(world.story)")
        #expect(world.logged("group-stop") == 1 && world.logged("group-failed") == 0, "\(world.story)")
    }

    @Test("a dead target of hb_standby is forgotten: it takes nothing back by itself")
    func deadTarget() {
        var world = TestCluster(failback: .off).world()
        world.startAll()
        world.run(.seconds(3))
        _ = world.request(.standby(.all), at: 0)
        world.run(.seconds(1))
        world.crash(1)
        world.run(.seconds(1))
        #expect(world.map == [0, 0])
        world.start(1)
        world.run(.seconds(3))
        #expect(world.map == [0, 0], "\(world.story)")
    }
}
