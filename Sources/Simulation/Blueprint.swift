// Clusters to simulate: nodes on broadcast segments, or on serial lines.
import ClusterCore
import ClusterModel

/// Settings from which a virtual cluster is built; without a change two nodes with a group each.
package struct Blueprint: Sendable {
    package var nodes = ["alpha", "beta"]
    /// Group name and preferred node.
    package var groups: [(String, String)]
    package var failback: AutoFailback
    package var quorum: QuorumPolicy
    package var keepalive = Duration.milliseconds(100)
    package var deadtime = Duration.milliseconds(500)
    package var initdead = Duration.seconds(2)
    /// By node, where their files differ: how many times longer its deadtime is. Empty: all are equal.
    package var deadtimeFactors: [Int] = []
    package var stopFailure = StopFailurePolicy.block
    package var operationTimeout = Duration.seconds(60)
    /// Each node's ha.cf lists the nodes in an order of its own.
    package var isRotated = false
    package var pingNodes: [String] = []
    package var witnesses: [String] = []
    /// Lines of ha.cf that name fencing devices.
    package var devices: [StonithDevice] = []
    /// Every node has a device that can power off every other; groups whose names begin with `fs` have a filesystem.
    package mutating func addDevices() {
        devices = [StonithDevice(host: "*", type: "external/virtual", parameters: [])]
    }

    /// `count` nodes, each with a group of its own.
    package static func nodes(_ count: Int, quorum: QuorumPolicy = .majority) -> Blueprint {
        var blueprint = Blueprint()
        blueprint.nodes = (0..<count).map { "node" + ($0 < 10 ? "0" : "") + "\($0)" }
        blueprint.groups = blueprint.nodes.map { ("ip-" + $0, $0) }
        blueprint.quorum = quorum
        return blueprint
    }

    package init(
        groups: [(String, String)] = [("ip1", "alpha"), ("ip2", "beta")], failback: AutoFailback = .on,
        quorum: QuorumPolicy = .ignore
    ) {
        self.groups = groups
        self.failback = failback
        self.quorum = quorum
    }

    func configuration(for name: String, media: [Medium]) -> Configuration {
        var configuration = Configuration()
        let index = nodes.firstIndex(of: name) ?? 0
        let first = isRotated ? index : 0
        configuration.members = (nodes[first...] + nodes[..<first]).map { Member(name: $0, kind: .normal) }
        configuration.members += pingNodes.map { Member(name: $0, kind: .ping) }
        configuration.witnesses = witnesses
        configuration.localName = name
        let deadtime = deadtimeFactors.isEmpty ? deadtime : deadtime * deadtimeFactors[index]
        configuration.timing.keepalive = keepalive
        configuration.timing.deadtime = deadtime
        configuration.timing.warntime = deadtime / 2
        configuration.timing.initdead = initdead
        configuration.timing.deadping = deadtime
        configuration.media = media + pingNodes.map { .ping(address: $0) }
        configuration.policy.operationTimeout = operationTimeout
        configuration.autoFailback = failback
        configuration.quorum = quorum
        configuration.policy.stopFailure = stopFailure
        configuration.processes.stonith = devices
        configuration.groups = groups.enumerated().map { index, group in
            let type = group.0.hasPrefix("fs") ? "Filesystem" : "IPaddr"
            return ResourceGroup(
                name: group.0, preferred: group.1,
                resources: [ResourceSpecification(type: type, arguments: [group.0], text: group.0)], line: index + 1)
        }
        return configuration
    }

    /// All nodes on `segments` broadcast segments.
    package func world(segments: Int = 1, seed: UInt64 = 1) -> World {
        let media = (0..<segments).map { Medium.broadcast(interface: "eth\($0)", port: 694) }
        return World(
            configurations: nodes.map { configuration(for: $0, media: media) },
            segments: (0..<segments).map { segment in nodes.indices.map { Endpoint(node: $0, medium: segment) } },
            seed: seed)
    }

    /// Nodes joined by serial lines alone: each to the next one, and the last to the first in a ring.
    package func serialWorld(ring: Bool, seed: UInt64 = 1) -> World {
        let media = [Medium.serial(tty: "/dev/ttyS0", baud: 115_200), .serial(tty: "/dev/ttyS1", baud: 115_200)]
        var segments: [[Endpoint]] = []
        for node in nodes.indices where ring || node + 1 < nodes.count {
            segments.append([Endpoint(node: node, medium: 1), Endpoint(node: (node + 1) % nodes.count, medium: 0)])
        }
        return World(
            configurations: nodes.map { configuration(for: $0, media: media) }, segments: segments, seed: seed)
    }
}
