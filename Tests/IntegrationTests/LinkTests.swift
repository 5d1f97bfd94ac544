import Admin
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Links that fail")
    struct LinkTests {
        @Test("One of two networks cut: the link is dead, the node is not, nothing moves")
        func oneOfTwo() throws {
            try Stage.play { plan in
                plan.bridges = 2
            } _: { stage in
                try stage.start()
                try stage.alpha.cutLink(1)
                func status() -> LinkReport.Status? {
                    stage.beta.report()?.node(named: "alpha")?.links.first { $0.name == "eth1" }?.status
                }
                try stage.waiting.until("the link dead") { status() == .dead }
                try stage.expectCalm(for: Stage.deadtime * 2)
                #expect(stage.beta.report()?.node(named: "alpha")?.status == .active)
                try stage.alpha.restoreLink(1)
                try stage.waiting.until("the link up") { status() == .up }
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("Two nodes that hear each other over a serial line alone form a cluster")
        func serialOnly() throws {
            try Stage.play { plan in
                plan.hasSerialLines = true
                plan.files.interfaces = []
            } _: { stage in
                try stage.start()
                try stage.expectCalm(for: Stage.deadtime * 2)
                let outcome = try stage.alpha.run("hb_standby", ["local"])
                #expect(outcome.status == .exited(0), "\(outcome.output)")
                try stage.awaitBoth(on: stage.beta)
                stage.expectNobodyDied()
            }
        }

        @Test("Three nodes in a ring of serial lines hear each other over one that is cut")
        func serialRing() throws {
            try Stage.play { plan in
                plan.nodes = ["alpha", "beta", "gamma"]
                plan.hasSerialLines = true
                plan.files.interfaces = []
            } _: { stage in
                try stage.start()
                stage.cluster.cables[0].unplug()
                try stage.expectCalm(for: Stage.deadtime * 3)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("A serial line that was pulled out and plugged in again carries messages again")
        func unplugged() throws {
            try Stage.play { plan in
                plan.hasSerialLines = true
            } _: { stage in
                try stage.start()
                func serial() -> LinkReport.Status? {
                    stage.beta.report()?.node(named: "alpha")?.links.first { $0.directive == "serial" }?.status
                }
                stage.cluster.cables[0].unplug()
                try stage.waiting.until("the line dead") { serial() == .dead }
                stage.cluster.cables[0].plugIn()
                try stage.waiting.until("the line up") { serial() == .up }
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("Three nodes in a chain of serial lines are one cluster; cut, the larger part goes on alone")
        func serialChain() throws {
            try Stage.play { plan in
                plan.nodes = ["alpha", "beta", "gamma"]
                plan.hasSerialLines = true
                plan.serialShape = .chain
                plan.files.interfaces = []
            } _: { stage in
                try stage.start()
                // The ends hear each other through the middle.
                for (one, other) in [("alpha", "gamma"), ("gamma", "alpha")] {
                    #expect(stage.cluster[one].report()?.node(named: other)?.status == .active)
                }
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNobodyDied()
                stage.cluster.cables[0].unplug()
                try stage.waiting.until("\(Stage.addressA) in the larger part alone") {
                    let holders = stage.cluster.holders(of: Stage.addressA).map(\.name)
                    return holders == ["beta"] || holders == ["gamma"]
                }
                #expect(stage.cluster.holders(of: Stage.addressB).map(\.name) == ["beta"])
                stage.cluster.cables[0].plugIn()
                try stage.awaitHome()
            }
        }

        @Test("Of three serial lines between two nodes two may be cut, one after the other, and each returns")
        func parallelSerialLines() throws {
            try Stage.play { plan in
                plan.hasSerialLines = true
                plan.serialShape = .parallel(3)
                plan.files.interfaces = []
            } _: { stage in
                try stage.start()
                func up() -> Int? {
                    stage.beta.report()?.node(named: "alpha")?.links.filter { $0.status == .up }.count
                }
                try stage.waiting.until("three lines up") { up() == 3 }
                stage.cluster.cables[0].unplug()
                try stage.waiting.until("two lines up") { up() == 2 }
                stage.cluster.cables[2].unplug()
                try stage.waiting.until("one line up") { up() == 1 }
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.cluster.cables[0].plugIn()
                stage.cluster.cables[2].plugIn()
                try stage.waiting.until("three lines up again") { up() == 3 }
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("An interface that disappears and returns carries messages again, in both directions")
        func interfaceReturns() throws {
            try Stage.play { plan in
                plan.bridges = 2
            } _: { stage in
                try stage.start()
                func statuses() -> [LinkReport.Status?] {
                    [(stage.alpha, "beta"), (stage.beta, "alpha")].map { node, other in
                        node.report()?.node(named: other)?.links.first { $0.name == "eth1" }?.status
                    }
                }
                try stage.waiting.until("both links up") { statuses() == [.up, .up] }
                try stage.alpha.removeInterface(1)
                try stage.waiting.until("both links dead") { statuses() == [.dead, .dead] }
                let isOpen = { stage.alpha.report()?.media.first { $0.name == "eth1" }?.isOpen }
                try stage.waiting.until("the medium closed") { isOpen() == false }
                try stage.alpha.insertInterface(1)
                try stage.waiting.until("both links up again") { statuses() == [.up, .up] }
                #expect(isOpen() == true)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("A third of all frames lost: nobody dies, nothing moves")
        func loss() throws {
            try Stage.play { stage in
                try stage.start()
                for node in stage.cluster.nodes { try node.lose(percent: 33, bridge: 0) }
                try stage.expectCalm(for: Stage.deadtime * 5)
                for node in stage.cluster.nodes { try node.lose(percent: 0, bridge: 0) }
                stage.expectNothingMoved()
                stage.expectNobodyDied()
            }
        }

        @Test("Cut off from each other without quorum both own everything; healed, one does, and no daemon restarts")
        func splitIgnored() throws {
            try Stage.play { plan in
                plan.files.directives = ["quorum ignore"]
            } _: { stage in
                try stage.start()
                let daemons = stage.cluster.nodes.map { $0.control?.pid }
                try stage.alpha.cutLink(0)
                try stage.waiting.until("both addresses on both nodes") {
                    stage.cluster.nodes.allSatisfy { $0.holds(Stage.addressA) && $0.holds(Stage.addressB) }
                }
                try stage.alpha.restoreLink(0)
                try stage.awaitHome()
                try stage.waiting.until("each address on one node") {
                    stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"]
                        && stage.cluster.holders(of: Stage.addressB).map(\.name) == ["beta"]
                }
                #expect(stage.cluster.nodes.map { $0.control?.pid } == daemons)
            }
        }

        @Test("With a ping node only the side that reaches it owns anything, at no time both")
        func splitPing() throws {
            try Stage.play { plan in
                plan.hasSerialLines = true
                plan.files.pingsRouter = true
            } _: { stage in
                try stage.start()
                var contested = false
                stage.cluster.cables[0].unplug()
                try stage.alpha.cutLink(0)
                try stage.waiting.until("both addresses on beta alone") {
                    let holders = stage.cluster.holders(of: Stage.addressA)
                    if holders.count == 2 && holders.allSatisfy({ $0.holds(Stage.addressA) }) { contested = true }
                    return holders.map(\.name) == ["beta"] && stage.beta.holds(Stage.addressB)
                        && !stage.alpha.holds(Stage.addressB)
                }
                #expect(!contested)
                stage.cluster.cables[0].plugIn()
                try stage.alpha.restoreLink(0)
                try stage.awaitHome()
                #expect(stage.record("one") == ["alpha start", "alpha stop", "beta start", "beta stop", "alpha start"])
                #expect(stage.record("two") == ["beta start"])
            }
        }

        @Test("An owner that loses its network but not its serial line gives its group to the node that reaches it")
        func ownerWithoutNetwork() throws {
            try Stage.play { plan in
                plan.hasSerialLines = true
                plan.files.pingsRouter = true
            } _: { stage in
                try stage.start()
                try stage.alpha.cutLink(0)
                try stage.waiting.until("\(Stage.addressA) on beta alone") {
                    stage.cluster.holders(of: Stage.addressA).map(\.name) == ["beta"]
                }
                try stage.alpha.restoreLink(0)
                try stage.awaitHome()
            }
        }
    }
}
