// The directive of ha.cf about who is told of transitions:
//     notify PROGRAM | http[s]://... | mailto:ADDRESS [EVENT ...]
import ClusterModel

extension HAConfigParser {
    /// Each target is worked on by itself: more are a mistake, or a mailing list.
    private static let rulesMax = 16
    private static let events = Transition.Kind.allCases.map(\.rawValue)
    private static let schemes = ["http://", "https://"]

    mutating func addNotification(_ statement: Statement) {
        guard let word = statement.values.first else {
            return report(
                .error, statement.excerpt,
                "notify: expected notify PROGRAM, notify http://SERVER/PATH or notify mailto:ADDRESS, and events",
                help: "events are \(Spelling.list(HAConfigParser.events)); without any, all are told")
        }
        guard let target = notificationTarget(word, statement) else { return }
        var kinds: [Transition.Kind] = []
        for word in statement.values.dropFirst() {
            guard let kind = Transition.Kind(rawValue: word.text.asciiLowercased) else {
                let hint = Spelling.hint(for: word.text, among: HAConfigParser.events)
                return report(
                    .error, statement.line.excerpt(word),
                    "\(word.text): expected \(Spelling.list(HAConfigParser.events))\(hint)")
            }
            if !kinds.contains(kind) { kinds.append(kind) }
        }
        let rules = settings.configuration.notifications
        if rules.contains(where: { $0.target == target }) {
            return report(
                .error, statement.line.excerpt(word), "notify: the same target twice",
                help: "name all its events in one line")
        }
        guard rules.count < HAConfigParser.rulesMax else {
            return report(.error, statement.excerpt, "notify: more than \(HAConfigParser.rulesMax) targets")
        }
        settings.configuration.notifications.append(
            NotificationRule(target: target, kinds: kinds.isEmpty ? nil : kinds))
    }

    private mutating func notificationTarget(_ word: Word, _ statement: Statement) -> NotificationTarget? {
        let excerpt = statement.line.excerpt(word)
        if word.text.hasPrefix("/") {
            if let kind = facts.kindOfPath?(word.text), kind != .executable {
                let problem = kind == .missing ? "there is no such program" : "this is not executable"
                report(.error, excerpt, "\(word.text): \(problem)")
                return nil
            }
            return .program(word.text)
        }
        if word.text.hasPrefix("mailto:") {
            let address = String(word.text.dropFirst("mailto:".count))
            // What begins like an option would be one of sendmail's.
            guard !address.isEmpty, !address.hasPrefix("-"), address.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else {
                report(.error, excerpt, "\(word.text): expected mailto: and an address of mail")
                return nil
            }
            return .mail(address)
        }
        let rest = HAConfigParser.schemes.first { word.text.hasPrefix($0) }.map { word.text.dropFirst($0.count) }
        guard let rest else {
            report(.error, excerpt, "\(word.text): expected an absolute path, http://, https:// or mailto:")
            return nil
        }
        guard let first = rest.first, first != "/", word.text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            report(.error, excerpt, "notify: the address names no server")
            return nil
        }
        return .webhook(word.text)
    }
}
