// An administrator's configuration as a virtual cluster: each interface is a segment that joins all nodes, serial lines
// join two nodes or make a ring.
import ClusterModel

/// A configured cluster to study, up and at rest.
package struct StudyCluster: Sendable {
    /// Names of the segments that can be cut: interfaces, and `serial` lines by their device.
    package let segments: [String]
    package let nodes: [String]
    package let groups: [String]
    package let hasPingNodes: Bool
    /// Segments that ping nodes are behind: all interfaces, since ha.cf does not say which one.
    let networks: [Int]
    /// The cluster at rest; every run begins with a copy.
    let calm: World

    /// How long a cluster needs at most to come to rest by itself.
    let patience: Duration

    /// nil where the cluster does not come to rest even without a fault; `configuration` as the reader of the three
    /// files makes it, of whichever node.
    package init?(_ configuration: Configuration, seed: UInt64) {
        nodes = configuration.nodes
        groups = configuration.groups.map(\.name)
        guard nodes.count > 1, !groups.isEmpty else { return nil }
        var media: [Medium] = []
        for medium in configuration.media {
            if medium.isPing || medium.isSerial {
                media.append(medium)
            } else if !media.contains(where: { !$0.isSerial && !$0.isPing && $0.linkName == medium.linkName }) {
                media.append(.broadcast(interface: medium.linkName, port: 694))
            }
        }
        hasPingNodes = media.contains(where: \.isPing)
        var joined: [(name: String, ends: [Endpoint])] = []
        for (index, medium) in media.enumerated() where !medium.isPing && !medium.isSerial {
            joined.append((medium.linkName, nodes.indices.map { Endpoint(node: $0, medium: index) }))
        }
        networks = Array(joined.indices)
        joined += StudyCluster.lines(media, nodes: nodes.count)
        segments = joined.map(\.name)
        let configurations = nodes.map { name in
            var own = configuration
            own.localName = name
            own.media = media
            return own
        }
        let timing = configuration.timing
        patience = timing.initdead + timing.deadtime * 4 + .seconds(10)
        var world = World(configurations: configurations, segments: joined.map(\.ends), seed: seed)
        world.conditions.startTime = .milliseconds(10)
        world.conditions.stopTime = .milliseconds(10)
        for index in nodes.indices { world.start(index) }
        guard world.run(atMost: patience + timing.initdead, until: { $0.isAtRest }) else { return nil }
        world.run(timing.initdead + timing.deadtime)
        calm = world
    }

    /// Two nodes have a cable for each line; more make rings of two lines each, and a line that is left joins nobody.
    private static func lines(_ media: [Medium], nodes: Int) -> [(name: String, ends: [Endpoint])] {
        let lines = media.indices.filter { media[$0].isSerial }
        if nodes == 2 {
            return lines.map { ($0, media[$0].linkName) }.map { index, name in
                (name, [Endpoint(node: 0, medium: index), Endpoint(node: 1, medium: index)])
            }
        }
        var joined: [(name: String, ends: [Endpoint])] = []
        for pair in 0..<lines.count / 2 {
            for node in 0..<nodes {
                joined.append((
                    media[lines[pair * 2 + 1]].linkName,
                    [
                        Endpoint(node: node, medium: lines[pair * 2 + 1]),
                        Endpoint(node: (node + 1) % nodes, medium: lines[pair * 2]),
                    ]
                ))
            }
        }
        return joined
    }
}
