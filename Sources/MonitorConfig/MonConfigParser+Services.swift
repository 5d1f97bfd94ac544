// What stands in a watch: services and their keywords (specs/mon.md 3.4).
import ClusterConfig
import ClusterModel
import Monitoring

extension MonConfigParser {
    static let serviceWords = [
        "interval", "failure_interval", "traptimeout", "trapduration", "randskew", "monitor", "allow_empty_group",
        "description", "exclude_hosts", "exclude_period", "depend", "alertdepend", "monitordepend", "hostdepend",
        "dep_behavior", "dep_memory", "redistribute", "unack_summary", "check_timeout",
    ]

    mutating func readInWatch(_ line: ConfigLine, _ first: ConfigWord, group: String, hasService: Bool) {
        if first.text == "service" { return beginService(line, group) }
        guard hasService else {
            return report(.error, line.excerpt(first.range), "need to specify service in watch record",
                help: "a watch begins with the line: service NAME")
        }
        // A service that is there twice has no entry of its own: what follows it goes to the last one.
        let index = configuration.services.count - 1
        if let setting = MonConfigParser.environment(line) {
            configuration.services[index].environment.removeAll { $0.name == setting.name }
            configuration.services[index].environment.append(setting)
            return
        }
        let value = line.rest(from: first.range.upperBound)
        let place = line.excerpt(value.range.isEmpty ? first.range : value.range)
        if first.text == "period" { return beginPeriod(value, line, index) }
        let isPeriodWord = MonConfigParser.periodWords.contains(first.text)
        if !configuration.services[index].periods.isEmpty {
            if isPeriodWord { return readInPeriod(first, value, place, line, index) }
            if MonConfigParser.serviceWords.contains(first.text) {
                return report(.error, line.excerpt(first.range), "\(first.text): belongs before the period lines",
                    help: "move it up, between service and its first period")
            }
        } else if isPeriodWord {
            return report(.error, line.excerpt(first.range), "\(first.text): belongs to a period",
                help: "begin one before it with a line: period")
        }
        if !readTimes(first.text, value, place, index), !readPolicy(first.text, value, place, line, index) {
            let known = MonConfigParser.serviceWords + MonConfigParser.periodWords + ["period", "service"]
            let hint = Spelling.hint(for: first.text, among: known)
            report(.error, line.excerpt(first.range), "unknown syntax [\(line.text)]\(hint)")
        }
    }

    private mutating func beginService(_ line: ConfigLine, _ group: String) {
        let words = line.words
        guard words.count == 2, words[1].text.utf8.allSatisfy(isTagByte) else {
            return report(.error, line.excerpt(words.count > 1 ? words[1].range : words[0].range),
                "service: expected one name of letters, digits, _, . and -")
        }
        let name = words[1].text
        if let before = configuration.services.firstIndex(where: { $0.group == group && $0.name == name }) {
            let number = servicePlaces[before].location.line
            report(.error, line.excerpt(words[1].range), "service \(name): defined in line \(number)")
        }
        var service = ServiceDefinition(group: group, name: name)
        service.dependencyBehavior = configuration.globals.dependencyBehavior
        service.dependencyMemory = configuration.globals.dependencyMemory
        service.unackSummary = configuration.globals.unackSummary
        configuration.services.append(service)
        servicePlaces.append(line.excerpt(words[1].range))
        record = .watch(group: group, hasService: true)
    }

    /// `NAME=value` in capitals: for the environment of programs.
    private static func environment(_ line: ConfigLine) -> Setting? {
        guard let equals = line.bytes.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { return nil }
        let isName = line.bytes[..<equals].allSatisfy { byte in
            (65...90).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "_")
        }
        guard isName else { return nil }
        return Setting(
            name: String(decoding: line.bytes[..<equals], as: UTF8.self),
            value: String(decoding: line.bytes[(equals + 1)...], as: UTF8.self))
    }

    private mutating func readTimes(_ word: String, _ value: ConfigWord, _ place: Excerpt, _ index: Int) -> Bool {
        switch word {
        case "interval":
            configuration.services[index].interval = interval(word, value.text, place)
        case "failure_interval":
            configuration.services[index].failureInterval = interval(word, value.text, place)
        case "traptimeout": configuration.services[index].trapTimeout = interval(word, value.text, place)
        case "trapduration": configuration.services[index].trapDuration = interval(word, value.text, place)
        case "randskew": configuration.services[index].randskew = interval(word, value.text, place)
        case "check_timeout": configuration.services[index].checkTimeout = interval(word, value.text, place)
        case "dep_memory":
            if let time = interval(word, value.text, place, zero: true) {
                configuration.services[index].dependencyMemory = time
            }
        default: return false
        }
        return true
    }

    private mutating func readPolicy(
        _ word: String, _ value: ConfigWord, _ place: Excerpt, _ line: ConfigLine, _ index: Int
    ) -> Bool {
        let hasText = !value.text.isEmpty
        switch word {
        case "monitor":
            if !hasText { report(.error, place, "monitor: no program") }
            configuration.services[index].monitor = hasText ? value.text : nil
        case "description": configuration.services[index].description = value.text
        case "allow_empty_group": configuration.services[index].allowsEmptyGroup = true
        case "exclude_hosts":
            configuration.services[index].excludeHosts = line.words(from: value.range.lowerBound).map(\.text)
        case "exclude_period":
            configuration.services[index].excludePeriod = period(value, line)
        case "depend":
            configuration.services[index].depend = dependency(word, value, place, line, index)
        case "alertdepend":
            configuration.services[index].alertdepend = dependency(word, value, place, line, index)
        case "monitordepend":
            configuration.services[index].monitordepend = dependency(word, value, place, line, index)
        case "hostdepend":
            configuration.services[index].hostdepend = dependency(word, value, place, line, index)
        case "dep_behavior":
            if let behavior = behavior(value, place) { configuration.services[index].dependencyBehavior = behavior }
        case "redistribute":
            if !hasText { report(.error, place, "redistribute: no alert") }
            if value.text.contains(" ") {
                report(.error, place, "redistribute: the alert takes no arguments")
            }
            configuration.services[index].redistribute = hasText ? value.text : nil
        case "unack_summary":
            configuration.services[index].unackSummary = !hasText || flag(value.text)
        default: return false
        }
        return true
    }

    private mutating func dependency(
        _ word: String, _ value: ConfigWord, _ place: Excerpt, _ line: ConfigLine, _ index: Int
    ) -> DependencyExpression? {
        do {
            let group = configuration.services[index].group
            let expression = try DependencyExpression(value.text, group: group)
            dependencyPlaces.append((index, expression, place))
            return expression
        } catch {
            let start = min(value.range.lowerBound + error.offset, line.bytes.count)
            report(.error, line.excerpt(start..<max(start, value.range.upperBound)), "\(word): \(error.message)",
                help: "a dependency looks like this: web:http && (gw:ping || SELF:dns)")
            return nil
        }
    }
}
