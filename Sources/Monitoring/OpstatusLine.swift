// One service as `list opstatus` shows it (specs/mon.md 10): the order of the fields is fixed, an empty value is empty.
import ClusterModel

extension Monitor {
    /// The line of a service, without its end.
    func opstatusLine(_ index: Int, _ moment: Moment) -> [UInt8] {
        let service = configuration.services[index]
        let state = states[index]
        var line: [UInt8] = []
        func field(_ name: String, _ value: [UInt8]) {
            if !line.isEmpty { line.append(0x20) }
            line += Array(name.utf8) + [UInt8(ascii: "=")] + Escape.escaped(value, quoted: true)
        }
        func text(_ name: String, _ value: String) { field(name, Array(value.utf8)) }
        text("group", service.group)
        text("service", service.name)
        text("opstatus", "\(state.status.rawValue)")
        text("last_opstatus", "\(state.lastStatus.rawValue)")
        text("exitval", state.exit.map { "\($0)" } ?? "undef")
        text("timer", "\(timer(index, moment))")
        text("last_success", "\(state.lastSuccess)")
        text("last_trap", "\(state.lastTrap)")
        text("last_traphost", state.lastTrapHost)
        text("last_check", state.lastCheck.map { "\($0)" } ?? "")
        text("ack", "\(state.acknowledged)")
        field("ackcomment", state.acknowledgement)
        text("alerts_sent", "\(state.alertsSent)")
        text("depstatus", state.dependencyHolds.map { $0 ? "1" : "0" } ?? "")
        text("depend", service.depend?.text ?? "")
        text("hostdepend", service.hostdepend?.text ?? "")
        text("monitordepend", service.monitordepend?.text ?? "")
        text("alertdepend", service.alertdepend?.text ?? "")
        text("monitor", service.monitor ?? "")
        field("last_summary", state.lastSummary)
        field("last_detail", state.lastDetail)
        if state.lastFailure != 0 { text("last_failure", "\(state.lastFailure)") }
        if service.isPolled {
            text("interval", IntervalText.seconds(interval(index)))
            text("monitor_duration", state.duration.map { "\($0)" } ?? "-1")
            text("monitor_running", runOfService[index] == nil ? "0" : "1")
        }
        if let period = service.excludePeriod { text("exclude_period", period.text) }
        if !service.excludeHosts.isEmpty { text("exclude_hosts", service.excludeHosts.joined(separator: " ")) }
        if let skew = service.randskew { text("randskew", IntervalText.seconds(skew)) }
        if state.lastAlert != 0 { text("last_alert", "\(state.lastAlert)") }
        if let first = state.firstFailure, first != 0 {
            text("first_failure", "\(first)")
            text("failure_duration", "\(max(0, moment.epoch - first))")
        }
        return line
    }

    /// Seconds to the next check; those that were left when the scheduler was stopped, while it is.
    func timer(_ index: Int, _ moment: Moment) -> Int64 {
        Timetable.seconds(timetable.checks, index, stoppedSince?.now ?? moment.now)
    }
}
