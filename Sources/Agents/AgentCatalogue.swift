// What this node can run: agents of this product, OCF agents, scripts, and units.
import CLinux
import ClusterModel
import LinuxSystem
import ResourceAgents

/// An agent that a word of haresources can name.
package struct CataloguedAgent: Equatable, Sendable {
    /// Where an agent comes from.
    package enum Kind: String, Sendable {
        case native, ocf, script, systemd
    }

    package let kind: Kind
    /// Of an OCF agent.
    package var provider: String?
    package let name: String
    /// What stands in haresources.
    package let word: String
    /// One line; empty where the agent says nothing.
    package var summary = ""
    /// Where it is; nil for what is part of the resource manager.
    package var path: String?

    /// What it says about itself; throws where it says nothing that can be read.
    package func describe() throws(AgentError) -> AgentMetadata {
        switch kind {
        case .ocf:
            guard let agent = OCFAgent.find("\(provider ?? "heartbeat"):\(name)") else {
                throw AgentError("\(word) is gone")
            }
            return try agent.metadata()
        case .native: return NativeDescriptions.metadata(name)
        case .script, .systemd:
            var metadata = AgentMetadata()
            metadata.name = name
            metadata.summary = summary
            metadata.description = path.map { "The file \($0)." } ?? ""
            metadata.actions = (kind == .script ? ["start", "stop", "status"] : ["start", "stop"]).map {
                AgentMetadata.Action(name: $0)
            }
            return metadata
        }
    }
}

/// The agents of this node.
package struct AgentCatalogue {
    private let locations: ResourceLocations

    package init(configurationDirectory: String) {
        locations = ResourceLocations(configurationDirectory: configurationDirectory)
    }

    /// All agents of a kind; without one all but units, of which every machine has hundreds.
    package func all(_ kind: CataloguedAgent.Kind? = nil) -> [CataloguedAgent] {
        let all: [(CataloguedAgent.Kind, () -> [CataloguedAgent])] = [
            (.native, native), (.script, scripts), (.ocf, ocf), (.systemd, units),
        ]
        return all.filter { kind == nil ? $0.0 != .systemd : $0.0 == kind }.flatMap { $0.1() }
    }

    /// The agent that a word means, as it would be found for a resource; throws where there is none.
    package func find(_ word: String) throws(AgentError) -> CataloguedAgent {
        if word.hasPrefix("ocf:") {
            guard let agent = OCFAgent.find(String(word.dropFirst("ocf:".count))) else {
                throw AgentError("there is no agent \(word)")
            }
            return entry(agent, summary: "")
        }
        let natives = native()
        if let own = natives.first(where: { $0.name == word }) { return own }
        if let script = scripts().first(where: { $0.name == word }) { return script }
        // A script that wraps an OCF agent takes what the agent takes.
        if let agent = OCFAgent.find(word) { return entry(agent, summary: "") }
        let unit = ResourceKind.unitName(word)
        if let found = units().first(where: { $0.word == unit }) { return found }
        throw AgentError("there is no agent \(word)")
    }

    private func native() -> [CataloguedAgent] {
        (ClassicScripts.resources + ClassicScripts.native).sorted().map { name in
            CataloguedAgent(
                kind: .native, name: name, word: name, summary: NativeDescriptions.metadata(name).summary)
        }
    }

    private func scripts() -> [CataloguedAgent] {
        var seen = Set(ClassicScripts.names)
        return locations.scriptDirectories.filter { $0 != InstalledFiles.resourceScripts }.flatMap { directory in
            FileSystem.names(in: directory).compactMap { name in
                guard let path = locations.script(name), seen.insert(name).inserted else { return nil }
                return CataloguedAgent(kind: .script, name: name, word: name, path: path)
            }
        }
    }

    private func ocf() -> [CataloguedAgent] {
        OCFAgent.all().map { agent in
            let summary: String
            do throws(AgentError) {
                summary = try agent.metadata().summary
            } catch {
                summary = "(\(error.reason))"
            }
            return entry(agent, summary: summary)
        }
    }

    private func entry(_ agent: OCFAgent, summary: String) -> CataloguedAgent {
        CataloguedAgent(
            kind: .ocf, provider: agent.provider, name: agent.name, word: "ocf:\(agent.provider):\(agent.name)",
            summary: summary.split(separator: "\n").first.map(String.init) ?? "", path: agent.path)
    }

    private func units() -> [CataloguedAgent] {
        var seen: Set<String> = []
        return InstalledFiles.unitDirectories.flatMap { directory in
            FileSystem.names(in: directory).compactMap { name in
                let path = "\(directory)/\(name)"
                guard name.hasSuffix(".service"), FileSystem.kind(of: path) == .regular, seen.insert(name).inserted
                else { return nil }
                let lines = (FileSystem.text(of: path, limit: 65536) ?? "").split(separator: "\n")
                let summary = lines.first { $0.hasPrefix("Description=") }?.dropFirst("Description=".count) ?? ""
                return CataloguedAgent(
                    kind: .systemd, name: String(name.dropLast(".service".count)), word: name, summary: String(summary),
                    path: path)
            }
        }.sorted { $0.name < $1.name }
    }
}
