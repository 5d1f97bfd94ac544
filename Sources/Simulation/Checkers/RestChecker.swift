// What must be true of a cluster in which nothing is broken and nothing moves: all nodes see the same, groups are where
// the policy and the operators want them, and no failure is remembered that was cleared. And of any: no core has grown.
import ClusterCore
import ClusterModel

extension World {
    /// What is wrong with a cluster at rest, whose nodes all run and hear each other; nil if nothing is.
    func flawAtRest() -> String? {
        var views: [ClusterSnapshot] = []
        for node in nodes {
            guard let view = node.snapshot(now) else { return "\(node.name) does not run" }
            views.append(view)
        }
        return flawOfViews(views) ?? flawOfPlaces(views[0])
    }

    private func flawOfViews(_ views: [ClusterSnapshot]) -> String? {
        for view in views {
            for node in view.nodes where node.kind == .normal {
                if node.status != .active || node.isUnreachable {
                    return "\(view.localName) thinks \(node.name) \(node.status.rawValue)"
                }
            }
            for (index, group) in view.groups.enumerated() {
                let other = views[0].groups[index]
                let actual = owners(group.name).map { nodes[$0].name }
                guard group.state == "held", group.owner.map({ [$0] }) == actual else {
                    return "\(view.localName) sees \(group.name) \(group.state) on \(group.owner ?? "-"), not \(actual)"
                }
                if group.wanted != other.wanted {
                    return "\(view.localName) and \(views[0].localName) differ about the mark of \(group.name)"
                }
                let failures = group.failures.map { "\($0.node) \($0.count)" }
                if failures != other.failures.map({ "\($0.node) \($0.count)" }) {
                    return "\(view.localName) and \(views[0].localName) differ about failures of \(group.name)"
                }
            }
        }
        return nil
    }

    /// A group is where an operator wants it; else, unless it may stay where it came to be, on its preferred node.
    private func flawOfPlaces(_ view: ClusterSnapshot) -> String? {
        for group in view.groups {
            let failed = group.failures.map(\.node)
            if let wanted = group.wanted, !failed.contains(wanted) {
                if group.owner != wanted { return "\(group.name) is not on \(wanted), where an operator wants it" }
            } else if view.autoFailback == .on, group.owner != group.preferred, !failed.contains(group.preferred) {
                return "\(group.name) did not go back to \(group.preferred)"
            }
            if let owner = group.owner, failed.contains(owner) { return "\(group.name) runs where it failed" }
        }
        return nil
    }

    /// Failures that the cluster remembers, at rest.
    var failuresKnown: [FailureSnapshot] { nodes[0].snapshot(now)?.groups.flatMap(\.failures) ?? [] }

    /// Each core's own data is bounded by the configuration, whatever came in: the history of sent messages and what is
    /// kept of each node and group.
    func flawOfSize() -> String? {
        for node in nodes {
            let configuration = node.configuration
            let members = configuration.members.count
            let limit = 700 + 30 * members * (1 + configuration.media.count + configuration.groups.count)
            let size = node.elementCount
            if size > limit { return "the core of \(node.name) keeps \(size) things, \(limit) are allowed" }
        }
        return nil
    }
}

extension VirtualNode {
    /// The daemon's own view; nil where none runs.
    package func snapshot(_ now: Instant) -> ClusterSnapshot? { cluster?.snapshot(localTime(now)) }

    /// Elements of all arrays in the core, at any depth.
    var elementCount: Int { cluster.map { VirtualNode.elements(of: $0) } ?? 0 }

    private static func elements(of value: Any) -> Int {
        if value is [UInt8] || value is String { return 0 }
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .collection, mirror.children.count > 100 { return mirror.children.count }
        let own = mirror.displayStyle == .collection ? mirror.children.count : 0
        return mirror.children.reduce(own) { $0 + elements(of: $1.value) }
    }
}
