// The files of the state folder, by which what is known outlives the daemon (specs/mon.md 12).
import ClusterModel

extension Monitor {
    /// `disabled`: what is disabled, a command a line.
    package var disabledText: String {
        var lines: [String] = []
        for group in groups {
            for host in group.hosts where host.isDisabled && !lines.contains("disable host \(host.name)") {
                lines.append("disable host \(host.name)")
            }
        }
        lines += disabledWatches.map { "disable watch \($0)" }
        for index in states.indices where states[index].isDisabled {
            let service = configuration.services[index]
            lines.append("disable service \(service.group) \(service.name)")
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// `opstatus`: a line for each service, fields separated by tabs.
    package func statusText(_ moment: Moment) -> [UInt8] {
        states.indices.flatMap { statusLine($0, moment) }
    }

    private func statusLine(_ index: Int, _ moment: Moment) -> [UInt8] {
        let service = configuration.services[index]
        let state = states[index]
        var line: [UInt8] = []
        func field(_ name: String, _ value: [UInt8]) {
            if !line.isEmpty { line.append(UInt8(ascii: "\t")) }
            line += Array("\(name)=".utf8) + Escape.escaped(value)
        }
        func text(_ name: String, _ value: String) { field(name, Array(value.utf8)) }
        text("group", service.group)
        text("service", service.name)
        text("op_status", "\(state.status.rawValue)")
        text("failure_count", "\(state.failureCount)")
        text("alert_count", "\(state.alertCount)")
        text("last_success", "\(state.lastSuccess)")
        text("first_success", state.firstSuccess == 0 ? "" : "\(state.firstSuccess)")
        text("consec_failures", "\(state.consecutiveFailures)")
        text("last_failure", "\(state.lastFailure)")
        text("first_failure", state.firstFailure.map { "\($0)" } ?? "")
        field("last_summary", state.lastSummary)
        text("last_failure_time", state.lastFailure == 0 ? "" : "\(state.lastFailure)")
        field("last_failure_summary", state.failureSummary)
        field("last_failure_detail", Array(state.failureOutput.dropFirst(state.failureSummary.count + 1)))
        field("last_detail", state.lastDetail)
        text("ack", "\(state.acknowledged)")
        field("ack_comment", state.acknowledgement)
        text("last_trap", "\(state.lastTrap)")
        text("last_traphost", state.lastTrapHost)
        text("exitval", state.exit.map { "\($0)" } ?? "undef")
        text("last_check", state.lastCheck.map { "\($0)" } ?? "")
        text("last_op_status", "\(state.lastStatus.rawValue)")
        field("failure_output", state.failureOutput)
        let seconds = Timetable.seconds(timetable.trapTimeouts, index, moment.now)
        text("trap_timer", service.trapTimeout == nil ? "" : "\(seconds)")
        for period in state.periods {
            text("\(period.key):last_alert", "\(period.lastAlert)")
            text("\(period.key):alert_sent", "\(period.alertsSent)")
            text("\(period.key):1stfailtime", "\(period.firstFailure)")
            text("\(period.key):failcount", "\(period.failures.count)")
        }
        return line + [UInt8(ascii: "\n")]
    }

    // MARK: Reading

    mutating func restore(
        _ disabled: String?, _ status: [UInt8]?, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        if let status {
            for line in status.split(separator: UInt8(ascii: "\n")) { restoreStatus(line, moment) }
        }
        guard let disabled else { return }
        for line in disabled.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ").map(String.init)
            guard words.first == "disable", restoreDisabled(Array(words.dropFirst())) else {
                log(.notice, "state-unknown", "saved state of what is not there any more: \(line)", &effects)
                continue
            }
        }
    }

    private mutating func restoreDisabled(_ words: [String]) -> Bool {
        switch words.first {
        case "host" where words.count == 2: return setHost(words[1], disabled: true)
        case "watch" where words.count == 2: return setWatch(words[1], disabled: true)
        case "service" where words.count == 3:
            guard let index = index(group: words[1], service: words[2]) else { return false }
            states[index].isDisabled = true
            return true
        default: return false
        }
    }

    private mutating func restoreStatus(_ line: ArraySlice<UInt8>, _ moment: Moment) {
        var fields: [(name: String, value: [UInt8])] = []
        for field in line.split(separator: UInt8(ascii: "\t")) {
            // Keys of periods may hold `=`, values have it as it is: names of fields end at the last one before a value
            // that cannot begin earlier than behind the known suffix.
            guard let equals = StateField.end(of: field) else { continue }
            fields.append((String(decoding: field[..<equals], as: UTF8.self), Escape.unescaped(field[(equals + 1)...])))
        }
        let saved = StateField(fields)
        guard let group = saved.text("group"), let name = saved.text("service"),
            let index = index(group: group, service: name), states.indices.contains(index)
        else { return }
        saved.apply(to: &states[index], moment)
        if let left = saved.number("trap_timer"), configuration.services[index].trapTimeout != nil {
            timetable.setTrapTimeout(index, moment.now + .seconds(min(max(left, 0), 1 << 31)))
        }
    }
}
