// heartbeat 3.0.6 of Debian as one of the systems that are measured.
import ClusterModel
import LinuxSystem
import Rig

/// heartbeat 3.0.6 with its own resource scripts.
struct ClassicHeartbeat: FailoverSystem {
    var keepalive: Duration
    var deadtime: Duration
    let debian: DebianHeartbeat

    let name = "heartbeat 3.0.6"
    var setting: String { "\(keepalive.wholeMilliseconds)/\(deadtime.inMilliseconds)" }
    let settling = Duration.seconds(3)
    let startLimit = Duration.seconds(120)

    func configure(_ cluster: Cluster, _ service: ServiceAddresses) throws {
        let resources = service.all.map { "IPaddr2::\($0)/\(service.prefixLength)/eth0" }
        let lines = [
            "logfile /var/log/ha-log", "logfacility none", "coredumps false", "debug 0",
            "keepalive \(keepalive.wholeMilliseconds)ms", "deadtime \(deadtime.wholeMilliseconds)ms", "bcast eth0",
            "auto_failback off", "crm off",
        ]
        for node in cluster.nodes {
            let folder = node.configurationFolder
            let names = cluster.plan.nodes.map { "node \($0)" }
            try Folder.write((lines + names).joined(separator: "\n") + "\n", to: folder + "/ha.cf")
            try Folder.write(
                "\(cluster.plan.nodes[0]) \(resources.joined(separator: " "))\n", to: folder + "/haresources")
            try Folder.write("auth 1\n1 sha1 the-rig-has-a-secret\n", to: folder + "/authkeys", mode: 0o600)
        }
    }

    func install(on node: Node) throws { try debian.install(on: node) }
    func start(on node: Node) throws { try debian.start(on: node) }
    func logs(of node: Node) -> [String] { [node.folder + "/var-log/ha-log"] }

    /// Neither says that resources are on their way, and both hear each other.
    func isReady(_ cluster: Cluster) throws -> Bool {
        let words = try cluster.nodes.map { try debian.holdings(on: $0) }
        guard words.allSatisfy({ ["none", "local", "foreign", "all"].contains($0) }) else { return false }
        return try cluster.nodes.allSatisfy { node in
            let other = cluster.plan.nodes[1 - node.index]
            let program = Checkout.debianPackage + "/usr/bin/cl_status"
            return try node.command([program, "nodestatus", other]).run().output.contains("active")
        }
    }

    func tellsDeath(_ line: String) -> Bool { line.contains(": is dead") }

    func move(from node: Node) throws { try debian.run("hb_standby", ["all"], on: node) }
}
