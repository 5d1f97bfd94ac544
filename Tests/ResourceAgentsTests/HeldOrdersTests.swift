import ClusterModel
import Testing

/// Orders to start that were read after the right to hold had ended.
@Suite("Orders that were read too late")
struct HeldOrdersTests {
    private let timing: Timing
    private let now = Instant(nanoseconds: 1_000_000_000)

    /// What became of orders, by group, in order.
    private struct Fate {
        var carriedOut: [String] = []
        var refused: [String] = []
    }

    init() {
        var timing = Timing()
        timing.keepalive = .milliseconds(100)
        timing.deadtime = .seconds(1)
        self.timing = timing
    }

    private func hold(_ groups: [String]) -> (HeldOrders<String>, Fate) {
        var orders = HeldOrders<String>()
        for group in groups { orders.hold(group, now: now) }
        return (orders, Fate())
    }

    private func hear(until: Instant, at time: Instant, _ orders: inout HeldOrders<String>, _ fate: inout Fate) {
        fate.carriedOut += orders.heard(until: until, timing, now: time)
    }

    @Test("a right that lasts carries all of them out, once and in order")
    func lastingRight() {
        var (orders, fate) = hold(["b", "a"])
        hear(until: now + .seconds(1), at: now, &orders, &fate)
        hear(until: now + .seconds(1), at: now, &orders, &fate)
        #expect(fate.carriedOut == ["b", "a"])
        #expect(fate.refused.isEmpty)
    }

    @Test("a right that is over may have been said before the orders were read, or first thing after a pause")
    func oldWord() {
        var (orders, fate) = hold(["a"])
        hear(until: now - .milliseconds(1), at: now, &orders, &fate)
        for second in 1...5 { hear(until: now, at: now + .seconds(second), &orders, &fate) }
        #expect(fate.carriedOut.isEmpty)
    }

    @Test("what is said for a deadtime without a pause is younger than the orders, though the right be over")
    func youngWord() {
        var (orders, fate) = hold(["a"])
        for tenth in 1...10 {
            #expect(fate.carriedOut.isEmpty)
            hear(until: now, at: now + .seconds(3) + .milliseconds(100 * tenth), &orders, &fate)
        }
        hear(until: now, at: now + .milliseconds(4100), &orders, &fate)
        #expect(fate.carriedOut == ["a"])
    }

    @Test("a stop ends those of its group and no others")
    func stop() {
        var (orders, fate) = hold(["a", "b"])
        fate.refused += orders.remove { $0 == "a" }
        fate.refused += orders.remove { $0 == "a" }
        hear(until: now + .seconds(1), at: now, &orders, &fate)
        #expect(fate.refused == ["a"])
        #expect(fate.carriedOut == ["b"])
    }

    @Test("whoever gave them is gone: nothing comes of them")
    func drop() {
        var (orders, fate) = hold(["a", "b"])
        #expect(orders.remove() == ["a", "b"])
        hear(until: now + .seconds(1), at: now, &orders, &fate)
        #expect(fate.carriedOut.isEmpty && fate.refused.isEmpty)
    }
}
