// Who is told of what, when, and how often.
import ClusterModel
import Testing

@testable import Notifications

@Suite("The plan of deliveries")
struct DeliveryPlanTests {
    private let server = NotificationTarget.webhook("http://alerts/x")
    private let program = NotificationTarget.program("/sbin/pager")

    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private func transition(_ kind: Transition.Kind = .held, _ number: Int = 0) -> Transition {
        Transition(kind: kind, node: "alpha", group: "g", epoch: UInt64(number), cause: "because", time: 0)
    }

    /// A plan under test, and what it wants to be done.
    private struct Bench {
        var plan: DeliveryPlan
        var effects: [DeliveryPlan.Effect] = []

        /// `TARGET NUMBER` of deliveries, with `(N dropped)`, since the last call.
        mutating func deliveries() -> [String] {
            defer { effects = [] }
            return effects.compactMap { effect in
                guard case .deliver(let target, let number, _, let dropped) = effect else { return nil }
                return "\(target) \(number)" + (dropped > 0 ? " (\(dropped) dropped)" : "")
            }
        }

        mutating func take(_ transition: Transition, missed: UInt64 = 0, at now: Instant) {
            _ = plan.take(transition, missed: missed, effects: &effects, now: now)
            plan.proceed(&effects, now)
        }

        mutating func finished(
            _ target: NotificationTarget, _ number: UInt64, _ outcome: DeliveryPlan.Outcome, at now: Instant
        ) {
            plan.finished(target.text, number, outcome, effects: &effects, now: now)
        }
    }

    private func bench(_ targets: [NotificationTarget], kinds: [Transition.Kind]? = nil) -> Bench {
        var bench = Bench(plan: DeliveryPlan())
        let rules = targets.map { NotificationRule(target: $0, kinds: kinds) }
        bench.plan.configure(rules, known: [], effects: &bench.effects, now: at(0))
        return bench
    }

    @Test("Each target is told of one transition after the other, in order, and no target waits for another")
    func order() {
        var bench = bench([server, program])
        for number in 1...3 { bench.take(transition(.held, number), at: at(0)) }
        #expect(bench.deliveries() == ["http://alerts/x 1", "/sbin/pager 1"])
        bench.finished(program, 1, .delivered, at: at(1))
        bench.finished(program, 2, .delivered, at: at(1))
        #expect(bench.deliveries() == ["/sbin/pager 2", "/sbin/pager 3"])
        bench.finished(server, 1, .delivered, at: at(2))
        #expect(bench.deliveries() == ["http://alerts/x 2"])
        #expect(bench.plan.events.map(\.number) == [2, 3])
    }

    @Test("A failure is tried again, later and later, and nothing overtakes it")
    func retries() {
        var bench = bench([server])
        bench.take(transition(), at: at(0))
        bench.take(transition(), at: at(0))
        #expect(bench.deliveries() == ["http://alerts/x 1"])
        var now: Int64 = 0
        for pause: Int64 in [1, 2, 4, 8, 16, 32, 60, 60] {
            bench.finished(server, 1, .failed("the server answers 500"), at: at(now))
            #expect(bench.plan.nextDeadline == at(now + pause) && bench.deliveries().isEmpty)
            bench.plan.proceed(&bench.effects, at(now + pause - 1))
            #expect(bench.deliveries().isEmpty)
            now += pause
            bench.plan.proceed(&bench.effects, at(now))
            #expect(bench.deliveries() == ["http://alerts/x 1"])
        }
        bench.finished(server, 1, .delivered, at: at(now))
        #expect(bench.deliveries() == ["http://alerts/x 2"])
        bench.finished(server, 2, .failed("again"), at: at(now))
        #expect(bench.plan.nextDeadline == at(now + 1), "pauses begin anew")
    }

    @Test("A server that refuses, and a program that fails five times, hear of the next one, and how many they missed")
    func dropped() {
        var bench = bench([server, program])
        bench.take(transition(), at: at(0))
        bench.take(transition(), at: at(0))
        _ = bench.deliveries()
        bench.finished(server, 1, .refused("the server answers 404"), at: at(0))
        #expect(bench.deliveries() == ["http://alerts/x 2 (1 dropped)"])
        bench.finished(server, 2, .delivered, at: at(0))
        for _ in 1...4 {
            bench.finished(program, 1, .failed("exit code 1"), at: at(0))
            bench.plan.proceed(&bench.effects, at(1000))
        }
        #expect(bench.deliveries().count == 4)
        bench.finished(program, 1, .failed("exit code 1"), at: at(0))
        #expect(bench.deliveries() == ["/sbin/pager 2 (1 dropped)"])
        bench.take(transition(), at: at(0))
        #expect(bench.deliveries() == ["http://alerts/x 3"], "what was told is not counted again")
    }

    @Test("A target hears of what it asked for; the rest is not kept for it")
    func kinds() {
        var bench = bench([server], kinds: [.dead, .blocked])
        for kind in [Transition.Kind.starting, .held, .dead, .stopping, .blocked] {
            bench.take(transition(kind), at: at(0))
        }
        #expect(bench.deliveries() == ["http://alerts/x 3"])
        bench.finished(server, 3, .delivered, at: at(0))
        #expect(bench.deliveries() == ["http://alerts/x 5"])
        bench.finished(server, 5, .delivered, at: at(0))
        #expect(bench.plan.events.isEmpty)
    }

    @Test("What is kept is bounded: the oldest are dropped, counted and told")
    func bound() {
        var bench = bench([server])
        let count = DeliveryPlan.eventsMax + 10
        for _ in 0..<count { bench.take(transition(), at: at(0)) }
        #expect(bench.plan.events.count == DeliveryPlan.eventsMax)
        #expect(bench.deliveries() == ["http://alerts/x 1"])
        bench.finished(server, 1, .delivered, at: at(0))
        // The first of the ten was delivered after all.
        #expect(bench.deliveries() == ["http://alerts/x 11 (9 dropped)"])
        bench.finished(server, 11, .delivered, at: at(0))
        bench.take(transition(), missed: 7, at: at(0))
        #expect(bench.deliveries() == ["http://alerts/x 12"])
        bench.finished(server, 12, .delivered, at: at(0))
        #expect(bench.deliveries() == ["http://alerts/x 13 (7 dropped)"])
    }

    @Test("A notifier that starts anew goes on where the last one was; a new target hears of what comes from then on")
    func restart() {
        let events = (5...7).map { DeliveryPlan.Event(number: UInt64($0), transition: transition()) }
        var bench = Bench(plan: DeliveryPlan(events: events, last: 7))
        bench.plan.configure(
            [NotificationRule(target: server), NotificationRule(target: program)],
            known: [DeliveryPlan.SpoolNote(target: server.text, number: 5, dropped: 2)], effects: &bench.effects,
            now: at(0))
        #expect(bench.deliveries() == ["http://alerts/x 6 (2 dropped)"])
        bench.take(transition(), at: at(0))
        #expect(bench.deliveries() == ["/sbin/pager 8"])
    }

    @Test("A target that is not wanted any more holds nothing up, and its answer is nothing")
    func removed() {
        var bench = bench([server, program])
        bench.take(transition(), at: at(0))
        _ = bench.deliveries()
        bench.plan.configure([NotificationRule(target: program)], known: [], effects: &bench.effects, now: at(0))
        #expect(bench.deliveries().isEmpty, "the program is being told")
        bench.finished(server, 1, .delivered, at: at(0))
        bench.finished(program, 1, .delivered, at: at(0))
        #expect(bench.deliveries().isEmpty && bench.plan.events.isEmpty)
    }
}
