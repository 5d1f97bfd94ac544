// An OCF agent in the place of a resource script: its arguments are parameters, its exit code becomes words, since
// words are what heartbeat judges a script's status by (specs/heartbeat.md 5.2).
import CLinux
import ClusterModel
import LinuxSystem

/// `OCF [PROVIDER:]NAME [ARGUMENT...] OPERATION`, and the scripts that wrap one agent each.
package struct OCFScript {
    let agent: OCFAgent
    let parameters: [Setting]
    let instance: String

    /// `words`: `[PROVIDER:]NAME` and its arguments. A single argument without `=`, of an agent that no script of
    /// heartbeat maps, is an instance: its parameters are those of `conf/OCF/NAME/INSTANCE`.
    package init(words: [String], configurationDirectory: String) throws(AgentError) {
        guard let word = words.first else { throw AgentError("expected the name of an OCF agent", code: 2) }
        guard let agent = OCFAgent.find(word) else {
            throw AgentError("there is no OCF agent \(word) in \(InstalledFiles.ocfRoot)/resource.d", code: 5)
        }
        let arguments = Array(words.dropFirst())
        let file = arguments.first.map { "\(configurationDirectory)/conf/OCF/\(agent.name)/\($0)" }
        if let file, arguments.count == 1, !arguments[0].contains("/"), FileSystem.kind(of: file) == .regular {
            try self.init(agent, OCFScript.settings(ofFile: file), instance: arguments[0])
        } else {
            self.init(
                agent, try OCFAgent.parameters(agent.name, arguments), instance: OCFScript.instance(agent, arguments))
        }
    }

    /// The agent behind one of the scripts that wrap one.
    package init(_ script: ClassicScripts.Wrapped, _ arguments: [String]) throws(AgentError) {
        guard let agent = OCFAgent.find("heartbeat:\(script.name)") else {
            throw AgentError(
                "\(script.name) is an OCF agent of the package resource-agents, which is not installed", code: 5)
        }
        if arguments.count < script.requiredCount {
            let names = script.parameters.prefix(script.requiredCount).joined(separator: " ")
            throw AgentError("\(script.name) needs \(names)", code: 2)
        }
        // The script of heartbeat 3.0.6 has this default, the agent has none.
        let words = script.name == "WinPopup" && arguments.isEmpty ? ["hosts"] : arguments
        self.init(agent, try OCFAgent.parameters(script.name, words), instance: OCFScript.instance(agent, arguments))
    }

    private init(_ agent: OCFAgent, _ parameters: [Setting], instance: String) {
        self.agent = agent
        self.parameters = parameters
        self.instance = instance
    }

    private static func instance(_ agent: OCFAgent, _ arguments: [String]) -> String {
        arguments.first.map { "\(agent.name)_\($0)" } ?? agent.name
    }

    private static func settings(ofFile path: String) throws(AgentError) -> [Setting] {
        guard let text = FileSystem.text(of: path, limit: 65536) else { throw AgentError("\(path) cannot be read") }
        return text.split(separator: "\n").compactMap { line in
            let bare = line.prefix { $0 != "#" }.drop { $0.isWhitespace }
            guard var setting = OCFAgent.named(String(bare)) else { return nil }
            while setting.value.last?.isWhitespace == true { setting.value.removeLast() }
            for quote in ["\"", "'"] where setting.value.count > 1 && setting.value.hasPrefix(quote) {
                if setting.value.hasSuffix(quote) { setting.value = String(setting.value.dropFirst().dropLast()) }
            }
            if setting.name.hasPrefix("OCF_RESKEY_") {
                setting.name = String(setting.name.dropFirst("OCF_RESKEY_".count))
            }
            return setting
        }
    }

    /// Carries out start, stop, status or monitor; passes on what the agent says, and says at last what came of it.
    /// Returns the agent's exit code.
    package func run(_ operation: String) throws(AgentError) -> Int32 {
        let isQuestion = operation == "status" || operation == "monitor"
        let result = try agent.run(isQuestion ? "monitor" : operation, parameters, instance: instance)
        // A status that says "running" in a message about something else would be taken at its word.
        let words = (isQuestion ? "" : result.output) + result.errors
        _ = words.utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
        switch (result.status, isQuestion) {
        case (.exited(0), true), (.exited(8), true), (.exited(190), true), (.exited(191), true):
            print("INFO: \(instance) Running OK")
            return 0
        case (.exited(0), false): print("INFO: \(instance) Success")
        case (.exited(7), true): print("INFO: \(instance) Resource is stopped")
        case (.exited(5), true):
            // What is not installed does not run; a stop of it has nothing to do either.
            print("INFO: \(instance) Resource is stopped: \(reason(result))")
        case (_, true):
            // It cannot be told: what may run is not to be taken for stopped.
            print("ERROR: \(instance) may be running: \(reason(result))")
            return AgentProgram.unknownCode
        case (_, false): print("ERROR: \(instance) \(operation): \(reason(result))")
        }
        if case .exited(let code) = result.status { return code }
        return 1
    }

    private func reason(_ result: ToolRun) -> String {
        OCFAgent.reason(in: result.errors) ?? OCFAgent.meaning(of: result.status)
    }
}
