// Prints a configuration as the text of ha.cf and haresources. What is printed parses back to the same configuration.
// Keys are never printed.
import ClusterModel

/// Prints what `ConfigurationReader` takes.
package enum ConfigurationPrinter {
    /// Every directive with its effective value, in a fixed order; a comment tells what follows from other values.
    package static func haConfig(_ configuration: Configuration) -> String {
        let sections = [
            membership(configuration), times(configuration.timing) + [lease(configuration)], media(configuration.media),
            resources(configuration), messages(configuration), logging(configuration.logging),
            processes(configuration.processes),
        ]
        return sections.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    /// One line for each group; long ones are continued.
    package static func haresources(_ configuration: Configuration) -> String {
        configuration.groups.map { group in
            var text = group.preferred
            var width = text.count
            for resource in group.resources {
                let breaks = width + resource.text.count >= columnMax
                text += (breaks ? " \\\n    " : " ") + resource.text
                width = (breaks ? 4 : width + 1) + resource.text.count
            }
            return text + "\n"
        }.joined()
    }

    /// Where a line of haresources is broken.
    private static let columnMax = 100

    private static func line(_ directive: HADirective, _ value: some CustomStringConvertible, _ comment: String? = nil)
        -> String
    {
        "\(directive.rawValue) \(value)" + (comment.map { "    # \($0)" } ?? "")
    }

    private static func flag(_ directive: HADirective, _ value: Bool) -> String {
        line(directive, value ? "on" : "off")
    }

    private static func membership(_ configuration: Configuration) -> [String] {
        let nodes = configuration.nodes.map { line(.node, $0, $0 == configuration.localName ? "this node" : nil) }
        let standard = Defaults.quorum(
            nodes: configuration.nodes.count, hasPingNodes: configuration.media.contains(where: \.isPing))
        return nodes + configuration.witnesses.map { line(.witness, $0) } + [
            line(.quorum, configuration.quorum.rawValue, configuration.quorum == standard ? "the default" : nil),
            line(.cluster, configuration.clusterName),
        ]
    }

    private static func times(_ timing: Timing) -> [String] {
        func time(_ directive: HADirective, _ time: Duration, _ derived: Duration, _ rule: String) -> String {
            line(directive, TimeText.spell(time), time == derived ? rule : nil)
        }
        let deadtime = timing.deadtime
        return [
            line(.keepalive, TimeText.spell(timing.keepalive)),
            line(.deadtime, TimeText.spell(deadtime)),
            time(.warntime, timing.warntime, Defaults.warntime(deadtime: deadtime), "half of deadtime"),
            time(.initdead, timing.initdead, Defaults.initdead(deadtime: deadtime), "follows from deadtime"),
            time(.deadping, timing.deadping, deadtime, "as deadtime"),
        ]
    }

    /// With the inequality that keeps two nodes from one address.
    private static func lease(_ configuration: Configuration) -> String {
        guard configuration.policy.leasesAddresses else { return line(.lease, "off") }
        let timing = configuration.timing
        let derived = Defaults.lease(deadtime: timing.deadtime, keepalive: timing.keepalive)
        let lease = timing.lease ?? derived
        let margin = "ends \(TimeText.spell(timing.deadtime - lease)) before deadtime"
        return timing.lease.map { line(.lease, TimeText.spell($0), margin) }
            ?? "# lease \(TimeText.spell(lease))    follows from deadtime and keepalive, \(margin)"
    }

    /// udpport and baud stand before the first medium that they count for.
    private static func media(_ media: [Medium]) -> [String] {
        var lines: [String] = []
        var port: UInt16?
        var baud: Int?
        func usePort(_ wanted: UInt16) {
            if port != wanted { lines.append(line(.udpport, wanted)) }
            port = wanted
        }
        // The grammar takes one baud line; serial lines above it run at the standard speed.
        let rates = media.compactMap { medium in if case .serial(_, let rate) = medium { rate } else { nil } }
        let onlyBaud = rates.first { $0 != 19200 } ?? rates.first
        for medium in media {
            switch medium {
            case .broadcast(_, let wanted), .unicast(_, _, let wanted), .unicast6(_, _, let wanted): usePort(wanted)
            case .serial(_, let wanted) where wanted == onlyBaud && baud == nil:
                lines.append(line(.baud, wanted))
                baud = wanted
            default: break
            }
            lines.append(self.line(medium))
        }
        return lines
    }

    private static func line(_ medium: Medium) -> String {
        let values: [String] =
            switch medium {
            case .broadcast(let interface, _): [interface]
            case .multicast(let interface, let group, let port, let hops, let loop),
                .multicast6(let interface, let group, let port, let hops, let loop):
                [interface, group, String(port), String(hops), loop ? "1" : "0"]
            case .unicast(let interface, let address, _), .unicast6(let interface, let address, _):
                [interface, address]
            case .serial(let tty, _): [tty]
            case .ping(let address), .ping6(let address): [address]
            case .pingGroup(let name, let addresses): [name] + addresses
            }
        return ([medium.directive] + values).joined(separator: " ")
    }

    private static func resources(_ configuration: Configuration) -> [String] {
        let policy = configuration.policy
        let stonith = configuration.processes.stonith.map { device in
            guard let host = device.host else {
                return line(.stonith, ([device.type] + device.parameters).joined(separator: " "))
            }
            return line(.stonithHost, ([host, device.type] + device.parameters).joined(separator: " "))
        }
        return [
            line(.autoFailback, configuration.autoFailback.rawValue),
            line(.stopRetries, policy.stopRetries, policy.stopRetries <= 0 ? "for ever" : nil),
            line(.stopFailure, policy.stopFailure.rawValue),
            line(.operationTimeout, TimeText.spell(policy.operationTimeout)),
            line(.addressProbe, policy.addressProbe.map { TimeText.spell($0) } ?? "off"),
            line(.connections, policy.connections.rawValue),
        ] + announcement(policy.announcement) + rules(policy)
            + configuration.processes.environment.map { line(.env, "\($0.name)=\($0.value)") } + stonith
            + [configuration.processes.watchdog.map { line(.watchdog, $0) } ?? "# no watchdog"]
            + configuration.notifications.map(notification)
    }

    private static func announcement(_ policy: AnnouncementPolicy) -> [String] {
        var words: [String] = []
        if let count = policy.count { words += ["count", String(count)] }
        if let interval = policy.interval { words += ["interval", TimeText.spell(interval)] }
        if let refresh = policy.refresh { words += ["refresh", TimeText.spell(refresh)] }
        words += policy.routers.flatMap { ["router", $0] }
        return words.isEmpty ? [] : [line(.announce, words.joined(separator: " "))]
    }

    private static func notification(_ rule: NotificationRule) -> String {
        let words = [rule.target.text] + (rule.kinds ?? []).map(\.rawValue)
        return line(.notify, words.joined(separator: " "))
    }

    private static func rules(_ policy: ResourcePolicy) -> [String] {
        let timeouts = policy.timeouts.map { rule in
            line(.operationTimeout, "\(rule.resource) \(rule.operation.rawValue) \(TimeText.spell(rule.timeout))")
        }
        let monitors = policy.monitors.map { rule -> String in
            if rule.isOff { return line(.monitor, rule.resource + " off") }
            var words = [rule.resource]
            if let interval = rule.interval { words += ["interval", TimeText.spell(interval)] }
            if let timeout = rule.timeout { words += ["timeout", TimeText.spell(timeout)] }
            if let restarts = rule.restarts { words += ["restarts", String(restarts)] }
            if let window = rule.window { words += ["within", TimeText.spell(window)] }
            if let probe = rule.probe { words += ["probe", probe.rawValue] }
            return line(.monitor, words.count == 1 ? "\(rule.resource) on" : words.joined(separator: " "))
        }
        return timeouts + monitors
    }

    private static func messages(_ configuration: Configuration) -> [String] {
        [
            line(.msgfmt, configuration.classicFormat ? "classic" : "netstring"),
            line(.hopfudge, configuration.hopfudge),
            line(.maxRexmitDelay, configuration.timing.rexmitDelayMax.wholeMilliseconds),
            line(.hbgenmethod, configuration.generationFromTime ? "time" : "file"),
            line(.uuidfrom, configuration.uuidFromName ? "nodename" : "file"),
        ]
    }

    private static func logging(_ logging: LogSettings) -> [String] {
        [
            line(.logfacility, logging.facility ?? "none"),
            logging.logfile.map { line(.logfile, $0) } ?? "# no logfile",
            logging.debugfile.map { line(.debugfile, $0) } ?? "# no debugfile",
            line(.debug, logging.debug),
            flag(.logBadpack, logging.logsBadPackets),
            flag(.syslogmsgfmt, logging.syslogMessageFormat),
        ]
    }

    private static func processes(_ processes: ProcessSettings) -> [String] {
        let clients = processes.respawn.map {
            line($0.rebootsOnFailure ? .failfast : .respawn, "\($0.user) \($0.command)")
        }
        let authorizations = processes.apiAuthorizations.map { authorization in
            var words = [authorization.client]
            if !authorization.users.isEmpty { words.append("uid=" + authorization.users.joined(separator: ",")) }
            if !authorization.groups.isEmpty { words.append("gid=" + authorization.groups.joined(separator: ",")) }
            return line(.apiauth, words.joined(separator: " "))
        }
        return [
            flag(.realtime, processes.realtime), line(.rtprio, processes.realtimePriority),
            flag(.coredumps, processes.coredumps),
        ] + clients + authorizations
    }
}
