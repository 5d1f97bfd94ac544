// What an alert is about, from the words and the environment that every alert program is given (specs/mon.md 5).
import ClusterModel

/// The occasion of one alert.
package struct AlertFacts: Sendable {
    package var service = ""
    package var group = ""
    /// The enabled hosts of the group.
    package var hosts: [String] = []
    /// Seconds since 1970.
    package var time: Int64 = 0
    /// MON_ALERTTYPE: `failure`, `up`, `startup`, `ack`, `disable`, `trap`, `traptimeout`, `test`.
    package var kind = "failure"
    /// The first line of the monitor's output: the failed hosts, by convention.
    package var summary = ""
    /// The rest of it.
    package var detail = ""
    /// The whole output as it came.
    package var input: [UInt8]
    /// When the check was begun that has failed; nil where the occasion is another one.
    package var observedAt: Instant?
    /// `NAME`, `VALUE`
    package var environment: [(String, String)]

    /// `flags`: `-s SERVICE -g GROUP -h "HOST HOST" -t EPOCH` and the flag of the kind, as an alert program has them.
    package init(
        flags: [String], input: [UInt8], environment: [(String, String)], observedAt: Instant? = nil
    ) {
        self.input = input
        self.observedAt = observedAt
        self.environment = environment
        var index = 0
        while index < flags.count {
            let value = index + 1 < flags.count ? flags[index + 1] : ""
            switch flags[index] {
            case "-s": service = value
            case "-g": group = value
            case "-h": hosts = value.split(separator: " ").map(String.init)
            case "-t": time = Int64(value) ?? 0
            case "-l": break
            case let flag:
                kind = ["-u": "up", "-a": "ack", "-D": "disable", "-T": "trap", "-O": "traptimeout"][flag] ?? kind
                index -= 1
            }
            index += 2
        }
        kind = self["MON_ALERTTYPE"] ?? kind
        let lines = input.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        summary = lines.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
        detail = lines.count > 1 ? String(decoding: lines[1], as: UTF8.self) : ""
    }

    /// A variable of the environment.
    package subscript(name: String) -> String? { environment.last { $0.0 == name }?.1 }

    /// `ALERT`, `UPALERT`, `ACKALERT`: the word that mail and files begin with.
    var word: String {
        switch kind {
        case "up": "UPALERT"
        case "ack": "ACKALERT"
        case "startup": "STARTUPALERT"
        case "disable": "DISABLEALERT"
        case "trap": "TRAP"
        case "traptimeout": "TRAPTIMEOUT"
        default: "ALERT"
        }
    }

    /// `web/http: www1`
    var line: String { "\(group)/\(service): \(summary.isEmpty ? "(NO SUMMARY)" : summary)" }
}
