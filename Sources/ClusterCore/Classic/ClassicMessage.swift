// The messages in which heartbeat 3.0.6 says what it holds and asks for what it wants (specs/heartbeat.md 2.3, 5.3 to
// 5.5).
import ClusterModel
import Messaging

/// What 3.0.6 can tell apart of the resources: the groups that are at home on a node, and all the others.
struct Sides: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    /// The groups whose haresources line names the node that speaks, or is spoken of.
    static let local = Sides(rawValue: 1)
    /// Every other group.
    static let foreign = Sides(rawValue: 2)
    static let all: Sides = [.local, .foreign]

    /// The word of `rsc_hold`; nil for any other word.
    init?(word: String) {
        switch word {
        case "none": self = []
        case "local": self = .local
        case "foreign": self = .foreign
        case "all": self = .all
        default: return nil
        }
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The word of `rsc_hold`.
    var word: String {
        switch self {
        case []: "none"
        case .local: "local"
        case .foreign: "foreign"
        default: "all"
        }
    }

    /// The same groups, seen from the other one of two nodes.
    var mirrored: Sides {
        var sides: Sides = []
        if contains(.local) { sides.insert(.foreign) }
        if contains(.foreign) { sides.insert(.local) }
        return sides
    }
}

/// A message of the dialogue. Sides are those of its sender, but for `standby`.
enum ClassicMessage: Equatable, Sendable {
    /// `ask_resources`: the steps of a planned move.
    enum Step: String, Sendable {
        /// The sender wants to give the groups away.
        case me
        /// The sender will take them.
        case other
        /// The sender has released them, or has taken them.
        case done
    }

    /// The sender has just become active.
    case starting
    /// What the sender holds. `isFull`: all of it, else one more thing; `isStable`: nil where it is not said.
    case resource(Sides, isFull: Bool, isStable: Bool?, info: String)
    /// `sides` are those of the node that gives.
    case standby(Sides, Step)
    /// `hb_takeover`: the sender wants to have the groups.
    case takeover(Sides)
    /// `ip-request`, with `auto_failback legacy`: the sender asks for a group of its own.
    case groupRequest(String)
    /// `ip-request-resp`: the receiver may take the group; `wasOurs`: the sender had it.
    case groupAnswer(String, to: String, wasOurs: Bool, isGranted: Bool)
    /// `reqnodes`: the sender asks for the names of the nodes, and is not active before it has them.
    case nodesRequest(to: String)
    /// `repnodes`.
    case nodesAnswer([String], to: String)

    /// The `info` of a report whose sender begins to shut down.
    static let infoShutdown = "shutdown"
    /// The `info` of a report whose sender begins to release what it gives away.
    static let infoStandby = "standby"

    /// nil for types that are no part of the dialogue.
    static func isType(_ type: String) -> Bool {
        ["starting", "resource", "ask_resources", "hb_takeover", "ip-request", "ip-request-resp", "reqnodes"]
            .contains(type)
    }

    /// nil where a field is missing or has a word that means nothing.
    init?(_ type: String, _ message: HAMessage) {
        switch type {
        case "starting": self = .starting
        case "resource":
            guard let sides = message.text("rsc_hold").flatMap(Sides.init(word:)) else { return nil }
            let stable = message.text("isstable").map { $0 == "1" }
            self = .resource(
                sides, isFull: message.text("rtype") == "full", isStable: stable, info: message.text("info") ?? "")
        case "ask_resources":
            guard let word = message.text("rsc_hold"), let step = message.text("info").flatMap(Step.init) else {
                return nil
            }
            guard let sides = word == "failback" ? .foreign : Sides(word: word) else { return nil }
            self = .standby(sides, step)
        case "hb_takeover":
            guard let word = message.text("rsc_hold") else { return nil }
            // 3.0.6 takes everything for this word, by mistake (specs/heartbeat.md 12.10).
            guard let sides = word == "failback" ? .local : Sides(word: word) else { return nil }
            self = .takeover(sides)
        case "ip-request":
            guard let group = message.text("ipaddr") else { return nil }
            self = .groupRequest(group)
        case "ip-request-resp":
            guard let group = message.text("ipaddr"), let name = message.text("dest") else { return nil }
            self = .groupAnswer(
                group, to: name.lowercased(), wasOurs: message.text("weown") == "yes",
                isGranted: message.text("ok")?.lowercased() == "ok")
        case "reqnodes": self = .nodesRequest(to: message.text("dest") ?? "")
        default: return nil
        }
    }

    /// The fields in the order of 3.0.6.
    var body: HAMessage {
        var message = HAMessage()
        switch self {
        case .starting: message.append("t", "starting")
        case .resource(let sides, let isFull, let isStable, let info):
            message.append("t", "resource")
            message.append("rsc_hold", sides.word)
            if isFull { message.append("rtype", "full") }
            if let isStable { message.append("isstable", isStable ? "1" : "0") }
            if !info.isEmpty { message.append("info", info) }
        case .standby(let sides, let step):
            message.append("t", "ask_resources")
            message.append("rsc_hold", sides.word)
            message.append("info", step.rawValue)
        case .takeover(let sides):
            message.append("t", "hb_takeover")
            message.append("rsc_hold", sides.word)
        case .groupRequest(let group):
            message.append("t", "ip-request")
            message.append("ipaddr", group)
        case .groupAnswer(let group, let name, let wasOurs, let isGranted):
            message.append("t", "ip-request-resp")
            message.append("dest", name)
            message.append("ipaddr", group)
            message.append("weown", wasOurs ? "yes" : "no")
            message.append("ok", isGranted ? "OK" : "NO")
        case .nodesRequest(let name):
            message.append("t", "reqnodes")
            message.append("dest", name)
        case .nodesAnswer(let names, let name):
            message.append("dest", name)
            message.append("t", "repnodes")
            message.append("nodelist", names.map { $0 + " " }.joined())
            message.append("delnodelist", " ")
        }
        return message
    }
}
