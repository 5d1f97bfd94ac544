import ClusterModel
import Testing
@testable import Resources

/// Orders to start that were read after the right to hold had ended.
@Suite("Orders that were read too late")
struct HeldOrdersTests {
    private let timing: Timing
    private let now = Instant(nanoseconds: 1_000_000_000)

    /// What became of orders, by group, in order.
    private final class Fate {
        var carriedOut: [String] = []
        var refused: [String] = []
    }

    init() {
        var timing = Timing()
        timing.keepalive = .milliseconds(100)
        timing.deadtime = .seconds(1)
        self.timing = timing
    }

    private func hold(_ groups: [String]) -> (HeldOrders, Fate) {
        var orders = HeldOrders()
        let fate = Fate()
        for group in groups {
            orders.hold(group, now: now) {
                fate.carriedOut.append(group)
            } refuse: {
                fate.refused.append(group)
            }
        }
        return (orders, fate)
    }

    private func hear(until: Instant, at time: Instant, _ orders: inout HeldOrders) {
        for carryOut in orders.heard(until: until, timing, now: time) { carryOut() }
    }

    @Test("a right that lasts carries all of them out, once and in order")
    func lastingRight() {
        var (orders, fate) = hold(["b", "a"])
        hear(until: now + .seconds(1), at: now, &orders)
        hear(until: now + .seconds(1), at: now, &orders)
        #expect(fate.carriedOut == ["b", "a"])
        #expect(fate.refused.isEmpty)
    }

    @Test("a right that is over may have been said before the orders were read, or first thing after a pause")
    func oldWord() {
        var (orders, fate) = hold(["a"])
        hear(until: now - .milliseconds(1), at: now, &orders)
        for second in 1...5 { hear(until: now, at: now + .seconds(second), &orders) }
        #expect(fate.carriedOut.isEmpty)
    }

    @Test("what is said for a deadtime without a pause is younger than the orders, though the right be over")
    func youngWord() {
        var (orders, fate) = hold(["a"])
        for tenth in 1...10 {
            #expect(fate.carriedOut.isEmpty)
            hear(until: now, at: now + .seconds(3) + .milliseconds(100 * tenth), &orders)
        }
        hear(until: now, at: now + .milliseconds(4100), &orders)
        #expect(fate.carriedOut == ["a"])
    }

    @Test("a stop ends those of its group and no others")
    func stop() {
        var (orders, fate) = hold(["a", "b"])
        orders.refuse("a")
        orders.refuse("a")
        hear(until: now + .seconds(1), at: now, &orders)
        #expect(fate.refused == ["a"])
        #expect(fate.carriedOut == ["b"])
    }

    @Test("whoever gave them is gone: nothing comes of them")
    func drop() {
        var (orders, fate) = hold(["a"])
        for end in orders.drop() { end() }
        hear(until: now + .seconds(1), at: now, &orders)
        #expect(fate.carriedOut.isEmpty && fate.refused.isEmpty)
    }
}
