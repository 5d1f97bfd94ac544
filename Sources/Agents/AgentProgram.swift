// An agent of this product or an OCF agent, called as a resource script.
import CLinux
import ClusterModel
import LinuxSystem

/// The programs in `libexec/heartbeat/resource.d`.
package enum AgentProgram {
    /// The operations of a resource script, then those of OCF agents, and the question for the times that one advises.
    package static let operations = [
        "start", "stop", "status", "monitor", "promote", "demote", "validate-all", "timeouts",
    ]
    static let stoppedCode: Int32 = 3
    /// The LSB's for a status that cannot be told; heartbeat takes it so where the words say `may be running`.
    static let unknownCode: Int32 = 4

    /// Whether a name is that of an agent; addresses and filesystems are not among them.
    package static func knows(_ name: String) -> Bool {
        ClassicScripts.native.contains(name) || isOCF(name) || wrapped(name) != nil
    }

    /// Carries out one operation: the script's arguments, and the operation last. Prints what scripts of heartbeat
    /// print, and returns the exit code: that of the LSB, for an OCF agent its own.
    package static func run(_ name: String, _ words: [String]) -> Int32 {
        if name == "AudibleAlarm", words == [AudibleAlarm.ring] { AudibleAlarm.ringForEver() }
        guard let operation = words.last, operations.contains(operation) else {
            complain("usage: \(name) [ARGUMENT...] \(usage(name))")
            return 2
        }
        let arguments = Array(words.dropLast())
        do throws(AgentError) {
            if let script = wrapped(name) { return try OCFScript(script, arguments).run(operation) }
            if isOCF(name) {
                return try OCFScript(words: arguments, configurationDirectory: configurationDirectory).run(operation)
            }
            guard let agent = try NativeAgents.make(name, arguments) else {
                throw AgentError("\(name) is no agent of this program", code: 3)
            }
            return try run(agent, operation)
        } catch {
            return fail(error, operation)
        }
    }

    private static func run(_ agent: any NativeAgent, _ operation: String) throws(AgentError) -> Int32 {
        switch operation {
        case "start": try agent.start()
        case "stop": try agent.stop()
        // Its arguments are right, or it would not be there; it has one role, and advises no times.
        case "validate-all", "timeouts": break
        case "promote", "demote": throw AgentError("it has one role", code: 3)
        default:
            switch try agent.status() {
            case .running(let detail): print(detail.isEmpty ? "running" : "running \(detail)")
            case .stopped(let detail):
                print(detail.isEmpty ? "stopped" : "stopped \(detail)")
                return stoppedCode
            case .unknown(let detail):
                print("cannot determine status, may be running (\(detail))")
                return unknownCode
            }
        }
        return 0
    }

    /// What is not installed does not run, and its stop has nothing to do.
    private static func fail(_ error: AgentError, _ operation: String) -> Int32 {
        let isAbsent = error.code == 5
        switch operation {
        case "start", "promote", "demote", "validate-all", "timeouts": complain("ERROR: \(error.reason)")
        case "stop":
            complain("\(isAbsent ? "WARNING" : "ERROR"): \(error.reason)")
            if isAbsent { return 0 }
        default:
            print(isAbsent || error.code == 2 ? "stopped (\(error.reason))" : "may be running (\(error.reason))")
            return isAbsent || error.code == 2 ? stoppedCode : unknownCode
        }
        return error.code
    }

    private static func usage(_ name: String) -> String {
        let words = ["start", "stop", "status", "monitor"] + (isOCF(name) ? ["promote", "demote", "validate-all"] : [])
        return words.joined(separator: "|")
    }

    private static func isOCF(_ name: String) -> Bool { name == "OCF" || name == "ocf" }

    private static func wrapped(_ name: String) -> ClassicScripts.Wrapped? {
        ClassicScripts.wrapped.first { $0.name == name }
    }

    private static var configurationDirectory: String {
        let own = getenv("HA_DIR").map { String(cString: $0) } ?? ""
        return own.isEmpty ? "/etc/ha.d" : own
    }

    /// This node's name in the cluster, or the host's.
    static var nodeName: String {
        if let own = getenv("HA_CURHOST") { return String(cString: own) }
        let text = FileSystem.text(of: "/proc/sys/kernel/hostname", limit: 256) ?? ""
        return text.split(separator: "\n").first.map(String.init) ?? "localhost"
    }

    /// One line on standard error.
    static func complain(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(2, line, line.count)
    }

    /// Starts this program again under another name, in a process group of its own and without a terminal; whoever
    /// waits for this process does not wait for that one. Returns its process id.
    @discardableResult
    static func leaveBehind(_ arguments: [String]) throws(AgentError) -> pid_t {
        do throws(SystemError) {
            let null = try Descriptor.open("/dev/null", O_RDWR)
            var spawn = Spawn(program: "/proc/self/exe", arguments: arguments)
            spawn.environment = ["PATH=\(ToolRun.path)"]
            spawn.descriptors = [0: null.raw, 1: null.raw, 2: null.raw]
            spawn.leadsProcessGroup = true
            return try spawn.start()
        } catch {
            throw AgentError("\(error)")
        }
    }
}
