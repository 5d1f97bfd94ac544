import Admin
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Start, death, return, end of a node")
    struct LifeTests {
        @Test("Two nodes that start together each take what is at home there")
        func coldStart() throws {
            try Stage.play { stage in
                try stage.start()
                stage.expectNothingMoved()
                for node in stage.cluster.nodes {
                    let report = try #require(node.report())
                    #expect(report.status == .active)
                    #expect(report.holdings == .local)
                    #expect(report.nodes.map(\.status) == [.active, .active])
                }
            }
        }

        @Test("A node that starts alone takes everything when initdead has passed")
        func alone() throws {
            try Stage.play { plan in
                plan.files.initdead = "2s"
            } _: { stage in
                let begin = Clock.now()
                try stage.alpha.powerOn()
                try stage.alpha.startDaemon()
                try stage.awaitBoth(on: stage.alpha)
                #expect(Clock.now() - begin >= .seconds(2))
                #expect(stage.record("two") == ["alpha start"])
            }
        }

        @Test("When the owner loses its power, the other has its groups after deadtime, and gives them back")
        func powerCut() throws {
            try Stage.play { stage in
                try stage.start()
                let probe = try stage.cluster.probe(Stage.addressA)
                try stage.waiting.until("an answer from \(Stage.addressA)") { probe.seen.last != nil }
                let cut = Clock.now()
                try stage.alpha.cutPower()
                try stage.awaitBoth(on: stage.beta)
                try stage.waiting.until("an answer after the cut") { probe.seen.longestOutage(after: cut) > .zero }
                let outage = probe.seen.longestOutage(after: cut)
                // Not before, for a late heartbeat could still have come; and not much later.
                #expect(outage >= Stage.deadtime - .milliseconds(200))
                #expect(outage <= Stage.deadtime + .milliseconds(500))
                #expect(stage.record("one") == ["alpha start", "beta start"])
                let dead = try #require(stage.beta.report()?.node(named: "alpha"))
                #expect(dead.status == .dead)

                try stage.alpha.powerOn()
                try stage.alpha.startDaemon()
                try stage.awaitHome()
                #expect(stage.record("one") == ["alpha start", "beta start", "beta stop", "alpha start"])
                #expect(stage.record("two") == ["beta start"])
            }
        }

        @Test("With auto_failback off a group stays where it is when its home returns")
        func noFailback() throws {
            try Stage.play { plan in
                plan.files.autoFailback = "off"
            } _: { stage in
                try stage.start()
                try stage.alpha.cutPower()
                try stage.awaitBoth(on: stage.beta)
                try stage.alpha.powerOn()
                try stage.alpha.startDaemon()
                try stage.waiting.until("alpha active again") {
                    stage.alpha.report()?.status == .active
                        && stage.beta.report()?.node(named: "alpha")?.status == .active
                }
                let moved = try stage.waiting.watch(Stage.deadtime) { stage.alpha.holds(Stage.addressA) ? true : nil }
                #expect(moved == nil)
                #expect(stage.record("one") == ["alpha start", "beta start"])
            }
        }

        @Test("A node that shuts down hands everything over at once, and ends with code 0")
        func gracefulStop() throws {
            try Stage.play { stage in
                try stage.start()
                let probe = try stage.cluster.probe(Stage.addressA)
                try stage.waiting.until("an answer from \(Stage.addressA)") { probe.seen.last != nil }
                let begin = Clock.now()
                #expect(try stage.alpha.stopDaemon() == .exited(0))
                try stage.awaitBoth(on: stage.beta)
                #expect(probe.seen.longestOutage(after: begin) < Stage.deadtime / 2)
                #expect(stage.record("one") == ["alpha start", "alpha stop", "beta start"])
                // It said goodbye, so nobody had to wait for its death.
                let log = stage.beta.log
                #expect(!log.contains("deadtime"))
            }
        }

        @Test("Both nodes shut down: everything is released, nothing is left behind")
        func bothStop() throws {
            try Stage.play { stage in
                try stage.start()
                #expect(try stage.alpha.stopDaemon() == .exited(0))
                #expect(try stage.beta.stopDaemon() == .exited(0))
                for address in [Stage.addressA, Stage.addressB] {
                    #expect(stage.cluster.holders(of: address).isEmpty)
                }
                for node in stage.cluster.nodes {
                    #expect(node.processes.count == 1, "\(node.processes.map(\.title))")
                    for path in [node.paths.controlSocket, node.paths.fifo] {
                        #expect(FileSystem.kind(of: path) == nil, "\(path) is still there")
                    }
                }
                #expect(stage.record("one").last == "beta stop")
                #expect(stage.record("two").last == "beta stop")
            }
        }
    }
}
