// The directives of ha.cf about resources, fencing, messages, logs, processes and clients (specs/heartbeat.md 6.1, 9).
import ClusterModel

extension HAConfigParser {
    mutating func applyResourcePolicy(_ statement: Statement) {
        switch statement.directive {
        case .autoFailback: setAutoFailback(statement)
        case .stopRetries:
            guard let retries = number(statement, in: 0...1_000_000) else { return }
            settings.configuration.policy.stopRetries = retries
            hasStopRetries = true
        case .stopFailure:
            guard let policy: Located<StopFailurePolicy> = choice(statement, [.block, .fence, .reboot]) else { return }
            settings.configuration.policy.stopFailure = policy.value
            settings.stopFailure = policy
        case .operationTimeout: setOperationTimeout(statement)
        case .addressProbe: setAddressProbe(statement)
        case .monitor: addMonitor(statement)
        case .stonith: addStonith(statement)
        case .stonithHost: addStonithHost(statement)
        case .watchdog: setWatchdog(statement)
        case .notify: addNotification(statement)
        case .announce: setAnnouncement(statement)
        case .connections: setConnections(statement)
        default: addEnvironment(statement)
        }
    }

    private mutating func setAddressProbe(_ statement: Statement) {
        if statement.values.map(\.text) == ["off"] { return settings.configuration.policy.addressProbe = nil }
        guard let probe = time(statement) else { return }
        guard probe.value <= .seconds(10) else {
            return report(
                .error, probe.excerpt, "address_probe: more than 10s, expected off or a time up to that",
                help: "machines on the same link answer within milliseconds")
        }
        settings.configuration.policy.addressProbe = probe.value
    }

    private mutating func setAutoFailback(_ statement: Statement) {
        guard let word = value(statement, expected: "on, off or legacy") else { return }
        if let value = HAConfigParser.boolean(word.text) {
            settings.configuration.autoFailback = value ? .on : .off
        } else if word.text.asciiLowercased == "legacy" {
            settings.configuration.autoFailback = .legacy
            report(.note, statement.line.excerpt(word), "legacy: the older name of on", help: "write auto_failback on")
        } else {
            let hint = Spelling.hint(for: word.text, among: ["on", "off", "legacy"])
            report(.error, statement.line.excerpt(word), "\(word.text): expected on, off or legacy\(hint)")
        }
    }

    private mutating func addStonith(_ statement: Statement) {
        guard statement.values.count == 2 else {
            return report(
                .error, statement.excerpt, "stonith: expected stonith TYPE FILE",
                help: "to give the parameters here, write stonith_host")
        }
        guard let file = path(statement.values[1], statement) else { return }
        checkMethod(statement.values[0], statement)
        settings.configuration.processes.stonith.append(
            StonithDevice(host: nil, type: statement.values[0].text, parameters: [file.value]))
    }

    private mutating func addStonithHost(_ statement: Statement) {
        guard statement.values.count >= 2 else {
            return report(.error, statement.excerpt, "stonith_host: expected stonith_host HOST TYPE PARAMETER...")
        }
        let words = statement.values
        let host = words[0].text.asciiLowercased
        checkMethod(words[1], statement)
        settings.configuration.processes.stonith.append(
            StonithDevice(host: host, type: words[1].text, parameters: words.dropFirst(2).map(\.text)))
        settings.stonithHosts.append(Located(value: host, excerpt: statement.line.excerpt(words[0])))
    }

    private mutating func checkMethod(_ type: Word, _ statement: Statement) {
        let excerpt = statement.line.excerpt(type)
        settings.stonithTypes.append(excerpt)
        switch FenceMethod(type.text) {
        case .plugin, .agent: break
        case .null:
            report(
                .warning, excerpt, "null: it powers nothing off, and says that it has",
                help: "use it for tests only: disks that nodes share are not protected")
        case .suicide:
            report(
                .warning, excerpt, "suicide: it cannot power off another node, so nothing waits for it",
                help: "use external/NAME or fence_NAME; stop_failure reboot has a node reboot itself")
        case nil:
            report(
                .error, excerpt, "\(type.text): Invalid Stonith type, expected external/NAME or fence_NAME",
                help: "plugins of cluster-glue that are no programs cannot be used; most have a fence agent")
        }
    }

    private mutating func setWatchdog(_ statement: Statement) {
        if let first = firstUse[.watchdog] {
            return report(.error, statement.excerpt, "watchdog: given before in line \(first), expected once")
        }
        firstUse[.watchdog] = statement.line.number
        guard let device = path(statement) else { return }
        settings.configuration.processes.watchdog = device.value
        if let kind = facts.kindOfPath?(device.value), kind != .characterDevice {
            let problem = kind == .missing ? "there is no such device" : "this is no character device"
            report(
                .warning, device.excerpt, "\(device.value): \(problem), the node runs without a watchdog",
                help: "load the driver of the machine's watchdog, or softdog")
        }
    }

    private mutating func addEnvironment(_ statement: Statement) {
        for word in values(statement, expected: "NAME=VALUE") {
            let parts = word.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, HAConfigParser.isVariableName(parts[0]) else {
                report(
                    .error, statement.line.excerpt(word), "\(word.text): expected NAME=VALUE",
                    help: "a value cannot contain blanks or commas")
                continue
            }
            let setting = Setting(name: String(parts[0]), value: String(parts[1]))
            settings.configuration.processes.environment.append(setting)
            if setting.name == "STOPRETRYMAX" || setting.name == "HA_STOPRETRYMAX" {
                setStopRetriesFromEnvironment(setting.value, statement.line.excerpt(word))
            }
        }
    }

    private mutating func setStopRetriesFromEnvironment(_ value: String, _ excerpt: Excerpt) {
        guard let retries = HAConfigParser.integer(value), (-1_000_000...1_000_000).contains(retries) else {
            return report(.error, excerpt, "\(value): expected a number of retries, 0 for no end")
        }
        if !hasStopRetries { settings.configuration.policy.stopRetries = max(retries, 0) }
    }

    private static func isVariableName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !isDigit(first) else { return false }
        return name.utf8.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "_") }
    }

    mutating func applyProcessSetting(_ statement: Statement) {
        switch statement.directive {
        case .hopfudge: number(statement, in: 0...255).map { settings.configuration.hopfudge = $0 }
        case .msgfmt:
            keyword(statement, ["classic", "netstring"]).map { settings.configuration.classicFormat = $0 == "classic" }
        case .hbgenmethod:
            keyword(statement, ["file", "time"]).map { settings.configuration.generationFromTime = $0 == "time" }
        case .uuidfrom:
            keyword(statement, ["file", "nodename"]).map { settings.configuration.uuidFromName = $0 == "nodename" }
        case .cluster: value(statement, expected: "a name").map { settings.configuration.clusterName = $0.text }
        case .maxRexmitDelay:
            number(statement, in: 1...60_000).map {
                settings.configuration.timing.rexmitDelayMax = .milliseconds($0)
            }
        case .logfacility:
            keyword(statement, LogFacility.names + ["none"]).map {
                settings.configuration.logging.facility = $0 == "none" ? nil : $0
            }
        case .logfile: path(statement).map { settings.configuration.logging.logfile = $0.value }
        case .debugfile: path(statement).map { settings.configuration.logging.debugfile = $0.value }
        case .debug: number(statement, in: 0...255).map { settings.configuration.logging.debug = $0 }
        case .syslogmsgfmt: boolean(statement).map { settings.configuration.logging.syslogMessageFormat = $0 }
        case .logBadpack: boolean(statement).map { settings.configuration.logging.logsBadPackets = $0 }
        case .realtime: boolean(statement).map { settings.configuration.processes.realtime = $0 }
        case .rtprio: number(statement, in: 1...99).map { settings.configuration.processes.realtimePriority = $0 }
        case .coredumps: boolean(statement).map { settings.configuration.processes.coredumps = $0 }
        case .apiauth: addAuthorization(statement)
        case .respawn, .failfast: addRespawn(statement)
        default: preconditionFailure("\(statement.directive.rawValue) is applied elsewhere")
        }
    }

    private mutating func addAuthorization(_ statement: Statement) {
        let form = "expected apiauth CLIENT uid=USER,... gid=GROUP,..."
        guard let client = statement.values.first, statement.values.count > 1 else {
            return report(.error, statement.excerpt, "apiauth: \(form)")
        }
        var authorization = APIAuthorization(client: client.text, users: [], groups: [])
        for word in statement.values.dropFirst() {
            let parts = word.text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let names = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
            switch parts[0] {
            case "uid" where !names.isEmpty: authorization.users += names
            case "gid" where !names.isEmpty: authorization.groups += names
            default: return report(.error, statement.line.excerpt(word), "\(word.text): \(form)")
            }
        }
        let known = settings.configuration.processes.apiAuthorizations
        if known.contains(where: { $0.client == client.text }) {
            return report(.error, statement.line.excerpt(client), "\(client.text): has an apiauth line already")
        }
        settings.configuration.processes.apiAuthorizations.append(authorization)
    }

    private mutating func addRespawn(_ statement: Statement) {
        let name = statement.directive.rawValue
        guard let user = statement.values.first, statement.values.count > 1 else {
            return report(.error, statement.excerpt, "\(name): expected \(name) USER COMMAND ARGUMENT...")
        }
        guard let program = path(statement.values[1], statement) else { return }
        if let kind = facts.kindOfPath?(program.value), kind != .executable {
            let problem = kind == .missing ? "there is no such program" : "this is not executable"
            return report(.error, program.excerpt, "\(program.value): \(problem)")
        }
        let rest = statement.values.dropFirst().map(\.text).joined(separator: " ")
        settings.configuration.processes.respawn.append(
            RespawnClient(user: user.text, command: rest, rebootsOnFailure: statement.directive == .failfast))
    }
}

/// The facilities of syslog.
package enum LogFacility {
    /// As logfacility and syslog_facility name them.
    package static let names =
        ["auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user", "uucp"]
        + (0...7).map { "local\($0)" }
}
