// The native alerts by name: which options each takes, and what they come to.
import Admin
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem
import Probes
import Reactor
import WebTransfers

/// One native alert.
struct AlertEntry: Sendable {
    /// As in an `alert` line.
    var name: String
    var options: [MonitorOption]
    var plan: @Sendable (MonitorArguments) throws(MonitorProblem) -> AlertPlan
}

/// All native alerts.
enum AlertCatalogue {
    static let entries = [mail, file, syslog, webhook, command, trap, cluster]

    /// The alert of a name, with or without `.alert`; nil: it is a program.
    static func entry(_ name: String) -> AlertEntry? {
        entries.first { $0.name == name || $0.name == name + ".alert" }
    }

    // MARK: Programs

    private static let mail = AlertEntry(
        name: "mail.alert",
        options: [MonitorOption("f", "from"), MonitorOption("S", "subject"), MonitorOption(nil, "sendmail")]
    ) { arguments throws(MonitorProblem) in
        let recipients = arguments.operands.map(\.value)
        if recipients.isEmpty {
            throw MonitorProblem(word: 0, "an address is missing", suggestion: "mail.alert root@example.com")
        }
        for operand in arguments.operands where operand.value.contains(where: { $0.isNewline || $0 == "\0" }) {
            throw MonitorProblem(word: operand.word, "an address of more than one line")
        }
        let (from, subject) = (arguments.text("from"), arguments.text("subject"))
        let program = arguments.text("sendmail") ?? "/usr/lib/sendmail"
        return { tools, facts, deadline, done in
            let letter = MailText(facts, from: from, subject: subject, recipients: recipients)
            return run([program, "-oi", "-t"], facts, Array(letter.text.utf8), tools, deadline, done)
        }
    }

    private static let file = AlertEntry(
        name: "file.alert", options: [MonitorOption("d", "directory"), MonitorOption("S", "summary")]
    ) { arguments throws(MonitorProblem) in
        guard let name = arguments.operands.first?.value, arguments.operands.count == 1 else {
            throw MonitorProblem(word: 0, "expected one file", suggestion: "file.alert -d /var/log/mon alerts.log")
        }
        let path = name.hasPrefix("/") ? name : (arguments.text("directory") ?? "/var/log/mon") + "/" + name
        let summary = arguments.text("summary")
        return { tools, facts, deadline, done in
            // A disk that hangs holds up a program of its own. What it prints is what it writes, and is dropped.
            run(
                ["/usr/bin/tee", "-a", "--", path], facts, Array(FileText(facts, summary: summary).text.utf8), tools,
                deadline, done)
        }
    }

    private static let command = AlertEntry(name: "command.alert", options: []) {
        arguments throws(MonitorProblem) in
        let words = arguments.operands.map(\.value)
        guard let program = words.first, program.hasPrefix("/") else {
            throw MonitorProblem(
                word: arguments.operands.first?.word ?? 0, "expected a program's path",
                suggestion: "command.alert -- /usr/bin/logger -t mon")
        }
        return { tools, facts, deadline, done in run(words, facts, facts.input, tools, deadline, done) }
    }

    /// A program with the alert's environment beside the process's own.
    private static func run(
        _ words: [String], _ facts: AlertFacts, _ input: [UInt8], _ tools: AlertTools, _ deadline: Instant,
        _ done: @escaping (AlertEnd) -> Void
    ) -> (any AlertWork)? {
        let environment = Spawn.inherited(["PATH", "LANG", "LC_ALL", "TZ", "HOME"])
            + facts.environment.map { "\($0.0)=\($0.1)" }
        do throws(SystemError) {
            return try ChildProgram(
                words[0], words, environment: environment, input: input,
                timeout: max(.milliseconds(1), deadline - Clock.now()), loop: tools.loop
            ) { status, output in
                if status == .exited(0) { return done(.done(nil)) }
                let line = output.split(separator: UInt8(ascii: "\n")).first.map { String(decoding: $0, as: UTF8.self) }
                done(.failed("\(words[0]): \(status)" + (line.map { ": \($0)" } ?? "")))
            }
        } catch {
            done(.failed("\(error)"))
            return nil
        }
    }

    // MARK: The log

    private static let syslog = AlertEntry(
        name: "syslog.alert", options: [MonitorOption("p", "priority"), MonitorOption("t", "tag")]
    ) { arguments throws(MonitorProblem) in
        try arguments.refuseOperands()
        var priority = SyslogPriority.standard
        if let given = arguments.options.last(where: { $0.name == "priority" }) {
            guard let known = SyslogPriority(given.value) else {
                throw MonitorProblem(
                    word: given.word, "unknown priority '\(given.value)'", suggestion: "for example daemon.crit")
            }
            priority = known
        }
        let tag = arguments.text("tag") ?? "mon"
        return { _, facts, _, done in
            let level = facts.kind == "up" || facts.kind == "startup" ? SyslogPriority.notice : priority.level
            let failure = SyslogPriority.write(priority.facility | level, tag: tag, "\(facts.word) \(facts.line)")
            done(failure.map { .failed($0) } ?? .done(nil))
            return nil
        }
    }

    // MARK: The network

    private static let webhook = AlertEntry(
        name: "webhook.alert",
        options: [MonitorOption(nil, "header"), MonitorOption(nil, "insecure", takesValue: false)]
    ) { arguments throws(MonitorProblem) in
        guard let url = arguments.operands.first, arguments.operands.count == 1,
            ["http://", "https://"].contains(where: url.value.lowercased().hasPrefix)
        else {
            throw MonitorProblem(
                word: arguments.operands.first?.word ?? 0, "expected one URL",
                suggestion: "webhook.alert https://chat.example.com/hook")
        }
        let headers = ["Content-Type: application/json"] + arguments.texts("header")
        let verifies = !arguments.has("insecure")
        return { tools, facts, deadline, done in
            var request = WebRequest(url: url.value, timeout: max(.milliseconds(1), deadline - Clock.now()))
            request.headers = headers
            request.agent = "heartbeat-mon"
            request.body = WebhookText.json(facts)
            request.verifies = verifies
            request.bodyMax = 4096
            do throws(SystemError) {
                return try tools.web().start(request) { result in
                    switch result {
                    case .failure(let error): done(.failed("\(error)"))
                    case .success(let answer):
                        done(200...299 ~= answer.status ? .done(nil) : .failed("\(url.value): status \(answer.status)"))
                    }
                }
            } catch {
                done(.failed("\(error)"))
                return nil
            }
        }
    }

    private static let trap = AlertEntry(
        name: "trap.alert",
        options: [
            MonitorOption("U", "user"), MonitorOption("P", "password"), MonitorOption("o", "opstatus"),
            MonitorOption("p", "port"), MonitorOption(nil, "group"), MonitorOption(nil, "service"),
        ]
    ) { arguments throws(MonitorProblem) in
        let hosts = arguments.operands.map(\.value)
        if hosts.isEmpty { throw MonitorProblem(word: 0, "a host is missing", suggestion: "trap.alert mon2") }
        let port = try arguments.port(default: 2583)
        var status: Int32?
        if let given = arguments.options.last(where: { $0.name == "opstatus" }) {
            guard let known = ["ok": 0, "fail": 1][given.value] ?? Int32(given.value) else {
                throw MonitorProblem(word: given.word, "'\(given.value)' is no status", suggestion: "fail or ok")
            }
            status = known
        }
        let text = TrapText(
            user: arguments.text("user") ?? "", password: arguments.text("password") ?? "", status: status,
            group: arguments.text("group"), service: arguments.text("service"))
        return { tools, facts, _, done in
            TrapSending(Array(text.datagram(facts).utf8), to: hosts, port: port, tools, done)
        }
    }

    // MARK: The cluster

    private static let cluster = AlertEntry(name: "cluster.alert", options: []) { arguments throws(MonitorProblem) in
        let verbs = ["standby", "takeover", "fail"]
        guard let verb = arguments.operands.first else {
            throw MonitorProblem(word: 0, "what to do is missing", suggestion: "cluster standby GROUP")
        }
        guard verbs.contains(verb.value) else {
            throw MonitorProblem(
                word: verb.word, "unknown word '\(verb.value)'",
                suggestion: Spelling.nearest(to: verb.value, among: verbs).map { "did you mean \($0)?" }
                    ?? "known are \(Spelling.list(verbs, joinedBy: "and"))")
        }
        guard arguments.operands.count == 2 else {
            let what = verb.value == "fail" ? "RESOURCE" : "GROUP"
            throw MonitorProblem(word: verb.word, "expected cluster \(verb.value) \(what)")
        }
        let subject = arguments.operands[1].value
        return { tools, facts, deadline, done in
            let reason = facts.line
            let request: AdminRequest =
                switch verb.value {
                case "standby": .standby(GroupSelection(word: subject))
                case "takeover": .takeover(GroupSelection(word: subject))
                default: .fail(resource: subject, reason: "mon: \(reason)")
                }
            let origin = RequestOrigin(user: "mon", reason: reason, observedAt: facts.observedAt)
            return ClusterOrder(request, origin, tools, deadline, done)
        }
    }
}
