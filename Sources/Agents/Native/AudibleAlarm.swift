// `AudibleAlarm [NODE...]`: rings the machine's bell while this node has a group that belongs to another one. The nodes
// that are named do not ring.
import CLinux
import ClusterModel
import LinuxSystem

struct AudibleAlarm: NativeAgent {
    private let nodes: [String]
    private let mark: StateMark

    /// The word that makes the program the one that rings.
    static let ring = "ring"
    private static let console = "/dev/console"

    init(_ arguments: [String]) throws(AgentError) {
        nodes = arguments.flatMap { word in
            (OCFAgent.named(word).map { $0.name == "nodelist" ? $0.value : word } ?? word).split(separator: " ").map {
                $0.lowercased()
            }
        }
        mark = StateMark("AudibleAlarm", arguments)
    }

    func start() throws(AgentError) {
        if ringer != nil { return }
        if nodes.contains(AgentProgram.nodeName.lowercased()) { return try mark.set("silent\n") }
        let pid = try AgentProgram.leaveBehind(["AudibleAlarm", AudibleAlarm.ring])
        try mark.set("\(pid)\n")
    }

    func stop() throws(AgentError) {
        if let ringer { kill(ringer, SIGTERM) }
        mark.remove()
    }

    func status() throws(AgentError) -> AgentStatus {
        mark.text == "silent\n" ? .running("(silent: this is its own node)") : ringer == nil ? .stopped() : .running()
    }

    /// The process that rings; nil where there is none, also where its number has gone to another program.
    private var ringer: pid_t? {
        guard let text = mark.text, let pid = pid_t(text.prefix { $0.isNumber }), pid > 1,
            FileSystem.text(of: "/proc/\(pid)/cmdline", limit: 4096)?.contains("AudibleAlarm\0ring") == true
        else { return nil }
        return pid
    }

    /// Rings until it is ended.
    static func ringForEver() -> Never {
        while true {
            if let device = try? Descriptor.open(console, O_WRONLY | O_NOCTTY | O_NONBLOCK) {
                let bell: [UInt8] = [7]
                _ = write(device.raw, bell, 1)
            }
            Clock.wait(.seconds(1))
        }
    }
}
