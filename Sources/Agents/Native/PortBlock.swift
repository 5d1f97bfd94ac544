// `portblock tcp|udp PORT[,PORT] block|unblock`: drops what comes in for ports, or lets it in, so that clients meet no
// half-started service: block, bring up address and service, unblock. The rules are in a table of their own.
import ClusterModel
import LinuxSystem

struct PortBlock: NativeAgent {
    private enum Action: String { case block, unblock }

    private let transport: String
    private let ports: [String]
    private let action: Action
    private let mark: StateMark

    private static let table = "inet heartbeat_ports"

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["protocol", "portno", "action"], required: 3)
        transport = values["protocol"] ?? ""
        guard ["tcp", "udp"].contains(transport) else {
            throw AgentError("\(transport): expected tcp or udp", code: 2)
        }
        guard let action = Action(rawValue: values["action"] ?? "") else {
            throw AgentError("\(values["action"] ?? ""): expected block or unblock", code: 2)
        }
        self.action = action
        let words = (values["portno"] ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        var ports: [String] = []
        for word in words {
            let bounds = word.split(separator: ":", omittingEmptySubsequences: false).map { UInt16($0) ?? 0 }
            guard (1...2).contains(bounds.count), bounds.allSatisfy({ $0 > 0 }), bounds[0] <= bounds[bounds.count - 1]
            else { throw AgentError("\(word) is neither a port nor a range of ports FIRST:LAST", code: 2) }
            ports.append(bounds.map(String.init).joined(separator: "-"))
        }
        self.ports = ports
        mark = StateMark("portblock", arguments)
    }

    func start() throws(AgentError) {
        action == .block ? try block() : try unblock()
        try mark.set()
    }

    func stop() throws(AgentError) {
        // A blocking port that no group asks for would be a service that nobody can explain.
        if mark.exists, action == .unblock { try block() } else if action == .block { try unblock() }
        mark.remove()
    }

    /// As the agent of the package resource-agents: what blocks runs while it blocks, or after an `unblock` behind it
    /// has ended that; what unblocks runs once it was started, while nothing blocks.
    func status() throws(AgentError) -> AgentStatus {
        let isBlocked = try !handles().isEmpty
        let isStarted = mark.exists
        switch action {
        case .block: return isBlocked || isStarted ? .running() : .stopped()
        case .unblock: return !isBlocked && isStarted ? .running() : .stopped()
        }
    }

    // MARK: Rules

    private var comment: String { "\(transport) \(ports.joined(separator: ","))" }

    private func block() throws(AgentError) {
        guard try handles().isEmpty else { return }
        // The chain is as it is told to be, whether it was there or not.
        try nft(
            """
            add table \(PortBlock.table)
            add chain \(PortBlock.table) input { type filter hook input priority -5; }
            add rule \(PortBlock.table) input \(transport) dport { \(ports.joined(separator: ", ")) } \
            counter drop comment "\(comment)"

            """)
    }

    private func unblock() throws(AgentError) {
        let handles = try handles()
        if handles.isEmpty { return }
        try nft(handles.map { "delete rule \(PortBlock.table) input handle \($0)\n" }.joined())
    }

    /// The rules of this resource.
    private func handles() throws(AgentError) -> [String] {
        let nft = try ToolRun.find("nft", package: "nftables")
        let words = PortBlock.table.split(separator: " ").map(String.init)
        let result = try ToolRun.run([nft, "-a", "list", "table"] + words)
        guard result.succeeded else {
            if result.errors.contains("No such file or directory") { return [] }
            throw AgentError("nft: \(result.status): \(result.errors.split(separator: "\n").first ?? "")")
        }
        return result.output.split(separator: "\n").compactMap { line in
            line.contains("comment \"\(comment)\" ") ? line.split(separator: " ").last.map(String.init) : nil
        }
    }

    private func nft(_ commands: String) throws(AgentError) {
        try ToolRun.check([try ToolRun.find("nft", package: "nftables"), "-f", "-"], input: commands)
    }
}
