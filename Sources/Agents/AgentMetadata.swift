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
}
