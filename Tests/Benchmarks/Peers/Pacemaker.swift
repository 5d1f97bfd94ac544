// corosync with pacemaker of Debian as one of the systems that are measured.
import ClusterModel
import LinuxSystem
import Rig

/// corosync and pacemaker, without fencing, quorum ignored: as much as two nodes of the other systems promise.
struct Pacemaker: FailoverSystem {
    var token: Duration
    let packages: DebianPackages

    let name = "corosync + pacemaker"
    var setting: String { "token \(token.inMilliseconds)" }
    /// The token, and the consensus that follows its loss: 1.2 tokens (corosync.conf(5)).
    var deadtime: Duration { token * 22 / 10 }
    let settling = Duration.seconds(4)
    let startLimit = Duration.seconds(120)

    func configure(_ cluster: Cluster, _ service: ServiceAddresses) throws {
        let nodes = cluster.nodes.map { node in
            "  node {\n    ring0_addr: \(NetworkPlan.address(of: node.index))\n    name: \(node.name)\n"
                + "    nodeid: \(node.index + 1)\n  }\n"
        }
        let text = """
            totem {
              version: 2
              cluster_name: bench
              transport: knet
              crypto_cipher: none
              crypto_hash: none
              token: \(token.wholeMilliseconds)
            }
            logging {
              to_syslog: no
              to_logfile: no
              to_stderr: yes
            }
            quorum {
              provider: corosync_votequorum
              two_node: 1
              wait_for_all: 0
            }
            nodelist {
            \(nodes.joined())}

            """
        for node in cluster.nodes { try Folder.write(text, to: node.folder + "/corosync.conf") }
    }

    func install(on node: Node) throws {
        try packages.install(on: node)
        let script = """
            mkdir -p "$1/pacemaker-lib" "$1/corosync-lib"
            [ -e "$1/pacemaker-lib/cib" ] || cp -a /var/lib/pacemaker/. "$1/pacemaker-lib/"
            mkdir -p "$1/pacemaker-lib/cib" "$1/pacemaker-lib/cores" "$1/pacemaker-lib/pengine" \
                "$1/pacemaker-lib/blackbox"
            chown -R hacluster:haclient "$1/pacemaker-lib"
            mount --bind "$1/pacemaker-lib" /var/lib/pacemaker
            mount --bind "$1/corosync-lib" /var/lib/corosync
            mkdir -p /var/log/pacemaker /var/log/cluster /run/crm /run/pacemaker /run/resource-agents
            chown hacluster:haclient /var/log/pacemaker /run/crm /run/pacemaker
            """
        try node.command(["sh", "-euc", script, "install", node.folder]).check()
    }

    func start(on node: Node) throws {
        let script = """
            export COROSYNC_MAIN_CONFIG_FILE=$1 PCMK_logfacility=none PCMK_logfile=/var/log/pacemaker/pacemaker.log
            corosync -f -c "$1" &
            for try in $(seq 400); do corosync-cfgtool -s >/dev/null 2>&1 && break; sleep 0.05; done
            exec pacemakerd -f
            """
        try node.start(["sh", "-c", script, "start", node.folder + "/corosync.conf"])
    }

    func provision(_ cluster: Cluster, _ service: ServiceAddresses) throws {
        let node = cluster.nodes[0]
        for (scope, text) in [
            ("crm_config", Pacemaker.options), ("rsc_defaults", Pacemaker.defaults),
            ("resources", Pacemaker.resources(service)),
        ] {
            let path = "\(node.folder)/\(scope).xml"
            try Folder.write(text, to: path)
            try cluster.waiting.until("\(scope) in the configuration of pacemaker", within: .seconds(20)) {
                try ["--replace", "--modify"].contains { verb in
                    let words = ["cibadmin", verb, "--scope", scope, "--xml-file", path]
                    return try node.command(words + (verb == "--modify" ? ["--allow-create"] : [])).run().succeeded
                }
            }
        }
    }

    private static let options = """
        <crm_config><cluster_property_set id="o"><nvpair id="o1" name="stonith-enabled" value="false"/>
        <nvpair id="o2" name="no-quorum-policy" value="ignore"/></cluster_property_set></crm_config>

        """

    private static let defaults = """
        <rsc_defaults><meta_attributes id="defaults"><nvpair id="stickiness" name="resource-stickiness" value="100"/>
        </meta_attributes></rsc_defaults>

        """

    /// All in one group, so that they stay together.
    private static func resources(_ service: ServiceAddresses) -> String {
        let parts = service.all.enumerated().map { index, address in
            """
            <primitive id="ip\(index)" class="ocf" provider="heartbeat" type="IPaddr2">
            <instance_attributes id="a\(index)"><nvpair id="b\(index)" name="ip" value="\(address)"/>
            <nvpair id="c\(index)" name="cidr_netmask" value="\(service.prefixLength)"/>
            <nvpair id="d\(index)" name="nic" value="eth0"/></instance_attributes>
            <operations><op id="e\(index)" name="monitor" interval="10s"/></operations></primitive>

            """
        }
        return "<resources><group id=\"service\">\(parts.joined())</group></resources>\n"
    }

    func isReady(_ cluster: Cluster) throws -> Bool {
        try cluster.nodes.allSatisfy { node in
            let output = try node.command(["crm_mon", "-1"]).run().output
            let lines = output.split(separator: "\n").filter { $0.contains("Online: [") }
            return lines.contains { line in cluster.plan.nodes.allSatisfy { line.contains(" \($0) ") } }
        }
    }

    func tellsDeath(_ line: String) -> Bool { line.contains("A new membership") }

    func move(from node: Node) throws {
        try node.command(["crm_standby", "--node", node.name, "--update", "on", "--lifetime", "reboot"]).check()
    }

    func recover(_ node: Node) throws {
        try node.command(["crm_standby", "--node", node.name, "--delete", "--lifetime", "reboot"]).check()
    }
}
