// Orders to start, and steps of them, whose turn comes after the right to hold has ended. This process, or all of the
// node, has stood still since they were given: whoever gave them may know by now that another node has the group, and
// not have said so yet.
import ClusterModel

/// Orders that wait for a word of the status process that is younger than they are.
struct HeldOrders {
    private struct Held {
        /// nil for a step of an order that is being carried out.
        var group: String?
        var since: Instant
        var carryOut: () -> Void
        var refuse: () -> Void
    }

    private var orders: [Held] = []

    /// One of `carryOut` and `refuse` is called once, unless all are dropped. `group`: of an order; nil for a step,
    /// which the order to stop its group ends itself.
    mutating func hold(
        _ group: String?, now: Instant, carryOut: @escaping () -> Void, refuse: @escaping () -> Void
    ) {
        orders.append(Held(group: group, since: now, carryOut: carryOut, refuse: refuse))
    }

    /// The status process has said until when the right lasts: what may be carried out now, in order. A right that
    /// lasts is young. One that is over may have been read with the order; `keepalive` later it was said after it, and
    /// whoever said it keeps to the order though the lease is not prolonged.
    mutating func heard(until: Instant, keepalive: Duration, now: Instant) -> [() -> Void] {
        guard !orders.isEmpty else { return [] }
        let due = orders.filter { until > now || now - $0.since >= keepalive }
        orders.removeAll { until > now || now - $0.since >= keepalive }
        return due.map(\.carryOut)
    }

    /// A group is to be stopped.
    mutating func refuse(_ group: String) {
        let refused = orders.filter { $0.group == group }
        guard !refused.isEmpty else { return }
        orders.removeAll { $0.group == group }
        for order in refused { order.refuse() }
    }

    /// Whoever gave the orders is gone. Returns what ends those that are being carried out; it MUST be called.
    mutating func drop() -> [() -> Void] {
        let steps = orders.filter { $0.group == nil }
        orders.removeAll()
        return steps.map(\.refuse)
    }
}
