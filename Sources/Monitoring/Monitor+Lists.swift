// `list`, the commands by which clients see (specs/mon.md 10). Order is that of the configuration.
import ClusterModel

extension Monitor {
    mutating func list(_ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]) {
        let words = request.words.indices.dropFirst().map(request.text)
        var reply = Reply()
        switch request.text(0) {
        case "dtlog":
            guard configuration.globals.dtlogging else {
                return answer(request, "520 list dtlog error, dtlogging is not turned on", &effects)
            }
            return ask(request, .downtimes, .downtimes, &effects)
        case "state":
            reply.line(stoppedSince.map { "scheduler stopped since \($0.epoch)" } ?? "scheduler running")
            reply.line("220 list state completed")
        case "opstatus": reply = listStatus(words, request, moment)
        case "failures": reply = listStatus(request, moment, "failures") { $0.isFailure }
        case "successes": reply = listStatus(request, moment, "successes") { $0.isSuccess }
        // As mon says it, and clients expect it.
        case "warnings": reply = listStatus(request, moment, "successes") { $0.isWarning }
        case "watch", "descriptions", "deps": reply = listServices(request.text(0), request)
        case "group":
            guard let group = groups.first(where: { $0.name == request.text(1) }) else {
                return answer(request, "520 list group error, undefined group", &effects)
            }
            let hosts = group.hosts.map { $0.isDisabled ? "*\($0.name)" : $0.name }
            reply.line((["hostgroup", group.name] + hosts).joined(separator: " "))
            reply.line("220 list group completed")
        case "disabled": reply = listDisabled()
        case "alerthist", "failurehist":
            for line in request.text(0) == "alerthist" ? alertHistory : failureHistory {
                reply.line(Escape.escaped(line, quoted: true))
            }
            reply.line("220 list \(request.text(0)) completed")
        case "pids":
            reply.line("server \(serverPID)")
            for run in runs {
                let service = configuration.services[run.service]
                reply.line("\(service.group) \(service.name) \(processes(run.id))")
            }
            reply.line("220 list pids completed")
        case "aliases", "aliasgroups": reply = listAliases(request.text(0), words)
        case "views":
            reply.line((["views"] + configuration.views.map(\.name)).joined(separator: " "))
            reply.line("220 list group completed")
        default: return answer(request, "520 unknown list command", &effects)
        }
        effects.append(.reply(request.client, reply.bytes))
    }

    /// The services that a client wants to see.
    private func shown(_ request: Request) -> [Int] {
        guard let name = clients[request.place].view,
            let view = configuration.views.first(where: { $0.name == name })
        else { return Array(states.indices) }
        return states.indices.filter { index in
            let service = configuration.services[index]
            return view.shows(group: service.group, service: service.name)
        }
    }

    /// All services, or those of the groups and services (`GROUP,SERVICE`) that are named.
    private func listStatus(_ words: [String], _ request: Request, _ moment: Moment) -> Reply {
        var reply = Reply()
        if words.isEmpty { shown(request).forEach { reply.line(opstatusLine($0, moment)) } }
        for word in words {
            let parts = word.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if parts.count == 2 {
                guard let index = index(group: parts[0], service: parts[1]) else {
                    return Reply("520 \(word) does not exist")
                }
                reply.line(opstatusLine(index, moment))
            } else {
                for index in states.indices where configuration.services[index].group == word {
                    reply.line(opstatusLine(index, moment))
                }
            }
        }
        reply.line("220 list opstatus completed")
        return reply
    }

    private func listStatus(
        _ request: Request, _ moment: Moment, _ name: String, _ isMeant: (OperationalStatus) -> Bool
    ) -> Reply {
        var reply = Reply()
        for index in shown(request) where isMeant(states[index].status) { reply.line(opstatusLine(index, moment)) }
        reply.line("220 list \(name) completed")
        return reply
    }

    private func listServices(_ what: String, _ request: Request) -> Reply {
        var reply = Reply()
        for index in shown(request) {
            let service = configuration.services[index]
            let name = "\(service.group) \(service.name)"
            switch what {
            case "watch": reply.line(name)
            case "descriptions": reply.line("\(name) \(Escape.escaped(service.description ?? "", quoted: true))")
            default:
                let text = service.depend.map { Escape.escaped($0.text, quoted: true) } ?? "NONE"
                let services = service.depend?.services.map(\.description) ?? ["NONE"]
                reply.line("exp \(name) '\(text)'")
                reply.line("cmp \(name) \(services.joined(separator: " "))")
            }
        }
        reply.line("220 list \(what) completed")
        return reply
    }

    private func listDisabled() -> Reply {
        var reply = Reply()
        for group in groups {
            let hosts = group.hosts.filter(\.isDisabled).map(\.name)
            if !hosts.isEmpty { reply.line("group \(group.name): \(hosts.joined(separator: " "))") }
        }
        for watch in configuration.watches where disabledWatches.contains(watch) { reply.line("watch \(watch)") }
        for index in states.indices where states[index].isDisabled {
            let service = configuration.services[index]
            reply.line("watch \(service.group) service \(service.name)")
        }
        reply.line("220 list disabled completed")
        return reply
    }

    private func listAliases(_ what: String, _ words: [String]) -> Reply {
        var reply = Reply()
        if what == "aliasgroups" {
            let names = configuration.aliases.map(\.name)
            if !names.isEmpty { reply.line(names.joined(separator: " ")) }
        } else {
            for alias in configuration.aliases where words.isEmpty || words.contains(alias.name) {
                reply.line("alias \(alias.name)")
                alias.lines.forEach { reply.line($0) }
                reply.line("")
            }
        }
        reply.line("220 list \(what) completed")
        return reply
    }
}
