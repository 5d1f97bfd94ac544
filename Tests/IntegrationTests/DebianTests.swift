import Admin
import ClusterModel
import LinuxSystem
import Rig
import Testing

extension ClusterTests {
    /// The programs of Debian's package, unchanged, with this daemon in the place of the package's.
    @Suite("Debian's own tools and clients", .enabled(if: DebianTools.root != nil, "make peer unpacks them"))
    struct DebianTests {
        /// Switches the nodes on and shows them the package; the daemons do not run yet.
        private func prepare(_ stage: Stage) throws {
            for node in stage.cluster.nodes {
                try node.powerOn()
                try DebianTools.install(on: node)
            }
        }

        private func start(_ stage: Stage) throws {
            for node in stage.cluster.nodes { try node.startDaemon() }
            try stage.awaitHome()
            // The sockets come with the active nodes.
            try stage.waiting.until("clients can sign on") {
                try stage.cluster.nodes.allSatisfy { try $0.command(["cl_status", "listnodes"]).run().succeeded }
            }
        }

        /// What a command prints to standard output, and its exit code, in one line.
        private func result(_ node: Node, _ words: String) throws -> String {
            let outcome = try node.command(["sh", "-c", "\(words) 2>/dev/null"]).run()
            guard case .exited(let code) = outcome.status else { return "\(outcome.status)" }
            return "\(outcome.output.replacing("\n", with: "|"))\(code)"
        }

        @Test("cl_status prints what it prints with the daemon of 3.0.6")
        func status() throws {
            try Stage.play { plan in
                plan.files.pingsRouter = true
                plan.files.directives = ["apiauth chat uid=root"]
            } _: { stage in
                try prepare(stage)
                #expect(try result(stage.alpha, "cl_status hbstatus") == "Heartbeat is stopped on this machine.|1")
                try start(stage)
                let router = NetworkPlan.router()
                let listing = "|beta\tactive\t(nodetype: normal)|\teth0\tup||alpha\tactive\t(nodetype: normal)|"
                    + "\teth0\tup||\(router)\tping\t(nodetype: ping)|\t\(router)\tup|0"
                let version = "version:\t\(Product.version)|managed by:\t\"haresources\"|"
                let expected = [
                    ("hbstatus", "Heartbeat is running on this machine.|0"),
                    ("hbstatus -v", version + listing),
                    ("listnodes", "beta|alpha|\(router)|0"), ("listnodes -v", listing),
                    ("listnodes -p", "\(router)|0"), ("listnodes -n", "beta|alpha|0"),
                    ("nodestatus alpha", "active|0"), ("nodestatus beta", "active|0"),
                    ("nodestatus \(router)", "ping|0"), ("nodestatus nope", "11"),
                    ("nodetype beta", "normal|0"), ("nodetype \(router)", "ping|0"), ("nodetype nope", "11"),
                    ("nodeweight alpha", "100|0"), ("nodeweight \(router)", "100|0"), ("nodesite alpha", "|0"),
                    ("listhblinks alpha", "\teth0|0"), ("listhblinks -v beta", "\teth0\tup|0"),
                    ("listhblinks nope", "13"), ("hblinkstatus beta eth0", "up|0"), ("hblinkstatus beta nope", "13"),
                    ("clientstatus alpha nope", "offline|1"), ("clientstatus beta nope 2000", "offline|1"),
                    ("clientstatus nope nope", "13"),
                    ("rscstatus", "local|0"), ("rscstatus -m", "This node is holding local resources.|0"),
                    ("hbparameter -p deadtime", "1000ms|0"), ("hbparameter -p keepalive", "100ms|0"),
                    ("hbparameter -p deadping", "1000ms|0"), ("hbparameter -p warntime", "500ms|0"),
                    ("hbparameter -p auto_failback", "on|0"), ("hbparameter -p compression", "zlib|0"),
                    ("hbparameter -p nope", "1"), ("hbparameter -p node", "1"), ("hbparameter -p apiauth", "1"),
                    ("bogus", "11"),
                ]
                for (words, wanted) in expected {
                    let found = try result(stage.alpha, "cl_status \(words)")
                    #expect(found == wanted, "cl_status \(words)")
                }
                // Neither root nor of the group haclient.
                let nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups cl_status"
                #expect(
                    try result(stage.alpha, "\(nobody) hbstatus")
                        == "Heartbeat is apparently running on this machine, but refuses my connection|0")
                #expect(try result(stage.alpha, "\(nobody) rscstatus") == "1")

                try stage.beta.cutPower()
                try stage.awaitBoth(on: stage.alpha)
                let later = [
                    ("nodestatus beta", "dead|1"), ("rscstatus", "all|0"), ("hblinkstatus beta eth0", "dead|1"),
                    ("clientstatus beta chat", "offline|1"),
                ]
                for (words, wanted) in later {
                    let found = try result(stage.alpha, "cl_status \(words)")
                    #expect(found == wanted, "cl_status \(words)")
                }
            }
        }

        @Test("hb_standby and hb_takeover of the package move groups")
        func moves() throws {
            try Stage.play { stage in
                try prepare(stage)
                try start(stage)
                let tools = "/usr/share/heartbeat"
                try stage.alpha.command(["\(tools)/hb_standby", "local"]).check()
                try stage.awaitBoth(on: stage.beta)
                try stage.waiting.until("beta at rest with everything") {
                    try result(stage.beta, "cl_status rscstatus") == "all|0"
                }
                try stage.alpha.command(["\(tools)/hb_takeover", "local"]).check()
                try stage.awaitHome()
                try stage.beta.command(["\(tools)/hb_standby"]).check()
                try stage.awaitBoth(on: stage.alpha)
                stage.expectNobodyDied()
            }
        }

        @Test("ipfail of the package moves groups away from a node that loses its ping node, and back")
        func ipfail() throws {
            try Stage.play { plan in
                plan.files.pingsRouter = true
                plan.files.directives = ["quorum ignore", "respawn hacluster /usr/libexec/heartbeat/ipfail"]
            } _: { stage in
                try prepare(stage)
                try start(stage)
                for (node, other) in [(stage.alpha, "beta"), (stage.beta, "alpha"), (stage.alpha, "alpha")] {
                    try stage.waiting.until("ipfail of \(other) online") {
                        try result(node, "cl_status clientstatus \(other) ipfail 2000") == "online|0"
                    }
                }
                // This project's own tool asks the same service.
                for (client, expected) in [("ipfail", "online\n"), ("nope", "offline\n")] {
                    for node in ["alpha", "beta"] {
                        let outcome = try stage.alpha.run("cl_status", ["clientstatus", node, client, "2000"])
                        #expect(outcome.output == expected, "\(client) at \(node)")
                    }
                }
                let rules = stage.cluster.folder + "/no-ping"
                try Folder.write(
                    "add table bridge noping\nadd chain bridge noping c { type filter hook prerouting priority 0; }\n"
                        + "add rule bridge noping c iifname \"\(Switch.port(0, 0))\" ip protocol icmp drop\n",
                    to: rules)
                try Command(stage.cluster.switchWords + ["nft", "-f", rules]).check()
                try stage.awaitBoth(on: stage.beta)
                try Command(stage.cluster.switchWords + ["nft", "delete", "table", "bridge", "noping"]).check()
                // ipfail waits some seconds before it gives back.
                try stage.cluster.awaitOwner("alpha", of: Stage.groupA, within: .seconds(40))
                #expect(!stage.cluster.nodes.contains { $0.log.contains("node alpha: is dead") })
                #expect(!stage.cluster.nodes.contains { $0.log.contains("node beta: is dead") })
            }
        }
    }
}
