// One node of this version and one of heartbeat 3.0.6 on virtual time. The rules that tests name (D1, D2, ...) stand in
// Resources/doc/protocol.md.
import ClusterCore
import ClusterModel
import Testing
@testable import Simulation

@Suite("Dialogue with heartbeat 3.0.6")
struct ClassicDialogueTests {
    /// alpha speaks this version, beta 3.0.6.
    static func world(_ failback: AutoFailback = .on, seed: UInt64 = 1) -> World {
        var cluster = TestCluster()
        cluster.failback = failback
        cluster.groups = [("a1", "alpha"), ("a2", "alpha"), ("b1", "beta")]
        var world = cluster.world(seed: seed)
        world.nodes[1].runsClassic = true
        return world
    }

    static func settled(_ failback: AutoFailback = .on) -> World {
        var world = world(failback)
        world.startAll()
        world.run(.seconds(4))
        return world
    }

    /// Runs on and expects the groups at these nodes, nowhere twice, and nothing that 3.0.6 would call an error.
    static func expect(
        _ world: inout World, _ map: [Int], after time: Duration = .seconds(3),
        _ location: SourceLocation = #_sourceLocation
    ) {
        world.run(time)
        #expect(world.map == map, "\(world.story)", sourceLocation: location)
        #expect(world.ownership.overlaps.isEmpty, "\(world.story)", sourceLocation: location)
        #expect(world.logged("classic-error") == 0, "\(world.story)", sourceLocation: location)
        #expect(world.uselessWakes == 0, "\(world.story)", sourceLocation: location)
        #expect(world.wronglyAnswered == [], "\(world.story)", sourceLocation: location)
        // What alpha shows is what is.
        guard world.nodes[0].isUp, let cluster = world.nodes[0].cluster, !map.contains(-1) else { return }
        let shown = cluster.snapshot(world.nodes[0].localTime(world.now)).groups.map(\.owner)
        #expect(shown == map.map { world.nodes[$0].name }, "\(world.story)", sourceLocation: location)
    }

    @Test("D1, D3: both start together: each has its own groups at once, not after ten seconds", arguments: [
        AutoFailback.on, .off, .legacy,
    ])
    func coldTogether(_ failback: AutoFailback) {
        var world = ClassicDialogueTests.world(failback)
        world.startAll()
        ClassicDialogueTests.expect(&world, [0, 0, 1])
    }

    @Test("D4: the one that comes later takes what is its own, where groups fail back", arguments: [
        (0, AutoFailback.on), (1, .on), (0, .legacy), (1, .legacy),
    ])
    func coldApart(_ first: Int, _ failback: AutoFailback) {
        var world = ClassicDialogueTests.world(failback)
        world.start(first)
        ClassicDialogueTests.expect(&world, [first, first, first], after: .seconds(5))
        world.start(1 - first)
        ClassicDialogueTests.expect(&world, [0, 0, 1], after: .seconds(15))
    }

    @Test("D4: with auto_failback off it takes nothing", arguments: [0, 1])
    func coldApartNoFailback(_ first: Int) {
        var world = ClassicDialogueTests.world(.off)
        world.start(first)
        ClassicDialogueTests.expect(&world, [first, first, first], after: .seconds(5))
        world.start(1 - first)
        ClassicDialogueTests.expect(&world, [first, first, first], after: .seconds(15))
    }

    @Test("D9: a dead node's groups are taken, and go back when it returns", arguments: [
        (0, AutoFailback.on), (1, .on), (0, .legacy), (1, .legacy), (0, .off), (1, .off),
    ])
    func death(_ victim: Int, _ failback: AutoFailback) {
        var world = ClassicDialogueTests.settled(failback)
        ClassicDialogueTests.expect(&world, [0, 0, 1])
        world.crash(victim)
        let survivor = 1 - victim
        ClassicDialogueTests.expect(&world, [survivor, survivor, survivor])
        world.start(victim)
        let back = failback == .off ? [survivor, survivor, survivor] : [0, 0, 1]
        ClassicDialogueTests.expect(&world, back, after: .seconds(15))
    }

    @Test("D10: a graceful shutdown hands everything over", arguments: [
        (0, AutoFailback.on), (1, .on), (0, .legacy), (1, .legacy), (0, .off), (1, .off),
    ])
    func shutdown(_ leaver: Int, _ failback: AutoFailback) {
        var world = ClassicDialogueTests.settled(failback)
        world.shutDown(leaver)
        let survivor = 1 - leaver
        // Long before the deadtime of a node that is still heard would have passed.
        ClassicDialogueTests.expect(&world, [survivor, survivor, survivor], after: .milliseconds(400))
        ClassicDialogueTests.expect(&world, [survivor, survivor, survivor], after: .seconds(4))
        world.start(leaver)
        let back = failback == .off ? [survivor, survivor, survivor] : [0, 0, 1]
        ClassicDialogueTests.expect(&world, back, after: .seconds(15))
    }

    /// A command, where it is typed, and where the groups are then.
    static let moves: [(OperatorRequest, Int, [Int])] = [
        (.standby(.all), 0, [1, 1, 1]), (.standby(.local), 0, [1, 1, 1]), (.standby(.foreign), 0, [0, 0, 1]),
        (.standby(.failback), 0, [0, 0, 1]), (.standby(.all), 1, [0, 0, 0]), (.standby(.local), 1, [0, 0, 0]),
        (.takeover(.all), 0, [0, 0, 0]), (.takeover(.foreign), 0, [0, 0, 0]), (.takeover(.local), 0, [0, 0, 1]),
        (.takeover(.failback), 0, [0, 0, 1]), (.takeover(.all), 1, [1, 1, 1]), (.takeover(.foreign), 1, [1, 1, 1]),
        (.takeover(.local), 1, [0, 0, 1]),
    ]

    @Test("D5, D6: hb_standby and hb_takeover from either side", arguments: moves.indices)
    func move(_ index: Int) {
        let (request, node, map) = ClassicDialogueTests.moves[index]
        var world = ClassicDialogueTests.settled(.off)
        let id = world.request(request, at: node)
        ClassicDialogueTests.expect(&world, map)
        #expect(world.response(to: id)?.outcome == .done)
        // And back: the node that has everything gives what is not its own, or the other one takes what is.
        guard let holder = [[0, 0, 0], [1, 1, 1]].firstIndex(of: map) else { return }
        var again = world
        _ = world.request(.standby(.failback), at: holder)
        ClassicDialogueTests.expect(&world, [0, 0, 1])
        _ = again.request(.takeover(.failback), at: 1 - holder)
        // 3.0.6 would give everything for this word; it is told what is meant, and this version knows.
        ClassicDialogueTests.expect(&again, [0, 0, 1])
    }

    @Test("D5: what does not answer an offer is not given anything, and the operator is told")
    func unanswered() {
        var world = ClassicDialogueTests.settled()
        world.nodes[1].classic?.going = .other
        world.nodes[1].classic?.standby = (.all, world.now + .seconds(3600))
        let id = world.request(.standby(.all), at: 0)
        ClassicDialogueTests.expect(&world, [0, 0, 1], after: .seconds(11))
        #expect(world.response(to: id)?.outcome == .failed)
        #expect(world.logged("standby-cancelled") == 1)
    }

    @Test("D7: single groups are refused, but for one that is a whole side")
    func singleGroup() {
        var world = ClassicDialogueTests.settled()
        let one = world.request(.standby(.group("a1")), at: 0)
        let unknown = world.request(.takeover(.group("nothing")), at: 0)
        ClassicDialogueTests.expect(&world, [0, 0, 1])
        #expect(world.response(to: one)?.outcome == .refused)
        #expect(world.response(to: one)?.text.contains("single groups") == true)
        #expect(world.response(to: unknown)?.outcome == .refused)
        let side = world.request(.takeover(.group("b1")), at: 0)
        ClassicDialogueTests.expect(&world, [0, 0, 0])
        #expect(world.response(to: side)?.outcome == .done)
    }

    @Test("D8: with auto_failback legacy nothing can be moved")
    func legacyMove() {
        var world = ClassicDialogueTests.settled(.legacy)
        let id = world.request(.standby(.all), at: 0)
        ClassicDialogueTests.expect(&world, [0, 0, 1])
        #expect(world.response(to: id)?.outcome == .refused)
    }

    @Test("D11: after a partition 3.0.6 starts anew; this node keeps its own, and nothing stays twice", arguments: [
        AutoFailback.on, .off, .legacy,
    ])
    func partition(_ failback: AutoFailback) {
        var world = ClassicDialogueTests.settled(failback)
        world.partition([0], [1])
        world.run(.seconds(3))
        #expect(world.owners("a1") == [0, 1])
        world.heal()
        world.run(.milliseconds(500))
        // What is at home on the other node is given up at once.
        #expect(world.owners("b1") == [1], "\(world.story)")
        #expect(world.owners("a1").contains(0))
        world.run(.seconds(3))
        #expect(world.map == [0, 0, 0], "\(world.story)")
        world.run(.seconds(20))
        #expect(world.map == (failback == .off ? [0, 0, 0] : [0, 0, 1]), "\(world.story)")
        let stops = world.history.filter { $0.node == "alpha" && $0.record.event == "group-stop" }
        #expect(!stops.contains { $0.record.text.contains(" a1,") || $0.record.text.contains(" a2,") })
        #expect(world.uselessWakes == 0)
    }

    @Test("D11: a node that was only not heard, and never missed this one, keeps what is its own")
    func deafness() {
        var world = ClassicDialogueTests.settled(.off)
        world.cut(from: 1, to: 0)
        world.run(.seconds(3))
        #expect(world.owners("b1") == [0, 1])
        world.heal()
        world.run(.seconds(20))
        #expect(world.map == [0, 0, 1], "\(world.story)")
        // And the two can still deal with each other.
        let id = world.request(.standby(.all), at: 0)
        world.run(.seconds(3))
        #expect(world.map == [1, 1, 1], "\(world.story)")
        #expect(world.response(to: id)?.outcome == .done)
    }

    @Test("D12: a node that took everything because it did not hear this one has it")
    func deafPeer() {
        var world = ClassicDialogueTests.settled(.off)
        world.cut(from: 0, to: 1)
        world.run(.seconds(3))
        #expect(world.map == [1, 1, 1], "\(world.story)")
        world.heal()
        world.run(.seconds(30))
        #expect(!world.map.contains { $0 < 0 }, "\(world.story)")
    }

    @Test("D13: what fails to start here is offered once, and does not come back before it is cleaned up")
    func noPingPong() {
        var world = ClassicDialogueTests.settled(.off)
        _ = world.request(.standby(.all), at: 0)
        ClassicDialogueTests.expect(&world, [1, 1, 1])
        world.conditions.startFailure = 1
        _ = world.request(.takeover(.local), at: 0)
        world.run(.seconds(120))
        world.conditions.startFailure = 0
        let starts = world.history.filter { $0.record.event == "group-start" }
        #expect(starts.count <= 4, "\(world.story)")
        #expect(world.ownership.overlaps.isEmpty)
    }

    @Test("D6: a node that may hold nothing offers what it had, and takes nothing before it may")
    func barred() {
        var cluster = TestCluster()
        cluster.failback = .off
        cluster.quorum = .ping
        cluster.pingNodes = ["10.0.0.254"]
        var world = cluster.world()
        world.nodes[1].runsClassic = true
        world.startAll()
        ClassicDialogueTests.expect(&world, [0, 1], after: .seconds(4))
        world.conditions.pingLoss = 1
        ClassicDialogueTests.expect(&world, [1, 1], after: .seconds(4))
        _ = world.request(.standby(.all), at: 1)
        let refused = world.request(.takeover(.all), at: 0)
        ClassicDialogueTests.expect(&world, [1, 1], after: .seconds(12))
        #expect(world.response(to: refused)?.outcome == .refused)
        world.conditions.pingLoss = 0
        world.run(.seconds(1))
        let taken = world.request(.takeover(.local), at: 0)
        ClassicDialogueTests.expect(&world, [0, 1], after: .seconds(15))
        #expect(world.response(to: taken)?.outcome == .done)
    }

    @Test("D2: a cluster of three refuses a node of 3.0.6, says so once, and goes on without it")
    func threeNodes() {
        var cluster = TestCluster()
        cluster.nodes = ["alpha", "beta", "gamma"]
        cluster.quorum = .majority
        var world = cluster.world()
        world.nodes[2].runsClassic = true
        world.startAll()
        world.run(.seconds(8))
        #expect(world.owners("ip1") == [0])
        #expect(world.owners("ip2") == [1])
        let refusals = world.history.filter { $0.record.event == "classic-refused" }
        #expect(refusals.map(\.node).sorted() == ["alpha", "beta"])
        let shown = world.nodes[0].cluster?.snapshot(world.now).nodes[2]
        #expect(shown?.isRefused == true)
        #expect(shown?.status == .dead)
    }

    @Test("D14: a restart of either daemon moves nothing")
    func restarts() {
        var world = ClassicDialogueTests.settled()
        let takes = world.ownership.takes
        world.restartStatusProcess(0)
        ClassicDialogueTests.expect(&world, [0, 0, 1])
        world.handOver(0)
        ClassicDialogueTests.expect(&world, [0, 0, 1], after: .seconds(5))
        world.restartResourceManager(0)
        ClassicDialogueTests.expect(&world, [0, 0, 1])
        #expect(world.ownership.takes == takes)
        let id = world.request(.takeover(.all), at: 0)
        ClassicDialogueTests.expect(&world, [0, 0, 0])
        #expect(world.response(to: id)?.outcome == .done)
    }

    @Test("D15: a node that moves up from 3.0.6 is spoken to as what it is")
    func upgrade() {
        var world = ClassicDialogueTests.settled()
        world.shutDown(1)
        ClassicDialogueTests.expect(&world, [0, 0, 0])
        world.nodes[1].runsClassic = false
        world.start(1)
        ClassicDialogueTests.expect(&world, [0, 0, 1], after: .seconds(5))
        let id = world.request(.takeover(.group("b1")), at: 0)
        ClassicDialogueTests.expect(&world, [0, 0, 0])
        #expect(world.response(to: id)?.outcome == .done)
    }
}
