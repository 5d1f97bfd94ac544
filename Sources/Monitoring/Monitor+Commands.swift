// The client protocol: one line in, one answer out (specs/mon.md 10). Everything is answered from this value; what
// needs files or passwords is asked of the shell first.
import ClusterModel

/// A client's request, taken apart.
struct Request {
    var client: ClientNumber
    /// In the list of clients.
    var place: Int
    /// Without the command itself.
    var words: [[UInt8]]

    func text(_ index: Int) -> String { index < words.count ? String(decoding: words[index], as: UTF8.self) : "" }
}

extension Monitor {
    /// The commands that nobody needs a right for.
    private static let free = ["quit", "protid", "login", "version", "setview", "getview", "checkauth"]
    /// The commands that auth.cf gives rights for.
    private static let guarded = [
        "reset", "reload", "clear", "test", "loadstate", "savestate", "term", "stop", "start", "set", "get", "list",
        "ack", "disable", "enable", "servertime",
    ]
    /// The protocol's version, as clients ask for it.
    static let protocolVersion = 9745

    mutating func received(
        _ line: [UInt8], from number: ClientNumber, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        guard let place = clients.firstIndex(where: { $0.number == number }) else { return }
        let end = line.firstIndex { $0 == 0x20 || $0 == 0x09 } ?? line.count
        let command = String(decoding: line[..<end], as: UTF8.self).lowercased()
        let request = Request(client: number, place: place, words: ShellWords.split(line[end...]))
        if command != "login", !Monitor.free.contains(command) || command == "quit" {
            let shown = String(decoding: line.prefix(200), as: UTF8.self)
            log(.debug, "client-command", "client command \"\(shown)\"", &effects)
        }
        if Monitor.guarded.contains(command), !mayGive(command, clients[place]) {
            return answer(request, "520 command could not be executed, unknown command", &effects)
        }
        switch command {
        case "quit":
            answer(request, "220 quitting", &effects)
            effects.append(.close(number))
        case "protid":
            let matches = Int(request.text(0)) == Monitor.protocolVersion
            answer(request, matches ? "220 protocol match" : "520 protocol mismatch", &effects)
        case "version":
            var reply = Reply("version \(Monitor.protocolVersion)")
            reply.line("220 version completed")
            effects.append(.reply(number, reply.bytes))
        case "login": login(request, &effects)
        case "checkauth":
            let isAllowed = mayGive(request.text(0), clients[place])
            answer(request, isAllowed ? "220 command authorized" : "520 command could not be executed", &effects)
        case "setview", "getview": effects.append(.reply(number, view(command, request).bytes))
        case "list": list(request, moment, &effects)
        case "reset", "reload", "test", "loadstate", "savestate", "term", "stop", "start", "servertime", "dump":
            manage(command, request, moment, &effects)
        case "set", "get", "ack", "disable", "enable", "clear": change(command, request, moment, &effects)
        default: answer(request, "520 invalid command", &effects)
        }
    }

    func answer(_ request: Request, _ last: String, _ effects: inout [MonitorEffect]) {
        effects.append(.reply(request.client, Reply(last).bytes))
    }

    mutating func ask(
        _ request: Request, _ pending: Client.Pending, _ question: Question, _ effects: inout [MonitorEffect]
    ) {
        clients[request.place].pending = pending
        effects.append(.ask(request.client, question))
    }

    private func mayGive(_ command: String, _ client: Client) -> Bool {
        client.isTrusted || authorization.allows(command, to: client.user)
    }

    private mutating func login(_ request: Request, _ effects: inout [MonitorEffect]) {
        let user = request.text(0)
        // The password is the rest of the words: it is not for a shell to take apart.
        guard !user.isEmpty else { return answer(request, "530 login unsuccessful", &effects) }
        let password = request.words.count > 1 ? request.words[1] : []
        let isLocal = clients[request.place].isLocal
        ask(request, .login, .login(user: user, password: password, isLocal: isLocal), &effects)
    }

    private mutating func view(_ command: String, _ request: Request) -> Reply {
        let none = "no view selected -- all groups will be displayed"
        var reply = Reply()
        if command == "getview" {
            reply.line(clients[request.place].view.map { "view \($0) selected" } ?? none)
            reply.line("220 getview completed")
            return reply
        }
        switch request.words.count {
        case 0:
            clients[request.place].view = nil
            reply.line(none)
        case 1:
            let name = request.text(0)
            guard configuration.views.contains(where: { $0.name == name }) else {
                return Reply("504 unknown view \(name)")
            }
            clients[request.place].view = name
            reply.line("selecting view \(name)")
        default: return Reply("500 Unknown setview command")
        }
        reply.line("220 setview completed")
        return reply
    }

    // MARK: The daemon itself

    private mutating func manage(
        _ command: String, _ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let words = request.words.indices.map(request.text)
        switch command {
        case "reset":
            let stopped = words.contains("stopped")
            let kept: KeptState = words.contains("keepstate") ? .all(stopped: stopped) : .none(stopped: stopped)
            ask(request, .reset, .reset(kept), &effects)
        case "reload":
            guard words == ["auth"] else { return answer(request, "520 unknown reload command", &effects) }
            ask(request, .reload, .reloadAuthorization, &effects)
        case "test": test(request, moment, &effects)
        case "savestate", "loadstate": keepState(command, request, words, moment, &effects)
        case "term":
            answer(request, "220 terminating server", &effects)
            effects.append(.terminate)
        case "stop":
            if stoppedSince == nil { stoppedSince = moment }
            answer(request, "220 stop completed", &effects)
        case "start":
            if let since = stoppedSince { timetable.postpone(by: moment.now - since.now) }
            stoppedSince = nil
            answer(request, "220 start completed", &effects)
        case "dump":
            guard allowsDump else { return answer(request, "520 invalid command", &effects) }
            for index in states.indices {
                let line = String(decoding: opstatusLine(index, moment), as: UTF8.self)
                log(.debug, "dump", line, &effects)
            }
            answer(request, "220 dump completed", &effects)
        default:
            var reply = Reply("\(moment.epoch) \(moment.calendar.text)")
            reply.line("220 servertime completed")
            effects.append(.reply(request.client, reply.bytes))
        }
    }

    private mutating func keepState(
        _ command: String, _ request: Request, _ words: [String], _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let disabled = words.contains("disabled") || words.contains("all")
        let status = words.contains("opstatus") || words.contains("all")
        if command == "savestate" {
            guard !words.isEmpty else { return answer(request, "520 savestate error, arguments required", &effects) }
            ask(request, .save, .save(
                disabled: disabled ? disabledText : nil, status: status ? statusText(moment) : nil), &effects)
        } else {
            ask(request, .load, .load(disabled: disabled || words.isEmpty, status: status), &effects)
        }
    }

    private mutating func test(_ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]) {
        let (group, service) = (request.text(1), request.text(2))
        let index = index(group: group, service: service)
        switch request.text(0) {
        case "config": ask(request, .testConfiguration, .testConfiguration, &effects)
        case "monitor":
            var reply = Reply()
            if let index {
                if runOfService[index] == nil, configuration.services[index].monitor != nil {
                    timetable.setCheck(index, moment.now)
                }
                remote(["test", group, service], &effects)
            } else {
                reply.line("\(group) \(service) not defined")
            }
            reply.line("220 test monitor completed")
            effects.append(.reply(request.client, reply.bytes))
        case let word:
            guard let kind = AlertLine.Kind(rawValue: word) else {
                return answer(request, "520 test error", &effects)
            }
            guard let index else { return answer(request, "520 \(group) \(service) not defined", &effects) }
            testAlerts(kind, index, request, moment, &effects)
        }
    }

    private mutating func testAlerts(
        _ kind: AlertLine.Kind, _ index: Int, _ request: Request, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let exit = Int32(request.text(3)) ?? 0
        let key = request.words.indices.dropFirst(4).map(request.text).joined(separator: " ")
        guard let period = configuration.services[index].periods.first(where: { $0.key == key }) else {
            return answer(request, "520 period not defined", &effects)
        }
        for line in period.alerts where line.kind == kind && line.exitRange?.contains(exit) ?? true {
            call(line, index, .test(kind), Array("test\ntest detail\n".utf8), exit: exit, moment, &effects)
        }
        answer(request, "220 test alert completed", &effects)
    }

    /// Tells another mon too, where the configuration names a way.
    func remote(_ words: [String], _ effects: inout [MonitorEffect]) {
        guard let command = configuration.globals.monremote else { return }
        effects.append(.remote(command: command, words: words))
    }
}
