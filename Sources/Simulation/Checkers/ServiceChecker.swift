// Judges from outside the core what a client would see: a group is served where it runs and, if it is leased, only
// while the kernel of that node lets its traffic pass. Nothing is excused: what a stopped process cannot give up, the
// kernel ends.
import ClusterModel

/// A stretch of time in which nobody served a group.
package struct Outage: Equatable, Sendable {
    package var from: Instant
    package var duration: Duration

    var end: Instant { from + duration }
}

/// Who serves each group, over a run.
package struct ServiceChecker: Sendable {
    private struct Service: Sendable {
        let name: String
        /// The kernel ends all of it with the node's lease.
        let isLeased: Bool
        /// The kernel ends some of it: clients find its addresses no longer.
        let hasLeased: Bool
        /// Nodes where it runs.
        var nodes: [Int] = []
        /// All before this is accounted for.
        var settledAt = Instant(nanoseconds: 0)
        var outages: [Outage] = []
        /// Since the run's beginning.
        var wasServed = false
    }

    private var services: [Service]
    /// By node, on the run's clock: what the kernel was told last.
    private var leaseEnds: [Instant]
    /// Stretches in which two nodes served a group at once, in the order in which they were found.
    package private(set) var overlaps: [Overlap] = []

    /// Groups by name, and whether the kernel leases all or some of what they have; how many nodes there are.
    init(groups: [(name: String, isLeased: Bool, hasLeased: Bool)], nodes: Int) {
        services = groups.map { Service(name: $0.name, isLeased: $0.isLeased, hasLeased: $0.hasLeased) }
        leaseEnds = Array(repeating: .distantPast, count: nodes)
    }

    mutating func began(_ group: String, node: Int, at now: Instant) {
        guard let index = index(of: group), !services[index].nodes.contains(node) else { return }
        settle(index, now)
        services[index].nodes.append(node)
    }

    mutating func ended(_ group: String, node: Int, at now: Instant) {
        guard let index = index(of: group), services[index].nodes.contains(node) else { return }
        settle(index, now)
        services[index].nodes.removeAll { $0 == node }
    }

    /// Power is gone: nothing runs at the node, and its kernel knows of no lease.
    mutating func cleared(node: Int, at now: Instant) {
        for service in services { ended(service.name, node: node, at: now) }
        leaseEnds[node] = .distantPast
    }

    /// The kernel of a node lets traffic of leased groups pass until `end`.
    mutating func renewed(node: Int, until end: Instant, at now: Instant) {
        let wasOver = leaseEnds[node] <= now
        for index in services.indices
        where services[index].nodes.contains(node) && (wasOver || services[index].nodes.count > 1) {
            settle(index, now)
        }
        leaseEnds[node] = end
    }

    /// Accounts for all groups up to `now`.
    mutating func settle(_ now: Instant) {
        for index in services.indices { settle(index, now) }
    }

    /// When nobody served a group after it had first been served, as of the last `settle`.
    package func outages(of group: String) -> [Outage] { index(of: group).map { services[$0].outages } ?? [] }

    /// Whether a group has ever been served, as of the last `settle`.
    package func wasServed(_ group: String) -> Bool { index(of: group).map { services[$0].wasServed } ?? false }

    /// Whether some node serves a group at the run's present moment.
    package func isServed(_ group: String, at now: Instant) -> Bool {
        guard let index = index(of: group) else { return false }
        return services[index].nodes.contains { !services[index].hasLeased || leaseEnds[$0] > now }
    }

    private func index(of group: String) -> Int? { services.firstIndex { $0.name == group } }

    private func end(_ isLeased: Bool, at node: Int, _ now: Instant) -> Instant {
        isLeased ? min(now, leaseEnds[node]) : now
    }

    /// Leases and nodes have not changed since the group was settled last.
    private mutating func settle(_ index: Int, _ now: Instant) {
        let service = services[index]
        services[index].settledAt = now
        guard now > service.settledAt else { return }
        var first = Instant.distantPast
        var second = Instant.distantPast
        var found = Instant.distantPast
        for node in service.nodes {
            let end = end(service.isLeased, at: node, now)
            second = max(second, min(first, end))
            first = max(first, end)
            found = max(found, self.end(service.hasLeased, at: node, now))
        }
        if second > service.settledAt {
            note(Overlap(
                group: service.name, nodes: service.nodes, from: service.settledAt,
                duration: second - service.settledAt))
        }
        if found > service.settledAt { services[index].wasServed = true }
        guard services[index].wasServed, found < now else { return }
        let from = max(found, service.settledAt)
        if let last = service.outages.last, last.end == from {
            services[index].outages[service.outages.count - 1].duration = now - last.from
        } else {
            services[index].outages.append(Outage(from: from, duration: now - from))
        }
    }

    private mutating func note(_ overlap: Overlap) {
        if let last = overlaps.lastIndex(where: { $0.group == overlap.group }),
            overlaps[last].from + overlaps[last].duration == overlap.from, overlaps[last].nodes == overlap.nodes
        {
            overlaps[last].duration += overlap.duration
        } else {
            overlaps.append(overlap)
        }
    }
}
