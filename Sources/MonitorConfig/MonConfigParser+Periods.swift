// What stands in a period: alerts, and how often they are given (specs/mon.md 3.4).
import ClusterConfig
import Monitoring

extension MonConfigParser {
    static let periodWords = [
        "alert", "upalert", "startupalert", "ackalert", "disablealert", "alertevery", "alertafter", "upalertafter",
        "numalerts", "no_comp_alerts", "alerts_dont_count", "alertexitrange",
    ]

    /// `period [LABEL:] SPEC`
    mutating func beginPeriod(_ value: ConfigWord, _ line: ConfigLine, _ index: Int) {
        var key = value.text
        var spec = value
        let label = value.text.prefix { $0 != ":" && $0 != " " && $0 != "\t" && $0 != "{" }
        if label.utf8.count < value.text.utf8.count, !label.isEmpty, label.utf8.allSatisfy(isTagByte),
            value.text[label.endIndex] == ":"
        {
            key = String(label)
            spec = line.rest(from: value.range.lowerBound + label.utf8.count + 1)
        }
        if configuration.services[index].periods.contains(where: { $0.key == key }) {
            let what = key.isEmpty ? "a period without a name" : "period '\(key)'"
            report(.error, line.excerpt(), "\(what) is there already in this service",
                help: "give it a label of its own: period LABEL: \(spec.text)")
        }
        let period = period(spec, line) ?? .always
        configuration.services[index].periods.append(AlertPeriod(key: key, period: period))
    }

    mutating func readInPeriod(
        _ word: ConfigWord, _ value: ConfigWord, _ place: Excerpt, _ line: ConfigLine, _ index: Int
    ) {
        let last = configuration.services[index].periods.count - 1
        var period = configuration.services[index].periods[last]
        if let kind = AlertLine.Kind(rawValue: word.text) {
            if let alert = alert(kind, value, place, line) { period.alerts.append(alert) }
        } else {
            readLimits(word.text, value, place, line, &period)
            checkAlertAfter(period, place, configuration.services[index].interval)
        }
        configuration.services[index].periods[last] = period
    }

    private mutating func alert(
        _ kind: AlertLine.Kind, _ value: ConfigWord, _ place: Excerpt, _ line: ConfigLine
    ) -> AlertLine? {
        var words = line.words(from: value.range.lowerBound)
        var range: ExitRange?
        if let first = words.first, first.text.hasPrefix("exit=") {
            range = ExitRange(String(first.text.dropFirst(5)))
            if range == nil {
                report(.error, line.excerpt(first.range), "\(kind.rawValue): expected exit=N or exit=N-M")
            }
            words.removeFirst()
        }
        guard let program = words.first else {
            report(.error, place, "\(kind.rawValue): no program")
            return nil
        }
        return AlertLine(
            kind: kind, exitRange: range, program: program.text,
            argumentText: line.rest(from: program.range.upperBound).text)
    }

    private mutating func readLimits(
        _ word: String, _ value: ConfigWord, _ place: Excerpt, _ line: ConfigLine, _ period: inout AlertPeriod
    ) {
        let words = line.words(from: value.range.lowerBound)
        switch word {
        case "alertevery": readAlertEvery(words, place, line, &period)
        case "alertafter": readAlertAfter(words, place, line, &period)
        case "upalertafter": period.upalertAfter = interval(word, value.text, place)
        case "numalerts":
            guard let number = Int(value.text), number > 0 else {
                return report(.error, place, "numalerts: expected a number, 1 or more")
            }
            period.numAlerts = number
        case "no_comp_alerts": period.noCompAlerts = true
        case "alerts_dont_count": period.alertsDontCount = true
        default:
            period.exitRange = ExitRange(value.text)
            if period.exitRange == nil { report(.error, place, "alertexitrange: expected N or N-M") }
        }
    }

    private mutating func readAlertEvery(
        _ words: [ConfigWord], _ place: Excerpt, _ line: ConfigLine, _ period: inout AlertPeriod
    ) {
        guard let first = words.first else { return report(.error, place, "alertevery: no time") }
        guard let time = interval("alertevery", first.text, line.excerpt(first.range)) else { return }
        var condition = AlertEvery.Condition.sameSummary
        if words.count > 1 {
            switch words[1].text {
            case "observe_detail": condition = .sameOutput
            case "ignore_summary": condition = .always
            case "strict": condition = .strict
            case "summary": break
            default:
                let known = ["observe_detail", "ignore_summary", "strict", "summary"]
                report(.error, line.excerpt(words[1].range),
                    "alertevery: expected \(Spelling.list(known))" + Spelling.hint(for: words[1].text, among: known))
            }
        }
        period.alertEvery = AlertEvery(interval: time, condition: condition)
    }

    private mutating func readAlertAfter(
        _ words: [ConfigWord], _ place: Excerpt, _ line: ConfigLine, _ period: inout AlertPeriod
    ) {
        period.alertAfterCount = nil
        period.alertAfterInterval = nil
        guard let first = words.first, words.count <= 2 else {
            return report(.error, place, "alertafter: expected a number, a time, or a number and a time")
        }
        if let count = Int(first.text) {
            guard (1...10_000).contains(count) else {
                return report(.error, line.excerpt(first.range), "alertafter: expected a number, 1 to 10000")
            }
            period.alertAfterCount = count
        } else if words.count == 1 {
            period.alertAfterInterval = interval("alertafter", first.text, line.excerpt(first.range))
            return
        } else {
            return report(.error, line.excerpt(first.range), "alertafter: expected a number before the time")
        }
        if words.count == 2 {
            period.alertAfterInterval = interval("alertafter", words[1].text, line.excerpt(words[1].range))
        }
    }

    /// Failures that are too far apart to come within the time.
    private mutating func checkAlertAfter(_ period: AlertPeriod, _ place: Excerpt, _ interval: Duration?) {
        guard let count = period.alertAfterCount, let within = period.alertAfterInterval, let interval,
            interval * (count - 1) >= within
        else { return }
        report(.error, place,
            "alertafter: \(count) failures, one each \(IntervalText.seconds(interval))s, never come within "
                + "\(IntervalText.seconds(within))s")
    }
}
