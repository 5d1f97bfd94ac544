// Commands that change what is known of services, hosts and watches (specs/mon.md 10). Unknown names are refused: mon
// makes services of them that do not exist.
import ClusterModel

extension Monitor {
    mutating func change(
        _ command: String, _ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        switch command {
        case "disable", "enable": able(command == "disable", request, moment, &effects)
        case "ack": acknowledge(request, moment, &effects)
        case "clear": clear(request, moment, &effects)
        case "get": get(request, moment, &effects)
        default: set(request, moment, &effects)
        }
    }

    private func isKnown(group: String) -> Bool { configuration.watches.contains(group) }

    // MARK: disable, enable

    private mutating func able(
        _ disable: Bool, _ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let reply: String
        switch request.text(0) {
        case "host": reply = ableHosts(disable, request)
        case "watch":
            let name = request.text(1)
            if setWatch(name, disabled: disable) {
                if disable { tellDisabled(request, moment, &effects) { $0.group == name } }
                reply = disable ? "220 disable watch completed" : "220 enable watch completed"
            } else {
                reply = disable ? "520 disable error, unknown watch \"\(name)\"" : "520 enable error, unknown watch"
            }
        case "service":
            let name = ServiceName(group: request.text(1), service: request.text(2))
            if let index = index(group: name.group, service: name.service) {
                states[index].isDisabled = disable
                if disable { tellDisabled(request, moment, &effects) { $0.id == name } }
                reply = disable ? "220 disable service completed" : "220 enable completed"
            } else {
                reply = disable ? "520 disable error, unknown service" : "520 enable error, unknown group"
            }
        default: return answer(request, "520 command could not be executed", &effects)
        }
        if reply.hasPrefix("220") {
            effects.append(.saveDisabled(disabledText))
            let verb = disable ? "disable" : "enable"
            remote([verb] + request.words.indices.map(request.text), &effects)
        }
        answer(request, reply, &effects)
    }

    /// Disable alerts of services that fail.
    private mutating func tellDisabled(
        _ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect], _ isMeant: (ServiceDefinition) -> Bool
    ) {
        for index in states.indices where isMeant(configuration.services[index]) && states[index].status.isFailure {
            giveAlerts(.disablealert, index, by: clients[request.place].user ?? "", moment, &effects)
        }
    }

    private mutating func ableHosts(_ disable: Bool, _ request: Request) -> String {
        var missing: [String] = []
        for host in request.words.indices.dropFirst().map(request.text) where !setHost(host, disabled: disable) {
            missing.append(host)
        }
        guard disable else { return "220 enable completed" }
        return missing.isEmpty
            ? "220 disable host completed"
            : "520 disable host failed, host(s) \(missing.joined(separator: " ")) do not exist"
    }

    /// Whether the host is there. The watch of a group of one host goes with it.
    mutating func setHost(_ name: String, disabled: Bool) -> Bool {
        var isKnown = false
        for group in groups.indices {
            for host in groups[group].hosts.indices where groups[group].hosts[host].name == name {
                groups[group].hosts[host].isDisabled = disabled
                isKnown = true
                if groups[group].hosts.count == 1 { _ = setWatch(groups[group].name, disabled: disabled) }
            }
        }
        return isKnown
    }

    /// Whether the watch is there.
    mutating func setWatch(_ name: String, disabled: Bool) -> Bool {
        guard isKnown(group: name) else { return false }
        disabledWatches.removeAll { $0 == name }
        if disabled { disabledWatches.append(name) }
        return true
    }

    // MARK: ack, clear

    private mutating func acknowledge(_ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]) {
        let (group, service) = (request.text(0), request.text(1))
        guard isKnown(group: group) else { return answer(request, "520 unknown group", &effects) }
        guard let index = index(group: group, service: service) else {
            return answer(request, "520 unknown service", &effects)
        }
        guard states[index].status.isFailure else {
            return answer(request, "520 service is in a non-failure state", &effects)
        }
        let comment = Array(request.words.dropFirst(2).joined(separator: [0x20]))
        states[index].acknowledged = moment.epoch
        states[index].acknowledgement =
            Array("\(clients[request.place].user ?? ""): ".utf8) + Escape.unescaped(comment)
        giveAlerts(.ackalert, index, moment, &effects)
        answer(request, "220 ack completed", &effects)
    }

    private mutating func clear(_ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]) {
        guard request.text(0) == "timers", request.words.count > 2 else {
            return answer(request, "520 unknown clear command", &effects)
        }
        guard let index = index(group: request.text(1), service: request.text(2)) else {
            return answer(request, "520 unknown group", &effects)
        }
        for place in states[index].periods.indices {
            states[index].periods[place].forgetOutage(keepingLastAlert: false)
        }
        states[index].consecutiveFailures = 0
        answer(request, "220 clear timers completed", &effects)
    }

    // MARK: get, set

    private func get(_ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]) {
        var reply = Reply()
        if request.text(0) == "maxkeep" {
            reply.line("maxkeep = \(maxkeep)")
            reply.line("220 set completed")
        } else {
            let (group, service, name) = (request.text(0), request.text(1), request.text(2))
            guard let index = index(group: group, service: service) else {
                return answer(request, "520 \(group),\(service) not defined", &effects)
            }
            let value = Escape.escaped(variable(name, index, moment), quoted: true)
            reply.line(Array("\(group) \(service) \(name)='".utf8) + value + [UInt8(ascii: "'")])
            reply.line("220 get completed")
        }
        effects.append(.reply(request.client, reply.bytes))
    }

    private mutating func set(_ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]) {
        if request.text(0) == "maxkeep" {
            guard let number = Int(request.text(1)), (0...100_000).contains(number) else {
                return answer(request, "520 set error, maxkeep is a number", &effects)
            }
            maxkeep = number
            failureHistory = Array(failureHistory.suffix(number))
            alertHistory = Array(alertHistory.suffix(number))
            return answer(request, "220 set completed", &effects)
        }
        let (group, service, name) = (request.text(0), request.text(1), request.text(2))
        guard let index = index(group: group, service: service) else {
            return answer(request, "520 \(group),\(service) not defined", &effects)
        }
        let value = Escape.unescaped(Array(request.words.dropFirst(3).joined(separator: [0x20])))
        if let problem = setVariable(name, index, String(decoding: value, as: UTF8.self), moment) {
            return answer(request, problem, &effects)
        }
        var reply = Reply()
        reply.line(Array("\(group) \(service) \(name)='".utf8) + value + [UInt8(ascii: "'")])
        reply.line("220 set completed")
        effects.append(.reply(request.client, reply.bytes))
    }
}
