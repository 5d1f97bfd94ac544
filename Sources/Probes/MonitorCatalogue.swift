// The native monitors by name: which options each takes, and what they come to.
import CLinux
import ClusterConfig
import ClusterModel
import LinuxSystem

/// One native monitor.
struct MonitorEntry: Sendable {
    /// As in a `monitor` line.
    var name: String
    var options: [MonitorOption]
    var plan: @Sendable (MonitorArguments) throws(MonitorProblem) -> MonitorPlan
}

/// All native monitors.
enum MonitorCatalogue {
    static let entries: [MonitorEntry] = [ping, fping, tcp, http, https, smtp, ftp, pop3, imap, nntp, dns] + local

    /// The monitor of a name, with or without `.monitor`; nil: it is a program.
    static func entry(_ name: String) -> MonitorEntry? {
        entries.first { $0.name == name || $0.name == name + ".monitor" }
    }

    static let family = [MonitorOption("4", takesValue: false), MonitorOption("6", takesValue: false)]
    static let port = MonitorOption("p", "port")
    static let timeout = MonitorOption("t", "timeout")
    static let certificate = [
        MonitorOption(nil, "certificate-days"), MonitorOption(nil, "insecure", takesValue: false),
    ]

    // MARK: Echo

    private static let ping = MonitorEntry(
        name: "ping.monitor", options: family + [MonitorOption("c", "count"), timeout, MonitorOption("s", "slow")]
    ) { arguments throws(MonitorProblem) in
        try arguments.refuseOperands()
        let attempts = try arguments.number("count", in: 1...100, default: 3)
        let wait = try arguments.seconds("timeout", default: .seconds(1))
        return echo(
            EchoPolicy(attempts: attempts, wait: wait, slow: try milliseconds(arguments, "slow")),
            family: try arguments.family())
    }

    /// The option -T, a traceroute to what does not answer, is the program's alone.
    private static let fping = MonitorEntry(
        name: "fping.monitor",
        options: family + [
            MonitorOption("a", "all", takesValue: false), MonitorOption("r", "retries"), MonitorOption("s", "slow"),
            MonitorOption("t", "timeout"),
        ]
    ) { arguments throws(MonitorProblem) in
        try arguments.refuseOperands()
        let retries = try arguments.number("retries", in: 0...100, default: 3)
        let wait = try milliseconds(arguments, "timeout") ?? .seconds(2)
        var plan = echo(
            EchoPolicy(attempts: retries + 1, wait: wait, slow: try milliseconds(arguments, "slow")),
            family: try arguments.family())
        plan.mustAllFail = arguments.has("all")
        return plan
    }

    private static func echo(_ policy: EchoPolicy, family: Int32) -> MonitorPlan {
        let timeout = policy.wait * policy.attempts + .seconds(10)
        return MonitorPlan(timeout: timeout) { tools, host, _, done in
            HostCheck(host, family: family, port: 0, tools: tools, done) { addresses, done in
                EchoCheck(policy, addresses[0], tools: tools, done)
            }
        }
    }

    private static func milliseconds(
        _ arguments: MonitorArguments, _ name: String
    ) throws(MonitorProblem) -> Duration? {
        let number = try arguments.number(name, in: 0...86_400_000, default: 0)
        return number == 0 ? nil : .milliseconds(number)
    }

    // MARK: Name servers

    private static let dns = MonitorEntry(
        name: "dns.monitor",
        options: family + [
            port, timeout, MonitorOption("n", "name"), MonitorOption("q", "type"), MonitorOption("m", "match"),
            MonitorOption(nil, "tcp", takesValue: false), MonitorOption(nil, "authoritative", takesValue: false),
        ]
    ) { arguments throws(MonitorProblem) in
        try arguments.refuseOperands()
        guard let name = arguments.text("name"), !name.isEmpty, name.utf8.count < 254 else {
            throw MonitorProblem(
                word: 0, "-n NAME is missing: what the server is asked for", suggestion: "-n example.com -q A")
        }
        var type = DNSType.a
        if let given = arguments.options.last(where: { $0.name == "type" }) {
            guard let known = DNSType.allCases.first(where: { $0.word == given.value.uppercased() }) else {
                throw MonitorProblem(
                    word: given.word, "unknown type '\(given.value)'",
                    suggestion: "known are \(Spelling.list(DNSType.allCases.map(\.word), joinedBy: "and"))")
            }
            type = known
        }
        let question = DNSQuestion(
            name: name, type: type, expected: try arguments.pattern("match"), usesTCP: arguments.has("tcp"),
            needsAuthority: arguments.has("authoritative"))
        let (port, family) = (try arguments.port(default: 53), try arguments.family())
        return MonitorPlan(timeout: try arguments.seconds("timeout", default: .seconds(10))) { tools, host, end, done in
            HostCheck(host, family: family, port: port, tools: tools, done) { addresses, done in
                DNSCheck(question, addresses[0], tools: tools, deadline: end, done)
            }
        }
    }
}
