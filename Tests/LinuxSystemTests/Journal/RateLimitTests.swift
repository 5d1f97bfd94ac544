import ClusterModel
import Journal
import Testing

@Suite struct RateLimitTests {
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test("the first line passes, then one a minute that tells how many were withheld")
    func onceAMinute() {
        var limit = RateLimit()
        #expect(limit.admit("a", now: at(100)) == 0)
        for second in 101..<159 { #expect(limit.admit("a", now: at(Int64(second))) == nil) }
        #expect(limit.admit("a", now: at(160)) == 58)
        #expect(limit.admit("a", now: at(161)) == nil)
        #expect(limit.admit("a", now: at(1000)) == 1)
    }

    @Test("a burst passes, and saved credit never exceeds it")
    func burst() {
        var limit = RateLimit(burst: 3, interval: .seconds(10))
        #expect((0..<5).map { _ in limit.admit("a", now: at(0)) } == [0, 0, 0, nil, nil])
        #expect((0..<5).map { _ in limit.admit("a", now: at(1_000_000)) } == [2, 0, 0, nil, nil])
    }

    @Test("keys do not disturb each other")
    func keys() {
        var limit = RateLimit()
        #expect(limit.admit("a", now: at(0)) == 0)
        #expect(limit.admit("b", now: at(0)) == 0)
        #expect(limit.admit("a", now: at(0)) == nil)
    }

    @Test("the end of a burst is reported although nothing follows it")
    func overdue() {
        var limit = RateLimit()
        for _ in 0..<5 { _ = limit.admit("a", now: at(0)) }
        #expect(limit.overdue(now: at(59)).isEmpty)
        let overdue = limit.overdue(now: at(60))
        #expect(overdue.map(\.key) == ["a"] && overdue.map(\.count) == [4])
        #expect(limit.overdue(now: at(200)).isEmpty)
        #expect(limit.admit("a", now: at(60)) == nil)
    }

    @Test("an attacker who invents keys shares one bucket, and keys at rest make room")
    func manyKeys() {
        var limit = RateLimit(keyCountMax: 4)
        var admitted = 0
        for number in 0..<10_000 where limit.admit("key \(number)", now: at(0)) != nil { admitted += 1 }
        #expect(admitted == 5)
        #expect(limit.admit("late", now: at(60)) == 0)
    }

    @Test("a clock that stands still or goes back gives no credit")
    func clock() {
        var limit = RateLimit()
        #expect(limit.admit("a", now: at(1000)) == 0)
        #expect(limit.admit("a", now: at(10)) == nil)
        #expect(limit.admit("a", now: at(1000)) == nil)
        #expect(limit.admit("a", now: at(1060)) == 2)
    }
}
