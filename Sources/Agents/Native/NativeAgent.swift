// What the agents of this product have in common. Each is a script to heartbeat: `NAME ARGUMENT... OPERATION`.
import ClusterModel
import LinuxSystem

/// Whether a resource runs.
package enum AgentStatus: Equatable, Sendable {
    /// With what is to be said beside it.
    case running(String = "")
    case stopped(String = "")
    /// It cannot be told; it may run.
    case unknown(String)
}

/// An agent of this product. All operations may be repeated.
package protocol NativeAgent {
    /// The agent with the words of haresources; throws what is wrong with them.
    init(_ arguments: [String]) throws(AgentError)
    func start() throws(AgentError)
    /// Succeeds where nothing runs.
    func stop() throws(AgentError)
    func status() throws(AgentError) -> AgentStatus
}

/// The agents by the names of their scripts.
package enum NativeAgents {
    /// The agent of a script of `ClassicScripts.native`; nil for any other name.
    package static func make(_ name: String, _ arguments: [String]) throws(AgentError) -> (any NativeAgent)? {
        switch name {
        case "AudibleAlarm": try AudibleAlarm(arguments)
        case "Delay": try Delay(arguments)
        case "IPsrcaddr": try SourceAddress(arguments)
        case "LVM": try VolumeGroup(arguments)
        case "LVSSyncDaemonSwap": try SyncDaemon(arguments)
        case "MailTo": try MailTo(arguments)
        case "Raid1": try RaidArray(arguments)
        case "SendArp": try SendARP(arguments)
        case "VirtualMAC": try VirtualMAC(arguments)
        case "drbddisk": try ReplicatedDisk(arguments)
        case "drbdupper": try StackedDisk(arguments)
        case "portblock": try PortBlock(arguments)
        default: nil
        }
    }

    /// Words of haresources as parameters: positions, or `NAME=VALUE` with the names of the OCF agent. `required`: as
    /// many of the first names must have a value.
    static func read(
        _ arguments: [String], _ names: [String], required: Int
    ) throws(AgentError) -> [String: String] {
        var values: [String: String] = [:]
        var position = 0
        for word in arguments {
            var (name, value) = ("", word)
            if let named = OCFAgent.named(word), names.contains(named.name) {
                (name, value) = (named.name, named.value)
            } else if position < names.count {
                name = names[position]
                position += 1
            } else {
                throw AgentError("\(word): expected at most \(names.joined(separator: ", "))", code: 2)
            }
            if values.updateValue(value, forKey: name) != nil { throw AgentError("\(name) is given twice", code: 2) }
        }
        for name in names.prefix(required) where values[name]?.isEmpty ?? true {
            throw AgentError("\(name) is missing: expected \(names.joined(separator: ", "))", code: 2)
        }
        return values
    }
}
