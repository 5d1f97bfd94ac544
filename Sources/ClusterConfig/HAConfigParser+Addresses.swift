// The directives of ha.cf about held addresses:
//     announce [count NUMBER] [interval TIME] [refresh TIME] [router ADDRESS] ...
//     connections keep | reset | drop
import ClusterModel

extension HAConfigParser {
    private static let announceKeys = ["count", "interval", "refresh", "router"]
    private static let routersMax = 16
    private static let countMax = 1000

    mutating func setAnnouncement(_ statement: Statement) {
        guard !statement.values.isEmpty else {
            return report(
                .error, statement.excerpt,
                "announce: expected announce count NUMBER interval TIME refresh TIME router ADDRESS, or some of it")
        }
        var words = statement.values[...]
        while let key = words.popFirst() {
            let name = key.text.asciiLowercased
            guard HAConfigParser.announceKeys.contains(name) else {
                let hint = Spelling.hint(for: key.text, among: HAConfigParser.announceKeys)
                return report(
                    .error, statement.line.excerpt(key),
                    "\(key.text): expected \(Spelling.list(HAConfigParser.announceKeys))\(hint)")
            }
            guard let value = words.popFirst() else {
                return report(.error, statement.line.excerpt(key), "\(key.text): no value")
            }
            guard readAnnouncement(name, value, statement) else { return }
        }
    }

    /// One key and its value; false after something was reported.
    private mutating func readAnnouncement(_ key: String, _ value: Word, _ statement: Statement) -> Bool {
        switch key {
        case "count":
            let range = 1...HAConfigParser.countMax
            let expected = "a number from 1 to \(HAConfigParser.countMax)"
            guard let count = number(value, in: range, expected: expected, statement) else { return false }
            settings.configuration.policy.announcement.count = count
        case "router":
            guard let address = AddressLiteral(value.text), address.isIPv4, !address.isMulticast,
                !address.isUnspecified
            else {
                report(.error, statement.line.excerpt(value), "\(value.text): expected the IPv4 address of a router")
                return false
            }
            let routers = settings.configuration.policy.announcement.routers
            if routers.contains(value.text) { return true }
            guard routers.count < HAConfigParser.routersMax else {
                report(
                    .error, statement.line.excerpt(value),
                    "announce: more than \(HAConfigParser.routersMax) routers")
                return false
            }
            settings.configuration.policy.announcement.routers.append(value.text)
        default:
            guard let time = time(value, statement)?.value else { return false }
            if key == "interval" {
                settings.configuration.policy.announcement.interval = time
                return true
            }
            guard time >= .seconds(1) else {
                report(.error, statement.line.excerpt(value), "\(value.text): a refresh takes 1s or more")
                return false
            }
            settings.configuration.policy.announcement.refresh = time
        }
        return true
    }

    mutating func setConnections(_ statement: Statement) {
        guard let word = value(statement, expected: "keep, reset or drop") else { return }
        guard let policy = ConnectionPolicy(rawValue: word.text.asciiLowercased) else {
            let hint = Spelling.hint(for: word.text, among: ConnectionPolicy.allCases.map(\.rawValue))
            return report(
                .error, statement.line.excerpt(word), "\(word.text): expected keep, reset or drop\(hint)")
        }
        settings.configuration.policy.connections = policy
    }
}
