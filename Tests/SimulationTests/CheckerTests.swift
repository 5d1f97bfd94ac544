// The checkers themselves: each must see what it is there for.
import ClusterModel
import Messaging
import Testing

@testable import Simulation

@Suite("Checkers")
struct CheckerTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test("a group is served where it runs and while the lease runs, and by two nodes where both do")
    func service() {
        var checker = ServiceChecker(
            groups: [("ip", true, true), ("disk", false, false), ("both", false, true)], nodes: 2)
        checker.renewed(node: 0, until: at(500), at: at(0))
        checker.began("ip", node: 0, at: at(0))
        checker.began("disk", node: 0, at: at(0))
        checker.began("both", node: 0, at: at(0))
        checker.renewed(node: 1, until: at(2000), at: at(1000))
        checker.began("ip", node: 1, at: at(1000))
        checker.began("disk", node: 1, at: at(1000))
        checker.renewed(node: 0, until: at(1400), at: at(1200))
        checker.settle(at(1500))
        checker.ended("disk", node: 0, at: at(1600))
        #expect(checker.overlaps.first { $0.group == "ip" } == Overlap(
            group: "ip", nodes: [0, 1], from: at(1200), duration: .milliseconds(200)))
        #expect(checker.overlaps.first { $0.group == "disk" } == Overlap(
            group: "disk", nodes: [0, 1], from: at(1000), duration: .milliseconds(600)))
        #expect(checker.overlaps.count == 2)
        // Its address is found no longer, though the rest of it runs.
        #expect(checker.outages(of: "both").first == Outage(from: at(500), duration: .milliseconds(700)))
        #expect(checker.outages(of: "ip") == [Outage(from: at(500), duration: .milliseconds(500))])
        #expect(checker.outages(of: "disk").isEmpty)
        checker.cleared(node: 1, at: at(1700))
        checker.settle(at(1900))
        #expect(checker.outages(of: "ip").last == Outage(from: at(1700), duration: .milliseconds(200)))
    }

    @Test("a message that is used twice, or comes from an older daemon, is seen")
    func delivery() {
        func message(_ sequence: Int, generation: Int) -> HAMessage {
            var message = HAMessage()
            message.append("src", "beta")
            message.append("seq", String(sequence, radix: 16))
            message.append("hg", String(generation, radix: 16))
            return message
        }
        var checker = DeliveryChecker(names: ["alpha", "beta"])
        checker.used(message(100, generation: 7), by: 0)
        checker.used(message(99, generation: 7), by: 0)
        checker.used(message(100, generation: 8), by: 0)
        checker.used(message(100, generation: 8), by: 1)
        #expect(checker.violation == nil)
        var older = checker
        older.used(message(101, generation: 7), by: 0)
        #expect(older.violation == "message 101 of beta used of an older daemon by alpha")
        checker.used(message(100, generation: 8), by: 0)
        #expect(checker.violation == "message 100 of beta used twice by alpha")
    }

    @Test("a stopped node serves no longer than its lease, and nobody else serves before")
    func pausedNode() {
        var world = Blueprint.nodes(3).world()
        for node in world.nodes.indices { world.start(node) }
        world.run(.seconds(4))
        world.pause(1)
        world.run(.seconds(3))
        #expect(world.owners("ip-node01").count == 2, "the stopped node cannot stop what it runs")
        #expect(world.service.overlaps.isEmpty)
        #expect(world.service.outages(of: "ip-node01").count == 1)
        #expect(world.service.isServed("ip-node01", at: world.now))
    }
}

@Suite("Studies")
struct StudyTests {
    private func cluster(_ quorum: QuorumPolicy) throws -> StudyCluster {
        var blueprint = quorum == .majority ? Blueprint.nodes(3) : Blueprint(quorum: quorum)
        blueprint.failback = .on
        let media = [Medium.broadcast(interface: "eth0", port: 694), .serial(tty: "/dev/ttyS0", baud: 19_200)]
        return try #require(StudyCluster(blueprint.configuration(for: blueprint.nodes[0], media: media), seed: 1))
    }

    @Test("a run is the same again, and its story ends with what was found")
    func repeats() throws {
        let cluster = try cluster(.ignore)
        #expect(cluster.segments.map(\.name) == ["eth0", "/dev/ttyS0"])
        let run = cluster.run(.isolate, seed: 7)
        #expect(run.steps == cluster.run(.isolate, seed: 7).steps)
        #expect(run.isDouble)
        let story = cluster.story(run, of: cluster.groups)
        #expect(story == cluster.story(run, of: cluster.groups))
        #expect(story.contains { $0.source == "client" && $0.text.contains("is served by") })
    }

    @Test("the shortest schedule keeps only what it takes to serve twice")
    func shortest() throws {
        let cluster = try cluster(.ignore)
        let run = cluster.run(
            .several,
            steps: [
                Step(at: .zero, fault: .statusProcess(node: 0)), Step(at: .milliseconds(10), fault: .isolate(node: 1)),
                Step(at: .milliseconds(20), fault: .resource(group: 0)),
            ], seed: 3)
        #expect(run.isDouble)
        #expect(cluster.shortest(run).steps.map(\.fault) == [.isolate(node: 1)])
    }

    @Test("three nodes serve nothing twice, whatever fails; a dead machine's group is served again")
    func majority() throws {
        let cluster = try cluster(.majority)
        for seed in 0..<40 as Range<UInt64> {
            for kind in cluster.kinds {
                let run = cluster.run(kind, seed: seed)
                #expect(!run.isDouble, "\(kind.rawValue), seed \(seed)")
            }
        }
        let run = cluster.run(.kill, steps: [Step(at: .zero, fault: .kill(node: 2))], seed: 1)
        #expect(run.outages[2] > .zero && run.outages[2] < .seconds(2))
        #expect(run.outages[0] == .zero && run.lasts == [false, false, false])
    }
}
