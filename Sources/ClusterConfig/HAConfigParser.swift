// Reads ha.cf line by line (specs/heartbeat.md 6.1). Every mistake is reported, none ends the reading. What a single
// line can tell is checked here; what takes several lines or files is checked in CrossChecks.
import ClusterModel

/// What ha.cf says, before defaults and checks that take more than one line.
struct HAConfigSettings: Sendable {
    /// Everything that is stored as it is read.
    var configuration = Configuration()
    var nodes: [Located<String>] = []
    var witnesses: [Located<String>] = []
    var media: [Located<Medium>] = []
    var keepalive: Located<Duration>?
    var deadtime: Located<Duration>?
    var warntime: Located<Duration>?
    var initdead: Located<Duration>?
    var deadping: Located<Duration>?
    var lease: Located<Duration>?
    var quorum: Located<QuorumPolicy>?
    var stopFailure: Located<StopFailurePolicy>?
    /// Hosts that `stonith_host` lines name.
    var stonithHosts: [Located<String>] = []
    /// The types of all devices, as many as `configuration` has.
    var stonithTypes: [Excerpt] = []
    /// Resources that `monitor` and `operation_timeout` lines name.
    var ruledResources: [Located<String>] = []
}

/// A line of ha.cf: its directive and its values.
struct Statement {
    let line: LogicalLine
    let name: Word
    let directive: HADirective
    let values: [Word]

    /// What a diagnostic about the whole directive points at.
    var excerpt: Excerpt { line.excerpt(name) }
}

struct HAConfigParser {
    /// More nodes are not even looked at; the file is wrong long before.
    static let nodesReadMax = 1000

    let facts: SystemFacts
    var settings = HAConfigSettings()
    var diagnostics: [Diagnostic] = []
    /// The line of the first use, for directives that replace what was said before.
    var firstUse: [HADirective: Int] = [:]
    /// `ha-cluster`.
    var port: UInt16 = UDPPort.standard
    var baud = 19200
    /// Whether stop_retries was given; it wins over HA_STOPRETRYMAX.
    var hasStopRetries = false

    init(facts: SystemFacts) { self.facts = facts }

    mutating func parse(_ source: SourceText) {
        for (index, bytes) in source.lines.enumerated() {
            let line = LogicalLine(path: source.path, number: index + 1, bytes: bytes)
            guard let statement = statement(line) else { continue }
            record(statement)
            apply(statement)
        }
    }

    /// The line as a directive and values; nil for empty lines and for what cannot be read, which is reported.
    private mutating func statement(_ line: LogicalLine) -> Statement? {
        if let problem = LineCheck.problem(of: line) {
            diagnostics.append(problem)
            return nil
        }
        let isComma: (UInt8) -> Bool = { $0 == UInt8(ascii: ",") }
        guard let name = line.words(before: line.commentStart, isSeparator: isComma).first else { return nil }
        guard let directive = HADirective(rawValue: name.text), name.isClean else {
            let hint = Spelling.hint(for: name.text, among: HADirective.allCases.map(\.rawValue))
            report(
                .error, line.excerpt(name), "\(name.text): unknown directive\(hint)",
                help: hint.isEmpty ? "ha.cf(5) lists the directives" : nil)
            return nil
        }
        let words =
            directive.takesLine
            ? line.words(before: line.commentStart) { _ in false }
            : line.words(before: line.commentStart, isSeparator: isComma)
        let values = words.filter { $0.bytes.startIndex >= name.bytes.endIndex }
        var shown = line
        // Passwords of fencing devices stay out of logs.
        if directive == .stonithHost { shown.masked = Array(values.dropFirst(2)) }
        // ... and so do addresses of webhooks, which are all that their servers ask for.
        if directive == .notify { shown.masked = values.filter { $0.text.hasPrefix("http") } }
        if let broken = values.first(where: { !$0.isClean }) {
            report(.error, shown.excerpt(broken), "\(broken.text): control characters or bytes that are not UTF-8")
            return nil
        }
        return Statement(line: shown, name: name, directive: directive, values: Array(values))
    }

    /// Keeps the line as written, and tells when it replaces an earlier one. Passwords of fencing devices are not kept:
    /// clients and scripts are shown what is kept here.
    private mutating func record(_ statement: Statement) {
        if statement.directive != .stonithHost && statement.directive != .notify {
            let value = statement.values.map(\.text).joined(separator: " ")
            settings.configuration.parameters.append(Setting(name: statement.directive.rawValue, value: value))
        }
        let isGlobal = statement.directive == .operationTimeout && statement.values.count < 2
        guard !statement.directive.accumulates || isGlobal else { return }
        if let first = firstUse[statement.directive] {
            report(
                .warning, statement.excerpt,
                "\(statement.directive.rawValue): given before in line \(first), the last one counts")
        } else {
            firstUse[statement.directive] = statement.line.number
        }
    }

    private mutating func apply(_ statement: Statement) {
        if let reason = statement.directive.reasonForNoEffect {
            report(
                .warning, statement.excerpt, "\(statement.directive.rawValue): has no effect, \(reason)",
                help: niceFailbackHelp(statement) ?? "the line can be removed")
            return
        }
        switch statement.directive {
        case .node: addNodes(statement)
        case .witness:
            settings.witnesses += values(statement, expected: "names of nodes").map { word in
                Located(value: word.text.asciiLowercased, excerpt: statement.line.excerpt(word))
            }
        case .keepalive: settings.keepalive = time(statement) ?? settings.keepalive
        case .deadtime: settings.deadtime = time(statement) ?? settings.deadtime
        case .warntime: settings.warntime = time(statement) ?? settings.warntime
        case .initdead: settings.initdead = time(statement) ?? settings.initdead
        case .deadping: settings.deadping = time(statement) ?? settings.deadping
        case .lease: applyLease(statement)
        case .quorum: settings.quorum = choice(statement, [.majority, .ping, .ignore]) ?? settings.quorum
        case .udpport, .baud, .bcast, .udp, .mcast, .mcast6, .ucast, .ucast6, .serial, .ping, .ping6, .pingGroup:
            applyMedium(statement)
        case .autoFailback, .stopRetries, .stopFailure, .operationTimeout, .addressProbe, .monitor, .stonith,
            .stonithHost, .watchdog, .env, .notify, .announce, .connections:
            applyResourcePolicy(statement)
        case .autojoin, .crm, .pacemaker, .hbaping, .rds, .tipc: refuse(statement)
        default: applyProcessSetting(statement)
        }
    }

    private func niceFailbackHelp(_ statement: Statement) -> String? {
        guard statement.directive == .niceFailback else { return nil }
        let staysPut = statement.values.last.map { HAConfigParser.boolean($0.text) } ?? nil
        return staysPut == false ? "write auto_failback on" : "write auto_failback off: groups stay where they run"
    }

    private mutating func addNodes(_ statement: Statement) {
        for word in values(statement, expected: "names of nodes") {
            let name = word.text.asciiLowercased
            let excerpt = statement.line.excerpt(word)
            if !name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) || name.utf8.count > 99 {
                report(.error, excerpt, "\(word.text): expected a host name as uname -n prints it, 99 letters at most")
            } else if let first = settings.nodes.first(where: { $0.value == name }) {
                let place = first.excerpt.location.line
                report(.error, excerpt, "\(word.text): this node is named before, in line \(place)")
            } else if settings.nodes.count < HAConfigParser.nodesReadMax {
                settings.nodes.append(Located(value: name, excerpt: excerpt))
            }
        }
    }

    /// Directives of other resource and membership managers.
    private mutating func refuse(_ statement: Statement) {
        let word = statement.values.last?.text ?? ""
        let name = statement.directive.rawValue
        switch statement.directive {
        case .autojoin where word == "none", .crm where HAConfigParser.boolean(word) == false,
            .pacemaker where HAConfigParser.boolean(word) == false:
            report(
                .warning, statement.excerpt, "\(name): has no effect, \(name) \(word) is how heartbeat always works",
                help: "the line can be removed")
        case .autojoin:
            report(
                .error, statement.values.last.map(statement.line.excerpt) ?? statement.excerpt,
                "\(name): nodes cannot join by themselves, expected none",
                help: "name every node with node, in the ha.cf of all nodes")
        case .crm, .pacemaker:
            report(
                .error, statement.values.last.map(statement.line.excerpt) ?? statement.excerpt,
                "\(name): there is no cluster resource manager, expected off",
                help: "remove the line and name the resources in haresources")
        case .hbaping:
            report(
                .error, statement.excerpt, "hbaping: pinging fibre channel adapters is not supported",
                help: "ping a host that only a healthy node can reach: ping ADDRESS")
        default:
            report(
                .error, statement.excerpt, "\(name): this kind of medium is not supported",
                help: "expected \(Spelling.list(["bcast", "mcast", "ucast", "mcast6", "ucast6", "serial"]))")
        }
    }
}

/// What no line of any file may be.
enum LineCheck {
    static func problem(of line: LogicalLine) -> Diagnostic? {
        if line.bytes.count > SourceText.lineLengthMax {
            return Diagnostic(
                .error, line.excerpt(0..<1),
                "the line is \(line.bytes.count) bytes long, \(SourceText.lineLengthMax) at most are read",
                help: "write it as several lines")
        }
        if let offset = line.bytes.firstIndex(of: 0) {
            return Diagnostic(
                .error, line.excerpt(offset..<offset + 1), "a NUL byte, expected text",
                help: "save the file as UTF-8 or ASCII")
        }
        return nil
    }
}
