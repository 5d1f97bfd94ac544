import Admin
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("Groups of classic agents and OCF agents, and the commands of heartbeat 3.0.6 over them")
    struct AgentTests {
        private static let program: String = {
            let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
            return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
                + "/hb"
        }()
        private static let ocfRoot = Checkout.debianPackage + "/usr/lib/ocf"

        /// Puts `hb` into resource.d of every node under the names of scripts, with a folder for marks that a power cut
        /// empties.
        private func installScripts(_ stage: Stage, _ names: [String]) throws {
            for node in stage.cluster.nodes {
                for name in names {
                    let text = """
                        #!/bin/bash
                        export HA_RSCTMP=\(node.volatileFolder) OCF_ROOT=\(AgentTests.ocfRoot)
                        exec -a \(name) \(AgentTests.program) "$@"

                        """
                    try Folder.write(text, to: "\(node.configurationFolder)/resource.d/\(name)", mode: 0o755)
                }
            }
        }

        private func classic(_ name: String, _ words: String, on node: Node) throws -> Command.Outcome {
            let options = "--config-dir \(node.configurationFolder) --run-dir \(node.runFolder)"
            return try node.command(["bash", "-c", "exec -a \(name) \(AgentTests.program) \(options) \(words)"]).run()
        }

        @Test(
            "A group of portblock, Delay and an OCF agent moves by ResourceManager and by a power cut",
            .enabled(if: FileSystem.kind(of: ocfRoot) == .directory, "resource-agents is not unpacked: make peer"))
        func moves() throws {
            try Stage.play { plan in
                let block = "portblock::tcp::8080"
                let agents = "ocf:heartbeat:Dummy ocf:heartbeat:Stateful::role=promoted::release=demote"
                plan.files.groups[0] =
                    "alpha \(Stage.groupA) \(block)::block Delay::0 \(agents) \(block)::unblock recorder::one"
            } _: { stage in
                try installScripts(stage, ["portblock", "Delay", "ocf"])
                try stage.start()
                let state = stage.alpha.volatileFolder
                /// What the agent with two roles notes on a node.
                func role(_ node: Node) -> String? {
                    FileSystem.names(in: node.volatileFolder).first { $0.hasPrefix("Stateful-") }.map { name in
                        Folder.read("\(node.volatileFolder)/\(name)").split(separator: "\n").joined()
                    }
                }
                #expect(role(stage.alpha) == "master")
                #expect(role(stage.beta) == nil)
                #expect(FileSystem.names(in: state).contains { $0.hasPrefix("Dummy-") })
                #expect(try stage.alpha.command(["nft", "list", "ruleset"]).check().contains("heartbeat_ports"))

                let given = try classic("ResourceManager", "givegroup \(Stage.groupA)", on: stage.alpha)
                #expect(given.status == .exited(0), "\(given.output)")
                try stage.awaitBoth(on: stage.beta)
                #expect(!FileSystem.names(in: state).contains { $0.hasPrefix("Dummy-") })
                #expect(role(stage.alpha) == "slave" && role(stage.beta) == "master")
                let taken = try classic("ResourceManager", "takegroup \(Stage.groupA)", on: stage.alpha)
                #expect(taken.status == .exited(0), "\(taken.output)")
                try stage.awaitHome()
                #expect(stage.record("one") == [
                    "alpha start", "alpha stop", "beta start", "beta stop", "alpha start",
                ])

                #expect(role(stage.alpha) == "master" && role(stage.beta) == "slave")

                try stage.alpha.cutPower()
                try stage.awaitBoth(on: stage.beta)
                #expect(role(stage.beta) == "master")
                #expect(FileSystem.names(in: stage.beta.volatileFolder).contains { $0.hasPrefix("Dummy-") })
            }
        }

        @Test("A hardware address moves with its address: neighbours never learn another one")
        func virtualHardware() throws {
            try Stage.play { plan in
                let address = "\(Stage.addressA)/32/web0"
                plan.files.groups[0] = "alpha VirtualMAC::eth0::5::web0 \(address) recorder::one"
            } _: { stage in
                try installScripts(stage, ["VirtualMAC"])
                try stage.cluster.start()
                func awaitOwner(_ node: Node) throws {
                    try stage.waiting.until("the address on \(node.name)", within: .seconds(20)) {
                        stage.cluster.holders(of: Stage.addressA).map(\.name) == [node.name]
                    }
                    let known = try Command(
                        stage.cluster.clientWords + [
                            "sh", "-c",
                            "ping -c1 -W5 \(Stage.addressA) >/dev/null && ip neigh show \(Stage.addressA)",
                        ]
                    ).check()
                    #expect(known.contains("00:00:5e:00:01:05"), "on \(node.name): \(known)")
                }
                func hasInterface(_ node: Node) throws -> Bool {
                    try node.command(["ip", "link", "show"]).check().contains("web0@")
                }
                try awaitOwner(stage.alpha)
                #expect(try !hasInterface(stage.beta))
                #expect(try stage.alpha.run("hb_standby", ["local"]).status == .exited(0))
                try awaitOwner(stage.beta)
                #expect(try !hasInterface(stage.alpha))
                #expect(try stage.alpha.run("hb_takeover", ["local"]).status == .exited(0))
                try awaitOwner(stage.alpha)

                // Where the daemon stands still, its kernel says nothing for the address: neither hardware nor protocol
                // address would tell the two apart.
                func sent(_ node: Node) throws -> String {
                    try node.command(["cat", "/sys/class/net/web0/statistics/tx_packets"]).check()
                }
                try stage.alpha.freeze()
                defer { try? stage.alpha.thaw() }
                try stage.waiting.until("a takeover") { stage.beta.holds(Stage.addressA) }
                #expect(try hasInterface(stage.alpha))
                let (before, beforeBeta) = (try sent(stage.alpha), try sent(stage.beta))
                let asked = stage.cluster.clientWords + [
                    "sh", "-c", "ip neigh flush dev eth0; ping -c5 -i0.2 -W5 \(Stage.addressA)",
                ]
                #expect(try !Command(asked).check().contains("DUP"))
                #expect(try sent(stage.alpha) == before)
                #expect(try sent(stage.beta) != beforeBeta)
                try stage.alpha.thaw()
                try awaitOwner(stage.alpha)

                try stage.alpha.cutPower()
                try awaitOwner(stage.beta)
            }
        }

        @Test("Hooks of rc.d hear of a node's death and of messages of their type, without a line of ha.cf")
        func hooks() throws {
            try Stage.play { stage in
                let node = stage.alpha
                let log = stage.cluster.folder + "/hooks.log"
                try Folder.make(node.configurationFolder + "/rc.d")
                let hook = "#!/bin/sh\necho \"$1 $HA_t $HA_src $HA_st $HA_CURHOST $HA_deadtime\" >>\(log)\n"
                try Folder.write(hook, to: node.configurationFolder + "/rc.d/status", mode: 0o755)
                let word = "#!/bin/sh\necho \"$1 $HA_src $HA_text $HA_OSTATUS\" >>\(log)\n"
                try Folder.write(word, to: node.configurationFolder + "/rc.d/site-word", mode: 0o755)
                try Folder.write(word, to: node.configurationFolder + "/rc.d/not-executable", mode: 0o644)
                try stage.start()
                func lines() -> [String] { Folder.read(log).split(separator: "\n").map(String.init) }
                try stage.waiting.until("the hook for beta") {
                    lines().contains("status status beta active alpha 1000ms")
                }
                // As ha_clustermsg of shellfuncs does it, on either node.
                for sender in [stage.alpha, stage.beta] {
                    for type in ["not-executable", "Site-Word"] {
                        let message = ">>>\nt=\(type)\ntext=hello; $(exit)\nbad-name=x\n<<<\n"
                        try Command(["sh", "-c", "printf '%s' \"$0\" >\"$1\"", message, sender.paths.fifo]).check()
                    }
                    try stage.waiting.until("the word of \(sender.name)") {
                        lines().contains("site-word \(sender.name) hello; $(exit) active")
                    }
                }
                try stage.beta.cutPower()
                try stage.waiting.until("the hook for its death") {
                    lines().last == "status status beta dead alpha 1000ms"
                }
                #expect(lines().allSatisfy { !$0.hasPrefix("not-executable") })
            }
        }
    }
}
