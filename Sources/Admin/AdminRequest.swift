// What the tools may ask of the daemon, and the message that carries it:
//     t=hb-request verb=standby selection=foreign      verb=takeover selection=group group=IPaddr2::10.0.0.1/24
import ClusterModel
import Messaging

/// A request of a tool. The daemon answers each with records, if there are any, and one `AdminResponse`.
package enum AdminRequest: Equatable, Sendable {
    /// Everything that `ClusterReport` holds, as its records.
    case status
    /// Everything that `PunctualityReport` holds, as its records.
    case punctuality
    /// The records of so many of the last failovers, as the records of a `FailoverReport`.
    case failovers(count: Int)
    /// Give the selected groups to other nodes. Answered when they have arrived, or cannot.
    case standby(GroupSelection)
    /// Take the selected groups. Answered when they have arrived, or cannot.
    case takeover(GroupSelection)
    /// Forget failed starts and try failed stops again; nil: of every group.
    case cleanup(group: String?)
    /// Treat a resource that this node holds as failed, as if its monitor had found it dead: it is restarted in place
    /// or its group is moved. `resource`: a word of haresources. `reason`: what was found, and by whom.
    case fail(resource: String, reason: String)
    /// Power a node off with the devices of the node that is asked; `isConfirmed`: an operator says that it is off.
    case fence(node: String, isConfirmed: Bool)
    /// Hold a group still, nil: all of them, or end that. `duration`: it ends by itself. `user`: who asks, for people.
    case maintain(group: String?, isOn: Bool, duration: Duration?, user: String, reason: String)
    /// The value of a directive as ha.cf has it: one `ParameterRecord`, or none where ha.cf does not name it.
    case parameter(name: String)
    /// Read the three files again. Answered by control: done, or refused with what is wrong, and then nothing changed.
    case reload

    /// Whether the request changes nothing and reveals no secret, so that everybody who reaches the socket may make it.
    package var isReadOnly: Bool {
        switch self {
        case .status, .punctuality, .failovers: true
        // The parameters of stonith_host hold passwords.
        case .parameter(let name): name != "stonith_host"
        case .standby, .takeover, .cleanup, .fail, .fence, .maintain, .reload: false
        }
    }

    /// The value of `t`.
    package static let type = "hb-request"

    /// The request as a message.
    package var message: HAMessage {
        var message = HAMessage()
        message.append("t", AdminRequest.type)
        switch self {
        case .status: message.append("verb", "status")
        case .punctuality: message.append("verb", "punctuality")
        case .failovers(let count):
            message.append("verb", "failovers")
            message.append("count", String(count))
        case .standby(let selection):
            message.append("verb", "standby")
            append(selection, to: &message)
        case .takeover(let selection):
            message.append("verb", "takeover")
            append(selection, to: &message)
        case .cleanup(let group):
            message.append("verb", "cleanup")
            if let group { message.append("group", group) }
        case .fail(let resource, let reason):
            message.append("verb", "fail")
            message.append("resource", resource)
            message.append("reason", RequestOrigin.line(reason))
        case .fence(let node, let isConfirmed):
            message.append("verb", "fence")
            message.append("node", node)
            message.append("confirmed", isConfirmed ? "yes" : "no")
        case .maintain(let group, let isOn, let duration, let user, let reason):
            message.append("verb", "maintain")
            if let group { message.append("group", group) }
            message.append("on", isOn ? "yes" : "no")
            if let duration { message.append("duration", String(max(0, duration.wholeNanoseconds))) }
            message.append("user", user)
            message.append("reason", reason)
        case .parameter(let name):
            message.append("verb", "parameter")
            message.append("name", name)
        case .reload: message.append("verb", "reload")
        }
        return message
    }

    /// A group may be called like one of the words, so it has a field of its own.
    private func append(_ selection: GroupSelection, to message: inout HAMessage) {
        if case .group(let name) = selection {
            message.append("selection", "group")
            message.append("group", name)
        } else {
            message.append("selection", selection.word)
        }
    }

    /// Reads a request. Takes any message; fields that the verb does not know are ignored.
    package init(_ message: HAMessage) throws(AdminMessageError) {
        let reader = try RecordReader(message, type: AdminRequest.type)
        switch try reader.text("verb") {
        case "status": self = .status
        case "punctuality": self = .punctuality
        case "failovers": self = .failovers(count: max(0, try reader.number("count")))
        case "standby": self = .standby(try AdminRequest.selection(reader))
        case "takeover": self = .takeover(try AdminRequest.selection(reader))
        case "cleanup": self = .cleanup(group: try reader.optionalText("group"))
        case "fail":
            self = .fail(resource: try reader.text("resource"), reason: try reader.optionalText("reason") ?? "")
        case "fence": self = .fence(node: try reader.text("node"), isConfirmed: try reader.flag("confirmed"))
        case "maintain":
            self = .maintain(
                group: try reader.optionalText("group"), isOn: try reader.flag("on"),
                duration: try reader.optionalDuration("duration"), user: try reader.optionalText("user") ?? "",
                reason: try reader.optionalText("reason") ?? "")
        case "parameter": self = .parameter(name: try reader.text("name"))
        case "reload": self = .reload
        case let verb: throw AdminMessageError("unknown verb '\(verb)'")
        }
    }

    private static func selection(_ reader: RecordReader) throws(AdminMessageError) -> GroupSelection {
        switch try reader.text("selection") {
        case "all": return .all
        case "local": return .local
        case "foreign": return .foreign
        case "failback": return .failback
        case "group": return .group(try reader.text("group"))
        case let word: throw AdminMessageError("unknown selection '\(word)'")
        }
    }
}
