// `Delay [START [STOP]]`: seconds to wait when a group starts and stops.
import ClusterModel
import LinuxSystem

struct Delay: NativeAgent {
    let starting: Duration
    let stopping: Duration
    private let mark: StateMark

    init(_ arguments: [String]) throws(AgentError) {
        let values = try NativeAgents.read(arguments, ["startdelay", "stopdelay", "mondelay"], required: 0)
        starting = try Delay.seconds(values["startdelay"]) ?? .seconds(10)
        stopping = try Delay.seconds(values["stopdelay"]) ?? starting
        mark = StateMark("Delay", arguments)
    }

    func start() throws(AgentError) {
        if mark.exists { return }
        Clock.wait(starting)
        try mark.set()
    }

    func stop() throws(AgentError) {
        guard mark.exists else { return }
        Clock.wait(stopping)
        mark.remove()
    }

    func status() throws(AgentError) -> AgentStatus { mark.exists ? .running() : .stopped() }

    private static func seconds(_ text: String?) throws(AgentError) -> Duration? {
        guard let text else { return nil }
        let digits = text.hasSuffix("s") ? String(text.dropLast()) : text
        guard let seconds = Double(digits), seconds.isFinite, (0...86400).contains(seconds) else {
            throw AgentError("\(text) is not a number of seconds up to a day", code: 2)
        }
        return .milliseconds(Int64(seconds * 1000))
    }
}
