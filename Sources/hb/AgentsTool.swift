// `hb agents`: what this node can put behind a failover, what each takes, and whether arguments are right.
import Admin
import Agents
import CLinux
import ClusterModel
import JSON
import LinuxSystem

extension Tool {
    static let agents = Tool(
        verb: "agents", program: nil, summary: "list, describe and validate resource agents",
        usage: "[--json] [--kind KIND] | describe [--json] NAME | validate [--json] NAME [ARGUMENT...]"
            + " | run NAME OPERATION [ARGUMENT...]",
        help: """
            Without a word: every agent that this node can run, with kind, provider, name and a short description.
            describe: what an agent takes and does, from its own metadata. validate: whether an agent takes arguments,
            as they stand in haresources without the ::, positions or PARAMETER=VALUE; nothing is started.
            run: carries out start, stop, status, monitor, promote, demote or validate-all as the daemon does, and says
            what came of it. What the running daemon has in a group is only asked, not changed.
            NAME is a word of haresources: MailTo, apache, ocf:heartbeat:pgsql, website, nginx.service.

              --json             print JSON
              --kind KIND        only native, ocf, script or systemd; systemd units are listed only by this

            Exit status: 0 done, valid or running, 1 failed or not valid, 2 wrong command line; of run also 3 stopped,
            4 not known.

            """, options: [ProgramOption("json", "j"), ProgramOption("kind", value: .required)]
    ) { invocation, arguments throws(UsageError) in
        let catalogue = AgentCatalogue(configurationDirectory: arguments.common.paths.configurationDirectory)
        let isJSON = arguments.has("json")
        var words = arguments.operands
        let verb = words.isEmpty ? "list" : words.removeFirst()
        if verb != "list", words.isEmpty { throw UsageError("the name of an agent is missing") }
        let kind = try kind(arguments)
        if !["list", "describe", "validate", "run"].contains(verb) {
            throw UsageError("unknown word '\(verb)', expected describe, validate or run")
        }
        if verb == "run" {
            let operation = words.count > 1 ? AgentRun.operation(words[1]) : nil
            guard let operation else {
                let operations = "start|stop|status|monitor|promote|demote|validate-all"
                throw UsageError("expected run NAME \(operations) [ARGUMENT...]")
            }
            let run = AgentRun(name: words[0], operation: operation, arguments: Array(words.dropFirst(2)))
            return run.run(invocation, arguments.common.paths, catalogue)
        }
        if verb != "validate" { try arguments.expectOperands(atMost: verb == "list" ? 1 : 2) }
        do throws(AgentError) {
            if verb == "list" { return print(list: catalogue.all(kind), isJSON) }
            let agent = try catalogue.find(words[0])
            if verb == "describe" { return try print(agent, isJSON) }
            let problems = try AgentCheck(agent, Array(words.dropFirst())).problems()
            return print(problems: problems, name: words[0], isJSON)
        } catch {
            invocation.complain(error.reason)
            return ExitStatus.failed
        }
    }

    private static func kind(_ arguments: ProgramArguments) throws(UsageError) -> CataloguedAgent.Kind? {
        guard let word = arguments.value("kind") else { return nil }
        guard let kind = CataloguedAgent.Kind(rawValue: word) else {
            throw UsageError("--kind takes native, ocf, script or systemd, not '\(word)'")
        }
        return kind
    }

    private static func print(list agents: [CataloguedAgent], _ isJSON: Bool) -> Int32 {
        if isJSON {
            let values = agents.map { agent in
                JSONValue.object([
                    ("kind", .string(agent.kind.rawValue)), ("provider", JSONValue(agent.provider) { .string($0) }),
                    ("name", .string(agent.name)), ("word", .string(agent.word)), ("summary", .string(agent.summary)),
                ])
            }
            return show(JSONValue.object([("agents", .array(values))]).text(isCompact: false) + "\n")
        }
        var table = Table(["KIND", "PROVIDER", "NAME", "DESCRIPTION"])
        for agent in agents {
            table.add([agent.kind.rawValue, agent.provider ?? "-", agent.name, agent.summary].map { .init(text: $0) })
        }
        return show(table.text(.ofOutput))
    }

    private static func print(_ agent: CataloguedAgent, _ isJSON: Bool) throws(AgentError) -> Int32 {
        let metadata = try agent.describe()
        if isJSON { return show(document(agent, metadata).text(isCompact: false) + "\n") }
        var text = "\(agent.word): \(metadata.summary)\n"
        if !metadata.version.isEmpty { text += "version \(metadata.version)\n" }
        if !metadata.description.isEmpty { text += "\n\(metadata.description)\n" }
        if !metadata.parameters.isEmpty { text += "\nParameters:\n" }
        for parameter in metadata.parameters {
            let notes = [
                parameter.type, parameter.isRequired ? "required" : nil, parameter.isUnique ? "unique" : nil,
                parameter.defaultValue.map { "default \($0.isEmpty ? "empty" : $0)" },
            ].compactMap(\.self).joined(separator: ", ")
            text += "  \(parameter.name) (\(notes))\n"
            let words = parameter.description.isEmpty ? parameter.summary : parameter.description
            for line in words.split(separator: "\n") { text += "      \(line)\n" }
        }
        if !metadata.actions.isEmpty { text += "\nActions:\n" }
        for action in metadata.actions {
            let notes = [
                action.timeout.map { "timeout \($0)" }, action.interval.map { "interval \($0)" },
                action.depth.map { "depth \($0)" }, action.role.map { "role \($0)" },
            ].compactMap(\.self).joined(separator: ", ")
            text += "  \(action.name)\(notes.isEmpty ? "" : "  \(notes)")\n"
        }
        return show(Terminal.printable(text))
    }

    private static func document(_ agent: CataloguedAgent, _ metadata: AgentMetadata) -> JSONValue {
        .object([
            ("kind", .string(agent.kind.rawValue)), ("provider", JSONValue(agent.provider) { .string($0) }),
            ("name", .string(agent.name)), ("word", .string(agent.word)), ("version", .string(metadata.version)),
            ("summary", .string(metadata.summary)), ("description", .string(metadata.description)),
            (
                "parameters",
                .array(
                    metadata.parameters.map { parameter in
                        .object([
                            ("name", .string(parameter.name)), ("type", .string(parameter.type)),
                            ("required", .bool(parameter.isRequired)), ("unique", .bool(parameter.isUnique)),
                            ("default", JSONValue(parameter.defaultValue) { .string($0) }),
                            ("summary", .string(parameter.summary)), ("description", .string(parameter.description)),
                        ])
                    })
            ),
            (
                "actions",
                .array(
                    metadata.actions.map { action in
                        .object([
                            ("name", .string(action.name)), ("timeout", JSONValue(action.timeout) { .string($0) }),
                            ("interval", JSONValue(action.interval) { .string($0) }),
                            ("depth", JSONValue(action.depth) { .string($0) }),
                            ("role", JSONValue(action.role) { .string($0) }),
                        ])
                    })
            ),
        ])
    }

    private static func print(problems: [String], name: String, _ isJSON: Bool) -> Int32 {
        let status = problems.isEmpty ? ExitStatus.done : ExitStatus.failed
        if isJSON {
            let document = JSONValue.object([
                ("name", .string(name)), ("valid", .bool(problems.isEmpty)),
                ("problems", .array(problems.map { .string($0) })),
            ])
            return max(status, show(document.text(isCompact: false) + "\n"))
        }
        if problems.isEmpty { return show(Terminal.printable("\(name): valid\n")) }
        for problem in problems { Terminal.complain(Terminal.printable("\(name): \(problem)\n")) }
        return status
    }

    private static func show(_ text: String) -> Int32 { Terminal.print(text) ? ExitStatus.done : ExitStatus.failed }
}
