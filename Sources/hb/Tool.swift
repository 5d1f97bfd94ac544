// What each tool is called, what it takes, and how the right one is found.
import Admin
import Agents
import CLinux
import ClusterModel
import ResourceAgents

/// How a tool was called.
struct Invocation {
    /// As its user typed it: `hb standby` or `hb_standby`.
    var name: String
    /// The words behind the name.
    var words: [String]
    /// Options that stood between `hb` and the verb.
    var common: CommonOptions

    /// One line on standard error.
    func complain(_ text: String) {
        Terminal.complain("\(name): \(Terminal.printable(text))\n")
    }
}

/// One tool.
struct Tool: Sendable {
    /// The word behind `hb`.
    let verb: String
    /// The name of the link to `hb` that is this tool.
    let program: String?
    /// A few words, for `hb --help`.
    let summary: String
    /// What stands behind the name, in one line.
    let usage: String
    /// What `--help` tells between usage and common options; lines that end in LF.
    let help: String
    var options: [ProgramOption] = []
    /// The rest of the command line belongs to a verb of the tool's own.
    var stopsAtOperand = false
    var usageStatus = ExitStatus.usage
    /// Returns the exit status.
    let run: @Sendable (Invocation, ProgramArguments) throws(UsageError) -> Int32

    static let all: [Tool] = [
        status, check, standby, takeover, cleanup, fail, freeze, unmanage, manage, fence, explain, advise, mon, agents,
        simulate, wire, clusterStatus, sendARP, moncmd,
    ]

    /// Runs what the program was called as; returns the exit status.
    static func main(_ arguments: [String]) -> Int32 {
        let path = arguments.first ?? "hb"
        let program = String(path.split(separator: "/").last ?? "hb")
        let words = Array(arguments.dropFirst())
        if let status = FilesystemCommand.runIfCalled(arguments) { return status }
        if ClassicScripts.resources.contains(program) { return ResourceScript.run(program, words) }
        if ClassicCommands.knows(program) { return ClassicCommands.run(program, words) }
        if program == "fake" { return FakeCommand.run(words) }
        if AgentProgram.knows(program) { return AgentProgram.run(program, words) }
        if let tool = all.first(where: { $0.program == program }) {
            return tool.start(Invocation(name: program, words: words, common: CommonOptions()))
        }
        return startVerb(words)
    }

    private static func startVerb(_ words: [String]) -> Int32 {
        do throws(UsageError) {
            let arguments = try ProgramArguments(words, stopsAtOperand: true)
            if arguments.common.wantsHelp { return print(overview) }
            if arguments.common.wantsVersion { return print(Product.versionLine(tool: "hb") + "\n") }
            guard let verb = arguments.operands.first else { throw UsageError("a command is missing") }
            if ClassicCommands.knows(verb) {
                return ClassicCommands.run(verb, Array(arguments.operands.dropFirst()))
            }
            guard let tool = all.first(where: { $0.verb == verb || $0.program == verb }) else {
                throw UsageError("unknown command '\(verb)'")
            }
            let rest = Array(arguments.operands.dropFirst())
            return tool.start(Invocation(name: "hb \(verb)", words: rest, common: arguments.common))
        } catch {
            let verbs = all.map(\.verb).joined(separator: "|")
            Terminal.complain("hb: \(Terminal.printable(error.description))\nusage: hb \(verbs) ... (hb --help)\n")
            return ExitStatus.usage
        }
    }

    private func start(_ invocation: Invocation) -> Int32 {
        do throws(UsageError) {
            let arguments = try ProgramArguments(
                invocation.words, options: options, common: invocation.common, stopsAtOperand: stopsAtOperand)
            if arguments.common.wantsHelp {
                return Tool.print("usage: \(invocation.name) \(usage)\n\n\(help)\n\(CommonOptions.help)")
            }
            if arguments.common.wantsVersion {
                return Tool.print(Product.versionLine(tool: program ?? "hb") + "\n")
            }
            return try run(invocation, arguments)
        } catch {
            invocation.complain(error.description)
            Terminal.complain("usage: \(invocation.name) \(usage)\n")
            return usageStatus
        }
    }

    private static func print(_ text: String) -> Int32 {
        Terminal.print(text) ? ExitStatus.done : ExitStatus.failed
    }

    private static var overview: String {
        let width = all.map(\.verb.count).max() ?? 0
        let lines = all.map { tool in
            let pad = String(repeating: " ", count: width - tool.verb.count + 2)
            return "  \(tool.verb)\(pad)\(tool.summary)"
                + (tool.program.map { $0 == tool.verb ? " (also a program)" : " (also: \($0))" } ?? "") + "\n"
        }
        return "usage: hb COMMAND ...\n\nCommands for an operator of a heartbeat cluster:\n" + lines.joined()
            + "\nhb COMMAND --help tells more about each. All commands take:\n" + CommonOptions.help
    }
}

extension ProgramArguments {
    /// Refuses operands beyond a number.
    func expectOperands(atMost count: Int) throws(UsageError) {
        if operands.count > count { throw UsageError("unexpected word '\(operands[count])'") }
    }
}
