import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("The death of each process is a designed event")
    struct ProcessTests {
        /// Ends a process of alpha by a signal and waits until another one has its duty.
        private func replace(_ title: String, _ stage: Stage) throws {
            let old = try #require(stage.alpha.process(titled: title))
            try Children.signal(old.pid, SIGKILL)
            try stage.waiting.until("a new \(title)") {
                stage.alpha.process(titled: title).map { $0.pid != old.pid && $0.state != "Z" } ?? false
            }
        }

        @Test("A worker that is killed is started again without the cluster noticing", arguments: ["read", "write"])
        func worker(direction: String) throws {
            try Stage.play { stage in
                try stage.start()
                for _ in 0..<3 { try replace("heartbeat: \(direction): bcast eth0", stage) }
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        @Test("A status process that is killed is started again, learns what is held, and nothing moves")
        func status() throws {
            try Stage.play { stage in
                try stage.start()
                let generation = try #require(stage.alpha.report()).generation
                try replace("heartbeat: status process", stage)
                try stage.waiting.until("the new status process active") {
                    stage.alpha.report().map { $0.status == .active && $0.generation > generation } ?? false
                }
                try stage.awaitHome()
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        @Test("A new status process has the nodes and media of the daemon's start, and the intervals of a reload")
        func statusAfterReload() throws {
            try Stage.play { stage in
                try stage.start()
                let path = stage.alpha.configurationFolder + "/ha.cf"
                let changed = "ucast eth0 10.77.0.99\n"
                    + Folder.read(path).replacing("keepalive 100ms", with: "keepalive 90ms") + "node gamma\n"
                try Folder.write(changed, to: path)
                #expect(try stage.alpha.run("heartbeat", ["-r"]).status == .exited(0))
                let generation = try #require(stage.alpha.report()).generation
                try replace("heartbeat: status process", stage)
                try stage.waiting.until("the new status process active") {
                    stage.alpha.report().map { $0.status == .active && $0.generation > generation } ?? false
                }
                let report = try #require(stage.alpha.report())
                #expect(report.nodes.map(\.name) == ["alpha", "beta"])
                #expect(report.timing.keepalive == .milliseconds(90))
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        @Test("A status process that is stopped is replaced, and each address ends on one node")
        func stoppedStatus() throws {
            try Stage.play { stage in
                try stage.start()
                let old = try #require(stage.alpha.process(titled: "heartbeat: status process"))
                try Children.signal(old.pid, SIGSTOP)
                try stage.waiting.until("a new status process", within: .seconds(15)) {
                    stage.alpha.process(titled: "heartbeat: status process").map { $0.pid != old.pid } ?? false
                }
                try stage.awaitHome()
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
                #expect(stage.cluster.holders(of: Stage.addressB).map(\.name) == ["beta"])
            }
        }

        @Test("What a silent status process cannot stop, the resource manager stops when the right has ended")
        func silentStatus() throws {
            try Stage.play { stage in
                try stage.start()
                // A status process that hangs is ended after 3 s at the earliest, long after the takeover.
                let status = try #require(stage.alpha.process(titled: "heartbeat: status process"))
                try Children.signal(status.pid, SIGSTOP)
                try stage.waiting.until("a takeover") { stage.record("one").contains("beta start") }
                // The stop has begun a keepalive before the takeover, and needs a moment on a busy machine.
                try stage.waiting.until("alpha's own stop") { stage.record("one").contains("alpha stop") }
                #expect(!stage.alpha.holds(Stage.addressA))
                #expect(stage.alpha.process(titled: "heartbeat: status process")?.pid == status.pid)
                try stage.waiting.until("a new status process", within: .seconds(15)) {
                    stage.alpha.process(titled: "heartbeat: status process").map { $0.pid != status.pid } ?? false
                }
                try stage.awaitHome()
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
            }
        }

        @Test("A resource manager that is stopped renews no lease: it is replaced, and nothing moves")
        func stoppedResourceManager() throws {
            try Stage.play { stage in
                try stage.start()
                let old = try #require(stage.alpha.process(titled: "heartbeat: resource manager"))
                try Children.signal(old.pid, SIGSTOP)
                try stage.waiting.until("a new resource manager", within: .seconds(15)) {
                    stage.alpha.process(titled: "heartbeat: resource manager").map { $0.pid != old.pid } ?? false
                }
                try stage.awaitHome()
                try stage.expectCalm(for: Stage.deadtime * 2)
                stage.expectNobodyDied()
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
                #expect(stage.cluster.holders(of: Stage.addressB).map(\.name) == ["beta"])
            }
        }

        @Test("A start that is read after the right to hold has ended waits for the word of who ordered it")
        func lateStart() throws {
            try Stage.play { plan in
                plan.nodes.append("gamma")
                plan.files.autoFailback = "off"
            } _: { stage in
                try stage.start()
                let manager = try #require(stage.beta.process(titled: "heartbeat: resource manager"))
                try Children.signal(manager.pid, SIGSTOP)
                _ = try? stage.beta.run("hb_takeover", [Stage.groupA], within: .milliseconds(200))
                try stage.waiting.until("the order to start") {
                    stage.beta.log.contains("Acquiring resource group \(Stage.groupA)")
                }
                // The order waits in the channel, and beta stands still: the others take the group.
                try stage.beta.freeze()
                defer { try? stage.beta.thaw() }
                let before = stage.record("one").count
                try stage.waiting.until("a takeover") { stage.record("one").count > before }
                // Of all processes the resource manager goes on first.
                try Children.signal(manager.pid, SIGCONT)
                try stage.waiting.pass(.milliseconds(500))
                #expect(!stage.record("one").contains("beta start"), "\(stage.record("one"))")
                try stage.beta.thaw()
                try stage.waiting.until("one owner") { stage.cluster.holders(of: Stage.addressA).count == 1 }
                try stage.waiting.pass(Stage.deadtime)
                #expect(!stage.record("one").contains("beta start"), "\(stage.record("one"))")
                #expect(!stage.beta.holds(Stage.addressA))
            }
        }

        @Test("A resource manager that is killed in the middle of a start: the group is up once, in the end")
        func resourceManager() throws {
            try Stage.play { plan in
                plan.files.groups[0] = "alpha \(Stage.groupA) slow::1::one"
            } _: { stage in
                try stage.cluster.start()
                try stage.waiting.until("the start begun") { stage.record("one") == ["alpha begin"] }
                try replace("heartbeat: resource manager", stage)
                try stage.awaitHome()
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
                #expect(stage.record("one").last == "alpha start")
                stage.expectNobodyDied()
            }
        }

        @Test("A resource manager that is killed at rest: its successor finds what runs, and nothing moves")
        func resourceManagerAtRest() throws {
            try Stage.play { stage in
                try stage.start()
                try replace("heartbeat: resource manager", stage)
                try stage.awaitHome()
                try stage.expectCalm(for: Stage.deadtime)
                stage.expectNothingMoved()
                try stage.expectMovable()
            }
        }

        @Test("A control process that is killed takes its processes with it; started again, it finds what runs")
        func control() throws {
            try Stage.play { plan in
                plan.files.deadtime = "3s"
            } _: { stage in
                try stage.start()
                let control = try #require(stage.alpha.control)
                try Children.signal(control.pid, SIGKILL)
                #expect(try stage.alpha.awaitDaemonEnd() != .exited(0))
                try stage.waiting.until("all processes of the daemon gone") { stage.alpha.processes.count == 1 }
                #expect(stage.alpha.holds(Stage.addressA))
                try stage.alpha.startDaemon()
                try stage.awaitHome()
                stage.expectNothingMoved()
                stage.expectNobodyDied()
                try stage.expectMovable()
            }
        }

        @Test("A daemon that is told to hand over ends and starts again, and its resources run on")
        func handOver() throws {
            try Stage.play { stage in
                try stage.start()
                let control = try #require(stage.alpha.control)
                try Children.signal(control.pid, SIGUSR1)
                #expect(try stage.alpha.awaitDaemonEnd() == .exited(0))
                #expect(stage.alpha.holds(Stage.addressA))
                // Longer than deadtime: the other node was asked to wait.
                try stage.expectCalm(for: Stage.deadtime * 2)
                try stage.alpha.startDaemon()
                try stage.awaitHome()
                stage.expectNothingMoved()
                try stage.expectMovable()
            }
        }

        @Test("The patience that a hand-over asks for outlives the other node's status process")
        func patienceOutlivesStatusProcess() throws {
            try Stage.play { stage in
                try stage.start()
                let control = try #require(stage.alpha.control)
                try Children.signal(control.pid, SIGUSR1)
                #expect(try stage.alpha.awaitDaemonEnd() == .exited(0))
                let status = try #require(stage.beta.process(titled: "heartbeat: status process"))
                try Children.signal(status.pid, SIGKILL)
                // Longer than initdead; alpha's kernel serves for 10 s.
                try stage.expectCalm(for: .seconds(7))
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
                try stage.alpha.startDaemon()
                try stage.awaitHome()
                stage.expectNothingMoved()
            }
        }

        @Test("A node that was frozen longer than deadtime lets go of what others own by then")
        func frozen() throws {
            try Stage.play { stage in
                try stage.start()
                try stage.alpha.freeze()
                try stage.waiting.until("beta the owner of all") {
                    stage.beta.holds(Stage.addressA) && stage.beta.holds(Stage.addressB)
                }
                try stage.alpha.thaw()
                try stage.awaitHome()
                try stage.waiting.until("\(Stage.addressA) on one node") {
                    stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"]
                }
                try stage.expectCalm(for: Stage.deadtime)
            }
        }
    }
}
