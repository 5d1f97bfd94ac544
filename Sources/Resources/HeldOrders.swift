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
    /// When the status process has spoken last, and since when it has done so without a pause.
    private var heardAt = Instant.distantPast
    private var speaksSince = Instant.distantPast

    /// One of `carryOut` and `refuse` is called once, unless all are dropped. `group`: of an order; nil for a step,
    /// which the order to stop its group ends itself.
    mutating func hold(
        _ group: String?, now: Instant, carryOut: @escaping () -> Void, refuse: @escaping () -> Void
    ) {
        orders.append(Held(group: group, since: now, carryOut: carryOut, refuse: refuse))
    }

    /// The status process has said until when the right lasts: what may be carried out now, in order. Whoever says that
    /// it lasts knows that nobody else has the groups. One that is over may have been said before the order was read,
    /// or first thing after a pause; who says so for a deadtime without a pause has heard everybody, and keeps to the
    /// order though the lease is not prolonged.
    mutating func heard(until: Instant, _ timing: Timing, now: Instant) -> [() -> Void] {
        if now - heardAt > timing.keepalive * 2 { speaksSince = now }
        heardAt = now
        guard !orders.isEmpty else { return [] }
        let isDue = { [speaksSince] (order: Held) in
            until > now || now - max(speaksSince, order.since) >= timing.deadtime
        }
        let due = orders.filter(isDue)
        orders.removeAll(where: isDue)
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
