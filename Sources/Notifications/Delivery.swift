// How a target is told: by a program, by the system's sendmail, or by the program that speaks HTTP. Each runs in a
// process of its own that can hang or crash as it likes.
import CLinux
import ClusterModel
import LinuxSystem
import ResourceAgents

/// One transition on its way to one target.
struct Delivery {
    /// Exit codes of hb_webhook; other programs fail with any but 0.
    private static let refusal: Int32 = 2
    private static let sendmail = ["/usr/sbin/sendmail", "/usr/lib/sendmail"]

    /// The system's sendmail: where PATH leads to one, else in its two places.
    private static var sendmailProgram: String? {
        let folders = getenv("PATH").map { String(cString: $0) }?.split(separator: ":").map(String.init) ?? []
        return (folders.map { $0 + "/sendmail" } + sendmail).first { $0.hasPrefix("/") && access($0, X_OK) == 0 }
    }

    /// Programs have as long as heartbeat's hooks had; a server and a mail system answer sooner or not at all.
    private static let programTime: Duration = .seconds(300)
    private static let serverTime: Duration = .seconds(30)

    var target: NotificationTarget
    var transition: Transition
    var number: UInt64
    var dropped: UInt64
    /// The node that tells.
    var localName: String
    var clusterName: String
    /// Of scripts, as the resource manager gives it.
    var environment: [String]
    /// Who the process that speaks HTTP becomes.
    var identity: Confinement.Identity

    var timeout: Duration {
        switch target {
        case .program: Delivery.programTime
        case .webhook, .mail: Delivery.serverTime
        }
    }

    /// What happened, as `NAME=VALUE` entries.
    var facts: [String] {
        var facts = [
            "HA_NOTIFY_EVENT=\(transition.kind.rawValue)", "HA_NOTIFY_NODE=\(transition.node)",
            "HA_NOTIFY_FROM=\(localName)", "HA_NOTIFY_CLUSTER=\(clusterName)", "HA_NOTIFY_CAUSE=\(transition.cause)",
            "HA_NOTIFY_TIME=\(Delivery.text(ofTime: transition.time))", "HA_NOTIFY_NUMBER=\(number)",
            "HA_NOTIFY_DROPPED=\(dropped)",
        ]
        if let group = transition.group { facts.append("HA_NOTIFY_GROUP=\(group)") }
        if let epoch = transition.epoch { facts.append("HA_NOTIFY_EPOCH=\(epoch)") }
        // A zero byte would cut the environment.
        return facts.map { $0.filter { $0 != "\0" } }
    }

    /// The process to start. Throws where there is no program for it.
    func spawn() throws(SystemError) -> Spawn {
        switch target {
        case .program(let path):
            let subject = transition.group ?? transition.node
            var spawn = Spawn(program: path, arguments: [path, transition.kind.rawValue, subject])
            spawn.environment = environment + facts
            return spawn
        case .webhook(let url):
            var spawn = Spawn(
                program: InstalledFiles.webhookProgram,
                arguments: ["hb_webhook", String(identity.user), String(identity.group)])
            // Not among the arguments, which everybody may read.
            spawn.environment = facts + ["HA_NOTIFY_URL=\(url)", "SWIFT_BACKTRACE=enable=no"]
            spawn.environment += Spawn.inherited(["https_proxy", "http_proxy", "no_proxy", "SSL_CERT_FILE"])
            return spawn
        case .mail(let address):
            guard let program = Delivery.sendmailProgram else {
                throw SystemError(code: ENOENT, operation: "find sendmail")
            }
            var spawn = Spawn(program: program, arguments: ["sendmail", "-i", address])
            spawn.environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
            return spawn
        }
    }

    /// What the process reads; nil: nothing.
    var input: [UInt8]? {
        guard case .mail(let address) = target else { return nil }
        let subject = "\(transition.group ?? transition.node) \(transition.kind.rawValue) on \(localName)"
        let lost = dropped > 0 ? "\n\(dropped) transitions before this one could not be told.\n" : ""
        let epoch = transition.epoch.map { "epoch \($0)\n" } ?? ""
        let text = """
            To: \(address)
            Subject: heartbeat: \(Delivery.line(subject))
            Auto-Submitted: auto-generated
            Content-Type: text/plain; charset=utf-8

            \(Delivery.line(transition.cause))
            \(Delivery.text(ofTime: transition.time)), told by \(localName)
            \(epoch)\(lost)
            """
        return Array(text.utf8)
    }

    /// What an ended process says of the delivery.
    func outcome(_ result: ProgramRun.Result) -> DeliveryPlan.Outcome {
        guard let failure = result.failure else { return .delivered }
        if case .webhook = target, result.ending == .ended(.exited(Delivery.refusal)) { return .refused(failure) }
        return .failed(failure)
    }

    private static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
    }

    /// `2026-11-21T21:00:00.123Z`.
    static func text(ofTime nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ number: Int32, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let milliseconds = Int32(truncatingIfNeeded: nanoseconds / 1_000_000 % 1000)
        return digits(parts.tm_year + 1900, 4) + "-" + digits(parts.tm_mon + 1, 2) + "-" + digits(parts.tm_mday, 2)
            + "T" + digits(parts.tm_hour, 2) + ":" + digits(parts.tm_min, 2) + ":" + digits(parts.tm_sec, 2) + "."
            + digits(milliseconds, 3) + "Z"
    }
}
