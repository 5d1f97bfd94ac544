// What a result does to a service, and which alerts it gives (specs/mon.md 5, 8).
import ClusterModel

extension Monitor {
    /// Where a result comes from.
    enum Origin: Equatable {
        case check
        /// `intended`: the service that the trap named, where another one stands in for it.
        case trap(intended: String?)
        case trapTimeout
    }

    /// Takes the result of a check, a trap or a missing trap.
    mutating func process(
        _ index: Int, _ result: CheckResult, _ origin: Origin, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let was = states[index].status
        states[index].lastStatus = was
        states[index].exit = result.exit
        if result.exit == 0 {
            succeed(index, result, was, moment, &effects)
        } else {
            fail(index, result, was, origin, moment, &effects)
        }
        states[index].lastOutput = result.output
    }

    private mutating func fail(
        _ index: Int, _ result: CheckResult, _ was: OperationalStatus, _ origin: Origin, _ moment: Moment,
        _ effects: inout [MonitorEffect]
    ) {
        let service = configuration.services[index]
        states[index].failureCount += 1
        states[index].consecutiveFailures += 1
        states[index].lastFailure = moment.epoch
        states[index].lastFailureInstant = moment.now
        if !was.isFailure || (states[index].firstFailure ?? 0) == 0 {
            states[index].firstFailure = moment.epoch
            states[index].firstSuccess = 0
        }
        states[index].status = .fail
        states[index].failureOutput = result.output
        states[index].failureSummary = result.summary
        if origin == .check, service.failureInterval != nil { states[index].usesFailureInterval = true }
        let line = HistoryLine.failure(service.id, moment.epoch, result.summary)
        Monitor.remember(line, in: &failureHistory, maxkeep)
        log(.critical, "service-failure", "failure for " + String(decoding: line, as: UTF8.self), &effects)
        redistribute(index, isUp: false, result, moment, &effects)
        failureAlerts(index, result, origin, moment, &effects)
    }

    private mutating func succeed(
        _ index: Int, _ result: CheckResult, _ was: OperationalStatus, _ moment: Moment,
        _ effects: inout [MonitorEffect]
    ) {
        states[index].status = .ok
        if states[index].firstSuccess == 0 { states[index].firstSuccess = moment.epoch }
        redistribute(index, isUp: true, result, moment, &effects)
        if was.isFailure {
            noteRecovery(index, moment, &effects)
            giveAlerts(.upalert, index, moment, &effects)
        }
        states[index].lastSuccess = moment.epoch
        recover(index)
    }

    /// Forgets the outage.
    mutating func recover(_ index: Int) {
        states[index].acknowledged = 0
        states[index].acknowledgement = []
        states[index].firstFailure = 0
        states[index].lastFailure = 0
        states[index].consecutiveFailures = 0
        states[index].usesFailureInterval = false
        for place in configuration.services[index].periods.indices {
            let isStrict = configuration.services[index].periods[place].alertEvery?.condition == .strict
            states[index].periods[place].forgetOutage(keepingLastAlert: isStrict)
        }
    }

    private mutating func noteRecovery(_ index: Int, _ moment: Moment, _ effects: inout [MonitorEffect]) {
        let service = configuration.services[index]
        let state = states[index]
        let since = state.firstFailure ?? 0
        log(.notice, "service-success", "\(service.id) is well again after \(moment.epoch - since)s", &effects)
        guard configuration.globals.dtlogging else { return }
        effects.append(.downtime(HistoryLine.downtime(
            service.id, up: moment.epoch, since: since, interval: interval(index), summary: state.failureSummary)))
    }

    // MARK: Alerts of a failure

    private mutating func failureAlerts(
        _ index: Int, _ result: CheckResult, _ origin: Origin, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let service = configuration.services[index]
        for place in service.periods.indices where service.periods[place].period.contains(moment.calendar) {
            AlertDecision.note(
                service.periods[place], &states[index].periods[place], moment.now, epoch: moment.epoch)
        }
        guard mayAlert(index, moment, &effects) else { return }
        unacknowledge(index, result)
        guard states[index].acknowledged == 0 else { return }
        let since = states[index].firstFailure ?? moment.epoch
        let occasion = AlertOccasion(
            exit: result.exit, output: result.output, consecutiveFailures: states[index].consecutiveFailures,
            failingFor: .seconds(max(0, moment.epoch - since)), now: moment.now)
        for place in service.periods.indices where service.periods[place].period.contains(moment.calendar) {
            let period = service.periods[place]
            guard AlertDecision.refusal(period, states[index].periods[place], occasion) == nil else { continue }
            var hasRun = false
            for line in period.alerts where line.kind == .alert && line.exitRange?.contains(result.exit) ?? true {
                call(line, index, occasionKind(origin), result.output, exit: result.exit, moment, &effects)
                hasRun = true
            }
            guard hasRun else { continue }
            states[index].periods[place].lastAlert = moment.epoch
            states[index].periods[place].lastAlertInstant = moment.now
            states[index].periods[place].lastAlertOutput = result.output
            if !period.alertsDontCount { states[index].periods[place].alertsSent += 1 }
        }
    }

    private func occasionKind(_ origin: Origin) -> AlertKind {
        switch origin {
        case .check: .failure
        case .trap(let intended): .trap(intended: intended)
        case .trapTimeout: .trapTimeout
        }
    }

    /// Whether anything at all is said of a service now.
    private mutating func mayAlert(_ index: Int, _ moment: Moment, _ effects: inout [MonitorEffect]) -> Bool {
        let service = configuration.services[index]
        if stoppedSince != nil {
            log(.notice, "alert-stopped", "scheduler stopped, ignoring alert for \(service.group),\(service.name)",
                &effects)
            return false
        }
        if isDisabled(index) {
            log(.notice, "alert-disabled", "ignoring alert for \(service.group),\(service.name)", &effects)
            return false
        }
        return alertsMayBeGiven(index, moment)
    }

    /// `unack_summary`: another failure than the one that was acknowledged.
    private mutating func unacknowledge(_ index: Int, _ result: CheckResult) {
        guard states[index].acknowledged != 0, configuration.services[index].unackSummary else { return }
        func bare(_ summary: [UInt8]) -> [UInt8] { summary.filter { $0 != 0x20 && !(9...13).contains($0) } }
        guard bare(HistoryLine.summary(states[index].lastSummary)) != bare(HistoryLine.summary(result.summary))
        else { return }
        states[index].acknowledged = 0
        states[index].acknowledgement = []
        states[index].consecutiveFailures = 1
        for place in states[index].periods.indices {
            states[index].periods[place].forgetOutage(keepingLastAlert: false)
        }
    }

    // MARK: Other alerts

    /// Startup, up, acknowledgement and disable alerts: of every period that holds now.
    mutating func giveAlerts(
        _ kind: AlertLine.Kind, _ index: Int, by user: String = "", _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let service = configuration.services[index]
        if kind == .upalert, !mayAlert(index, moment, &effects) { return }
        let state = states[index]
        for (place, period) in service.periods.enumerated() where period.period.contains(moment.calendar) {
            if kind != .startupalert, state.periods[place].alertsSent == 0, !period.noCompAlerts { continue }
            if kind == .upalert, let least = period.upalertAfter,
                moment.epoch - (state.firstFailure ?? moment.epoch) < least.wholeMilliseconds / 1000
            { continue }
            var hasAcknowledged = false
            for line in period.alerts where line.kind == kind && line.exitRange?.contains(state.exit ?? 0) ?? true {
                switch kind {
                case .startupalert: call(line, index, .startup, [], exit: 0, moment, &effects)
                case .upalert: call(line, index, .up, state.failureOutput, exit: 0, moment, &effects)
                case .ackalert:
                    call(line, index, .ack, state.acknowledgement, exit: nil, moment, &effects)
                    hasAcknowledged = true
                case .disablealert: call(line, index, .disable, Array(user.utf8), exit: nil, moment, &effects)
                case .alert: break
                }
            }
            // As in mon: it is one of those that were sent.
            if hasAcknowledged && !period.alertsDontCount { states[index].periods[place].alertsSent += 1 }
        }
    }

    /// Called for every result, whatever else holds; there are no arguments.
    private mutating func redistribute(
        _ index: Int, isUp: Bool, _ result: CheckResult, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let service = configuration.services[index]
        guard let name = service.redistribute, stoppedSince == nil else { return }
        let line = AlertLine(kind: isUp ? .upalert : .alert, program: name)
        call(line, index, isUp ? .up : .failure, result.output, exit: result.exit, isRecorded: false, moment, &effects)
    }
}
