// What traps do, and what their absence does (specs/mon.md 11).
import ClusterModel

extension Monitor {
    mutating func trapped(
        _ trap: TrapMessage, _ host: String, _ isAuthorized: Bool, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        func refuse(_ why: String, _ effects: inout [MonitorEffect]) {
            log(.error, "trap-refused", "trap from \(host) refused: \(why)", &effects)
        }
        if trap.malformedLines > 0 {
            log(.warning, "trap-malformed", "trap from \(host): \(trap.malformedLines) malformed lines", &effects)
        }
        guard isAuthorized else { return refuse("user '\(trap.user)' may not send traps from there", &effects) }
        guard let version = trap.version, version >= TrapMessage.versionLeast else {
            return refuse("no protocol version that is known", &effects)
        }
        guard let status = trap.status else { return refuse("no status", &effects) }
        guard stoppedSince == nil else { return refuse("the scheduler is stopped", &effects) }
        guard let (index, isDefault) = target(trap) else {
            return refuse("unknown service \(trap.group):\(trap.service)", &effects)
        }
        log(.info, "trap", "trap trap from \(host) for \(trap.group) \(trap.service), status \(status)", &effects)
        let service = configuration.services[index]
        states[index].lastTrap = moment.epoch
        states[index].lastTrapHost = host
        timetable.setTrapTimeout(index, service.trapTimeout.map { moment.now + $0 })
        timetable.setTrapDuration(index, status == 0 ? nil : service.trapDuration.map { moment.now + $0 })
        let output = trap.summary + Array("\n\n".utf8) + trap.detail
        let intended = isDefault ? "\(trap.group):\(trap.service)" : nil
        process(index, CheckResult(exit: status, output: output), .trap(intended: intended), moment, &effects)
    }

    /// The service that a trap is for: its own, else that called `default`.
    private func target(_ trap: TrapMessage) -> (index: Int, isDefault: Bool)? {
        if let own = index(group: trap.group, service: trap.service) { return (own, false) }
        let isWatched = configuration.watches.contains(trap.group)
        return index(group: isWatched ? trap.group : "default", service: "default").map { ($0, true) }
    }

    /// Trap timers that have run out; in an excluded period they wait.
    mutating func expireTraps(_ moment: Moment, _ effects: inout [MonitorEffect]) {
        for index in Timetable.due(timetable.trapDurations, moment.now) {
            timetable.setTrapDuration(index, nil)
            if states[index].status.isFailure {
                states[index].status = .ok
                recover(index)
            }
        }
        for index in Timetable.due(timetable.trapTimeouts, moment.now) {
            let service = configuration.services[index]
            guard let timeout = service.trapTimeout else { continue }
            if isExcluded(service, moment) {
                timetable.setTrapTimeout(index, moment.now + Monitor.retryInterval)
                continue
            }
            timetable.setTrapTimeout(index, moment.now + timeout)
            let text = "trap timeout\ntrap timeout after \(IntervalText.seconds(timeout))s at \(moment.calendar.text)\n"
            process(index, CheckResult(exit: 1, text: text), .trapTimeout, moment, &effects)
        }
    }
}
