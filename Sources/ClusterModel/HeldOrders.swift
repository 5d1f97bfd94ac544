// Orders to start, and steps of them, whose turn comes after the right to hold has ended. The resource manager, or all
// of its node, has stood still since they were given: whoever gave them may know by now that another node has the
// group, and not have said so yet.

/// Orders that wait for a word of the status process that is younger than they are. The resource manager and its model
/// in the simulation both go by it.
package struct HeldOrders<Order> {
    private var orders: [(order: Order, since: Instant)] = []
    /// When the status process has spoken last, and since when it has done so without a pause.
    private var heardAt = Instant.distantPast
    private var speaksSince = Instant.distantPast

    package init() {}

    package mutating func hold(_ order: Order, now: Instant) { orders.append((order, now)) }

    /// The status process has said until when the right lasts: what may be carried out now, in order. Whoever says that
    /// it lasts knows that nobody else has the groups. One that is over may have been said before the order was read,
    /// or first thing after a pause; who says so for a deadtime without a pause has heard everybody, and keeps to the
    /// order though the lease is not prolonged.
    package mutating func heard(until: Instant, _ timing: Timing, now: Instant) -> [Order] {
        if now - heardAt > timing.keepalive * 2 { speaksSince = now }
        heardAt = now
        if orders.isEmpty { return [] }
        return take { [speaksSince] in until > now || now - max(speaksSince, $0.since) >= timing.deadtime }
    }

    /// Nobody wants these any more. Returns them, in order.
    @discardableResult
    package mutating func remove(where isUnwanted: (Order) -> Bool = { _ in true }) -> [Order] {
        orders.isEmpty ? [] : take { isUnwanted($0.order) }
    }

    private mutating func take(_ isDue: ((order: Order, since: Instant)) -> Bool) -> [Order] {
        let due = orders.filter(isDue)
        orders.removeAll(where: isDue)
        return due.map(\.order)
    }
}

extension HeldOrders: Sendable where Order: Sendable {}
