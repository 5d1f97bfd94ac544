// `NAME = VALUE` (specs/mon.md 3.2).
import ClusterConfig
import Monitoring

extension MonConfigParser {
    static let globalNames = [
        "alertdir", "mondir", "basedir", "cfbasedir", "logdir", "statedir", "authfile", "authtype", "userfile",
        "pamservice", "pidfile", "serverport", "trapport", "serverbind", "trapbind", "clientallow", "cltimeout",
        "histlength", "historicfile", "historictime", "maxprocs", "randstart", "dtlogging", "dtlogfile", "monerrfile",
        "dep_recur_limit", "dep_behavior", "dep_memory", "unack_summary", "syslog_facility", "startupalerts_on_reset",
        "exclude_period", "monremote", "check_timeout",
    ]

    mutating func readGlobal(_ line: ConfigLine, _ equals: Int) {
        let name = line.words.first.map { String($0.text.prefix { $0 != "=" }) } ?? ""
        let value = line.rest(from: equals + 1)
        let place = line.excerpt(value.range.isEmpty ? 0..<equals : value.range)
        switch name {
        case "alertdir": configuration.globals.alertdir = folders(value)
        case "mondir": configuration.globals.mondir = folders(value)
        case "basedir": configuration.globals.basedir = value.text
        case "cfbasedir": configuration.globals.cfbasedir = value.text
        case "logdir": configuration.globals.logdir = value.text
        case "statedir": configuration.globals.statedir = value.text
        case "authfile": configuration.globals.authfile = value.text
        case "authtype": readMethods(value, line)
        case "userfile": configuration.globals.userfile = value.text
        case "pamservice": configuration.globals.pamservice = value.text
        case "pidfile": configuration.globals.pidfile = value.text
        case "serverbind": configuration.globals.serverbind = value.text
        case "trapbind": configuration.globals.trapbind = value.text
        case "clientallow": configuration.globals.clientallow = value.text
        case "historicfile": configuration.globals.historicfile = value.text
        case "dtlogfile": configuration.globals.dtlogfile = value.text
        case "monerrfile": configuration.globals.monerrfile = value.text
        case "monremote": configuration.globals.monremote = value.text.isEmpty ? nil : value.text
        case "syslog_facility": readFacility(value, place)
        case "dtlogging": configuration.globals.dtlogging = flag(value.text)
        case "unack_summary": configuration.globals.unackSummary = flag(value.text)
        case "startupalerts_on_reset": configuration.globals.startupalertsOnReset = flag(value.text)
        default: readNumber(name, value, place, line)
        }
    }

    private mutating func readNumber(_ name: String, _ value: ConfigWord, _ place: Excerpt, _ line: ConfigLine) {
        switch name {
        case "serverport": number(name, value, place, 1...65535) { $0.serverport = UInt16($1) }
        case "trapport": number(name, value, place, 1...65535) { $0.trapport = UInt16($1) }
        case "histlength": number(name, value, place, 0...100_000) { $0.histlength = $1 }
        case "maxprocs": number(name, value, place, 0...100_000) { $0.maxprocs = $1 }
        case "dep_recur_limit": number(name, value, place, 0...100) { $0.dependencyDepthMax = $1 }
        case "cltimeout": interval(name, value, place) { $0.cltimeout = $1 }
        case "historictime": interval(name, value, place) { $0.historictime = $1 }
        case "randstart": interval(name, value, place) { $0.randstart = $1 }
        case "dep_memory": interval(name, value, place, zero: true) { $0.dependencyMemory = $1 }
        case "check_timeout": interval(name, value, place) { $0.checkTimeout = $1 }
        case "dep_behavior":
            if let behavior = behavior(value, place) { configuration.globals.dependencyBehavior = behavior }
        case "exclude_period":
            configuration.globals.excludePeriod = period(value, line)
        default:
            let hint = Spelling.hint(for: name, among: MonConfigParser.globalNames)
            report(.error, line.excerpt(0..<name.utf8.count), "unknown variable '\(name)'\(hint)")
        }
    }

    private func folders(_ value: ConfigWord) -> [String] {
        value.text.split(separator: ":").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }.map(String.init)
    }

    private mutating func readMethods(_ value: ConfigWord, _ line: ConfigLine) {
        var methods: [AuthenticationMethod] = []
        for word in line.words(from: value.range.lowerBound) {
            guard let method = AuthenticationMethod(rawValue: word.text) else {
                let known = AuthenticationMethod.allCases.map(\.rawValue)
                let hint = Spelling.hint(for: word.text, among: known)
                report(.error, line.excerpt(word.range), "authtype: \(word.text) is none\(hint)",
                    help: "they are \(Spelling.list(known, joinedBy: "and"))")
                continue
            }
            methods.append(method)
        }
        configuration.globals.authtypes = methods
    }

    private mutating func readFacility(_ value: ConfigWord, _ place: Excerpt) {
        guard LogFacility.names.contains(value.text) else {
            let hint = Spelling.hint(for: value.text, among: LogFacility.names)
            let kept = configuration.globals.syslogFacility
            return report(.warning, place, "syslog_facility: \(value.text) is none\(hint)", help: "it stays \(kept)")
        }
        configuration.globals.syslogFacility = value.text
    }

    private mutating func number(
        _ name: String, _ value: ConfigWord, _ place: Excerpt, _ range: ClosedRange<Int>,
        _ set: (inout MonitorGlobals, Int) -> Void
    ) {
        guard let number = Int(value.text), range.contains(number) else {
            let expected = "expected a number, \(range.lowerBound) to \(range.upperBound)"
            return report(.error, place, "\(name): \(expected)")
        }
        set(&configuration.globals, number)
    }

    private mutating func interval(
        _ name: String, _ value: ConfigWord, _ place: Excerpt, zero: Bool = false,
        _ set: (inout MonitorGlobals, Duration) -> Void
    ) {
        if let time = interval(name, value.text, place, zero: zero) { set(&configuration.globals, time) }
    }

    // MARK: Values that services have too

    /// A timeval; nil, and a diagnostic, for anything else.
    mutating func interval(_ name: String, _ text: String, _ place: Excerpt, zero: Bool = false) -> Duration? {
        guard let time = IntervalText.parse(text) else {
            let isNumber = !text.isEmpty && text.allSatisfy { $0.isNumber || $0 == "." }
            report(.error, place, "\(name): expected \(IntervalText.expectation)",
                help: isNumber ? "the unit is missing: \(text)s is \(text) seconds" : nil)
            return nil
        }
        if time <= .zero && !zero {
            report(.error, place, "\(name): must be longer than nothing")
            return nil
        }
        return time
    }

    mutating func behavior(_ value: ConfigWord, _ place: Excerpt) -> DependencyBehavior? {
        if let behavior = DependencyBehavior(rawValue: value.text) { return behavior }
        report(.error, place, "dep_behavior: expected a (no alerts), m (no monitor) or hm (not the failing hosts)")
        return nil
    }

    /// A time period; nil, and a diagnostic, where it is malformed.
    mutating func period(_ value: ConfigWord, _ line: ConfigLine) -> TimePeriod? {
        do {
            return try TimePeriod(value.text)
        } catch {
            let start = value.range.lowerBound + error.offset
            let end = min(max(start + 1, start), max(line.bytes.count, start))
            report(.error, line.excerpt(start..<max(end, start)),
                "malformed period '\(value.text)': \(error.message)",
                help: "a period looks like this: wd {Mon-Fri} hr {9am-4pm}, wd {Sat}")
            return nil
        }
    }

    /// 1, yes, true, on.
    func flag(_ text: String) -> Bool {
        ["1", "y", "yes", "true", "on"].contains(text.lowercased())
    }
}
