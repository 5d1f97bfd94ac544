// `LVSSyncDaemonSwap master|backup [INTERFACE [SYNCID]]`: the director that has the group sends its connections to the
// others, which take them in.
import ClusterModel
import LinuxSystem

struct SyncDaemon: NativeAgent {
    private let role: String
    private let interface: String
    private let identity: String?

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["role", "interface", "syncid"], required: 1)
        role = values["role"] ?? ""
        interface = values["interface"] ?? "eth0"
        identity = values["syncid"]
        guard ["master", "backup"].contains(role) else {
            throw AgentError("\(role): expected master or backup", code: 2)
        }
        if let identity, UInt8(identity) == nil { throw AgentError("\(identity) is no number from 0 to 255", code: 2) }
        if interface.hasPrefix("-") || interface.isEmpty { throw AgentError("\(interface) is no interface", code: 2) }
    }

    private var other: String { role == "master" ? "backup" : "master" }

    func start() throws(AgentError) { try swap(from: other, to: role) }
    func stop() throws(AgentError) { try swap(from: role, to: other) }

    func status() throws(AgentError) -> AgentStatus {
        let output = try ToolRun.check([try ipvsadm(), "--list", "--daemon"])
        return output.contains("\(role) sync daemon") ? .running("(\(role))") : .stopped()
    }

    private func swap(from old: String, to new: String) throws(AgentError) {
        let ipvsadm = try ipvsadm()
        let daemons = try ToolRun.check([ipvsadm, "--list", "--daemon"])
        if daemons.contains("\(old) sync daemon") { try ToolRun.check([ipvsadm, "--stop-daemon", old]) }
        if daemons.contains("\(new) sync daemon") { return }
        let identity = self.identity.map { ["--syncid", $0] } ?? []
        try ToolRun.check([ipvsadm, "--start-daemon", new, "--mcast-interface", interface] + identity)
    }

    private func ipvsadm() throws(AgentError) -> String { try ToolRun.find("ipvsadm", package: "ipvsadm") }
}
