import ClusterModel
import Monitoring
import Testing

@Suite("When checks run")
struct ScheduleTests {
    private func plan(_ lines: String, globals: String = "") -> String {
        "\(globals)\n\nhostgroup web www1 www2\n\n"
            + "watch web\n  service http\n    monitor http.monitor -p 80\n    \(lines)\n"
    }

    @Test("the first check comes after an interval, and then at a fixed rate, however long a check takes")
    func fixedRate() throws {
        var stage = try Stage(plan("interval 10s"))
        stage.run(seconds: 9.9)
        #expect(stage.effects.filter { if case .start = $0 { true } else { false } }.isEmpty)
        stage.run(seconds: 35, duration: 3000)
        let starts = stage.effects.filter { effect in if case .start = effect { true } else { false } }
        #expect(starts.count == 4 && stage.state("web", "http").lastCheck == Stage.epoch + 40)
    }

    @Test("a check that outlasts its interval is followed by a full one, never by a second at the same time")
    func slow() throws {
        var stage = try Stage(plan("interval 10s"))
        stage.run(seconds: 34, duration: 25_000)
        #expect(stage.running.map(\.run) == [1], "begun at 10 s, and still the same")
        stage.run(seconds: 2, duration: 25_000)
        #expect(stage.running.isEmpty && stage.monitor.nextDeadline == Instant(nanoseconds: 45_000_000_000))
    }

    @Test("hosts and words of a check")
    func order() throws {
        var stage = try Stage("""
            hostgroup web www1 *www2 www3

            watch web
              service a
                interval 1s
                monitor a.monitor -x "two words"
                exclude_hosts www3
                FOO=bar baz
              service b
                interval 1s
                monitor b.monitor ;;
              service c
                interval 1s
                monitor c.monitor
                exclude_hosts www1 www3
              service d
                interval 1s
                monitor d.monitor
                exclude_hosts www1 www3
                allow_empty_group
            """)
        stage.run(seconds: 1, duration: 60_000)
        let orders = stage.running
        #expect(orders.map(\.service) == ["a", "b", "d"])
        #expect(orders.first?.arguments == ["-x", "two words"] && orders.first?.hosts == ["www1"])
        #expect(orders.first?.environment.first == Setting(name: "FOO", value: "bar baz"))
        #expect(orders.dropFirst().first?.hosts == [] && orders.last?.hosts == [])
        #expect(stage.effects.contains { if case .log(let record) = $0 { record.event
            == "monitor-hosts" } else { false } })
        #expect(stage.state("web", "c").status == .untested)
    }

    @Test("a failure brings failure_interval, a success the interval back")
    func failureInterval() throws {
        var stage = try Stage(plan("interval 60s\n    failure_interval 5s"))
        stage.results["web:http"] = CheckResult(exit: 1, text: "www1\n")
        stage.run(seconds: 71)
        #expect(stage.state("web", "http").failureCount == 3)
        stage.results = [:]
        stage.run(seconds: 5)
        #expect(stage.state("web", "http").status == .ok)
        stage.run(seconds: 50)
        #expect(stage.state("web", "http").lastCheck == Stage.epoch + 75)
    }

    @Test("no more checks at once than maxprocs, the longest overdue first")
    func throttled() throws {
        var text = "maxprocs = 3\n\nhostgroup web www1\n\nwatch web\n"
        for number in 0..<10 { text += "  service s\(number)\n    interval 10s\n    monitor m.monitor\n" }
        var stage = try Stage(text)
        stage.run(seconds: 10, duration: 60_000)
        #expect(stage.running.map(\.service) == ["s0", "s1", "s2"])
        #expect(stage.monitor.nextDeadline == nil)
        stage.finishAll()
        #expect(stage.running.count == 3)
        for _ in 0..<4 { stage.finishAll() }
        #expect((0..<10).allSatisfy { stage.state("web", "s\($0)").status == .ok })
    }

    @Test("randstart spreads the first checks, randskew those after, both within their bounds")
    func random() throws {
        var text = "randstart = 30s\n\nhostgroup web www1\n\nwatch web\n"
        for number in 0..<50 {
            text += "  service s\(number)\n    interval 60s\n    randskew 10s\n    monitor m.monitor\n"
        }
        var stage = try Stage(text)
        var firsts: [Int64] = []
        for second in 0..<40 {
            let before = stage.effects.count
            stage.run(seconds: 1)
            for case .start in stage.effects[before...] { firsts.append(Int64(second)) }
        }
        #expect(firsts.count == 50 && (firsts.max() ?? 99) <= 30 && Set(firsts).count > 10)
        stage.run(seconds: 70)
        let checks = (0..<50).compactMap { stage.state("web", "s\($0)").lastCheck }
        #expect(Set(checks).count > 5)
        var other = try Stage(text)
        other.run(seconds: 110)
        #expect(other.monitor.states == stage.monitor.states, "equal seeds, equal times")
    }

    @Test("an excluded period, and a failed monitor dependency, keep a check back until they are over")
    func excluded() throws {
        var stage = try Stage("""
            hostgroup web www1

            watch web
              service gate
                interval 7s
                monitor g.monitor
              service a
                interval 10s
                monitor a.monitor
                exclude_period min {0}
              service b
                interval 10s
                monitor b.monitor
                monitordepend SELF:gate
            """)
        stage.results["web:gate"] = CheckResult(exit: 1, text: "www1\n")
        stage.run(seconds: 59)
        #expect(stage.state("web", "a").lastCheck == nil && stage.state("web", "b").lastCheck == nil)
        #expect(stage.state("web", "b").dependencyHolds == false)
        stage.results = [:]
        stage.run(seconds: 6)
        #expect(stage.state("web", "a").lastCheck.map { $0 - Stage.epoch <= 61 } == true)
        #expect(stage.state("web", "b").lastCheck.map { $0 - Stage.epoch <= 65 } == true)
    }

    @Test("host dependencies leave out the hosts that fail there, as whole words")
    func hostDependencies() throws {
        var stage = try Stage("""
            hostgroup web www1 www10 www2

            watch web
              service ping
                interval 7s
                monitor g.monitor
              service http
                interval 10s
                monitor a.monitor
                depend SELF:ping
                dep_behavior hm
            """)
        stage.results["web:ping"] = CheckResult(exit: 1, text: "www1\ndetail\n")
        stage.run(seconds: 10, duration: 2000)
        #expect(stage.running.first { $0.service == "http" }?.hosts == ["www10", "www2"])
    }

    @Test("a stopped scheduler keeps all timers, and loses no time when it goes on")
    func stopped() throws {
        var stage = try Stage(plan("interval 10s"))
        stage.run(seconds: 4)
        #expect(stage.ask("stop") == ["220 stop completed"])
        stage.run(seconds: 100)
        #expect(stage.ask("list state") == ["scheduler stopped since \(Stage.epoch + 4)", "220 list state completed"])
        #expect(stage.state("web", "http").lastCheck == nil && stage.monitor.nextDeadline == nil)
        _ = stage.ask("start")
        #expect(stage.monitor.nextDeadline == Instant(nanoseconds: 110_000_000_000))
    }

    @Test("a monitor that a signal ended, that took too long or did not start has failed", arguments: [
        (CheckOutcome.killed(signal: 11, output: []), Int32(139), "monitor ended by signal 11"),
        (.timedOut(.seconds(5), output: []), 124, "monitor did not end within 5s"),
        (.killed(signal: 9, output: Array("www1\nmore".utf8)), 137, "www1"),
        (.notStarted("no memory"), 126, "monitor could not be started: no memory"),
    ])
    func broken(outcome: CheckOutcome, exit: Int32, summary: String) throws {
        var stage = try Stage(plan("interval 10s"))
        stage.run(seconds: 10, duration: 60_000)
        stage.handle(.finished(try #require(stage.running.first).run, outcome))
        let state = stage.state("web", "http")
        #expect(state.status == .fail && state.exit == exit && state.lastSummary == Array(summary.utf8))
    }

    @Test("a monitor that is not there leaves the service unknown, and is tried again")
    func missing() throws {
        let text = "hostgroup web www1\n\nwatch web\n  service a\n    interval 5s\n    monitor missing.monitor\n"
        var stage = try Stage(text)
        stage.run(seconds: 12)
        #expect(stage.state("web", "a").status == .unknown && stage.state("web", "a").lastCheck == nil)
        #expect(stage.ask("list warnings").count == 2)
    }

    @Test("a run that was cancelled by a reset is not taken for one of the next configuration")
    func reset() throws {
        let text = plan("interval 10s")
        var stage = try Stage(text)
        stage.results["web:http"] = CheckResult(exit: 1, text: "www1\n")
        stage.run(seconds: 10.5)
        #expect(stage.state("web", "http").status == .fail)
        stage.run(seconds: 10, duration: 60_000)
        let run = try #require(stage.running.first).run
        stage.configure(try Stage.read(text), .all(stopped: false))
        #expect(stage.running.isEmpty && stage.effects.contains(.cancel(run)))
        #expect(stage.state("web", "http").failureCount == 1, "what is known stays")
        stage.handle(.finished(run, .result(CheckResult(exit: 1, text: "x\n"))))
        #expect(stage.state("web", "http").failureCount == 1)
        stage.configure(try Stage.read(text), .none(stopped: true))
        #expect(stage.state("web", "http") .status == .untested && stage.monitor.stoppedSince != nil)
    }
}
