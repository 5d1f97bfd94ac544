// The directives that clients may ask for by name: as ha.cf has them, and where it has not, as heartbeat 3.0.6 assumes
// them (specs/heartbeat.md 6.1; observed: `cl_status hbparameter` of 3.0.6).
import ClusterConfig
import ClusterModel
import Privsep

struct ClientParameters {
    /// What 3.0.6 does not remember: what may be given several times, and who may do what.
    private static let unrecorded: [HADirective] = [
        .node, .bcast, .udp, .mcast, .ucast, .mcast6, .ucast6, .serial, .ping, .ping6, .pingGroup, .apiauth, .respawn,
        .failfast, .stonith, .stonithHost, .env, .useApphbd,
    ]
    private static let assumed = [
        "hopfudge": "1", "keepalive": "1000ms", "deadtime": "30000ms", "baud": "19200", "udpport": "694",
        "auto_failback": "legacy", "hbgenmethod": "file", "realtime": "true", "debug": "0", "msgfmt": "classic",
        "conn_logd_time": "60", "log_badpack": "true", "coredumps": "true", "crm": "false", "pacemaker": "false",
        "cluster": "linux-ha", "autojoin": "none", "uuidfrom": "file", "compression": "zlib",
        "compression_threshold": "2", "traditional_compression": "no", "max_rexmit_delay": "250",
        "memreserve": "6500", "syslogmsgfmt": "true", "record_config_changes": "on", "record_pengine_inputs": "on",
        "enable_config_writes": "on",
    ]

    private let configuration: Configuration

    init(_ configuration: Configuration) { self.configuration = configuration }

    /// nil where 3.0.6 would know nothing either.
    subscript(_ name: String) -> String? {
        if let directive = HADirective(rawValue: name), ClientParameters.unrecorded.contains(directive) { return nil }
        // The last line wins, as it does for the daemon.
        if let written = configuration.parameters.last(where: { $0.name == name }) { return written.value }
        let timing = configuration.timing
        switch name {
        case "warntime": return "\(timing.warntime.wholeMilliseconds)ms"
        case "initdead": return "\(timing.initdead.wholeMilliseconds)ms"
        case "deadping": return "\(timing.deadping.wholeMilliseconds)ms"
        default: return ClientParameters.assumed[name]
        }
    }

    /// The members in the order in which ha.cf names them, as 3.0.6 lists them.
    func inOrder(_ nodes: [ClientNode]) -> [ClientNode] {
        var named: [String] = []
        for setting in configuration.parameters {
            let words = setting.value.lowercased().split { $0 == " " || $0 == "\t" || $0 == "," }.map(String.init)
            switch setting.name {
            case "node", "ping", "ping6": named += words
            case "ping_group": named += words.prefix(1)
            default: break
            }
        }
        func place(_ name: String) -> Int { named.firstIndex(of: name) ?? named.count }
        return nodes.enumerated()
            .sorted { (place($0.element.name), $0.offset) < (place($1.element.name), $1.offset) }.map(\.element)
    }

    /// The number of the syslog facility, as signon tells it; -1 where none is configured, 0 for `none`.
    var facility: Int {
        guard let name = configuration.logging.facility else {
            return configuration.parameters.contains { $0.name == "logfacility" } ? 0 : -1
        }
        let numbers = [
            "kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8,
            "cron": 9, "authpriv": 10, "ftp": 11,
        ]
        if let number = numbers[name] { return number << 3 }
        return name.hasPrefix("local") ? (name.dropFirst(5).first?.wholeNumberValue ?? 0) + 16 << 3 : -1
    }
}
