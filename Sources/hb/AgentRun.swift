// `hb agents run`: one operation of one resource by the daemon's own code, for who sets a group up or looks for what is
// wrong with it.
import Admin
import Agents
import ClusterConfig
import ClusterModel
import LinuxSystem
import ResourceAgents

/// An operation that a user asks for.
struct AgentRun {
    let name: String
    let operation: ResourceOperation
    let arguments: [String]

    private static let stoppedStatus: Int32 = 3
    private static let unknownStatus: Int32 = 4

    /// The operation of a word; `validate` is another one for `validate-all`.
    static func operation(_ word: String) -> ResourceOperation? {
        ResourceOperation(rawValue: word == "validate" ? ResourceOperation.validate.rawValue : word)
    }

    /// Prints what the resource says and what came of it. Returns the exit status.
    func run(_ invocation: Invocation, _ paths: Paths, _ catalogue: AgentCatalogue) -> Int32 {
        let (files, facts) = ConfigurationFolder(paths.configurationDirectory).read()
        // Without a configuration its defaults hold.
        var configuration = ConfigurationReader.read(files: files, facts: facts).configuration ?? Configuration()
        if configuration.localName.isEmpty { configuration.localName = facts.localNode }
        do throws(AgentError) {
            _ = try catalogue.find(name)
            if !operation.asks, operation != .validate { try refuseHeld(configuration, paths) }
        } catch {
            invocation.complain(error.reason)
            return ExitStatus.failed
        }
        do throws(SystemError) {
            let resources = try ClassicResources(
                configuration, configurationDirectory: paths.configurationDirectory
            ) { record in
                // How the operation ended is said last.
                if record.event == "script-output" || record.level < .info && record.event != "script-failed" {
                    Terminal.complain(Terminal.printable(record.text + "\n"))
                }
            }
            return show(resources.run(operation, specification))
        } catch {
            invocation.complain("\(error)")
            return ExitStatus.failed
        }
    }

    private var specification: ResourceSpecification {
        ResourceSpecification(type: name, arguments: arguments, text: ([name] + arguments).joined(separator: "::"))
    }

    /// What is started or stopped behind the daemon's back could run on two nodes.
    private func refuseHeld(_ configuration: Configuration, _ paths: Paths) throws(AgentError) {
        let group = configuration.groups.first { group in
            group.resources.contains { $0.type == name && $0.arguments == arguments }
        }
        guard let group else { return }
        do throws(AdminError) {
            _ = try AdminClient.report(paths, deadline: Clock.now() + .seconds(5))
        } catch {
            if case .notRunning = error { return }
        }
        throw AgentError(
            "\(specification.text) belongs to the group \(group.name) of the running daemon: hb_takeover and hb_standby"
                + " move it")
    }

    private func show(_ outcome: ResourceOutcome) -> Int32 {
        let (text, status): (String, Int32) =
            switch outcome {
            case .done: ("done", ExitStatus.done)
            case .running: ("running", ExitStatus.done)
            case .stopped: ("stopped", AgentRun.stoppedStatus)
            case .failed(let reason): ("failed: \(reason)", ExitStatus.failed)
            case .unknown(let reason), .unasked(let reason): ("not known: \(reason)", AgentRun.unknownStatus)
            }
        let line = Terminal.printable("\(specification.text) \(operation.rawValue): \(text)\n")
        return Terminal.print(line) ? status : ExitStatus.failed
    }
}
