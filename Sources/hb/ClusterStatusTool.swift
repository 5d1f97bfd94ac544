// `cl_status`: one fact a call, with heartbeat's words and exit statuses (specs/heartbeat.md 7).
import Admin
import ClusterModel
import LinuxSystem

extension Tool {
    static let clusterStatus: Tool = Tool(
        verb: "cl_status", program: "cl_status", summary: "print one fact of the cluster, for scripts",
        usage: "SUB-COMMAND [OPTION ...] [PARAMETER ...]",
        help: """
              hbstatus [-v]                    whether heartbeat runs here
              listnodes [-p] [-n] [-v]         names of the members; -p ping nodes, -n normal nodes
              nodestatus NODE                  init, up, active, dead, or ping
              nodetype NODE                    normal or ping
              nodeweight NODE                  always 100
              nodesite NODE                    always default
              listhblinks NODE [-v]            media that reach a node
              hblinkstatus NODE LINK           up or dead
              clientstatus NODE CLIENT [MS]    online, offline, join or leave
              rscstatus [-m]                   what this node holds: none, local, foreign, all, or transition
              hbparameter -p NAME              a directive of ha.cf

            All take -m (words for people) and -v (more).

            Exit status: 0 success, 1 failure or no, 11 wrong command line, 12 heartbeat does not answer.
            clientstatus: 0 online, 1 offline, 2 join, 3 leave.

            """, stopsAtOperand: true, usageStatus: ClusterStatus.parameterError
    ) { invocation, arguments throws(UsageError) in
        guard let word = arguments.operands.first else {
            // As heartbeat does: called without a word it explains itself.
            Terminal.print("usage: \(invocation.name) \(clusterStatus.usage)\n\n\(clusterStatus.help)")
            return ClusterStatus.success
        }
        guard let command = ClusterStatus.Command(rawValue: word) else {
            throw UsageError("unknown sub-command '\(word)'")
        }
        let given = try ProgramArguments(
            Array(arguments.operands.dropFirst()), options: command.options, common: arguments.common)
        return try ClusterStatus(invocation: invocation, command: command, arguments: given).run()
    }
}

/// One call of cl_status.
private struct ClusterStatus {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    static let parameterError: Int32 = 11
    static let timeout: Int32 = 12
    static let unknown: Int32 = 13
    /// How long another node may take to tell of its clients.
    static let clientPatience: Duration = .milliseconds(500)

    /// How long heartbeat may take to answer.
    static let patience: Duration = .seconds(5)

    enum Command: String {
        case hbstatus, listnodes, nodestatus, nodetype, nodeweight, nodesite, listhblinks, hblinkstatus, clientstatus
        case rscstatus, hbparameter

        var options: [ProgramOption] {
            let both = [ProgramOption(nil, "m"), ProgramOption(nil, "v")]
            return switch self {
            case .listnodes: both + [ProgramOption(nil, "p"), ProgramOption(nil, "n")]
            case .hbparameter: both + [ProgramOption(nil, "p", value: .required)]
            default: both
            }
        }

        /// The smallest and largest number of operands.
        var operands: ClosedRange<Int> {
            switch self {
            case .hbstatus, .listnodes, .rscstatus, .hbparameter: 0...0
            case .nodestatus, .nodetype, .nodeweight, .nodesite, .listhblinks: 1...1
            case .hblinkstatus: 2...2
            case .clientstatus: 2...3
            }
        }
    }

    let invocation: Invocation
    let command: Command
    let arguments: ProgramArguments

    func run() throws(UsageError) -> Int32 {
        if arguments.common.wantsHelp {
            Terminal.print("usage: \(invocation.name) \(Tool.clusterStatus.usage)\n\n\(Tool.clusterStatus.help)")
            return ClusterStatus.success
        }
        try arguments.expectOperands(atMost: command.operands.upperBound)
        guard arguments.operands.count >= command.operands.lowerBound else {
            throw UsageError("\(command.rawValue) needs another parameter")
        }
        let deadline = Clock.now() + ClusterStatus.patience
        let paths = arguments.common.paths
        do throws(AdminError) {
            if command == .hbparameter {
                guard let name = arguments.value("p") else { return complain("hbparameter needs -p NAME") }
                return show(try AdminClient.parameter(name, paths, deadline: deadline), name: name)
            }
            return answer(try AdminClient.report(paths, deadline: deadline))
        } catch {
            return failed(error)
        }
    }

    // MARK: Without an answer

    private func failed(_ error: AdminError) -> Int32 {
        if error == .timedOut {
            invocation.complain(error.description)
            return ClusterStatus.timeout
        }
        guard command == .hbstatus else {
            Terminal.complain("Cannot signon with heartbeat\nREASON: \(Terminal.printable(error.description))\n")
            return ClusterStatus.failure
        }
        if case .notRunning = error {
            Terminal.print("Heartbeat is stopped on this machine.\n")
            return ClusterStatus.failure
        }
        Terminal.print("Heartbeat is apparently running on this machine, but refuses my connection\n")
        return ClusterStatus.success
    }

    /// A parameter that makes no sense.
    private func complain(_ text: String) -> Int32 {
        invocation.complain(text)
        return ClusterStatus.parameterError
    }

    // MARK: Answers

    private func show(_ value: String?, name: String) -> Int32 {
        guard let value else {
            invocation.complain("ha.cf does not set \(name)")
            return ClusterStatus.failure
        }
        return printLine(value)
    }

    private func answer(_ report: ClusterReport) -> Int32 {
        switch command {
        case .hbstatus: return status(report)
        case .listnodes: return list(report)
        case .rscstatus:
            let word = report.holdings.rawValue
            return printLine(arguments.has("m") ? "This node is holding \(word) resources." : word)
        case .hbparameter: return ClusterStatus.parameterError
        case .nodestatus, .nodetype, .nodeweight, .nodesite, .listhblinks, .hblinkstatus, .clientstatus:
            let name = arguments.operands[0]
            guard let node = report.node(named: name) else { return complain("no node is named \(name)") }
            return answer(node)
        }
    }

    private func answer(_ node: NodeReport) -> Int32 {
        switch command {
        case .nodestatus: return nodeStatus(node)
        case .nodetype: return printLine(node.kind.rawValue)
        // Weights and sites were for Pacemaker; without setweight and setsite every node has the standard ones.
        case .nodeweight: return printLine("100")
        case .nodesite: return printLine("")
        case .listhblinks: return printText(links(node, withStatus: arguments.has("v")))
        case .hblinkstatus: return linkStatus(node)
        case .clientstatus: return clientStatus(of: node)
        case .hbstatus, .listnodes, .rscstatus, .hbparameter: return ClusterStatus.parameterError
        }
    }

    private func status(_ report: ClusterReport) -> Int32 {
        var text = "Heartbeat is running on this machine.\n"
        if arguments.has("v") {
            text += "version:\t\(report.version)\nmanaged by:\t\"haresources\"\n" + listing(report.nodes.reversed())
        }
        return printText(text)
    }

    /// The last node of ha.cf comes first, as in heartbeat, whose list grows at its head.
    private func list(_ report: ClusterReport) -> Int32 {
        let onlyPing = arguments.has("p")
        let onlyNormal = arguments.has("n")
        let nodes = report.nodes.reversed().filter { node in
            onlyPing == onlyNormal || (node.kind == .ping) == onlyPing
        }
        return printText(arguments.has("v") ? listing(nodes) : nodes.map { "\($0.name)\n" }.joined())
    }

    private func listing(_ nodes: [NodeReport]) -> String {
        nodes.map { node in
            "\n\(node.name)\t\(node.status.rawValue)\t(nodetype: \(node.kind.rawValue))\n"
                + links(node, withStatus: true)
        }.joined()
    }

    private func links(_ node: NodeReport, withStatus: Bool) -> String {
        node.links.map { "\t\($0.name)" + (withStatus ? "\t\($0.status.rawValue)" : "") + "\n" }.joined()
    }

    private func nodeStatus(_ node: NodeReport) -> Int32 {
        let printed = printLine(node.status.rawValue)
        switch node.status {
        case .active, .up, .ping: return printed
        case .initial, .dead: return ClusterStatus.failure
        }
    }

    private func linkStatus(_ node: NodeReport) -> Int32 {
        let name = arguments.operands[1]
        guard let link = node.links.first(where: { $0.name == name }) else {
            return complain("node \(node.name) has no link \(name): see \(invocation.name) listhblinks \(node.name)")
        }
        let printed = printLine(link.status.rawValue)
        return link.status == .up ? printed : ClusterStatus.failure
    }

    private func clientStatus(of node: NodeReport) -> Int32 {
        var patience = ClusterStatus.clientPatience
        if arguments.operands.count == 3 {
            guard let milliseconds = UInt32(arguments.operands[2]) else {
                return complain("the timeout is not a number of milliseconds: \(arguments.operands[2])")
            }
            patience = .milliseconds(Int64(milliseconds))
        }
        do throws(SystemError) {
            switch try ClientQuery.ask(
                node: node.name, client: arguments.operands[1], arguments.common.paths,
                deadline: Clock.now() + patience)
            {
            case .status(let word):
                let printed = printLine(word)
                let codes = ["online": printed, "offline": 1, "join": 2, "leave": 3]
                return codes[word] ?? ClusterStatus.unknown
            case .refused(let reason):
                _ = complain("heartbeat refuses this user as a client: \(Terminal.printableWord(reason))")
                return ClusterStatus.failure
            case .silence:
                _ = complain("no timely response from \(node.name)")
                return ClusterStatus.unknown
            }
        } catch {
            _ = complain("\(error)")
            return ClusterStatus.failure
        }
    }

    private func printLine(_ word: String) -> Int32 { printText(word + "\n") }

    private func printText(_ text: String) -> Int32 {
        Terminal.print(Terminal.printable(text)) ? ClusterStatus.success : ClusterStatus.failure
    }
}
