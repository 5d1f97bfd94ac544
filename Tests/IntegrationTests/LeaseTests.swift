// Nodes whose daemon cannot act any more: what they hold must not answer when another node has it.
import CLinux
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    @Suite("What a silent daemon holds")
    struct LeaseTests {
        /// Whether a node's interface answers a client that asks nobody else for the address.
        private func answers(_ address: String, _ node: Node, _ stage: Stage) throws -> Bool {
            let link = try node.command(["cat", "/sys/class/net/eth0/address"]).check()
                .split(separator: "\n").first.map(String.init) ?? ""
            let client = stage.cluster.clientWords
            _ = try Command(
                client + ["ip", "neigh", "replace", address, "lladdr", link, "nud", "permanent", "dev", "eth0"]).check()
            let outcome = try Command(client + ["ping", "-c", "3", "-i", "0.2", "-W", "1", address]).run()
            return outcome.succeeded
        }

        @Test("A node whose processes are all stopped falls silent, and gives up when it goes on", arguments: [2, 3])
        func stopped(_ nodeCount: Int) throws {
            try Stage.play { plan in
                if nodeCount == 3 { plan.nodes.append("gamma") }
            } _: { stage in
                try stage.start()
                #expect(try answers(Stage.addressA, stage.alpha, stage))
                try stage.alpha.freeze()
                defer { try? stage.alpha.thaw() }
                try stage.waiting.until("a takeover") {
                    stage.beta.holds(Stage.addressA) || stage.cluster.nodes.last?.holds(Stage.addressA) == true
                }
                #expect(stage.alpha.holds(Stage.addressA), "its daemon cannot have removed it")
                #expect(try !answers(Stage.addressA, stage.alpha, stage))
                try stage.alpha.thaw()
                try stage.waiting.until("one owner") { stage.cluster.holders(of: Stage.addressA).count == 1 }
                try stage.awaitHome()
                #expect(try answers(Stage.addressA, stage.alpha, stage))
            }
        }

        @Test(
            "A node in a frozen or starved control group falls silent, and gives up when it goes on",
            arguments: ControlGroupKind.allCases.filter(\.isPossible))
        func confined(_ kind: ControlGroupKind) throws {
            try Stage.play { plan in
                plan.files.directives.append("realtime off")
            } _: { stage in
                try stage.start()
                let processes = stage.alpha.processes.filter { $0.title.hasPrefix("heartbeat") }
                var group = try ControlGroup(kind, name: "hbt", pids: processes.map(\.pid))
                defer { group.release() }
                try stage.waiting.until("a takeover") { stage.beta.holds(Stage.addressA) }
                #expect(try !answers(Stage.addressA, stage.alpha, stage))
                group.release()
                try stage.waiting.until("one owner") { stage.cluster.holders(of: Stage.addressA).count == 1 }
                try stage.awaitHome()
                #expect(try answers(Stage.addressA, stage.alpha, stage))
            }
        }

        @Test("A node whose daemon was killed with all its processes falls silent before the other has the address")
        func killed() throws {
            try Stage.play { stage in
                try stage.start()
                for process in stage.alpha.processes where process.title.hasPrefix("heartbeat") {
                    try? Children.signal(process.pid, SIGKILL)
                }
                try stage.waiting.until("a takeover") { stage.beta.holds(Stage.addressA) }
                #expect(stage.alpha.holds(Stage.addressA), "nobody was there to remove it")
                #expect(try !answers(Stage.addressA, stage.alpha, stage))
                _ = try? stage.alpha.awaitDaemonEnd()
                try stage.alpha.startDaemon()
                try stage.awaitHome()
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["alpha"])
            }
        }

        /// Kills the daemon of alpha at once, changes something, and starts it again while its right lasts.
        private func restart(_ stage: Stage, after change: () throws -> Void) throws {
            try stage.alpha.killDaemon()
            try change()
            try stage.alpha.startDaemon()
            try stage.awaitHome()
            // The lease of the earlier daemon has run out.
            Waiting.sleep()
            try stage.expectCalm(for: Stage.deadtime * 2)
            #expect(try answers(Stage.addressA, stage.alpha, stage))
        }

        @Test("A daemon that is to lease nothing, or cannot run nft, is not silenced by the lease of the one before it")
        func earlierLease() throws {
            try Stage.play { stage in
                try stage.start()
                try restart(stage) {
                    try stage.alpha.command(["mount", "--bind", "/dev/null", "/usr/sbin/nft"]).check()
                }
                try stage.alpha.command(["umount", "/usr/sbin/nft"]).check()
                try restart(stage) {
                    let path = stage.alpha.configurationFolder + "/ha.cf"
                    try Folder.write(Folder.read(path) + "lease off\n", to: path)
                }
                #expect(try !stage.alpha.command(["nft", "list", "tables"]).check().contains("heartbeat"))
            }
        }

        @Test("An address that a changed haresources puts elsewhere is not left where an earlier daemon held it")
        func abandoned() throws {
            try Stage.play { plan in
                plan.bridges = 2
            } _: { stage in
                try stage.start()
                for node in stage.cluster.nodes {
                    let path = node.configurationFolder + "/haresources"
                    let moved = "alpha \(Stage.addressA)/24/eth1"
                    try Folder.write("\(moved)\nbeta \(Stage.groupB) recorder::two\n", to: path)
                }
                for node in stage.cluster.nodes {
                    try Children.signal(#require(node.control).pid, SIGUSR1)
                    try node.awaitDaemonEnd()
                    try node.startDaemon()
                }
                try stage.cluster.awaitOwner("alpha", of: "\(Stage.addressA)/24/eth1")
                let places = try stage.alpha.command(["ip", "-o", "addr", "show", "to", Stage.addressA]).check()
                #expect(places.contains("eth1") && !places.contains("eth0"), "\(places)")
                #expect(stage.alpha.log.contains("\(Stage.addressA)/24 on eth0 was held by an earlier daemon"))
                #expect(try stage.alpha.run("hb", ["standby", "all"]).succeeded)
                #expect(stage.cluster.holders(of: Stage.addressA).map(\.name) == ["beta"])
            }
        }

        @Test("A daemon that is stopped for good leaves no rules behind")
        func removed() throws {
            try Stage.play { stage in
                try stage.start()
                #expect(try stage.alpha.command(["nft", "list", "tables"]).check().contains("heartbeat-alpha"))
                #expect(try stage.alpha.stopDaemon() == .exited(0))
                #expect(try !stage.alpha.command(["nft", "list", "tables"]).check().contains("heartbeat"))
            }
        }
    }
}
