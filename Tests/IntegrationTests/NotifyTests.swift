// What real daemons tell of their transitions, to a program that notes it.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Who is told of what happens")
    struct NotifyTests {
        /// Names and events of what a node was told, in its order.
        private func told(_ node: Node) -> [[String]] {
            Folder.read(node.folder + "/told").split(separator: "\n").map {
                $0.split(separator: " ").map(String.init)
            }
        }

        /// `EVENT GROUP` of what a node has told of one group, in order, with repetitions.
        private func events(_ node: Node, _ group: String) -> [String] {
            told(node).filter { $0.count > 2 && $0[1] == group }.map { $0[0] }
        }

        private func play(_ scenario: (Stage) throws -> Void) throws {
            try Stage.play { plan in
                plan.files.directives.append("notify /bin/true blocked")
                plan.files.autoFailback = "off"
            } _: { stage in
                for node in stage.cluster.nodes {
                    try Folder.make(node.configurationFolder + "/notify.d")
                    try Folder.write(
                        "#!/bin/sh\necho $1 $2 $HA_NOTIFY_NUMBER $HA_NOTIFY_EPOCH >>\(node.folder)/told\n",
                        to: node.configurationFolder + "/notify.d/note", mode: 0o755)
                }
                try scenario(stage)
            }
        }

        private func awaitEvents(_ stage: Stage, _ node: Node, _ group: String, _ wanted: [String]) throws {
            try stage.waiting.until("\(node.name) tells \(wanted) of \(group)", within: .seconds(20)) {
                events(node, group) == wanted
            }
        }

        @Test("Every transition of a group and of a node is told once, in order, with its epoch")
        func transitions() throws {
            try play { stage in
                try stage.start()
                let (alpha, beta) = (stage.alpha, stage.beta)
                try awaitEvents(stage, alpha, Stage.groupA, ["starting", "held"])
                #expect(try alpha.run("hb_standby", ["all"]).succeeded)
                try awaitEvents(stage, alpha, Stage.groupA, ["starting", "held", "stopping", "released"])
                try awaitEvents(stage, beta, Stage.groupA, ["starting", "held"])
                let epochs = told(beta).filter { $0[1] == Stage.groupA }.compactMap { $0.last.flatMap { Int($0) } }
                let before = told(alpha).filter { $0[1] == Stage.groupA }.compactMap { $0.last.flatMap { Int($0) } }
                #expect(Set(epochs).count == 1 && (epochs.first ?? 0) > (before.first ?? 0))
                try beta.cutPower()
                try stage.awaitBoth(on: alpha)
                try stage.waiting.until("beta's death is told") {
                    told(alpha).contains { $0[0] == "dead" && $0[1] == "beta" }
                }
                try stage.waiting.until("the takeover is told") {
                    events(alpha, Stage.groupB) == ["starting", "held"]
                }
                _ = try alpha.stopDaemon()
                #expect(events(alpha, Stage.groupB) == ["starting", "held", "stopping", "released"])
                let numbers = told(alpha).compactMap { $0.count > 2 ? Int($0[2]) : nil }
                #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
            }
        }

        @Test("Killed notifiers and status processes lose nothing, and hold up no takeover")
        func killed() throws {
            try play { stage in
                try stage.start()
                let (alpha, beta) = (stage.alpha, stage.beta)
                try awaitEvents(stage, beta, Stage.groupB, ["starting", "held"])
                let old = try #require(beta.process(titled: "heartbeat: notifier"))
                // It hangs, and is killed when it has missed the takeover.
                try Children.signal(old.pid, SIGSTOP)
                try alpha.cutPower()
                try stage.awaitBoth(on: beta)
                #expect(!told(beta).contains { $0[0] == "dead" })
                try Children.signal(old.pid, SIGKILL)
                try awaitEvents(stage, beta, Stage.groupA, ["starting", "held"])
                let order = told(beta).filter { $0[1] == "alpha" || $0[1] == Stage.groupA }.map { $0[0] }
                #expect(order.filter { $0 != "joined" } == ["dead", "starting", "held"])
                let status = try #require(beta.process(titled: "heartbeat: status process"))
                try Children.signal(status.pid, SIGKILL)
                // The next one tells again what it finds.
                try awaitEvents(stage, beta, Stage.groupA, ["starting", "held", "held"])
            }
        }
    }
}
