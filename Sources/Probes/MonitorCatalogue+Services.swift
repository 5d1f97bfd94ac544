// Monitors of services that speak TCP.
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem

extension MonitorCatalogue {
    // MARK: Text

    static let tcp = MonitorEntry(
        name: "tcp.monitor",
        options: family + certificate + [
            port, timeout, MonitorOption("m", "match"), MonitorOption(nil, "send"),
            MonitorOption(nil, "tls", takesValue: false), MonitorOption(nil, "certificate-name"),
        ]
    ) { arguments throws(MonitorProblem) in
        var steps: [ConversationStep] = []
        if arguments.has("tls") { steps.append(.secure) } else { try refuseTLS(arguments, "--tls") }
        if let text = arguments.text("send") { steps.append(.send(unescaped(text))) }
        if let pattern = try arguments.pattern("match") { steps.append(.match(pattern)) }
        return try conversation(arguments, steps, port: 23, timeout: .seconds(10), isTerse: false)
    }

    static let smtp = mail("smtp.monitor", 25, extra: [MonitorOption(nil, "helo")]) {
        arguments throws(MonitorProblem) in
        let name = arguments.text("helo") ?? Machine.nodeName
        let hello: [ConversationStep] = [
            .send("EHLO \(name)\r\n"), .reply(["250 "], between: ["250-"], of: "the answer to EHLO"),
        ]
        let secure: [ConversationStep] = [
            .send("STARTTLS\r\n"), .reply(["220"], between: [], of: "the answer to STARTTLS"), .secure,
        ]
        return [.reply(["220 "], between: ["220-"], of: "the greeting")] + hello
            + (arguments.has("starttls") ? secure + hello : []) + [.send("QUIT\r\n")]
    }

    static let ftp = mail("ftp.monitor", 21, extra: []) { arguments throws(MonitorProblem) in
        let secure: [ConversationStep] = [
            .send("AUTH TLS\r\n"), .reply(["234"], between: [], of: "the answer to AUTH TLS"), .secure,
        ]
        return [.reply(["220 "], between: ["220", " "], of: "the greeting")]
            + (arguments.has("starttls") ? secure : [])
            + [.send("QUIT\r\n"), .reply(["221"], between: ["221-"], of: "the answer to QUIT")]
    }

    static let pop3 = mail("pop3.monitor", 110, extra: []) { arguments throws(MonitorProblem) in
        let secure: [ConversationStep] = [
            .send("STLS\r\n"), .reply(["+OK"], between: [], of: "the answer to STLS"), .secure,
        ]
        return [.reply(["+OK"], between: [], of: "the greeting")] + (arguments.has("starttls") ? secure : [])
            + [.send("QUIT\r\n"), .reply(["+OK"], between: [], of: "the answer to QUIT")]
    }

    static let imap = mail("imap.monitor", 143, extra: []) { arguments throws(MonitorProblem) in
        let secure: [ConversationStep] = [
            .send("a0 STARTTLS\r\n"), .reply(["a0 OK"], between: ["* "], of: "the answer to STARTTLS"), .secure,
        ]
        return [.reply(["* OK", "* PREAUTH"], between: [], of: "the greeting")]
            + (arguments.has("starttls") ? secure : [])
            + [.send("a1 LOGOUT\r\n"), .reply(["a1 OK"], between: ["* "], of: "the answer to LOGOUT")]
    }

    static let nntp = mail("nntp.monitor", 119, extra: []) { arguments throws(MonitorProblem) in
        let secure: [ConversationStep] = [
            .send("STARTTLS\r\n"), .reply(["382"], between: [], of: "the answer to STARTTLS"), .secure,
        ]
        return [.reply(["200", "201"], between: [], of: "the greeting")] + (arguments.has("starttls") ? secure : [])
            + [.send("QUIT\r\n"), .reply(["205"], between: [], of: "the answer to QUIT")]
    }

    /// A service that greets, and that can go over to TLS.
    private static func mail(
        _ name: String, _ port: UInt16, extra: [MonitorOption],
        _ steps: @escaping @Sendable (MonitorArguments) throws(MonitorProblem) -> [ConversationStep]
    ) -> MonitorEntry {
        let options = family + certificate + extra + [
            MonitorCatalogue.port, timeout, MonitorOption(nil, "starttls", takesValue: false),
            MonitorOption(nil, "tls", takesValue: false), MonitorOption(nil, "certificate-name"),
        ]
        return MonitorEntry(name: name, options: options) { arguments throws(MonitorProblem) in
            if let both = arguments.options.first(where: { $0.name == "tls" }), arguments.has("starttls") {
                throw MonitorProblem(word: both.word, "--tls and --starttls exclude each other")
            }
            if !arguments.has("tls"), !arguments.has("starttls") { try refuseTLS(arguments, "--tls or --starttls") }
            let own = try steps(arguments)
            return try conversation(
                arguments, (arguments.has("tls") ? [.secure] : []) + own, port: port, timeout: .seconds(30),
                isTerse: false)
        }
    }

    private static func refuseTLS(_ arguments: MonitorArguments, _ missing: String) throws(MonitorProblem) {
        let names = ["certificate-days", "certificate-name", "insecure"]
        guard let given = arguments.options.first(where: { names.contains($0.name) }) else { return }
        throw MonitorProblem(word: given.word, "--\(given.name) is of no use without \(missing)")
    }

    private static func conversation(
        _ arguments: MonitorArguments, _ steps: [ConversationStep], port: UInt16, timeout: Duration, isTerse: Bool
    ) throws(MonitorProblem) -> MonitorPlan {
        try arguments.refuseOperands()
        var script = ConversationScript(steps: steps)
        script.verifies = !arguments.has("insecure")
        script.certificateName = arguments.text("certificate-name")
        if arguments.has("certificate-days") {
            script.daysMin = try arguments.number("certificate-days", in: 0...36_500, default: 0)
        }
        let final = script
        let (port, family) = (try arguments.port(default: port), try arguments.family())
        return MonitorPlan(timeout: try arguments.seconds("timeout", default: timeout)) { tools, host, _, done in
            HostCheck(host, family: family, port: port, tools: tools, done) { addresses, done in
                Conversation(final, host: host, addresses, tools: tools, done)
            }
        }
    }

    /// `\r`, `\n`, `\t` and `\\` in what is sent.
    private static func unescaped(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                result.append(["r": "\r", "n": "\n", "t": "\t", "0": "\0"][character] ?? character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    // MARK: Web servers

    static let http = web("http.monitor", "http", 80)
    static let https = web("https.monitor", "https", 443)

    private static func web(_ name: String, _ scheme: String, _ port: UInt16) -> MonitorEntry {
        let options = family + certificate + [
            MonitorCatalogue.port, timeout, MonitorOption("u", "url"), MonitorOption("a", "agent"),
            MonitorOption("m", "match"), MonitorOption("o", "omit", takesValue: false),
            MonitorOption(nil, "refuse"), MonitorOption("s", "status"), MonitorOption(nil, "host"),
            MonitorOption(nil, "header"), MonitorOption(nil, "method"), MonitorOption(nil, "redirects"),
        ]
        return MonitorEntry(name: name, options: options) { arguments throws(MonitorProblem) in
            try arguments.refuseOperands()
            if scheme == "http" { try refuseTLS(arguments, "https.monitor") }
            let pattern = try arguments.pattern("match")
            let refused = try arguments.pattern("refuse")
            var question = HTTPQuestion(
                scheme: scheme, port: try arguments.port(default: port), pattern: pattern, refused: refused,
                bodyMax: 1 << 20)
            question.path = try path(arguments)
            question.method = arguments.text("method")?.uppercased()
            question.agent = arguments.text("agent") ?? "heartbeat-mon"
            question.headers = arguments.texts("header")
            question.site = arguments.text("host")
            question.statuses = try statuses(arguments)
            question.redirectsMax = try arguments.number("redirects", in: 0...50, default: 0)
            question.verifies = !arguments.has("insecure")
            if arguments.has("certificate-days") {
                question.daysMin = try arguments.number("certificate-days", in: 0...36_500, default: 0)
            }
            let (final, family) = (question, try arguments.family())
            var plan = MonitorPlan(
                timeout: try arguments.seconds("timeout", default: .seconds(30))
            ) { tools, host, end, done in
                HostCheck(host, family: family, port: final.port, tools: tools, done) { addresses, done in
                    HTTPCheck(final, host: host, addresses, tools: tools, deadline: end, done)
                }
            }
            plan.isTerse = arguments.has("omit")
            return plan
        }
    }

    private static func path(_ arguments: MonitorArguments) throws(MonitorProblem) -> String {
        guard let given = arguments.options.last(where: { $0.name == "url" }) else { return "/" }
        guard !given.value.contains("://") else {
            throw MonitorProblem(
                word: given.word, "'\(given.value)' is a whole URL",
                suggestion: "give its path, and its host with --host")
        }
        guard given.value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw MonitorProblem(word: given.word, "'\(given.value)' holds blanks or letters that a URL cannot hold")
        }
        return given.value.hasPrefix("/") ? given.value : "/" + given.value
    }

    /// `200`, `200-299,401`
    private static func statuses(_ arguments: MonitorArguments) throws(MonitorProblem) -> [ClosedRange<Int>] {
        guard let given = arguments.options.last(where: { $0.name == "status" }) else { return [200...399] }
        var ranges: [ClosedRange<Int>] = []
        for part in given.value.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(ends.count), let low = ends[0], let high = ends[ends.count - 1], low <= high,
                100...599 ~= low, 100...599 ~= high
            else {
                throw MonitorProblem(
                    word: given.word, "'\(given.value)' is no status", suggestion: "for example 200 or 200-299,401")
            }
            ranges.append(low...high)
        }
        return ranges
    }
}
