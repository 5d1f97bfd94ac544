// `SendArp ADDRESS/INTERFACE`: announces an address that something else brings up. The first announcement is sent at
// once, the others in the background.
import CLinux
import ClusterModel
import LinuxSystem
import ResourceAgents

struct SendARP: NativeAgent {
    private let address: String
    private let interface: String
    private let mark: StateMark

    /// As the agent of the package resource-agents: five pairs, 200 ms apart.
    private static let interval = 200
    private static let count = 5

    init(_ arguments: [String]) throws(AgentError) {
        var words = arguments
        if words.count == 1, let slash = words[0].firstIndex(of: "/") {
            words = [String(words[0][..<slash]), String(words[0][words[0].index(after: slash)...])]
        }
        let values = try NativeAgents.read(words, ["ip", "nic"], required: 2)
        address = values["ip"] ?? ""
        interface = values["nic"] ?? ""
        mark = StateMark("SendArp", arguments)
        guard IPAddress(address) != nil else { throw AgentError("\(address) is not an address", code: 2) }
        guard !interface.contains("/"), !interface.hasPrefix("-") else {
            throw AgentError("\(interface) is not the name of an interface", code: 2)
        }
    }

    func start() throws(AgentError) {
        do throws(ArgumentError) {
            try AnnounceCommand(arguments: ["-i", "20", "-r", "1", interface, address, "auto"]).run()
        } catch {
            throw AgentError(error.reason)
        }
        let pid = try AgentProgram.leaveBehind(
            ["send_arp", "-i", "\(SendARP.interval)", "-r", "\(SendARP.count)", interface, address, "auto"])
        try mark.set("\(pid)\n")
    }

    /// Another node may announce the address from here on.
    func stop() throws(AgentError) {
        if let announcer { kill(announcer, SIGKILL) }
        mark.remove()
    }

    /// The process that announces still; nil where there is none, also where its number has gone to another program.
    private var announcer: pid_t? {
        guard let text = mark.text, let pid = pid_t(text.prefix { $0.isNumber }), pid > 1,
            FileSystem.text(of: "/proc/\(pid)/cmdline", limit: 4096)?.hasPrefix("send_arp\0") == true
        else { return nil }
        return pid
    }

    func status() throws(AgentError) -> AgentStatus { mark.exists ? .running() : .stopped() }
}
