// keepalived of Debian with one VRRP instance, as one of the systems that are measured.
import ClusterModel
import LinuxSystem
import Rig

/// keepalived, VRRP version 3.
struct Keepalived: FailoverSystem {
    /// Addresses that fit into an advertisement; those beyond it are set and announced all the same.
    private static let advertisedMax = 20

    /// By itself it has itself killed after 10 ms without a wait, which it needs to set a hundred addresses.
    private static let realtime = ["  vrrp_rt_priority 50", "  vrrp_no_swap", "  vrrp_rlimit_rttime 1000000"]

    var advert: Duration
    var isRealtime: Bool
    let packages: DebianPackages

    let name = "keepalived"
    var setting: String {
        "advert \(advert.inMilliseconds)" + (isRealtime ? ", real-time priority" : ", default priority")
    }
    /// Three intervals and the skew of the priority 253 (RFC 5798 6.1).
    var deadtime: Duration { advert * 3 + advert * 3 / 256 }
    var settling: Duration { .milliseconds(500) + advert * 10 }

    func configure(_ cluster: Cluster, _ service: ServiceAddresses) throws {
        for node in cluster.nodes {
            try Folder.write(text(node, service), to: path(node))
        }
    }

    private func path(_ node: Node) -> String { node.folder + "/keepalived.conf" }

    private func text(_ node: Node, _ service: ServiceAddresses) -> String {
        let lines = service.all.map { "    \($0)/\(service.prefixLength) dev eth0" }
        func block(_ name: String, _ lines: ArraySlice<String>) -> [String] {
            lines.isEmpty ? [] : ["  \(name) {"] + lines + ["  }"]
        }
        let (whole, thousandths) = (advert.wholeMilliseconds / 1000, advert.wholeMilliseconds % 1000)
        let digits = String(thousandths + 1000).dropFirst()
        let globals =
            ["global_defs {", "  router_id \(node.name)", "  vrrp_version 3"]
            + (isRealtime ? Keepalived.realtime : []) + ["}"]
        let instance =
            [
                "vrrp_instance V1 {", "  state BACKUP", "  nopreempt", "  interface eth0", "  virtual_router_id 51",
                "  priority \(254 - node.index)", "  advert_int \(whole).\(digits)",
            ] + block("virtual_ipaddress", lines.prefix(Keepalived.advertisedMax))
            + block("virtual_ipaddress_excluded", lines.dropFirst(Keepalived.advertisedMax)) + ["}"]
        return (globals + instance).joined(separator: "\n") + "\n"
    }

    func install(on node: Node) throws { try packages.install(on: node) }

    func start(on node: Node) throws {
        try node.start(["keepalived", "-P", "-n", "-l", "-f", path(node)])
    }

    /// It says nothing to those who ask: what it last wrote tells its state.
    func isReady(_ cluster: Cluster) throws -> Bool {
        var states: [Bool] = []
        for node in cluster.nodes {
            // What an earlier life of the node wrote is above this line.
            let lines = node.log.split(separator: "\n")
            guard let start = lines.lastIndex(where: { $0.contains("Starting Keepalived ") }) else {
                return false
            }
            let words = ["Entering MASTER STATE", "Entering BACKUP STATE"]
            guard let line = lines[start...].last(where: { line in words.contains { line.contains($0) } }) else {
                return false
            }
            states.append(line.contains("MASTER"))
        }
        return states.count { $0 } == 1
    }

    func tellsDeath(_ line: String) -> Bool { line.contains("Entering MASTER STATE") }

    /// The only planned move that it knows without a change of priorities: the daemon ends and says so.
    func move(from node: Node) throws {
        guard let daemon = node.processes.first(where: { $0.title.hasPrefix("keepalived") }) else {
            throw RigError("keepalived does not run on \(node.name)")
        }
        try Children.signal(daemon.pid, 15)
    }

    func recover(_ node: Node) throws {
        try node.awaitDaemonEnd()
        try start(on: node)
    }
}
