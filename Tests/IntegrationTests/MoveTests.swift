import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Planned moves, and the commands for them")
    struct MoveTests {
        @Test("hb_standby and hb_takeover wait for the outcome, both ways")
        func bothWays() throws {
            try Stage.play { stage in
                try stage.start()
                let standby = try stage.alpha.run("hb_standby", ["all"])
                #expect(standby.status == .exited(0), "\(standby.output)")
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["beta"])
                try stage.awaitBoth(on: stage.beta)

                let takeover = try stage.alpha.run("hb_takeover", ["all"])
                #expect(takeover.status == .exited(0), "\(takeover.output)")
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
                try stage.awaitBoth(on: stage.alpha)

                let back = try stage.alpha.run("hb_standby", ["foreign"])
                #expect(back.status == .exited(0), "\(back.output)")
                try stage.awaitHome()
                #expect(stage.record("one") == [
                    "alpha start", "alpha stop", "beta start", "beta stop", "alpha start",
                ])
                #expect(stage.record("two") == ["beta start", "beta stop", "alpha start", "alpha stop", "beta start"])
                stage.expectNobodyDied()
            }
        }

        @Test("Both commands take a group's name, and move nothing else")
        func byName() throws {
            try Stage.play { stage in
                try stage.start()
                let takeover = try stage.alpha.run("hb_takeover", [Stage.groupB])
                #expect(takeover.status == .exited(0), "\(takeover.output)")
                try stage.awaitBoth(on: stage.alpha)
                let standby = try stage.alpha.run("hb_standby", [Stage.groupB])
                #expect(standby.status == .exited(0), "\(standby.output)")
                try stage.awaitHome()
                #expect(stage.record("one") == ["alpha start"])
            }
        }

        @Test("A planned move costs the client next to nothing")
        func gap() throws {
            try Stage.play { stage in
                try stage.start()
                let probe = try stage.cluster.probe(Stage.addressA)
                try stage.waiting.until("an answer from \(Stage.addressA)") { probe.seen.last != nil }
                let begin = Clock.now()
                for command in ["hb_standby", "hb_takeover"] {
                    let outcome = try stage.alpha.run(command, ["local"])
                    #expect(outcome.status == .exited(0), "\(outcome.output)")
                }
                let moved = Clock.now()
                try stage.waiting.until("answers after the move") { probe.seen.last.map { $0.sent > moved } ?? false }
                // A hundred times what it takes here, for a machine that is busy with something else.
                #expect(probe.seen.longestOutage(after: begin) < .milliseconds(300))
            }
        }

        @Test("A request that cannot be carried out is refused with a reason")
        func refused() throws {
            try Stage.play { plan in
                plan.files.initdead = "1500ms"
            } _: { stage in
                try stage.alpha.powerOn()
                try stage.alpha.startDaemon()
                try stage.awaitBoth(on: stage.alpha)
                let alone = try stage.alpha.run("hb_standby", ["all"])
                #expect(alone.status == .exited(1))
                #expect(!alone.output.isEmpty)
                let unknown = try stage.alpha.run("hb_takeover", ["no-such-group"])
                #expect(unknown.status == .exited(1))
                #expect(unknown.output.contains("no-such-group"))
                #expect(stage.record("one") == ["alpha start"])
            }
        }

        @Test("heartbeat -s, -k and -n have the exit codes that init scripts know")
        func exitCodes() throws {
            try Stage.play { stage in
                try stage.alpha.powerOn()
                #expect(try stage.alpha.run("heartbeat", ["-s"]).status == .exited(3))
                try stage.alpha.startDaemon()
                try stage.waiting.until("a report") { stage.alpha.report() != nil }
                let running = try stage.alpha.run("heartbeat", ["-s"])
                #expect(running.status == .exited(0))
                #expect(running.output.contains("is running on alpha [alpha]"))
                try stage.alpha.killDaemon()
                #expect(try stage.alpha.run("heartbeat", ["-s"]).status == .exited(1))
                // Not running is what was wanted.
                #expect(try stage.alpha.run("heartbeat", ["-k"]).status == .exited(0))
                try stage.alpha.startDaemon()
                try stage.waiting.until("a report") { stage.alpha.report() != nil }
                #expect(try stage.alpha.run("heartbeat", ["-k"]).status == .exited(0))
                #expect(try stage.alpha.awaitDaemonEnd() == .exited(0))
                #expect(try stage.alpha.run("heartbeat", ["-s"]).status == .exited(3))
            }
        }
    }
}
