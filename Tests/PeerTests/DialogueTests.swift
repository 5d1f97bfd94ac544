// The dialogue of Resources/doc/protocol.md with the real 3.0.6, rule by rule.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension PeerTests {
    @Suite("Dialogue with the real heartbeat 3.0.6")
    struct DialogueTests {
        @Test("D3, D5, D6: both start together, and every move from either side, by broadcast with crc")
        func moves() throws {
            try PeerStage.play(PeerPlan(failback: "off")) { stage in
                let (alpha, beta) = (stage.alpha, stage.beta)
                try stage.startAlpha()
                try stage.startBeta()
                try stage.await(a: alpha, b: beta, "start")

                try stage.type("hb_standby", "all")
                try stage.await(a: beta, b: beta, "hb_standby all here")
                try stage.type("hb_takeover", "local")
                try stage.await(a: alpha, b: beta, "hb_takeover local here")
                try stage.type("hb_takeover", "all")
                try stage.await(a: alpha, b: alpha, "hb_takeover all here")
                try stage.type("hb_standby", "failback")
                try stage.await(a: alpha, b: beta, "hb_standby failback here")
                try stage.type("hb_standby", "local")
                try stage.await(a: beta, b: beta, "hb_standby local here")
                try stage.type("hb_takeover", "failback")
                try stage.await(a: alpha, b: beta, "hb_takeover failback here")
                try stage.type("hb_takeover", "foreign")
                try stage.await(a: alpha, b: alpha, "hb_takeover foreign here")
                try stage.type("hb_standby", "foreign")
                try stage.await(a: alpha, b: beta, "hb_standby foreign here")

                try stage.typeOnBeta("hb_standby", "all")
                try stage.await(a: alpha, b: alpha, "hb_standby all there")
                try stage.typeOnBeta("hb_takeover", "local")
                try stage.await(a: alpha, b: beta, "hb_takeover local there")
                try stage.typeOnBeta("hb_standby", "local")
                try stage.await(a: alpha, b: alpha, "hb_standby local there")
                try stage.typeOnBeta("hb_takeover", "failback")
                try stage.await(a: alpha, b: beta, "hb_takeover failback there")
                try stage.typeOnBeta("hb_takeover", "foreign")
                try stage.await(a: beta, b: beta, "hb_takeover foreign there")
                try stage.typeOnBeta("hb_standby", "foreign")
                try stage.await(a: alpha, b: beta, "hb_standby foreign there")
                try stage.typeOnBeta("hb_takeover", "all")
                try stage.await(a: beta, b: beta, "hb_takeover all there")
                try stage.typeOnBeta("hb_standby", "failback")
                try stage.await(a: alpha, b: beta, "hb_standby failback there")

                let one = try alpha.run("hb_standby", ["no-such-group"])
                #expect(one.status == .exited(1))
                #expect(alpha.report()?.node(named: "beta")?.dialect == .classic)
                stage.expectTurns()
            }
        }

        @Test("D9, D10: death, shutdown and return of either, with failback, by unicast with md5")
        func failback() throws {
            let plan = PeerPlan(media: .ucast, failback: "on", keys: "auth 2\n2 md5 secret-md5-key\n")
            try PeerStage.play(plan) { stage in
                let (alpha, beta) = (stage.alpha, stage.beta)
                try stage.startAlpha()
                try stage.startBeta()
                try stage.await(a: alpha, b: beta, "start")

                try beta.cutPower()
                try stage.await(a: alpha, b: alpha, "death there")
                try stage.startBeta()
                try stage.await(a: alpha, b: beta, "return there")

                try stage.debian.beginStop(on: beta)
                try stage.await(a: alpha, b: alpha, "shutdown there")
                try stage.waiting.until("the end of the daemon of beta", within: .seconds(30)) {
                    !stage.debian.runs(on: beta)
                }
                _ = try beta.awaitDaemonEnd()
                try stage.startBeta()
                try stage.await(a: alpha, b: beta, "return there after a shutdown")

                try alpha.cutPower()
                try stage.await(a: beta, b: beta, "death here")
                try stage.startAlpha()
                try stage.await(a: alpha, b: beta, "return here")

                _ = try alpha.stopDaemon()
                try stage.await(a: beta, b: beta, "shutdown here")
                try stage.startAlpha()
                try stage.await(a: alpha, b: beta, "return here after a shutdown")
            }
        }

        @Test("D4, D9: without failback what was taken stays, by multicast with sha1")
        func noFailback() throws {
            let plan = PeerPlan(media: .mcast, failback: "off", keys: "auth 3\n3 sha1 secret-sha1-key\n")
            try PeerStage.play(plan) { stage in
                let (alpha, beta) = (stage.alpha, stage.beta)
                try stage.startBetaAlone()
                try stage.startAlpha()
                try stage.waiting.until("alpha is active", within: .seconds(20)) {
                    alpha.report()?.status == .active
                }
                try stage.await(a: beta, b: beta, "this one late")
                try stage.typeOnBeta("hb_standby", "foreign")
                try stage.await(a: alpha, b: beta, "hb_standby foreign there")
                try beta.cutPower()
                try stage.await(a: alpha, b: alpha, "death there")
                try stage.startBeta()
                try stage.waiting.until("3.0.6 holds nothing", within: .seconds(20)) {
                    stage.debian.runs(on: beta) && (try? stage.debian.holdings(on: beta)) == "none"
                }
                try stage.await(a: alpha, b: alpha, "return there")
                try stage.type("hb_standby", "failback")
                try stage.await(a: alpha, b: beta, "hb_standby failback here")
            }
        }

        @Test("D14: a new status process, or a new daemon, here moves nothing, and can still deal with 3.0.6")
        func restarts() throws {
            let plan = PeerPlan(media: .ucast, failback: "off", keys: "auth 2\n2 md5 secret-md5-key\n")
            try PeerStage.play(plan) { stage in
                let (alpha, beta) = (stage.alpha, stage.beta)
                try stage.startAlpha()
                try stage.startBeta()
                try stage.await(a: alpha, b: beta, "start")
                let status = try #require(alpha.process(titled: "heartbeat: status process"))
                let generation = try #require(alpha.report()).generation
                try Children.signal(status.pid, SIGKILL)
                try stage.waiting.until("a new status process", within: .seconds(20)) {
                    alpha.report().map { $0.generation > generation && $0.status == .active } ?? false
                }
                try stage.await(a: alpha, b: beta, "after a status process")
                try alpha.killDaemon()
                try stage.startAlpha()
                try stage.await(a: alpha, b: beta, "after a daemon")
                #expect(stage.record("one") == ["alpha start"])
                #expect(stage.record("two") == ["beta start"])
                try stage.type("hb_takeover", "all")
                try stage.await(a: alpha, b: alpha, "hb_takeover all here")
                try stage.typeOnBeta("hb_takeover", "all")
                try stage.await(a: beta, b: beta, "hb_takeover all there")
            }
        }

        @Test("D8: auto_failback legacy, over a serial line with sha1")
        func legacy() throws {
            let plan = PeerPlan(media: .serial, failback: "legacy", keys: "auth 3\n3 sha1 secret-sha1-key\n")
            try PeerStage.play(plan) { stage in
                let (alpha, beta) = (stage.alpha, stage.beta)
                try stage.startBetaAlone()
                try stage.startAlpha()
                try stage.await(a: alpha, b: beta, "this one late")
                try alpha.cutPower()
                try stage.await(a: beta, b: beta, "death here")
                try stage.startAlpha()
                try stage.await(a: alpha, b: beta, "return here")
                try beta.cutPower()
                try stage.await(a: alpha, b: alpha, "death there")
                try stage.startBeta()
                try stage.await(a: alpha, b: beta, "return there")
                let refused = try alpha.run("hb_standby", ["all"])
                #expect(refused.status == .exited(1))
                #expect(refused.output.contains("legacy"))
                _ = try alpha.stopDaemon()
                try stage.await(a: beta, b: beta, "shutdown here")
            }
        }

        @Test("D4, D5: a serial line carries the dialogue too; this version first")
        func serial() throws {
            let plan = PeerPlan(media: .serial, keys: "auth 1\n1 crc\n")
            try PeerStage.play(plan) { stage in
                try stage.startAlpha()
                try stage.await(a: stage.alpha, b: stage.alpha, "this one alone")
                try stage.startBeta()
                try stage.await(a: stage.alpha, b: stage.beta, "3.0.6 late")
                try stage.type("hb_standby", "all")
                try stage.await(a: stage.beta, b: stage.beta, "hb_standby all here")
                try stage.typeOnBeta("hb_standby", "all")
                try stage.await(a: stage.alpha, b: stage.alpha, "hb_standby all there")
            }
        }

        @Test("D11: after a partition 3.0.6 starts anew; this node keeps its own group all the time")
        func partition() throws {
            try PeerStage.play(PeerPlan(failback: "on", keys: "auth 1\n1 md5 a-key\n", isParted: true)) { stage in
                let (alpha, beta) = (stage.alpha, stage.beta)
                try stage.startAlpha()
                try stage.startBeta()
                try stage.await(a: alpha, b: beta, "start")
                let starts = stage.record("one").filter { $0 == "alpha start" }.count
                try beta.cutLink(0)
                try stage.waiting.until("each has everything", within: .seconds(20)) {
                    stage.cluster.holders(of: PeerStage.addressA).count == 2
                        && stage.cluster.holders(of: PeerStage.addressB).count == 2
                }
                try beta.restoreLink(0)
                try stage.await(a: alpha, b: alpha, "3.0.6 has left", mayOverlap: true)
                try stage.await(a: alpha, b: beta, "3.0.6 has come back", within: .seconds(60))
                #expect(stage.record("one").filter { $0 == "alpha start" }.count == starts)
                #expect(!stage.record("one").contains("alpha stop"))
            }
        }
    }
}
