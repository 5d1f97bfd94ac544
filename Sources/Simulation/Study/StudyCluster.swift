// An administrator's configuration as a virtual cluster: each interface is a segment that joins all nodes, serial lines
// join two nodes or make a ring.
import ClusterModel

/// What carries messages between nodes and can fail as a whole: the network of an interface, or a serial cable.
package struct StudySegment: Sendable {
    /// As an administrator would call it.
    package let name: String
    /// The medium of each end, by the name that ha.cf has for it.
    let links: [(node: Int, name: String)]
    let isNetwork: Bool
    let ends: [Endpoint]
}

/// A configured cluster to study, up and at rest.
package struct StudyCluster: Sendable {
    package let segments: [StudySegment]
    package let nodes: [String]
    package let groups: [String]
    package let hasPingNodes: Bool
    /// Segments that ping nodes may be behind: ha.cf does not say which one.
    let networks: [Int]
    /// The cluster at rest; every run begins with a copy.
    let calm: World
    let timing: Timing

    /// How long a cluster needs at most to come to rest by itself.
    let patience: Duration
    /// When a node whose processes are stopped is reset by its watchdog; nil: it has none.
    let watchdogTimeout: Duration?

    /// nil where the cluster does not come to rest even without a fault; `configuration` as the reader of the three
    /// files makes it, of whichever node.
    package init?(_ configuration: Configuration, seed: UInt64) {
        nodes = configuration.nodes
        groups = configuration.groups.map(\.name)
        guard nodes.count > 1, !groups.isEmpty else { return nil }
        var media: [Medium] = []
        for medium in configuration.media
        where medium.isPing || medium.isSerial || !media.contains(where: { $0.joins(medium.linkName) }) {
            media.append(medium)
        }
        hasPingNodes = media.contains(where: \.isPing)
        let names = media.map(\.linkName)
        var joined: [StudySegment] = []
        for (index, medium) in media.enumerated() where !medium.isPing && !medium.isSerial {
            let ends = nodes.indices.map { Endpoint(node: $0, medium: index) }
            joined.append(StudySegment(
                name: names[index], links: ends.map { ($0.node, names[index]) }, isNetwork: true, ends: ends))
        }
        networks = Array(joined.indices)
        for ends in StudyCluster.cables(media, nodes: nodes.count) {
            let name = nodes.count == 2
                ? names[ends[0].medium.index] : "the line from \(nodes[ends[0].node]) to \(nodes[ends[1].node])"
            joined.append(StudySegment(
                name: name, links: ends.map { ($0.node, names[$0.medium.index]) }, isNetwork: false, ends: ends))
        }
        segments = joined
        let configurations = nodes.map { name in
            var own = configuration
            own.localName = name
            own.media = media
            return own
        }
        timing = configuration.timing
        patience = timing.initdead + timing.deadtime * 4 + .seconds(10)
        watchdogTimeout = configuration.processes.watchdog == nil ? nil : timing.watchdogTimeout
        // Odd: epochs outlive resource managers.
        var world = World(configurations: configurations, segments: joined.map(\.ends), seed: seed | 1)
        world.conditions.startTime = .milliseconds(10)
        world.conditions.stopTime = .milliseconds(10)
        for index in nodes.indices { world.start(index) }
        guard world.run(atMost: patience + timing.initdead, until: { $0.isAtRest }) else { return nil }
        world.run(timing.initdead + timing.deadtime)
        calm = world
    }

    /// Two nodes have a cable for each line; more make rings of two lines each, and a line that is left joins nobody.
    private static func cables(_ media: [Medium], nodes: Int) -> [[Endpoint]] {
        let lines = media.indices.filter { media[$0].isSerial }
        if nodes == 2 { return lines.map { [Endpoint(node: 0, medium: $0), Endpoint(node: 1, medium: $0)] } }
        return (0..<lines.count / 2).flatMap { pair in
            (0..<nodes).map { node in
                [
                    Endpoint(node: node, medium: lines[pair * 2 + 1]),
                    Endpoint(node: (node + 1) % nodes, medium: lines[pair * 2]),
                ]
            }
        }
    }

    /// Names of the media, as `failure` takes them.
    package var links: [String] {
        var names: [String] = []
        for name in segments.flatMap({ $0.links.map(\.name) }) where !names.contains(name) { names.append(name) }
        return names
    }

    /// What fails with a medium, on all nodes or on one; nil where no node has a medium of that name.
    package func failure(of link: String, node: Int? = nil) -> Fault? {
        let found = segments.indices.filter { index in
            segments[index].links.contains { $0.name == link && (node == nil || $0.node == node) }
        }
        guard let first = found.first else { return nil }
        return segments[first].isNetwork
            ? node.map { .unplug(node: $0, segment: first) } ?? .cut([first]) : .cut(found)
    }
}

extension Medium {
    /// Whether it is a network on this interface.
    fileprivate func joins(_ interface: String) -> Bool { !isSerial && !isPing && linkName == interface }
}
