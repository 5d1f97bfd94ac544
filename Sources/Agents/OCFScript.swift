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
    /// nil: the resource has one role.
    let role: PromotedRole?

    /// `words`: `[PROVIDER:]NAME` and its arguments. A single argument without `=`, of an agent that no script of
    /// heartbeat maps, is an instance: its parameters are those of `conf/OCF/NAME/INSTANCE`.
    package init(words: [String], configurationDirectory: String) throws(AgentError) {
        guard let word = words.first else { throw AgentError("expected the name of an OCF agent", code: 2) }
        guard let agent = OCFAgent.find(word) else {
            throw AgentError("there is no OCF agent \(word) in \(InstalledFiles.ocfRoot)/resource.d", code: 5)
        }
        let role: PromotedRole?
        do throws(PromotedRole.Problem) {
            role = try PromotedRole.read(Array(words.dropFirst()))
        } catch {
            throw AgentError("\(error.word): \(error.reason)", code: 2)
        }
        let arguments = PromotedRole.without(Array(words.dropFirst()))
        let file = arguments.first.map { "\(configurationDirectory)/conf/OCF/\(agent.name)/\($0)" }
        if let file, arguments.count == 1, !arguments[0].contains("/"), FileSystem.kind(of: file) == .regular {
            try self.init(agent, OCFScript.settings(ofFile: file), instance: arguments[0], role: role)
        } else {
            self.init(
                agent, try OCFAgent.parameters(agent.name, arguments), instance: OCFScript.instance(agent, arguments),
                role: role)
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

    private init(_ agent: OCFAgent, _ parameters: [Setting], instance: String, role: PromotedRole? = nil) {
        self.agent = agent
        self.parameters = parameters
        self.instance = instance
        self.role = role
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

    /// Carries out an operation of `AgentProgram.operations`; passes on what the agent says, and says at last what came
    /// of it. Returns the agent's exit code; that of the LSB for a resource whose state is not the one of its role.
    package func run(_ operation: String) throws(AgentError) -> Int32 {
        switch operation {
        case "timeouts": return try tellTimes()
        case "status", "monitor": return try tellStatus()
        case "demote":
            // What does not run has no role to give back.
            let found = try agent.run("monitor", parameters + meta, instance: instance)
            if found.status == .exited(7) || found.status == .exited(5) {
                print("INFO: \(instance) Resource is stopped")
                return 0
            }
        default: break
        }
        let result = try agent.run(operation, parameters + meta, instance: instance)
        pass(on: result.output + result.errors)
        // Some agents answer a start so when they are promoted already.
        if result.succeeded || role != nil && operation == "start" && result.status == .exited(8) {
            print("INFO: \(instance) Success")
            return 0
        } else {
            print("ERROR: \(instance) \(operation): \(reason(result))")
        }
        if case .exited(let code) = result.status { return code }
        return 1
    }

    private func tellStatus() throws(AgentError) -> Int32 {
        let result = try agent.run("monitor", parameters + meta, instance: instance)
        // A status that says "running" in a message about something else would be taken at its word.
        pass(on: result.errors)
        switch (result.status, role?.staysUnpromoted) {
        case (.exited(8), _), (.exited(191), _), (.exited(0), nil), (.exited(190), nil):
            print("INFO: \(instance) Running OK")
            return 0
        // The copy that stays behind is no reason for another node to wait.
        case (.exited(0), true), (.exited(190), true):
            print("INFO: \(instance) Resource is stopped: it is not promoted")
            return AgentProgram.stoppedCode
        case (.exited(0), false), (.exited(190), false):
            print("INFO: \(instance) may be running: it is not promoted")
            return AgentProgram.unknownCode
        case (.exited(7), _):
            print("INFO: \(instance) Resource is stopped")
            return 7
        case (.exited(5), _):
            // What is not installed does not run; a stop of it has nothing to do either.
            print("INFO: \(instance) Resource is stopped: \(reason(result))")
            return 5
        default:
            // It cannot be told: what may run is not to be taken for stopped.
            print("ERROR: \(instance) may be running: \(reason(result))")
            return AgentProgram.unknownCode
        }
    }

    /// What the agent advises about the time of its operations: its path, then an operation and milliseconds a line.
    private func tellTimes() throws(AgentError) -> Int32 {
        print("agent \(agent.path)")
        for (operation, time) in try agent.metadata().times { print("\(operation) \(time.wholeMilliseconds)") }
        return 0
    }

    /// What an agent with two roles finds besides (specs/agents.md 3): one copy on each of two nodes, one promoted.
    private var meta: [Setting] {
        guard role != nil else { return [] }
        let values = [
            ("clone_max", "2"), ("clone_node_max", "1"), ("master_max", "1"), ("master_node_max", "1"),
            ("promoted_max", "1"), ("promoted_node_max", "1"), ("notify", "true"), ("globally_unique", "false"),
        ]
        return values.map { Setting(name: "CRM_meta_\($0)", value: $1) }
    }

    private func pass(on words: String) {
        let bytes = Array(words.utf8)
        _ = write(2, bytes, bytes.count)
    }

    private func reason(_ result: ToolRun) -> String {
        OCFAgent.reason(in: result.errors) ?? OCFAgent.meaning(of: result.status)
    }
}
