// This project's daemon as one of the systems that are measured.
import Admin
import CLinux
import ClusterModel
import LinuxSystem
import Rig

/// heartbeat of this project.
struct OwnSystem: FailoverSystem {
    static let name = "heartbeat (this)"

    var keepalive: Duration
    var deadtime: Duration
    /// Whether the network's router is a ping node, so that the side that does not reach it holds nothing.
    var hasPingNode = false

    var name: String { OwnSystem.name }
    var setting: String {
        "\(keepalive.wholeMilliseconds)/\(deadtime.inMilliseconds)" + (hasPingNode ? ", ping node" : "")
    }
    let settling = Duration.milliseconds(300)

    func configure(_ cluster: Cluster, _ service: ServiceAddresses) throws {
        var files = ClusterFiles()
        files.keepalive = "\(keepalive.wholeMilliseconds)ms"
        files.deadtime = "\(deadtime.wholeMilliseconds)ms"
        files.initdead = "10s"
        files.autoFailback = "off"
        files.pingsRouter = hasPingNode
        let resources = service.all.map { "\($0)/\(service.prefixLength)/eth0" }
        // A line may go on behind a backslash: no line is longer than others would write it.
        files.groups = ["\(cluster.plan.nodes[0]) \(resources.joined(separator: " \\\n    "))"]
        try cluster.write(files)
    }

    func start(on node: Node) throws { try node.startDaemon() }

    func isReady(_ cluster: Cluster) throws -> Bool {
        cluster.nodes.allSatisfy { node in
            guard let report = node.report() else { return false }
            return report.nodes.allSatisfy { $0.kind == .ping || $0.status == .active }
                && report.groups.allSatisfy { $0.owner != nil && $0.state == .held }
        }
    }

    func tellsDeath(_ line: String) -> Bool { line.contains(": is dead (") }

    func move(from node: Node) throws {
        let command = try node.run("hb_standby", ["all"])
        guard command.succeeded else { throw RigError("hb_standby failed: \(command.status) \(command.output)") }
    }

    /// Ends the daemon as an upgrade does, with the resources where they are, and starts it again.
    func restart(_ node: Node) throws {
        guard let control = node.control else { throw RigError("no daemon runs on \(node.name)") }
        try Children.signal(control.pid, SIGUSR1)
        try node.awaitDaemonEnd()
        try node.startDaemon()
    }
}
