// What an OCF agent says about itself (specs/agents.md 3).
import ClusterModel

/// The metadata of an OCF agent. Texts are as the agent has them, without blanks around lines.
package struct AgentMetadata: Equatable, Sendable {
    /// A parameter of the agent.
    package struct Parameter: Equatable, Sendable {
        package var name: String
        package var isRequired = false
        /// Whether no two resources of a machine may have the same value.
        package var isUnique = false
        /// `string`, `integer`, `boolean`, or another word of the agent's.
        package var type = "string"
        /// nil: none.
        package var defaultValue: String?
        package var summary = ""
        package var description = ""
    }

    /// Something that the agent can be asked to do.
    package struct Action: Equatable, Sendable {
        package var name: String
        /// As written, `20s`; nil: none is named.
        package var timeout: String?
        package var interval: String?
        package var depth: String?
        package var role: String?
    }

    package var name = ""
    package var version = ""
    package var summary = ""
    package var description = ""
    package var parameters: [Parameter] = []
    package var actions: [Action] = []

    package init() {}

    /// The time that each operation should have, as the agent advises: where it has several for one, by role or depth,
    /// the longest. Without those that name none that can be read.
    package var times: [(operation: String, time: Duration)] {
        var times: [(operation: String, time: Duration)] = []
        for action in actions {
            guard let time = action.timeout.flatMap(AgentMetadata.time), time > .zero else { continue }
            if let index = times.firstIndex(where: { $0.operation == action.name }) {
                times[index].time = max(times[index].time, time)
            } else {
                times.append((action.name, time))
            }
        }
        return times
    }

    /// `20s`, `20`, `500ms`, `2min`, `1h`; nil for anything else. Seconds where no unit is named (specs/agents.md 3).
    package static func time(_ text: String) -> Duration? {
        let word = text.filter { !$0.isWhitespace }.lowercased()
        let digits = word.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number <= 10_000_000 else { return nil }
        switch word.dropFirst(digits.count) {
        case "ms", "msec": return .milliseconds(number)
        case "", "s", "sec": return .seconds(number)
        case "m", "min": return .seconds(number * 60)
        case "h", "hr": return .seconds(number * 3600)
        default: return nil
        }
    }
}
