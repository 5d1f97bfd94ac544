// Whether an agent takes arguments: by its own parser, by its metadata, and by what it says to validate-all.
import ClusterModel
import LinuxSystem
import ResourceAgents

/// Arguments on trial; nothing is started.
package struct AgentCheck {
    private let agent: CataloguedAgent
    private let arguments: [String]

    package init(_ agent: CataloguedAgent, _ arguments: [String]) {
        self.agent = agent
        self.arguments = arguments
    }

    /// What is wrong, a line each; empty where the agent takes the arguments.
    package func problems() throws(AgentError) -> [String] {
        switch agent.kind {
        case .native: return nativeProblem.map { [$0] } ?? []
        case .ocf: return try ocfProblems()
        // A script says nothing about its arguments.
        case .script: return []
        case .systemd: return arguments.isEmpty ? [] : ["a unit takes no arguments"]
        }
    }

    private var nativeProblem: String? {
        let resource = ResourceSpecification(type: agent.name, arguments: arguments, text: agent.name)
        if case .invalid(let reason) = ResourceKind(resource, hasScript: { _ in true }, hasUnit: { _ in false }) {
            return reason
        }
        do throws(AgentError) {
            _ = try NativeAgents.make(agent.name, arguments)
            return nil
        } catch {
            return error.reason
        }
    }

    private func ocfProblems() throws(AgentError) -> [String] {
        guard let found = OCFAgent.find("\(agent.provider ?? "heartbeat"):\(agent.name)") else {
            throw AgentError("\(agent.word) is gone")
        }
        let metadata = try found.metadata()
        var problems: [String] = []
        do throws(PromotedRole.Problem) {
            let role = try PromotedRole.read(arguments)
            if role != nil, !metadata.actions.contains(where: { $0.name == "promote" }) {
                problems.append("\(agent.name) has one role, it cannot be promoted")
            }
        } catch {
            problems.append("\(error.word): \(error.reason)")
        }
        let settings = try OCFAgent.parameters(agent.name, PromotedRole.without(arguments))
        for setting in settings where !metadata.parameters.contains(where: { $0.name == setting.name }) {
            problems.append("\(setting.name) is not a parameter of \(agent.name)")
        }
        for parameter in metadata.parameters where parameter.isRequired {
            let isGiven = settings.contains { $0.name == parameter.name && !$0.value.isEmpty }
            if !isGiven { problems.append("\(parameter.name) is missing") }
        }
        if !problems.isEmpty { return problems }
        let result = try found.run("validate-all", settings, limit: .seconds(60))
        // An agent without the action has nothing against the arguments.
        if result.succeeded || result.status == .exited(3) { return [] }
        let words = OCFAgent.reason(in: result.errors)
            ?? result.errors.split(separator: "\n").last.map(String.init) ?? "no reason is given"
        return ["\(OCFAgent.meaning(of: result.status)): \(words)"]
    }
}
