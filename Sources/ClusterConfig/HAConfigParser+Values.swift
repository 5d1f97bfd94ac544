// The kinds of values that directives take. Each reader returns nil after reporting what it expected.
import ClusterModel

extension HAConfigParser {
    mutating func report(
        _ severity: Diagnostic.Severity, _ excerpt: Excerpt, _ message: String, help: String? = nil
    ) {
        diagnostics.append(Diagnostic(severity, excerpt, message, help: help))
    }

    /// At least one value; none is reported.
    mutating func values(_ statement: Statement, expected: String) -> [Word] {
        if statement.values.isEmpty {
            report(.error, statement.excerpt, "\(statement.name.text): no value, expected \(expected)")
        }
        return statement.values
    }

    /// The one value. As in 3.0.6 the last of several counts, which is reported.
    mutating func value(_ statement: Statement, expected: String) -> Word? {
        let words = values(statement, expected: expected)
        if words.count > 1, let last = words.last {
            report(
                .warning, statement.line.excerpt(last),
                "\(statement.name.text): takes one value and has \(words.count), the last one counts",
                help: "expected \(expected)")
        }
        return words.last
    }

    mutating func time(_ statement: Statement) -> Located<Duration>? {
        guard let word = value(statement, expected: TimeText.expectation) else { return nil }
        return time(word, statement)
    }

    mutating func time(_ word: Word, _ statement: Statement) -> Located<Duration>? {
        let excerpt = statement.line.excerpt(word)
        switch TimeText.parse(word.text) {
        case .time(let time, _) where time == .zero:
            report(.error, excerpt, "\(word.text): a time of 0, expected 1ms or more")
            return nil
        case .time(let time, let exact):
            if !exact {
                report(.warning, excerpt, "\(word.text): rounded to whole milliseconds, \(TimeText.spell(time))")
            }
            return Located(value: time, excerpt: excerpt)
        case .notANumber: report(.error, excerpt, "\(word.text): expected \(TimeText.expectation)")
        case .unknownUnit(let unit):
            report(.error, excerpt, "\(word.text): unknown unit \(unit), expected us, ms, s or m")
        case .tooLong: report(.error, excerpt, "\(word.text): more than a year, expected \(TimeText.expectation)")
        }
        return nil
    }

    mutating func applyLease(_ statement: Statement) {
        settings.configuration.policy.leasesAddresses = statement.values.map(\.text) != ["off"]
        if settings.configuration.policy.leasesAddresses { settings.lease = time(statement) ?? settings.lease }
    }

    mutating func number(_ statement: Statement, in range: ClosedRange<Int>) -> Int? {
        let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
        guard let word = value(statement, expected: expected) else { return nil }
        return number(word, in: range, expected: expected, statement)
    }

    mutating func number(
        _ word: Word, in range: ClosedRange<Int>, expected: String, _ statement: Statement
    ) -> Int? {
        if let number = HAConfigParser.integer(word.text), range.contains(number) { return number }
        report(.error, statement.line.excerpt(word), "\(word.text): expected \(expected)")
        return nil
    }

    mutating func boolean(_ statement: Statement) -> Bool? {
        guard let word = value(statement, expected: "on or off") else { return nil }
        if let value = HAConfigParser.boolean(word.text) { return value }
        let hint = Spelling.hint(for: word.text, among: ["true", "on", "yes", "false", "off", "no"])
        report(.error, statement.line.excerpt(word), "\(word.text): expected on or off\(hint)")
        return nil
    }

    /// One of the names of an enum; compared without regard to case.
    mutating func choice<Choice: RawRepresentable<String>>(
        _ statement: Statement, _ choices: [Choice]
    ) -> Located<Choice>? {
        let names = choices.map(\.rawValue)
        guard let word = value(statement, expected: Spelling.list(names)) else { return nil }
        let excerpt = statement.line.excerpt(word)
        if let choice = Choice(rawValue: word.text.asciiLowercased), names.contains(choice.rawValue) {
            return Located(value: choice, excerpt: excerpt)
        }
        let hint = Spelling.hint(for: word.text, among: names)
        report(.error, excerpt, "\(word.text): expected \(Spelling.list(names))\(hint)")
        return nil
    }

    /// One of several words; compared without regard to case, returned in lower case.
    mutating func keyword(_ statement: Statement, _ keywords: [String]) -> String? {
        guard let word = value(statement, expected: Spelling.list(keywords)) else { return nil }
        let text = word.text.asciiLowercased
        if keywords.contains(text) { return text }
        let hint = Spelling.hint(for: word.text, among: keywords)
        report(.error, statement.line.excerpt(word), "\(word.text): expected \(Spelling.list(keywords))\(hint)")
        return nil
    }

    mutating func path(_ statement: Statement) -> Located<String>? {
        guard let word = value(statement, expected: "an absolute path") else { return nil }
        return path(word, statement)
    }

    mutating func path(_ word: Word, _ statement: Statement) -> Located<String>? {
        let excerpt = statement.line.excerpt(word)
        guard word.text.hasPrefix("/") else {
            report(.error, excerpt, "\(word.text): expected an absolute path, one that begins with /")
            return nil
        }
        return Located(value: word.text, excerpt: excerpt)
    }

    /// The booleans of 3.0.6, in any case.
    static func boolean(_ text: String) -> Bool? {
        switch text.asciiLowercased {
        case "true", "on", "yes", "y", "1": true
        case "false", "off", "no", "n", "0": false
        default: nil
        }
    }

    /// A decimal number with an optional minus sign, nothing else.
    static func integer(_ text: String) -> Int? {
        text.utf8.first == UInt8(ascii: "+") ? nil : Int(text)
    }
}
