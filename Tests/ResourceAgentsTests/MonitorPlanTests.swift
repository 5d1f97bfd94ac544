// When resources are looked at, and what follows when one has failed.
import ClusterModel
import Testing

@testable import ResourceAgents

@Suite("The plan of the monitors")
struct MonitorPlanTests {
    /// The plan, its time, and what it asked for.
    private struct Bench {
        var plan = MonitorPlan()
        var now = Instant(nanoseconds: 0)
        var running: [(id: MonitorPlan.ID, check: MonitorPlan.CheckID)] = []

        mutating func handle(_ event: MonitorPlan.Event) -> [MonitorPlan.Effect] {
            var effects: [MonitorPlan.Effect] = []
            plan.handle(event, now: now, effects: &effects)
            for effect in effects {
                switch effect {
                case .check(let id, let check, _): running.append((id, check))
                case .cancel(let check): running.removeAll { $0.check == check }
                case .failed, .unasked, .restart, .giveUp: break
                }
            }
            return effects
        }

        /// Goes on to the next check of anything; nil where none is due.
        mutating func next() -> MonitorPlan.ID? {
            guard let due = plan.nextDeadline else { return nil }
            now = max(now, due)
            let before = running.count
            _ = handle(.wake)
            return running.count > before ? running[before].id : nil
        }

        mutating func answer(_ finding: MonitorPlan.Finding) -> [MonitorPlan.Effect] {
            handle(.finished(running.removeFirst().check, finding))
        }

        /// Goes on to the next check and answers it.
        mutating func look(_ finding: MonitorPlan.Finding) -> [MonitorPlan.Effect] {
            _ = next()
            return answer(finding)
        }
    }

    private static let policy = MonitorPolicy(
        interval: .seconds(10), timeout: .seconds(20), restarts: 2, window: .seconds(600))
    private static let id = MonitorPlan.ID(group: 1, resource: 0)

    private func bench(_ policy: MonitorPolicy = policy, resources: Int = 1) -> Bench {
        var bench = Bench()
        _ = bench.handle(.held(group: 1, (0..<resources).map { ($0, policy) }))
        return bench
    }

    @Test("What runs is looked at again an interval after each answer, the first time within one")
    func interval() {
        var bench = bench()
        #expect(bench.next() == Self.id)
        #expect(bench.now <= Instant(nanoseconds: 0) + .seconds(10))
        #expect(bench.plan.nextDeadline == nil, "a check is under way")
        bench.now = bench.now + .seconds(3)
        #expect(bench.answer(.running) == [])
        #expect(bench.plan.nextDeadline == bench.now + .seconds(10))
    }

    @Test("A thousand resources are spread over their interval, and few are looked at at once")
    func spread() {
        var bench = bench(resources: 1000)
        var checks: [Instant] = []
        while checks.count < 1000, bench.next() != nil {
            #expect(bench.running.count <= MonitorPlan.checksMax)
            while !bench.running.isEmpty {
                checks.append(bench.now)
                _ = bench.answer(.running)
            }
        }
        #expect(checks.count >= 1000)
        for tenth in 0..<10 {
            let start = Instant(nanoseconds: 0) + .seconds(5) + .milliseconds(Int64(tenth) * 500)
            let inside = checks.count { $0 >= start && $0 < start + .milliseconds(500) }
            #expect((80...120).contains(inside), "\(inside) in tenth \(tenth)")
        }
    }

    @Test("More checks than may run wait for one that ends, the longest overdue first")
    func limit() {
        var bench = bench(resources: 50)
        bench.now = bench.now + .seconds(60)
        _ = bench.handle(.wake)
        #expect(bench.running.count == MonitorPlan.checksMax)
        #expect(bench.plan.nextDeadline == nil)
        let first = bench.running.map(\.id)
        _ = bench.answer(.running)
        #expect(bench.running.count == MonitorPlan.checksMax)
        #expect(!first.contains(bench.running[MonitorPlan.checksMax - 1].id))
    }

    @Test("A failure restarts in place, up to the threshold within the window; then the group is given up")
    func threshold() {
        var bench = bench()
        for attempt in 1...2 {
            #expect(
                bench.look(.failed("dead"))
                    == [.failed(Self.id, "dead"), .restart(Self.id, "dead", attempt: attempt)])
            #expect(bench.plan.nextDeadline == nil, "nothing is looked at while it is restarted")
            _ = bench.handle(.held(group: 1, [(0, Self.policy)]))
        }
        #expect(bench.look(.failed("dead")) == [.failed(Self.id, "dead"), .giveUp(Self.id, "dead")])
    }

    @Test("Restarts longer ago than the window do not count, nor do those before a cleanup")
    func window() {
        var bench = bench()
        for _ in 0..<10 {
            bench.now = bench.now + .seconds(400)
            let effects = bench.look(.failed("dead"))
            #expect(effects.contains { if case .restart = $0 { true } else { false } }, "\(effects)")
            _ = bench.handle(.held(group: 1, [(0, Self.policy)]))
        }
        _ = bench.look(.failed("dead"))
        _ = bench.handle(.forgotten(group: 1))
        _ = bench.handle(.held(group: 1, [(0, Self.policy)]))
        #expect(bench.look(.failed("dead")).contains(.restart(Self.id, "dead", attempt: 1)))
    }

    @Test("Without restarts the group is given up at once")
    func never() {
        var policy = Self.policy
        policy.restarts = 0
        var bench = bench(policy)
        #expect(bench.look(.failed("dead")) == [.failed(Self.id, "dead"), .giveUp(Self.id, "dead")])
    }

    @Test("What cannot be told counts as failed the second time in a row, and is asked again soon")
    func unclear() {
        var bench = bench()
        #expect(bench.look(.unclear("timed out")) == [])
        #expect(bench.plan.nextDeadline == bench.now + .seconds(2))
        #expect(bench.look(.running) == [])
        #expect(bench.look(.unclear("timed out")) == [])
        #expect(bench.look(.unclear("timed out")).contains(.restart(Self.id, "timed out", attempt: 1)))
    }

    @Test("What cannot be asked is said once, and nothing follows")
    func unasked() {
        var bench = bench()
        #expect(bench.look(.unasked("no bus")) == [.unasked(Self.id, "no bus")])
        for _ in 0..<10 { #expect(bench.look(.unasked("no bus")) == []) }
        #expect(bench.look(.running) == [])
        #expect(bench.look(.unasked("no bus")) == [.unasked(Self.id, "no bus")])
    }

    @Test("A change that is noticed is looked at at once, also when it comes during a check")
    func noticed() {
        var bench = bench()
        #expect(bench.handle(.noticed(Self.id)) == [.check(Self.id, 1, Self.policy)])
        #expect(bench.handle(.noticed(Self.id)) == [])
        #expect(bench.answer(.running) == [.check(Self.id, 2, Self.policy)])
        #expect(bench.answer(.running) == [])
    }

    @Test("While an operator wants nothing to be done, a failure is told once; afterwards it is seen to")
    func suspended() {
        var bench = bench()
        _ = bench.handle(.suspended(group: 1, true))
        #expect(bench.look(.failed("dead")) == [.failed(Self.id, "dead")])
        for _ in 0..<5 { #expect(bench.look(.failed("dead")) == []) }
        let effects = bench.handle(.suspended(group: 1, false))
        #expect(effects.count == 1, "it is looked at at once: \(effects)")
        #expect(
            bench.answer(.failed("dead"))
                == [.failed(Self.id, "dead"), .restart(Self.id, "dead", attempt: 1)])
    }

    @Test("A group that is operated on has its checks ended, and their answers change nothing")
    func left() {
        var bench = bench()
        _ = bench.next()
        let check = bench.running[0].check
        #expect(bench.handle(.left(group: 1)) == [.cancel(check)])
        #expect(bench.handle(.finished(check, .failed("ended"))) == [])
        #expect(bench.plan.nextDeadline == nil)
    }

    @Test("However it is driven, no more checks run than may, none twice for one resource, and none is lost")
    func random() {
        for seed in 0..<300 as Range<UInt64> {
            var random = RandomSource(seed: seed)
            var bench = Bench()
            for _ in 0..<400 {
                let group = Int(random.next() % 5)
                let id = MonitorPlan.ID(group: group, resource: Int(random.next() % 3))
                bench.now = bench.now + .milliseconds(Int64(random.next() % 3000))
                switch random.next() % 8 {
                case 0: _ = bench.handle(.held(group: group, (0..<3).map { ($0, Self.policy) }))
                case 1: _ = bench.handle(.left(group: group))
                case 2: _ = bench.handle(.noticed(id))
                case 3: _ = bench.handle(.suspended(group: group, random.next() % 2 == 0))
                case 4: _ = bench.handle(.forgotten(group: group))
                case 5, 6:
                    guard !bench.running.isEmpty else { continue }
                    let findings: [MonitorPlan.Finding] = [.running, .failed("f"), .unclear("u"), .unasked("n")]
                    _ = bench.answer(findings[Int(random.next() % 4)])
                default: _ = bench.handle(.wake)
                }
                #expect(bench.running.count <= MonitorPlan.checksMax)
                for (index, check) in bench.running.enumerated() {
                    #expect(!bench.running[..<index].contains { $0.id == check.id })
                }
                let isFull = bench.running.count == MonitorPlan.checksMax
                if let due = bench.plan.nextDeadline { #expect(isFull || due > bench.now) }
            }
        }
    }

    @Test("What somebody else reports counts as what a check finds, watched or not; while suspended it is only told")
    func reported() {
        var bench = bench()
        let watched = MonitorPlanTests.id
        let other = MonitorPlan.ID(group: 1, resource: 3)
        #expect(
            bench.handle(.reported(watched, MonitorPlanTests.policy, "mute"))
                == [.failed(watched, "mute"), .restart(watched, "mute", attempt: 1)])
        #expect(bench.next() == nil)
        for attempt in 1...2 {
            _ = bench.handle(.held(group: 1, [(0, MonitorPlanTests.policy)]))
            #expect(
                bench.handle(.reported(other, MonitorPlanTests.policy, "mute")).contains(
                    .restart(other, "mute", attempt: attempt)))
        }
        _ = bench.handle(.held(group: 1, [(0, MonitorPlanTests.policy)]))
        #expect(bench.handle(.reported(other, MonitorPlanTests.policy, "mute")).last == .giveUp(other, "mute"))
        _ = bench.handle(.held(group: 1, [(0, MonitorPlanTests.policy)]))
        _ = bench.handle(.suspended(group: 1, true))
        #expect(bench.handle(.reported(watched, MonitorPlanTests.policy, "mute")) == [.failed(watched, "mute")])
        #expect(bench.handle(.reported(watched, MonitorPlanTests.policy, "mute")) == [])
    }
}
