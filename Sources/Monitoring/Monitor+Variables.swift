// What `get` and `set` know of a service: the keywords of mon.cf, and mon's own names of what changes.
import ClusterModel

extension Monitor {
    /// Variables of a client's own that one service keeps.
    private static let variablesMax = 64

    /// The value of a variable; empty where there is none.
    func variable(_ name: String, _ index: Int, _ moment: Moment) -> [UInt8] {
        let state = states[index]
        switch name {
        case "_last_summary": return state.lastSummary
        case "_last_detail": return state.lastDetail
        case "_last_output": return state.lastOutput ?? []
        case "_failure_output": return state.failureOutput
        case "_last_failure_summary": return state.failureSummary
        case "_ack_comment": return state.acknowledgement
        default: break
        }
        let text = configured(name, configuration.services[index], index)
            ?? changing(name, index, moment)
            ?? state.variables.first { $0.name == name }?.value
        return Array((text ?? "").utf8)
    }

    private func configured(_ name: String, _ service: ServiceDefinition, _ index: Int) -> String? {
        func seconds(_ interval: Duration?) -> String { interval.map(IntervalText.seconds) ?? "" }
        switch name {
        case "description": return service.description ?? ""
        case "monitor": return service.monitor ?? ""
        case "interval": return service.interval == nil ? "" : IntervalText.seconds(interval(index))
        case "failure_interval": return seconds(service.failureInterval)
        case "traptimeout": return seconds(service.trapTimeout)
        case "trapduration": return seconds(service.trapDuration)
        case "randskew": return seconds(service.randskew)
        case "exclude_hosts": return service.excludeHosts.joined(separator: " ")
        case "exclude_period": return service.excludePeriod?.text ?? ""
        case "depend": return service.depend?.text ?? ""
        case "alertdepend": return service.alertdepend?.text ?? ""
        case "monitordepend": return service.monitordepend?.text ?? ""
        case "hostdepend": return service.hostdepend?.text ?? ""
        case "dep_behavior": return service.dependencyBehavior.rawValue
        case "dep_memory": return seconds(service.dependencyMemory)
        case "redistribute": return service.redistribute ?? ""
        case "unack_summary": return service.unackSummary ? "1" : "0"
        case "allow_empty_group": return service.allowsEmptyGroup ? "1" : "0"
        default: return nil
        }
    }

    private func changing(_ name: String, _ index: Int, _ moment: Moment) -> String? {
        let state = states[index]
        switch name {
        case "opstatus", "_op_status": return "\(state.status.rawValue)"
        case "_last_op_status": return "\(state.lastStatus.rawValue)"
        case "_exitval": return state.exit.map { "\($0)" } ?? "undef"
        case "_timer": return "\(timer(index, moment))"
        case "_failure_count": return "\(state.failureCount)"
        case "_alert_count": return "\(state.alertCount)"
        case "_consec_failures": return "\(state.consecutiveFailures)"
        case "_last_success": return "\(state.lastSuccess)"
        case "_first_success": return "\(state.firstSuccess)"
        case "_last_failure": return "\(state.lastFailure)"
        case "_first_failure": return state.firstFailure.map { "\($0)" } ?? ""
        case "_last_check": return state.lastCheck.map { "\($0)" } ?? ""
        case "_last_trap": return "\(state.lastTrap)"
        case "_last_traphost": return state.lastTrapHost
        case "_ack": return "\(state.acknowledged)"
        case "_depend_status": return state.dependencyHolds.map { $0 ? "1" : "0" } ?? ""
        case "_monitor_duration": return state.duration.map { "\($0)" } ?? "-1"
        case "_monitor_running": return runOfService[index] == nil ? "0" : "1"
        case "disable": return state.isDisabled ? "1" : "0"
        default: return nil
        }
    }

    /// Sets a variable until the next reset. Returns the answer where it cannot be set; intervals are seconds, with or
    /// without a unit.
    mutating func setVariable(_ name: String, _ index: Int, _ value: String, _ moment: Moment) -> String? {
        let invalid = "520 set error, invalid value of \(name)"
        func interval() -> Duration? { IntervalText.parse(value) ?? IntervalText.parse(value + "s") }
        switch name {
        case "opstatus", "_op_status":
            guard let status = OperationalStatus(name: value) else { return "520 undefined opstatus" }
            let wasFailing = states[index].status.isFailure
            states[index].status = status
            if status.isFailure, !wasFailing { states[index].firstFailure = moment.epoch }
            if !status.isFailure, wasFailing { recover(index) }
        case "description": edit { $0.services[index].description = value }
        case "interval":
            guard let time = interval(), time > .zero, configuration.services[index].isPolled else { return invalid }
            edit { $0.services[index].interval = time }
            if runOfService[index] == nil { timetable.setCheck(index, moment.now + time) }
        case "failure_interval":
            guard let time = interval(), time > .zero else { return invalid }
            edit { $0.services[index].failureInterval = time }
        case "randskew":
            guard let time = interval() else { return invalid }
            edit { $0.services[index].randskew = time }
        case "exclude_hosts":
            edit { $0.services[index].excludeHosts = value.split(separator: " ").map(String.init) }
        case "_timer":
            guard let time = interval(), configuration.services[index].isPolled else { return invalid }
            if runOfService[index] == nil { timetable.setCheck(index, moment.now + time) }
        default:
            if configured(name, configuration.services[index], index) != nil || changing(name, index, moment) != nil {
                return "520 set error, \(name) cannot be set"
            }
            return keepVariable(name, index, value)
        }
        return nil
    }

    private mutating func keepVariable(_ name: String, _ index: Int, _ value: String) -> String? {
        let isName = !name.isEmpty && name.utf8.allSatisfy(isTagByte)
        guard isName, value.utf8.count <= 4096 else { return "520 set error, invalid variable" }
        if let place = states[index].variables.firstIndex(where: { $0.name == name }) {
            states[index].variables[place].value = value
        } else if states[index].variables.count < Monitor.variablesMax {
            states[index].variables.append(Setting(name: name, value: value))
        } else {
            return "520 set error, too many variables"
        }
        return nil
    }
}
