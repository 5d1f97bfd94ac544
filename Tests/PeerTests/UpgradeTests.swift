// Walks through Resources/doc/upgrade.md: each line that a reader would type is done, each comment is checked. A line
// that this test does not understand fails it.
import Admin
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension PeerTests {
    @Suite("Resources/doc/upgrade.md")
    struct UpgradeTests {
        @Test("A running cluster of 3.0.6 is moved over, exactly as the page says", arguments: ["on", "off"])
        func page(_ failback: String) throws {
            let lines = try UpgradeTests.lines()
            try #require(lines.count > 15)
            let plan = PeerPlan(failback: failback, keys: "auth 3\n3 sha1 secret-sha1-key\n", hasOwnLog: true)
            try PeerStage.play(plan) { stage in
                for node in stage.cluster.nodes {
                    try node.powerOn()
                    try stage.debian.install(on: node)
                    try stage.debian.start(on: node)
                }
                for line in lines {
                    if line.hasPrefix("# ") {
                        try expect(String(line.dropFirst(2)), stage)
                    } else {
                        let words = line.split(separator: " ").map(String.init)
                        let name = try #require(words.first.flatMap { $0.hasSuffix("#") ? $0.dropLast() : nil })
                        try type(Array(words.dropFirst()), on: stage.cluster[String(name)], stage)
                    }
                }
            }
        }

        /// The indented lines of the page.
        private static func lines() throws -> [String] {
            let text = try #require(PeerStage.page("upgrade.md"))
            return text.split(separator: "\n").filter { $0.hasPrefix("    ") }.map { String($0.dropFirst(4)) }
        }

        private func type(_ words: [String], on node: Node, _ stage: PeerStage) throws {
            switch words {
            case ["/usr/share/heartbeat/hb_standby", "all"]: try stage.debian.run("hb_standby", ["all"], on: node)
            case ["systemctl", "stop", "heartbeat"]: try stop(node, stage)
            case ["apt-get", "remove", "heartbeat"]: try stage.debian.remove(from: node)
            // The rig's nodes see what was built.
            case ["make", "install"]: break
            case ["systemctl", "start", "heartbeat"]: try start(node, stage)
            case ["heartbeat", "-n"], ["hb", "status"], ["hb_takeover", "local"], ["hb_takeover", "all"]:
                let outcome = try node.run(words[0], Array(words.dropFirst()))
                // By 1 the two that look say that they have something to warn of.
                let isFine = outcome.status == .exited(0) || words[0] != "hb_takeover" && outcome.status == .exited(1)
                #expect(isFine, "\(words): \(outcome.output)")
            default: throw RigError("the page says what this test cannot do: \(words.joined(separator: " "))")
            }
        }

        private func stop(_ node: Node, _ stage: PeerStage) throws {
            guard stage.debian.runs(on: node) else { throw RigError("no 3.0.6 runs on \(node.name)") }
            try stage.debian.beginStop(on: node)
            try node.awaitDaemonEnd(within: .seconds(30))
        }

        private func start(_ node: Node, _ stage: PeerStage) throws {
            try node.startDaemon()
            try awaitActive(node, stage)
        }

        private func awaitActive(_ node: Node, _ stage: PeerStage) throws {
            try stage.waiting.until("\(node.name) is active, and nothing moves", within: .seconds(40)) {
                guard let report = node.report(), report.status == .active else { return false }
                return report.groups.allSatisfy { $0.state == .held }
            }
        }

        private func expect(_ text: String, _ stage: PeerStage) throws {
            switch text {
            case "each node has its own groups": try stage.await(a: stage.alpha, b: stage.beta, text)
            case "alpha has everything": try stage.await(a: stage.alpha, b: stage.alpha, text)
            case "beta has everything": try stage.await(a: stage.beta, b: stage.beta, text)
            case "beta shows alpha as a node of 3.0.6":
                #expect(stage.beta.report()?.node(named: "alpha")?.dialect == .classic)
            case "nobody shows a node of 3.0.6":
                for node in stage.cluster.nodes {
                    #expect(node.report()?.nodes.allSatisfy { $0.dialect == .extended } == true)
                }
            default: throw RigError("the page expects what this test does not know: \(text)")
            }
        }
    }
}
