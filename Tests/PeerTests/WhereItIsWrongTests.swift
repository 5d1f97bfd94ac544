// Where 3.0.6 is wrong (specs/heartbeat.md 12), seen on both versions side by side.
import Admin
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension PeerTests {
    @Suite("Where heartbeat 3.0.6 is wrong")
    struct WhereItIsWrongTests {
        @Test("One datagram without a signature ends 3.0.6, and is counted by this version")
        func oneDatagram() throws {
            let plan = PeerPlan(failback: "off", keys: "auth 3\n3 sha1 secret-sha1-key\n", hasOwnLog: true)
            try PeerStage.play(plan) { stage in
                try stage.startAlpha()
                try stage.startBeta()
                try stage.await(a: stage.alpha, b: stage.beta, "start")
                try stage.type("hb_takeover", "all")
                try stage.await(a: stage.alpha, b: stage.alpha, "hb_takeover all here")
                let before = try #require(stage.alpha.report())
                let intruder = try stage.cluster.intruder()
                try intruder.send(Array("###\n5:hello,%%%\n".utf8))
                try stage.waiting.until("the end of 3.0.6", within: .seconds(30)) {
                    !stage.debian.runs(on: stage.beta)
                }
                try stage.waiting.until("its death is seen", within: .seconds(30)) {
                    stage.alpha.report()?.node(named: "beta")?.status == .dead
                }
                let after = try #require(stage.alpha.report())
                #expect(after.generation == before.generation)
                #expect(after.pid == before.pid)
                #expect(after.drops.map(\.count).reduce(0, +) > before.drops.map(\.count).reduce(0, +))
                try stage.await(a: stage.alpha, b: stage.alpha, "nothing has moved")
                stage.expectUsualLog([
                    "Emergency Shutdown", "Killing pid", "MCP dead", "heartbeat: assert", "Core process",
                ])
            }
        }

        @Test("Keys are rotated without a restart: both accept both, then both sign with the other one")
        func keyRotation() throws {
            let plan = PeerPlan(failback: "off", keys: "auth 1\n1 sha1 first-key\n", hasOwnLog: true)
            try PeerStage.play(plan) { stage in
                try stage.startAlpha()
                try stage.startBeta()
                try stage.await(a: stage.alpha, b: stage.beta, "start")
                let generation = stage.alpha.report()?.generation
                for (signing, keys) in [
                    (1, "1 sha1 first-key\n2 sha1 second-key\n"), (2, "1 sha1 first-key\n2 sha1 second-key\n"),
                    (2, "2 sha1 second-key\n"),
                ] {
                    // 3.0.6 compares the times of the files, by seconds.
                    try stage.waiting.pass(.milliseconds(1100))
                    for node in stage.cluster.nodes {
                        let text = "auth \(signing)\n\(keys)"
                        try Folder.write(text, to: node.configurationFolder + "/authkeys", mode: 0o600)
                    }
                    try stage.debian.reload(on: stage.beta)
                    let outcome = try stage.alpha.run("heartbeat", ["-r"])
                    #expect(outcome.status == .exited(0), "\(outcome.output)")
                    try stage.waiting.pass(.seconds(3))
                    try stage.await(a: stage.alpha, b: stage.beta, "keys \(signing)")
                    // What came between its reload and this one was refused: 3.0.6 tries its own signing key only
                    // (specs/heartbeat.md 12.2). It has asked for it again, and has it.
                    let refused = stage.refusals
                    try stage.waiting.pass(.seconds(2))
                    #expect(stage.refusals == refused)
                }
                #expect(stage.alpha.report()?.generation == generation)
                #expect(stage.record("one") == ["alpha start"])
                #expect(stage.record("two") == ["beta start"])
                try stage.type("hb_standby", "all")
                try stage.await(a: stage.beta, b: stage.beta, "hb_standby all here")
                stage.expectUsualLog([
                    "authtoken does not match", "netstring authentication failed", "Dumping message", "MSG[",
                ])
            }
        }

        @Test("D13: a group that starts nowhere is tried once on each node, and does not go to and fro")
        func noPingPong() throws {
            let plan = PeerPlan(failback: "off", keys: "auth 1\n1 crc\n", groupA: "hopeless::one", hasOwnLog: true)
            try PeerStage.play(plan) { stage in
                try stage.startAlpha()
                try stage.startBeta()
                // What fails here is offered at once; 3.0.6 gives up 30 seconds later (specs/heartbeat.md 5.2).
                try stage.waiting.until("a try on beta", within: .seconds(40)) {
                    stage.record("one").contains("beta begin")
                }
                try stage.waiting.pass(.seconds(42))
                #expect(stage.record("one") == ["alpha begin", "beta begin"])
                #expect(stage.record("two") == ["beta start"])
                stage.expectUsualLog([
                    "Return code 1 from", "Giving up resources due to failure of", "No reply to standby request",
                ])
            }
        }
    }
}
