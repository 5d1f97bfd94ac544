// What is done to a cluster: each kind of fault, in words for the report, and what it excuses.
import ClusterModel
import Rig

/// A process of the daemon, by its duty.
enum Duty: CaseIterable {
    case control, status, resources, clients, readFirst, writeFirst, readSecond, writeSecond

    /// As the process's title has it.
    var title: String {
        switch self {
        case .control: "heartbeat: control process"
        case .status: "heartbeat: status process"
        case .resources: "heartbeat: resource manager"
        case .clients: "heartbeat: client service"
        case .readFirst: "heartbeat: read: bcast eth0"
        case .writeFirst: "heartbeat: write: bcast eth0"
        case .readSecond: "heartbeat: read: bcast eth1"
        case .writeSecond: "heartbeat: write: bcast eth1"
        }
    }

    /// Without it a node cannot stop what it has.
    var isNeededToStop: Bool { self == .control || self == .status || self == .resources }
}

/// One thing that goes wrong. Nodes are numbers.
enum Fault {
    /// SIGKILL to every process of the daemon; services and addresses stay.
    case killDaemon(Int)
    case killProcess(Int, Duty)
    /// SIGSTOP, until the fault ends.
    case stopProcess(Int, Duty)
    /// SIGSTOP to every process of the node, until the fault ends.
    case freeze(Int)
    /// All at once: namespaces, addresses, processes.
    case cutPower(Int)
    /// The node's cable to a bridge.
    case cutMedium(Int, bridge: Int)
    /// All cables of a node.
    case cutOff(Int)
    /// What one node sends does not arrive at another, on any medium.
    case deafen(from: Int, to: Int)
    /// Neither direction between two nodes, on any medium; both reach the router.
    case split(Int, Int)
    /// So many of a hundred frames that a node sends, or that are for it, are lost.
    case lose(Int, bridge: Int, percent: Int, incoming: Bool)
    /// Every message comes again a little later, some of them only then.
    case shuffle
    /// Bytes without sense, and messages with a byte changed.
    case garbage
    /// Messages that were recorded some time before.
    case replay
    /// The daemon hands over to its successor: `systemctl restart`.
    case restart(Int)
    /// The daemon is told to end, and is started later.
    case shutDown(Int)
    /// An operator's command on a node.
    case operate(Int, [String])
    /// The next call of a service's script fails, hangs, or fails after it has done its work.
    case breakService(Int, key: String, operation: String, way: String)
    /// `ip address delete`, by somebody who should not.
    case deleteAddress(group: Int)
    /// `nft flush ruleset` on a node.
    case flushRules(Int)
    /// The process is killed again as soon as it is there again, until the fault ends.
    case killAgain(Int, Duty)
    /// An operator takes a group to a node, and the process is killed while that is under way.
    case killAtWork(Int, Duty, group: Int, after: Duration)
    /// The card of a bridge is taken out, and put in again.
    case pullCard(Int, bridge: Int)
    /// The files are read again.
    case reload(Int)
    /// The node's wall clock, by seconds.
    case stepClock(Int, seconds: Int64)
    /// No room in the folder of sockets, state and log.
    case fillDisk(Int)

    func describe(_ names: [String]) -> String {
        switch self {
        case .killDaemon(let node): "kill the daemon of \(names[node])"
        case .killProcess(let node, let duty): "kill \(duty.title) of \(names[node])"
        case .stopProcess(let node, let duty): "stop \(duty.title) of \(names[node])"
        case .freeze(let node): "freeze \(names[node])"
        case .cutPower(let node): "cut the power of \(names[node])"
        case .cutMedium(let node, let bridge): "cut eth\(bridge) of \(names[node])"
        case .cutOff(let node): "cut all cables of \(names[node])"
        case .deafen(let from, let to): "lose what \(names[from]) sends to \(names[to])"
        case .split(let a, let b): "split \(names[a]) and \(names[b])"
        case .lose(let node, let bridge, let percent, let incoming):
            "lose \(percent) % of what \(names[node]) \(incoming ? "is sent" : "sends") on eth\(bridge)"
        case .shuffle: "duplicate and reorder messages"
        case .garbage: "send garbage"
        case .replay: "replay old messages"
        case .restart(let node): "hand over on \(names[node])"
        case .shutDown(let node): "shut down \(names[node])"
        case .operate(let node, let words): "\(words.joined(separator: " ")) on \(names[node])"
        case .breakService(let node, let key, let operation, let way):
            "\(operation) of \(key) on \(names[node]): \(way)"
        case .deleteAddress(let group): "delete the address of group \(group)"
        case .flushRules(let node): "flush the rules of \(names[node])"
        case .killAgain(let node, let duty): "kill \(duty.title) of \(names[node]) again and again"
        case .killAtWork(let node, let duty, let group, let after):
            "take group \(group) to \(names[node]), after \(after.wholeMilliseconds) ms kill \(duty.title)"
        case .pullCard(let node, let bridge): "take eth\(bridge) of \(names[node]) out"
        case .reload(let node): "reload on \(names[node])"
        case .stepClock(let node, let seconds): "step the wall clock of \(names[node]) by \(seconds) s"
        case .fillDisk(let node): "fill the disk of \(names[node])"
        }
    }

    /// The node whose daemon cannot stop what it has, for as long as the fault lasts.
    var paralysed: Int? {
        switch self {
        case .killDaemon(let node), .freeze(let node): node
        case .killProcess(let node, .control), .killAtWork(let node, .control, _, _): node
        case .killAgain(let node, let duty) where duty.isNeededToStop: node
        case .stopProcess(let node, let duty) where duty.isNeededToStop: node
        default: nil
        }
    }

    /// The cluster has no reason to move anything for it.
    var movesNothing: Bool {
        switch self {
        case .killProcess(_, let duty): duty != .control
        case .stopProcess(_, let duty): !duty.isNeededToStop
        // The first medium leads to the router, and to the client.
        case .cutMedium(_, let bridge), .lose(_, let bridge, _, _): bridge == 1
        case .garbage, .replay, .restart, .deleteAddress, .flushRules, .fillDisk, .reload, .stepClock: true
        default: false
        }
    }

    /// Nodes may lose sight of each other while both reach the router.
    var splitsInSightOfRouter: Bool {
        switch self {
        case .split, .deafen, .lose, .shuffle: true
        // A node that hears nobody because of its own processes still reaches the router.
        case .stopProcess(_, .readFirst), .stopProcess(_, .writeFirst), .stopProcess(_, .readSecond),
            .stopProcess(_, .writeSecond), .cutMedium, .pullCard, .killAgain: true
        default: false
        }
    }

    /// Nodes may lose sight of each other.
    var splits: Bool {
        switch self {
        case .cutOff, .freeze: true
        default: splitsInSightOfRouter
        }
    }
}

/// A fault and its time in an iteration.
struct TimedFault {
    var fault: Fault
    /// From the beginning of the iteration.
    var begin: Duration
    var end: Duration

    func describe(_ names: [String]) -> String {
        "\(begin.wholeMilliseconds)-\(end.wholeMilliseconds) ms \(fault.describe(names))"
    }
}
