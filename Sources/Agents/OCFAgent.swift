// OCF agents: where they are, how they are called, and what their exit codes mean (specs/agents.md 3).
import CLinux
import ClusterModel
import LinuxSystem

/// An OCF agent of this machine.
package struct OCFAgent: Equatable, Sendable {
    /// The folder below `resource.d` that it is in.
    package let provider: String
    package let name: String
    /// The folder of OCF on this machine, `/usr/lib/ocf`.
    package let root: String

    package var path: String { "\(root)/resource.d/\(provider)/\(name)" }

    /// Longest run of an action that changes nothing, but for a monitor.
    private static let questionLimit: Duration = .seconds(30)

    /// All agents below a root, by provider and name.
    package static func all(root: String = InstalledFiles.ocfRoot) -> [OCFAgent] {
        FileSystem.names(in: "\(root)/resource.d").filter { !$0.hasPrefix(".") }.flatMap { provider in
            FileSystem.names(in: "\(root)/resource.d/\(provider)").compactMap { name in
                find("\(provider):\(name)", root: root)
            }
        }
    }

    /// The agent of `NAME`, of the provider heartbeat or else of the first that has it, or of `PROVIDER:NAME`; nil
    /// where there is none that can be executed.
    package static func find(_ word: String, root: String = InstalledFiles.ocfRoot) -> OCFAgent? {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, parts.allSatisfy(isName), let name = parts.last else { return nil }
        var providers = parts.count == 2 ? [parts[0]] : FileSystem.names(in: "\(root)/resource.d").filter(isName)
        if let index = providers.firstIndex(of: "heartbeat") { providers.swapAt(0, index) }
        return providers.lazy.map { OCFAgent(provider: $0, name: name, root: root) }.first { agent in
            FileSystem.kind(of: agent.path) == .regular && access(agent.path, X_OK) == 0
        }
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix(".") && !text.utf8.contains(UInt8(ascii: "/"))
    }

    /// What the agent says about itself; throws where it says nothing that can be read.
    package func metadata() throws(AgentError) -> AgentMetadata {
        let result = try run("meta-data", [], limit: OCFAgent.questionLimit)
        guard result.succeeded else {
            let line = result.errors.split(separator: "\n").first.map { ": \($0)" } ?? ""
            throw AgentError("\(path) meta-data: \(result.status)\(line)")
        }
        // Some agents print a line of their own before the text.
        guard let start = result.output.firstIndex(of: "<") else { throw AgentError("\(path) has no metadata") }
        return try MetadataParser.parse(String(result.output[start...]))
    }

    /// Runs one action to its end, as `ToolRun.run`; `parameters` come to the agent as OCF_RESKEY_NAME.
    package func run(
        _ action: String, _ parameters: [Setting], instance: String? = nil, limit: Duration? = nil
    ) throws(AgentError) -> ToolRun {
        try ToolRun.run(
            [path, action], environment: environment(parameters, instance: instance), limit: limit)
    }

    private func environment(_ parameters: [Setting], instance: String?) -> [String] {
        let temporary = getenv("HA_RSCTMP") == nil ? ["HA_RSCTMP=\(StateMark.folder)"] : []
        return temporary + [
            "OCF_ROOT=\(root)", "OCF_RA_VERSION_MAJOR=1", "OCF_RA_VERSION_MINOR=0", "OCF_RESOURCE_TYPE=\(name)",
            "OCF_RESOURCE_PROVIDER=\(provider)", "OCF_RESOURCE_INSTANCE=\(instance ?? name)", "OCF_TYPE=\(name)",
            "OCF_EXIT_REASON_PREFIX=\(OCFAgent.reasonPrefix)",
        ] + parameters.map { "OCF_RESKEY_\($0.name)=\($0.value)" }
    }

    /// What agents print before the reason of a failure.
    private static let reasonPrefix = "ocf-exit-reason:"

    /// The agent's own reason in what it printed; nil where it gave none.
    package static func reason(in errors: String) -> String? {
        errors.split(separator: "\n").last { $0.hasPrefix(reasonPrefix) }.map {
            String($0.dropFirst(reasonPrefix.count))
        }
    }

    /// What an exit code means, in words.
    package static func meaning(of status: ChildStatus) -> String {
        guard case .exited(let code) = status else { return "ended by \(status)" }
        let words = [
            "success", "failed", "an argument is wrong", "the action is not implemented", "not permitted",
            "a program that it needs is not installed", "not configured", "not running", "running, promoted",
            "failed, promoted",
        ]
        return words.indices.contains(Int(code)) ? words[Int(code)] : "exit code \(code) is none of OCF's"
    }

    // MARK: Parameters

    /// The parameters that words of haresources are: `NAME=VALUE`, or positions as the scripts of heartbeat map them.
    package static func parameters(_ name: String, _ words: [String]) throws(AgentError) -> [Setting] {
        let positions = ClassicScripts.parameters(ofAgent: name)
        var settings: [Setting] = []
        var position = 0
        for word in words {
            var setting: Setting
            if let named = named(word) {
                setting = named
            } else {
                guard position < positions.count else {
                    throw AgentError("\(word): expected NAME=VALUE, a parameter of \(name)", code: 2)
                }
                setting = Setting(name: positions[position], value: word)
                position += 1
                // The script for WebSphere takes the configuration or the port of the server.
                if name == "WAS", word.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { setting.name = "port" }
            }
            if settings.contains(where: { $0.name == setting.name }) {
                throw AgentError("\(setting.name) is given twice", code: 2)
            }
            settings.append(setting)
        }
        return settings
    }

    /// `NAME=VALUE` where NAME is one that a shell takes.
    package static func named(_ word: String) -> Setting? {
        guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return nil }
        let name = word[..<equals]
        let isName = name.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
        }
        return isName ? Setting(name: String(name), value: String(word[word.index(after: equals)...])) : nil
    }
}
