// How one alert program is called: its words, its environment, its line in the history (specs/mon.md 5, 12).
import ClusterModel

/// On what occasion an alert is called.
enum AlertKind: Equatable {
    case failure, up, startup, ack, disable, trapTimeout
    /// A client tries the alerts of a kind.
    case test(AlertLine.Kind)
    /// `intended`: the service that the trap named, where another one stands in for it.
    case trap(intended: String?)

    /// MON_ALERTTYPE
    var word: String {
        switch self {
        case .failure: "failure"
        case .up: "up"
        case .startup: "startup"
        case .ack: "ack"
        case .disable: "disable"
        case .trapTimeout: "traptimeout"
        case .test(.alert): "test"
        case .test(.upalert): "up"
        case .test(.startupalert): "startup"
        case .test(.ackalert): "ack"
        case .test(.disablealert): "disable"
        case .trap: "trap"
        }
    }

    /// What the program is told in its words.
    var flag: String? {
        switch self {
        case .failure, .startup, .test(.alert), .test(.startupalert): nil
        case .up, .test(.upalert): "-u"
        case .ack, .test(.ackalert): "-a"
        case .disable, .test(.disablealert): "-D"
        case .trap: "-T"
        case .trapTimeout: "-O"
        }
    }

    /// The first word of a history line; nil: there is none.
    var historyWord: String? {
        switch self {
        case .failure: "alert"
        case .up: "upalert"
        case .startup: "startupalert"
        case .ack: "ackalert"
        case .disable: "disablealert"
        case .trap: "trapalert"
        case .trapTimeout: "traptimeoutalert"
        case .test: nil
        }
    }
}

extension Monitor {
    /// Orders one alert. Tests are not recorded.
    mutating func call(
        _ line: AlertLine, _ index: Int, _ kind: AlertKind, _ input: [UInt8], exit: Int32?,
        isRecorded: Bool = true, _ moment: Moment, _ effects: inout [MonitorEffect]
    ) {
        let service = configuration.services[index]
        guard let source = programs.alert(line.program) else {
            return log(.error, "alert-missing", "no alert found while trying to run \(line.program)", &effects)
        }
        let hosts = groups.first { $0.name == service.group }?.enabledHosts ?? []
        var flags = ["-s", service.name, "-g", service.group, "-h", hosts.joined(separator: " ")]
        flags += ["-t", "\(moment.epoch)"] + [kind.flag].compactMap(\.self)
        effects.append(.alert(AlertOrder(
            group: service.group, service: service.name, source: source, flags: flags, arguments: line.arguments,
            input: input, environment: alertEnvironment(index, kind, exit: exit, input),
            observedAt: kind == .failure ? states[index].lastCheckBegan : nil)))
        guard isRecorded, let word = kind.historyWord else { return }
        states[index].alertCount += kind == .up || kind == .startup ? 0 : 1
        let summary = historySummary(index, kind, input)
        let record = HistoryLine.alert(
            word, service.id, moment.epoch, "\(source)", arguments: line.argumentText, summary: summary)
        Monitor.remember(record, in: &alertHistory, maxkeep)
        effects.append(.history(String(decoding: record, as: UTF8.self)))
        log(.notice, "alert-called",
            "calling \(word) \(line.program) for \(service.group)/\(service.name) (\(source),\(line.argumentText)) "
                + String(decoding: summary, as: UTF8.self), &effects)
    }

    private func historySummary(_ index: Int, _ kind: AlertKind, _ input: [UInt8]) -> [UInt8] {
        kind == .startup ? HistoryLine.noSummary : HistoryLine.summary(
            Array(input.prefix { $0 != UInt8(ascii: "\n") }))
    }

    private func alertEnvironment(_ index: Int, _ kind: AlertKind, exit: Int32?, _ input: [UInt8]) -> [Setting] {
        var settings = environment(index, forAlert: true)
        func set(_ name: String, _ value: String) {
            settings.removeAll { $0.name == name }
            settings.append(Setting(name: name, value: value))
        }
        switch kind {
        case .failure, .trap, .trapTimeout, .up:
            // What failed, not what was before or is after it.
            let summary = input.prefix { $0 != UInt8(ascii: "\n") }.filter { $0 != 0 }
            set("MON_LAST_SUMMARY", String(decoding: summary, as: UTF8.self))
        case .startup, .ack, .disable, .test: break
        }
        set("MON_ALERTTYPE", kind.word)
        if let exit { set("MON_RETVAL", "\(exit)") }
        set("MON_OPSTATUS", "\(states[index].status.rawValue)")
        if states[index].acknowledged != 0 {
            let text = states[index].acknowledgement.filter { $0 != 0 }
            set("MON_ACK", String(decoding: text, as: UTF8.self))
        }
        if case .trap(let intended?) = kind { set("MON_TRAP_INTENDED", intended) }
        return settings
    }

    /// Keeps a line, and no more lines than clients are to see.
    static func remember(_ line: [UInt8], in history: inout [[UInt8]], _ maxkeep: Int) {
        history.append(line)
        if history.count > maxkeep { history.removeFirst(history.count - maxkeep) }
    }
}
