// Small clusters to play with: nodes on one broadcast segment, or on serial lines.
import ClusterCore
import ClusterModel
@testable import Simulation

/// Settings of a test cluster.
struct TestCluster {
    var nodes = ["alpha", "beta"]
    /// Group name and preferred node.
    var groups = [("ip1", "alpha"), ("ip2", "beta")]
    var failback = AutoFailback.on
    var quorum = QuorumPolicy.ignore
    var keepalive = Duration.milliseconds(100)
    var deadtime = Duration.milliseconds(500)
    var initdead = Duration.seconds(2)
    var stopFailure = StopFailurePolicy.block
    var operationTimeout = Duration.seconds(60)
    /// Each node's ha.cf lists the nodes in an order of its own.
    var isRotated = false
    var pingNodes: [String] = []

    func configuration(for name: String, media: [Medium]) -> Configuration {
        var configuration = Configuration()
        let first = isRotated ? nodes.firstIndex(of: name) ?? 0 : 0
        configuration.members = (nodes[first...] + nodes[..<first]).map { Member(name: $0, kind: .normal) }
        configuration.members += pingNodes.map { Member(name: $0, kind: .ping) }
        configuration.localName = name
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
        configuration.groups = groups.enumerated().map { index, group in
            ResourceGroup(
                name: group.0, preferred: group.1,
                resources: [ResourceSpecification(type: "IPaddr", arguments: [group.0], text: group.0)], line: index + 1
            )
        }
        return configuration
    }

    /// All nodes on `segments` broadcast segments.
    func world(segments: Int = 1, seed: UInt64 = 1) -> World {
        let media = (0..<segments).map { Medium.broadcast(interface: "eth\($0)", port: 694) }
        return World(
            configurations: nodes.map { configuration(for: $0, media: media) },
            segments: (0..<segments).map { segment in nodes.indices.map { Endpoint(node: $0, medium: segment) } },
            seed: seed)
    }

    /// Nodes joined by serial lines alone: each to the next one, and the last to the first in a ring.
    func serialWorld(ring: Bool, seed: UInt64 = 1) -> World {
        let media = [Medium.serial(tty: "/dev/ttyS0", baud: 115_200), .serial(tty: "/dev/ttyS1", baud: 115_200)]
        var segments: [[Endpoint]] = []
        for node in nodes.indices where ring || node + 1 < nodes.count {
            segments.append([Endpoint(node: node, medium: 1), Endpoint(node: (node + 1) % nodes.count, medium: 0)])
        }
        return World(
            configurations: nodes.map { configuration(for: $0, media: media) }, segments: segments, seed: seed)
    }
}

extension World {
    mutating func startAll() {
        for index in nodes.indices { start(index) }
    }

    /// The one owner of each group; -1 for none, -2 for several.
    var map: [Int] {
        nodes[0].configuration.groups.map { group in
            let owners = owners(group.name)
            return owners.count == 1 ? owners[0] : (owners.isEmpty ? -1 : -2)
        }
    }

    /// The record of a run as text, for failed tests.
    var story: String {
        history.suffix(60).map { line in
            "\(line.at.nanoseconds / 1000) us \(line.node): \(line.record.text)"
        }.joined(separator: "\n")
    }

    func logged(_ event: String) -> Int { history.filter { $0.record.event == event }.count }
}
