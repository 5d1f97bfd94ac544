import Admin
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Fencing with real plugins and agents")
    struct FencingTests {
        private func play(_ directives: (String) -> [String], _ scenario: (Stage, PowerSwitch) throws -> Void) throws {
            try Stage.play { stage in
                let power = PowerSwitch(folder: stage.cluster.folder)
                var files = stage.cluster.plan.files
                files.directives += directives(power.folder)
                files.groups.append("alpha \(NetworkPlan.service(2))/24/eth0")
                files.devices = [
                    ("switch", PowerSwitch.plugin), ("fence_switch", PowerSwitch.agent),
                    ("broken", PowerSwitch.broken), ("hanging", PowerSwitch.hanging),
                ]
                files.scripts = [("recorder", ResourceScript.recorder(folder: stage.cluster.folder))]
                try stage.cluster.write(files)
                try stage.start()
                try scenario(stage, power)
            }
        }

        private func expectWaiting(_ stage: Stage, _ location: SourceLocation = #_sourceLocation) throws {
            try stage.waiting.until("beta says that it waits") {
                stage.beta.report()?.groups.contains { $0.name == Stage.groupA && $0.waitsForFencing == ["alpha"] }
                    == true
            }
            let screen = try stage.beta.run("hb", ["status"])
            let text = screen.output
            #expect(text.contains("waiting for fencing of alpha"), "\(text)", sourceLocation: location)
            #expect(stage.record("one") == ["alpha start"], sourceLocation: location)
            #expect(!stage.beta.holds(Stage.addressA), sourceLocation: location)
        }

        @Test("a node that hangs is powered off by a plugin of cluster-glue before its groups are taken")
        func plugin() throws {
            try play { ["stonith_host * external/switch alpha,beta \($0)"] } _: { stage, power in
                try stage.alpha.freeze()
                try stage.waiting.until("an order to the switch") { power.isAsked(for: "alpha") }
                try expectWaiting(stage)
                // Addresses alone go by their lease.
                try stage.waiting.until("the address on beta") { stage.beta.holds(NetworkPlan.service(2)) }
                try stage.alpha.cutPower()
                try power.confirm("alpha")
                try stage.awaitBoth(on: stage.beta)
                #expect(stage.record("one") == ["alpha start", "beta start"])
                #expect(power.calls == ["beta reset alpha"])
                #expect(stage.beta.report()?.node(named: "alpha")?.fencing == "fenced")

                try stage.alpha.powerOn()
                try stage.alpha.startDaemon()
                try stage.awaitHome()
                #expect(stage.beta.report()?.node(named: "alpha")?.fencing == nil)
                #expect(power.calls == ["beta reset alpha"])
            }
        }

        @Test("a plugin whose parameters are in a file, as stonith TYPE FILE names it, powers a node off")
        func parameterFile() throws {
            try play { folder in
                // Read when a node is to be fenced, and not before.
                try? Folder.write("# the switch\nalpha,beta \(folder)\n", to: folder + "/switch.conf", mode: 0o600)
                return ["stonith external/switch \(folder)/switch.conf"]
            } _: { stage, power in
                try stage.alpha.cutPower()
                try stage.waiting.until("an order to the switch") { power.isAsked(for: "alpha") }
                #expect(stage.record("one") == ["alpha start"])
                try power.confirm("alpha")
                try stage.awaitBoth(on: stage.beta)
                #expect(power.calls == ["beta reset alpha"])
            }
        }

        @Test("a fence agent is tried again, after the devices before it have failed")
        func agent() throws {
            try play { folder in
                ["stonith_host * external/broken", "stonith_host * fence_switch failures=1 folder=\(folder)"]
            } _: { stage, power in
                try stage.alpha.cutPower()
                try stage.waiting.until("an order to the switch") { power.isAsked(for: "alpha") }
                #expect(power.calls == ["beta reboot alpha", "beta reboot alpha"])
                #expect(stage.beta.log.contains("no route to the switch"))
                #expect(stage.record("one") == ["alpha start"])
                try power.confirm("alpha")
                try stage.awaitBoth(on: stage.beta)
            }
        }

        @Test("a device that hangs is ended, nothing is taken, until an operator says that the node is off")
        func confirmation() throws {
            try play { _ in ["operation_timeout 1s", "stonith_host * external/hanging"] } _: { stage, _ in
                try stage.alpha.cutPower()
                try stage.waiting.until("the failure of the device", within: .seconds(60)) {
                    stage.beta.report()?.node(named: "alpha")?.fencing?.hasPrefix("fencing failed") == true
                }
                #expect(stage.beta.log.contains("timed out after 1 s"))
                try expectWaiting(stage)
                #expect(!stage.beta.processes.contains { $0.title.contains("sleep 1000") })

                let unasked = try stage.beta.run("hb", ["fence", "--confirm", "alpha"])
                #expect(unasked.status == .exited(1))
                #expect(stage.record("one") == ["alpha start"])
                let wrong = try stage.beta.run("hb", ["fence", "--confirm", "--yes", "beta"])
                #expect(wrong.status == .exited(1))
                let confirmed = try stage.beta.run("hb", ["fence", "--confirm", "--yes", "alpha"])
                #expect(confirmed.status == .exited(0), "\(confirmed.output)")
                try stage.awaitBoth(on: stage.beta)
            }
        }

        @Test("hb fence powers a node off that runs")
        func manual() throws {
            try play { ["stonith_host * external/switch hostlist=alpha,beta folder=\($0)"] } _: { stage, power in
                let begun = try stage.beta.run("hb", ["fence", "--yes", "--timeout", "1", "alpha"])
                #expect(begun.status == .exited(5), "\(begun.output)")
                try stage.waiting.until("an order to the switch") { power.isAsked(for: "alpha") }
                try stage.alpha.cutPower()
                try power.confirm("alpha")
                try stage.awaitBoth(on: stage.beta)
                #expect(stage.record("one") == ["alpha start", "beta start"])
            }
        }

        @Test("the resource manager dies while a device is at work: the node is fenced all the same")
        func managerDies() throws {
            try play { ["stonith_host * external/switch alpha,beta \($0)"] } _: { stage, power in
                try stage.alpha.freeze()
                try stage.waiting.until("an order to the switch") { power.isAsked(for: "alpha") }
                let manager = try #require(stage.beta.process(titled: "heartbeat: resource manager"))
                try Children.signal(manager.pid, 9)
                try stage.waiting.until("a second order") { power.calls.count == 2 }
                // The first one could not be called back when alpha is well again.
                #expect(deviceCount(stage) == 1)
                #expect(stage.record("one") == ["alpha start"])
                try stage.alpha.cutPower()
                try power.confirm("alpha")
                try stage.waiting.until("the takeover") { stage.record("one") == ["alpha start", "beta start"] }
            }
        }

        /// Calls of the switch that are at work on beta.
        private func deviceCount(_ stage: Stage) -> Int {
            stage.beta.processes.count { $0.title.contains("stonith.d/switch reset") }
        }

        @Test("a daemon that stops, or whose status process is another one, leaves no device at work")
        func daemonStops() throws {
            try play { ["stonith_host * external/switch alpha,beta \($0)"] } _: { stage, power in
                try stage.alpha.cutPower()
                try stage.waiting.until("an order to the switch") { power.isAsked(for: "alpha") }
                let status = try #require(stage.beta.process(titled: "heartbeat: status process"))
                try Children.signal(status.pid, 9)
                try stage.waiting.until("the end of the call") { deviceCount(stage) == 0 }
                try stage.waiting.until("a second order") { power.calls.count == 2 }
                #expect(try stage.beta.stopDaemon() == .exited(0))
                try stage.waiting.until("the end of the second call") { deviceCount(stage) == 0 }
            }
        }

        @Test("an order to fence that is read when the node is back powers nobody off")
        func lateOrder() throws {
            try play { ["stonith_host * external/switch alpha,beta \($0)"] } _: { stage, power in
                // Control would end a resource manager that is silent, unless it stood still itself for a while longer.
                let stopped = try ["heartbeat: control process", "heartbeat: resource manager"].map {
                    try #require(stage.beta.process(titled: $0)).pid
                }
                for pid in stopped { try Children.signal(pid, 19) }
                try stage.alpha.cutPower()
                try stage.waiting.until("an order to fence alpha") { stage.beta.log.contains("Resetting node alpha") }
                try stage.alpha.powerOn()
                try stage.alpha.startDaemon()
                try stage.waiting.until("alpha is heard") {
                    stage.alpha.report()?.node(named: "beta")?.status == .active
                }
                _ = try stage.waiting.watch(Stage.deadtime * 5) { nil as Int? }
                for pid in stopped { try Children.signal(pid, 18) }
                try stage.waiting.until("beta says why not") { stage.beta.log.contains("too late") }
                try stage.waiting.until("alpha has its group") { stage.alpha.holds(Stage.addressA) }
                #expect(power.calls == [])
            }
        }
    }
}
