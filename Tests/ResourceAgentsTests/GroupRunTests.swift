// The order in which a group is brought up and taken down, every way through it.
import ClusterModel
import Testing

@testable import ResourceAgents

@Suite("The run of a group")
struct GroupRunTests {
    /// Two addresses, a script and another address: three steps.
    private func run(
        _ isAddress: [Bool] = [true, true, false, true], stopRetries: Int = 2
    ) -> GroupRun {
        let resources = isAddress.indices.map {
            ResourceSpecification(type: "r\($0)", arguments: [], text: "r\($0)")
        }
        var policy = ResourcePolicy()
        policy.stopRetries = stopRetries
        return GroupRun(
            group: ResourceGroup(name: "r0", preferred: "alpha", resources: resources, line: 1), isAddress: isAddress,
            policy: policy)
    }

    private func words(_ actions: [GroupRun.Action]) -> [String] {
        actions.compactMap { action in
            switch action {
            case .run(let operation, let resources):
                "\(operation.rawValue) \(resources.map(String.init).joined(separator: ","))"
            case .cancel: "cancel"
            case .pause(let duration): "pause \(duration.wholeMilliseconds)"
            case .hold(let announce): announce ? "hold, announce" : "hold"
            case .answer(let order, let failure, let remains):
                "answer \(order): \(failure ?? "done")\(remains ? ", remains" : "")"
            case .restarted(let failure): "restarted: \(failure ?? "done")"
            case .log: nil
            }
        }
    }

    private func handle(_ run: inout GroupRun, _ event: GroupRun.Event) -> [String] {
        var actions: [GroupRun.Action] = []
        run.handle(event, actions: &actions)
        return words(actions)
    }

    @Test("A start asks each step and starts what is missing; neighbouring addresses go together")
    func start() {
        var run = run()
        #expect(handle(&run, .ordered(.start(7))) == ["status 0,1"])
        #expect(!run.isIdle)
        #expect(handle(&run, .finished([.running, .stopped])) == ["start 1"])
        #expect(handle(&run, .finished([.done])) == ["status 2"])
        #expect(handle(&run, .finished([.running])) == ["status 3"])
        #expect(handle(&run, .finished([.unknown("odd")])) == ["start 3"])
        #expect(handle(&run, .finished([.done])) == ["hold", "answer 7: done"])
        #expect(run.isIdle)
    }

    @Test("A reassertion of what runs starts nothing and announces")
    func reassert() {
        var run = run()
        #expect(handle(&run, .ordered(.reassert(8))) == ["status 0,1"])
        #expect(handle(&run, .finished([.running, .running])) == ["status 2"])
        #expect(handle(&run, .finished([.running])) == ["status 3"])
        #expect(handle(&run, .finished([.running])) == ["hold, announce", "answer 8: done"])
    }

    @Test("A failed start releases the whole group in reverse and names resource and reason")
    func failedStart() {
        var run = run()
        _ = handle(&run, .ordered(.start(7)))
        #expect(handle(&run, .finished([.stopped, .stopped])) == ["start 0,1"])
        #expect(handle(&run, .finished([.done, .done])) == ["status 2"])
        #expect(handle(&run, .finished([.stopped])) == ["start 2"])
        #expect(handle(&run, .finished([.failed("exit code 1")])) == ["stop 3"])
        #expect(handle(&run, .finished([.done])) == ["stop 2"])
        #expect(handle(&run, .finished([.done])) == ["stop 1,0"])
        #expect(handle(&run, .finished([.done, .done])) == ["answer 7: r2 start: exit code 1"])
    }

    @Test("A failed stop is retried each second; then the status decides: running remains")
    func failedStop() {
        var run = run([false, false])
        #expect(handle(&run, .ordered(.stop(9))) == ["stop 1"])
        #expect(handle(&run, .finished([.failed("no")])) == ["pause 1000"])
        #expect(handle(&run, .pauseEnded) == ["stop 1"])
        #expect(handle(&run, .finished([.failed("no")])) == ["pause 1000"])
        #expect(handle(&run, .pauseEnded) == ["stop 1"])
        #expect(handle(&run, .finished([.failed("never")])) == ["status 1"])
        #expect(handle(&run, .finished([.running])) == ["answer 9: r1 stop: never, remains"])
        #expect(run.isIdle)
    }

    @Test("A failed stop of what says it is stopped counts as stopped, with an error for the log")
    func unclearStop() {
        var run = run([false, false], stopRetries: 1)
        _ = handle(&run, .ordered(.stop(9)))
        _ = handle(&run, .finished([.failed("no")]))
        _ = handle(&run, .pauseEnded)
        #expect(handle(&run, .finished([.failed("no")])) == ["status 1"])
        var actions: [GroupRun.Action] = []
        run.handle(.finished([.stopped]), actions: &actions)
        #expect(words(actions) == ["stop 0"])
        guard case .log(let record) = actions.first else {
            Issue.record("nothing was logged")
            return
        }
        #expect(record.level == .error && record.event == "resource-stop-unclear")
        #expect(record.fields == [Setting(name: "GROUP", value: "r0"), Setting(name: "RESOURCE", value: "r1")])
        #expect(handle(&run, .finished([.done])) == ["answer 9: done"])
    }

    @Test("A resource that cannot tell whether it is stopped counts as running")
    func unknownAfterStop() {
        var run = run([false], stopRetries: 1)
        _ = handle(&run, .ordered(.stop(9)))
        _ = handle(&run, .finished([.failed("no")]))
        _ = handle(&run, .pauseEnded)
        _ = handle(&run, .finished([.failed("no")]))
        #expect(handle(&run, .finished([.unknown("timed out after 60 s")])) == ["answer 9: r0 stop: no, remains"])
    }

    @Test("With no limit on retries a failed stop is retried for ever, with longer and longer pauses")
    func endless() {
        var run = run([false], stopRetries: 0)
        #expect(handle(&run, .ordered(.stop(9))) == ["stop 0"])
        var pauses: [String] = []
        for _ in 0..<100 {
            pauses += handle(&run, .finished([.failed("no")]))
            #expect(handle(&run, .pauseEnded) == ["stop 0"])
        }
        #expect(pauses.prefix(10) == ArraySlice(repeating: "pause 1000", count: 10))
        #expect(pauses[10..<15] == ["pause 2000", "pause 4000", "pause 8000", "pause 16000", "pause 32000"])
        #expect(pauses[15...] == ArraySlice(repeating: "pause 60000", count: 85))
        #expect(handle(&run, .finished([.done])) == ["answer 9: done"])
    }

    /// A run whose group is held.
    private func held(_ isAddress: [Bool] = [true, true, false, true]) -> GroupRun {
        var run = run(isAddress)
        _ = handle(&run, .ordered(.start(1)))
        while !run.isIdle { _ = handle(&run, .finished([.running, .running])) }
        return run
    }

    @Test("A restart stops from the end down to the resource, starts again from there, and holds")
    func restart() {
        var run = held()
        #expect(handle(&run, .restart(from: 2)) == ["stop 3"])
        #expect(run.isRestarting && !run.isIdle)
        #expect(handle(&run, .finished([.done])) == ["stop 2"])
        #expect(handle(&run, .finished([.done])) == ["status 2"])
        #expect(handle(&run, .finished([.stopped])) == ["start 2"])
        #expect(handle(&run, .finished([.done])) == ["status 3"])
        #expect(handle(&run, .finished([.stopped])) == ["start 3"])
        #expect(handle(&run, .finished([.done])) == ["hold", "restarted: done"])
        #expect(run.isIdle && !run.isRestarting)
        #expect(handle(&run, .ordered(.stop(2))) == ["stop 3"], "what comes after is as always")
    }

    @Test("A stop that fails in a restart is tried again twice, then the group is given up as it is")
    func restartThatCannotStop() {
        var run = run([false, false], stopRetries: 0)
        #expect(handle(&run, .restart(from: 0)) == ["stop 1"])
        for _ in 0..<2 {
            #expect(handle(&run, .finished([.failed("no")])) == ["pause 1000"])
            #expect(handle(&run, .pauseEnded) == ["stop 1"])
        }
        #expect(handle(&run, .finished([.failed("no")])) == ["status 1"])
        #expect(handle(&run, .finished([.running])) == ["restarted: r1 stop: no"])
        #expect(run.isIdle)
    }

    @Test("A start that fails in a restart gives the group up; nothing more is done until it is ordered")
    func restartThatCannotStart() {
        var run = held([false, false])
        #expect(handle(&run, .restart(from: 1)) == ["stop 1"])
        #expect(handle(&run, .finished([.done])) == ["status 1"])
        #expect(handle(&run, .finished([.stopped])) == ["start 1"])
        #expect(handle(&run, .finished([.failed("disk")])) == ["restarted: r1 start: disk"])
        #expect(run.isIdle)
    }

    @Test("A stop ends a restart wherever it is, and the whole group is stopped")
    func stopDuringRestart() {
        for point in 0..<4 {
            var run = held([false, false, false])
            _ = handle(&run, .restart(from: 1))
            let outcomes: [ResourceOutcome] = [.done, .done, .stopped]
            for outcome in outcomes.prefix(point) { _ = handle(&run, .finished([outcome])) }
            var words = handle(&run, .ordered(.stop(7)))
            var stopped: [String] = []
            for _ in 0..<10 where !run.isIdle {
                words = handle(&run, .finished([.done]))
                stopped += words
            }
            #expect(words == ["answer 7: done"], "point \(point): \(stopped)")
            #expect(stopped.contains("stop 0"))
            #expect(!stopped.contains { $0.hasPrefix("start") || $0.hasPrefix("restarted") })
        }
    }

    @Test("A restart of a group at work is left to that work")
    func restartAtWork() {
        var run = run([false, false])
        _ = handle(&run, .ordered(.start(1)))
        #expect(handle(&run, .restart(from: 0)) == [])
        #expect(!run.isRestarting)
    }

    @Test("Only the addresses that could not be removed are asked about after the last retry")
    func partlyFailedStop() {
        var run = run([true, true, true], stopRetries: 1)
        #expect(handle(&run, .ordered(.stop(9))) == ["stop 2,1,0"])
        #expect(handle(&run, .finished([.done, .failed("no"), .done])) == ["pause 1000"])
        #expect(handle(&run, .pauseEnded) == ["stop 2,1,0"])
        #expect(handle(&run, .finished([.done, .failed("no"), .done])) == ["status 1"])
        #expect(handle(&run, .finished([.running])) == ["answer 9: r1 stop: no, remains"])
    }

    @Test("A stop ends a start that runs, releases the group, and both are answered")
    func stopDuringStart() {
        var run = run([false, false])
        _ = handle(&run, .ordered(.start(7)))
        #expect(handle(&run, .finished([.stopped])) == ["start 0"])
        #expect(handle(&run, .ordered(.stop(8))) == ["cancel"])
        #expect(handle(&run, .ordered(.stop(9))) == [], "one end is enough")
        #expect(handle(&run, .finished([.failed("ended early")])) == ["stop 1"])
        #expect(handle(&run, .finished([.done])) == ["stop 0"])
        #expect(
            handle(&run, .finished([.done])) == ["answer 7: ended by a stop", "answer 8: done", "answer 9: done"])
    }

    @Test("A stop during the release after a failed start is answered with it")
    func stopDuringRelease() {
        var run = run([false], stopRetries: 1)
        _ = handle(&run, .ordered(.start(7)))
        _ = handle(&run, .finished([.stopped]))
        #expect(handle(&run, .finished([.failed("no")])) == ["stop 0"])
        #expect(handle(&run, .ordered(.stop(8))) == [])
        _ = handle(&run, .finished([.failed("busy")]))
        _ = handle(&run, .pauseEnded)
        _ = handle(&run, .finished([.failed("busy")]))
        #expect(
            handle(&run, .finished([.running])) == [
                "answer 7: r0 start: no; r0 stop: busy, remains", "answer 8: r0 start: no; r0 stop: busy, remains",
            ])
    }

    @Test("A start that arrives during a stop follows it; a later one replaces it")
    func startDuringStop() {
        var run = run([false])
        _ = handle(&run, .ordered(.stop(7)))
        #expect(handle(&run, .ordered(.start(8))) == [])
        #expect(
            handle(&run, .ordered(.reassert(9))) == ["answer 8: replaced by a later order, remains"])
        #expect(handle(&run, .finished([.done])) == ["answer 7: done", "status 0"])
        #expect(handle(&run, .finished([.running])) == ["hold, announce", "answer 9: done"])
    }

    @Test("A stop takes the place of a start that waits")
    func stopReplacesWaitingStart() {
        var run = run([false])
        _ = handle(&run, .ordered(.start(7)))
        _ = handle(&run, .ordered(.start(8)))
        #expect(handle(&run, .ordered(.stop(9))) == ["answer 8: ended by a stop, remains", "cancel"])
        #expect(handle(&run, .finished([.running])) == ["stop 0"])
        #expect(handle(&run, .finished([.done])) == ["answer 7: ended by a stop", "answer 9: done"])
        #expect(run.isIdle)
    }

    @Test("Stops without end are refused, and cost nothing")
    func babbler() {
        var run = run([false])
        for order in 0..<16 { _ = handle(&run, .ordered(.stop(UInt64(order)))) }
        for order in 16..<100 {
            #expect(
                handle(&run, .ordered(.stop(UInt64(order)))) == ["answer \(order): too many orders to stop, remains"])
        }
        #expect(handle(&run, .finished([.done])) == (0..<16).map { "answer \($0): done" })
    }

    /// Every way through a group of two resources: each operation succeeds or fails, and a stop or a second start
    /// arrives at any point or not at all. Judged from outside, by a world that only remembers what runs.
    @Test("In every way through, one thing runs at a time, each order is answered once, and the answer is true")
    func exhaustive() {
        var ways = 0
        func explore(_ world: World, _ choicesLeft: Int) {
            ways += 1
            for next in world.successors(choicesLeft) { explore(next, choicesLeft - 1) }
        }
        for isAddress in [[false, false], [true, true]] {
            for initially in [[false, false], [true, false], [true, true]] {
                var world = World(run: run(isAddress, stopRetries: 1), runs: initially)
                world.apply(.ordered(.start(1)))
                explore(world, 11)
            }
        }
        #expect(ways > 10_000)
    }
}

/// Two resources, the order under way, and the rules that no way may break.
private struct World {
    var run: GroupRun
    /// What runs. A failed operation leaves it as it was.
    var runs: [Bool]
    private var operation: (ResourceOperation, [Int])?
    private var isPaused = false
    private var open: Set<UInt64> = [1]
    private var answered: Set<UInt64> = []
    private var extraOrders = 0

    init(run: GroupRun, runs: [Bool]) {
        self.run = run
        self.runs = runs
    }

    mutating func apply(_ event: GroupRun.Event) {
        var actions: [GroupRun.Action] = []
        run.handle(event, actions: &actions)
        for action in actions {
            switch action {
            case .run(let operation, let resources):
                #expect(self.operation == nil && !isPaused, "two things at a time")
                self.operation = (operation, resources)
            case .cancel: #expect(operation != nil, "nothing to cancel")
            case .pause:
                #expect(operation == nil && !isPaused)
                isPaused = true
            case .hold: #expect(runs == [true, true], "holds what does not run")
            case .answer(let order, let failure, let remains): judge(order, failure, remains)
            case .restarted: #expect(run.isIdle)
            case .log: break
            }
        }
        #expect(run.isIdle == (operation == nil && !isPaused), "it waits for nothing")
        #expect(!run.isIdle || open.isEmpty, "an order is left unanswered")
    }

    private mutating func judge(_ order: UInt64, _ failure: String?, _ remains: Bool) {
        #expect(open.remove(order) != nil && answered.insert(order).inserted, "answered twice, or never ordered")
        let isStart = order % 2 == 1
        switch (isStart, failure, remains) {
        case (true, nil, _): #expect(runs == [true, true] && !remains)
        case (false, nil, _): #expect(runs == [false, false] && !remains)
        case (_, .some, false): #expect(runs == [false, false], "something remains unsaid")
        case (_, .some, true): break
        }
    }

    /// Everything that may happen next.
    func successors(_ choicesLeft: Int) -> [World] {
        if choicesLeft == 0 { return [] }
        var worlds: [World] = []
        if extraOrders < 2, !run.isIdle {
            for isStart in [true, false] where extraOrders == 0 || !isStart {
                var world = self
                world.extraOrders += 1
                let order = UInt64(2 + 2 * world.extraOrders + (isStart ? 1 : 0))
                world.open.insert(order)
                world.apply(.ordered(isStart ? .start(order) : .stop(order)))
                worlds.append(world)
            }
        }
        if isPaused {
            var world = self
            world.isPaused = false
            world.apply(.pauseEnded)
            worlds.append(world)
        }
        if let (operation, resources) = operation {
            for succeeds in [true, false] {
                var world = self
                world.operation = nil
                world.apply(.finished(resources.map { world.outcome(operation, $0, succeeds) }))
                worlds.append(world)
            }
        }
        return worlds
    }

    private mutating func outcome(_ operation: ResourceOperation, _ resource: Int, _ succeeds: Bool) -> ResourceOutcome
    {
        switch operation {
        case .status, .monitor, .promote, .demote, .validate:
            return succeeds ? (runs[resource] ? .running : .stopped) : .unknown("odd")
        case .start:
            if succeeds { runs[resource] = true }
            return succeeds ? .done : .failed("no")
        case .stop:
            if succeeds { runs[resource] = false }
            return succeeds ? .done : .failed("no")
        }
    }
}
