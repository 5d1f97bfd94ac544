// When checks run, with what, and what comes of them (specs/mon.md 4, 7, 8).
import ClusterModel

extension Monitor {
    /// What keeps a due check from running is asked again after this time.
    static let retryInterval: Duration = .seconds(1)
    /// More of a monitor's last output is not put into an environment: one entry of it can have 128 KiB at most.
    static let environmentOutputMax = 32 * 1024

    /// The first check comes after a full interval, or at random within `randstart`.
    mutating func scheduleFirst(_ index: Int, _ now: Instant) {
        let service = configuration.services[index]
        if service.isPolled, let interval = service.interval {
            var wait = interval
            if let within = configuration.globals.randstart, within > .zero {
                wait = .nanoseconds(Int64.random(in: 0..<within.wholeNanoseconds, using: &random))
            }
            timetable.setCheck(index, now + wait)
        }
        if let timeout = service.trapTimeout { timetable.setTrapTimeout(index, now + timeout) }
    }

    /// The interval that is in force.
    func interval(_ index: Int) -> Duration {
        let service = configuration.services[index]
        let failing = states[index].usesFailureInterval ? service.failureInterval : nil
        return failing ?? service.interval ?? .zero
    }

    mutating func startDueChecks(_ moment: Moment, _ effects: inout [MonitorEffect]) {
        for index in Timetable.due(timetable.checks, moment.now) {
            if isFull {
                if !isThrottled {
                    log(.warning, "throttled", "throttled at \(runs.count) processes", &effects)
                }
                isThrottled = true
                return
            }
            startCheck(index, moment, &effects)
        }
        isThrottled = false
    }

    private mutating func startCheck(_ index: Int, _ moment: Moment, _ effects: inout [MonitorEffect]) {
        let service = configuration.services[index]
        if isDisabled(index) || isExcluded(service, moment) || !monitorMayRun(index, moment) {
            return timetable.setCheck(index, moment.now + Monitor.retryInterval)
        }
        let scheduled = Instant(nanoseconds: timetable.checks[index])
        let words = service.monitorWords
        guard let name = words.first, let source = programs.monitor(name) else {
            log(.error, "monitor-missing",
                "no monitor found while trying to run \(words.first ?? "") for \(service.group)/\(service.name)",
                &effects)
            if states[index].status == .untested { states[index].status = .unknown }
            return timetable.setCheck(index, moment.now + interval(index))
        }
        _ = alertsMayBeGiven(index, moment)
        let hosts = hostsToCheck(index, moment)
        if hosts.isEmpty && service.appendsHosts && !service.allowsEmptyGroup {
            log(.error, "monitor-hosts",
                "monitor for \(service.group)/\(service.name) not called because of no host arguments", &effects)
            return timetable.setCheck(index, moment.now + interval(index))
        }
        runLast += 1
        runs.append(Run(id: runLast, service: index, scheduled: scheduled, started: moment))
        runOfService[index] = runLast
        states[index].lastCheck = moment.epoch
        timetable.setCheck(index, nil)
        effects.append(.start(CheckOrder(
            run: runLast, group: service.group, service: service.name, source: source,
            arguments: Array(words.dropFirst()), hosts: service.appendsHosts ? hosts : [],
            environment: environment(index, forAlert: false),
            timeLimit: service.checkTimeout ?? configuration.globals.checkTimeout)))
    }

    /// Whether an operator has disabled the service, or its watch.
    func isDisabled(_ index: Int) -> Bool {
        states[index].isDisabled || disabledWatches.contains(configuration.services[index].group)
    }

    /// Whether the calendar keeps monitors and trap timers of the service still.
    func isExcluded(_ service: ServiceDefinition, _ moment: Moment) -> Bool {
        (configuration.globals.excludePeriod?.contains(moment.calendar) ?? false)
            || (service.excludePeriod?.contains(moment.calendar) ?? false)
    }

    private func hostsToCheck(_ index: Int, _ moment: Moment) -> [String] {
        let service = configuration.services[index]
        let enabled = groups.first { $0.name == service.group }?.enabledHosts ?? []
        let failing = failingDependencySummaries(index, moment)
        return enabled.filter { host in
            !service.excludeHosts.contains(host) && !failing.contains { Monitor.mentions($0, host) }
        }
    }

    // MARK: The end of a run

    mutating func finished(
        _ run: RunID, _ outcome: CheckOutcome, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        guard let place = runs.firstIndex(where: { $0.id == run }) else { return }
        let ended = runs.remove(at: place)
        processOfRun.removeAll { $0.run == run }
        let index = ended.service
        runOfService[index] = nil
        states[index].lastCheckBegan = ended.started.now
        states[index].duration = max(0, ((moment.now - ended.started.now).wholeMilliseconds + 999) / 1000)
        switch outcome {
        case .result: break
        case .killed, .timedOut, .notStarted:
            let name = configuration.services[index].id
            let why = String(decoding: outcome.result.output.suffix(200), as: UTF8.self)
            log(.error, "monitor-broken", "monitor of \(name): \(why.split(separator: "\n").last ?? "")", &effects)
        }
        process(index, outcome.result, .check, moment, &effects)
        scheduleNext(index, ended, moment.now)
    }

    /// At a fixed rate, whatever a run takes; with `randskew` at a random distance from its end.
    private mutating func scheduleNext(_ index: Int, _ run: Run, _ now: Instant) {
        let service = configuration.services[index]
        let interval = interval(index)
        guard interval > .zero else { return }
        if let skew = service.randskew, skew > .zero {
            let seconds = max(1, skew.wholeMilliseconds / 1000)
            let offset = Int64.random(in: 1...seconds, using: &random)
            let sign: Int64 = Bool.random(using: &random) ? 1 : -1
            let wait = max(Duration.seconds(1), interval + .seconds(offset * sign))
            return timetable.setCheck(index, now + wait)
        }
        let next = run.scheduled + interval
        timetable.setCheck(index, next <= now ? now + interval : next)
    }

    // MARK: The environment of programs

    /// What monitors and alerts find (specs/mon.md 4, 5). What is not known yet is absent.
    func environment(_ index: Int, forAlert: Bool) -> [Setting] {
        let service = configuration.services[index]
        let state = states[index]
        var settings = service.environment
        func set(_ name: String, _ value: String?) {
            guard let value else { return }
            settings.append(Setting(name: name, value: value))
        }
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self) }
        let hasRun = state.exit != nil
        set("MON_GROUP", service.group)
        set("MON_SERVICE", service.name)
        set("MON_DESCRIPTION", service.description)
        set("MON_LAST_SUMMARY", hasRun ? text(state.lastSummary) : nil)
        set("MON_LAST_OUTPUT", state.lastOutput.map { text(Array($0.prefix(Monitor.environmentOutputMax))) })
        set("MON_LAST_FAILURE", "\(state.lastFailure)")
        set("MON_FIRST_FAILURE", state.firstFailure.map { "\($0)" })
        set("MON_LAST_SUCCESS", "\(state.lastSuccess)")
        set("MON_FIRST_SUCCESS", state.firstSuccess > 0 ? "\(state.firstSuccess)" : forAlert ? "" : nil)
        if !forAlert { set("MON_DEPEND_STATUS", state.dependencyHolds.map { $0 ? "1" : "0" }) }
        set("MON_STATEDIR", folders.state)
        set("MON_LOGDIR", folders.logs)
        set("MON_CFBASEDIR", folders.configuration)
        return settings
    }
}
