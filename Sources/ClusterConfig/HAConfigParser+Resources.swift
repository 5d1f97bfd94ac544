// The directives of ha.cf about single resources:
//     monitor RESOURCE off | on | [interval TIME] [timeout TIME] [restarts COUNT within TIME] [probe none|read|write]
//     operation_timeout TIME
//     operation_timeout RESOURCE OPERATION TIME ...
import ClusterModel

extension HAConfigParser {
    private static let monitorKeys = ["interval", "timeout", "restarts", "within", "probe"]

    mutating func setOperationTimeout(_ statement: Statement) {
        guard statement.values.count > 1 else {
            guard let timeout = time(statement) else { return }
            settings.configuration.policy.operationTimeout = timeout.value
            return
        }
        let resource = statement.values[0]
        var rules: [TimeoutRule] = []
        var words = statement.values.dropFirst()
        while let word = words.popFirst() {
            guard let operation = timedOperation(word, statement) else { return }
            guard let text = words.popFirst() else {
                return report(
                    .error, statement.line.excerpt(word), "\(word.text): no time, expected \(TimeText.expectation)")
            }
            guard let timeout = time(text, statement) else { return }
            rules.append(TimeoutRule(resource: resource.text, operation: operation, timeout: timeout.value))
        }
        note(resource, statement)
        settings.configuration.policy.timeouts += rules
    }

    private mutating func timedOperation(_ word: Word, _ statement: Statement) -> TimedOperation? {
        if let operation = TimedOperation(rawValue: word.text.asciiLowercased) { return operation }
        let names = TimedOperation.allCases.map(\.rawValue)
        if word.text.asciiLowercased == "monitor" {
            report(
                .error, statement.line.excerpt(word), "monitor: its time stands in the line that asks for it",
                help: "write monitor \(statement.values[0].text) timeout TIME")
        } else {
            report(
                .error, statement.line.excerpt(word),
                "\(word.text): expected \(Spelling.list(names))\(Spelling.hint(for: word.text, among: names))")
        }
        return nil
    }

    mutating func addMonitor(_ statement: Statement) {
        guard let resource = statement.values.first, statement.values.count > 1 else {
            return report(
                .error, statement.excerpt,
                "monitor: expected monitor RESOURCE off, or monitor RESOURCE interval TIME timeout TIME restarts COUNT"
                    + " within TIME",
                help: "RESOURCE is a word of haresources, a type such as Filesystem, or * for all")
        }
        var rule = MonitorRule(resource: resource.text)
        var words = statement.values.dropFirst()
        if words.count == 1, let word = words.first, let isOn = HAConfigParser.boolean(word.text) {
            rule.isOff = !isOn
            words = []
        }
        while let word = words.popFirst() {
            guard read(word, words.popFirst(), into: &rule, statement) else { return }
        }
        note(resource, statement)
        settings.configuration.policy.monitors.append(rule)
    }

    /// One key and its value; false after something was reported.
    private mutating func read(
        _ key: Word, _ value: Word?, into rule: inout MonitorRule, _ statement: Statement
    ) -> Bool {
        let name = key.text.asciiLowercased
        let excerpt = statement.line.excerpt(key)
        guard HAConfigParser.monitorKeys.contains(name) else {
            let words = HAConfigParser.monitorKeys + ["off"]
            report(
                .error, excerpt,
                "\(key.text): expected \(Spelling.list(HAConfigParser.monitorKeys))"
                    + Spelling.hint(for: key.text, among: words))
            return false
        }
        guard let value else {
            report(.error, excerpt, "\(key.text): no value")
            return false
        }
        switch name {
        case "restarts":
            let expected = "a number from 0 to 1000"
            guard let count = number(value, in: 0...1000, expected: expected, statement) else { return false }
            rule.restarts = count
        case "probe":
            guard let probe = MonitorProbe(rawValue: value.text.asciiLowercased) else {
                let names = MonitorProbe.allCases.map(\.rawValue)
                report(
                    .error, statement.line.excerpt(value),
                    "\(value.text): expected \(Spelling.list(names))\(Spelling.hint(for: value.text, among: names))")
                return false
            }
            rule.probe = probe
        default:
            guard let time = time(value, statement)?.value else { return false }
            switch name {
            case "interval": rule.interval = time
            case "timeout": rule.timeout = time
            default: rule.window = time
            }
        }
        return true
    }

    private mutating func note(_ resource: Word, _ statement: Statement) {
        settings.ruledResources.append(Located(value: resource.text, excerpt: statement.line.excerpt(resource)))
    }
}
