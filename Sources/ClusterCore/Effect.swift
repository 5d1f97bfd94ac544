// Every output of the core: plain data, carried out by the shell in the order of the list.
import ClusterModel
import Failovers
import Messaging

/// A message before the shell adds the control fields (`ControlFields`), signs and sends it on every medium.
package struct Outgoing: Equatable, Sendable {
    package var body: HAMessage
    /// nil for `NS_` messages, which carry none.
    package var sequence: UInt64?

    package init(body: HAMessage, sequence: UInt64?) {
        self.body = body
        self.sequence = sequence
    }
}

/// An answer to a request.
package struct OperatorResponse: Equatable, Sendable {
    /// What became of it.
    package enum Outcome: String, Sendable {
        /// As asked.
        case done
        /// Refused: nothing was changed.
        case refused
        /// Tried and not achieved; the text says what is now.
        case failed
    }

    package var outcome: Outcome
    package var text: String

    package init(_ outcome: Outcome, _ text: String) {
        self.outcome = outcome
        self.text = text
    }
}

/// One output of `Cluster.handle`.
package enum Effect: Equatable, Sendable {
    /// Send, and keep the sequenced ones for `retransmit` (at least the last `SendWindow.historyMax`).
    case transmit(Outgoing)
    /// Send the stored message with this number again: the same message, signed with the keys of now.
    case retransmit(sequence: UInt64)
    /// Send a message that came in on one serial medium out on all other serial media, signed anew.
    case forward(HAMessage, except: MediumID)
    /// Hand a message to this node's clients.
    case deliver(HAMessage)
    /// Start the group. It is held only when `Event.finished` has come.
    case start(GroupID, epoch: UInt64, OperationID)
    /// Stop the group. It is released only when `Event.finished` has come without `remains`.
    case stop(GroupID, OperationID)
    /// Check a held group, put back what is missing, announce its addresses again.
    case reassert(GroupID, epoch: UInt64, OperationID)
    /// An operator's cleanup: the resource manager forgets what failed in the group.
    case forgetFailures(GroupID)
    /// A resource of a held group, by its place in it, is treated as if its monitor had found it dead.
    case fail(GroupID, resource: Int, reason: String)
    /// Whether failures that monitors find in the group are only told, for it is held still.
    case suspend(GroupID, Bool)
    /// Power a node off, with every device that this node has for it. It is off only when `Event.fenced` has come
    /// without a failure. An order that is read after `until` is worth nothing, since the node may be back: it is
    /// answered as failed, and given again where that is still wanted.
    case fence(NodeID, OperationID, until: Instant)
    /// The node of an order to fence is heard again, or said to be off: no device is tried for it any more. What is
    /// under way goes on, and the order is answered as any other.
    case recall(OperationID)
    /// This node may hold groups until then. It is said with every keepalive, also where it is not prolonged. The
    /// resource manager has the kernel end what it holds then, stops the rest where nothing is said any more, and keeps
    /// the instant for the next status process, which has not been heard by anybody when it starts.
    case entitled(until: Instant)
    /// What goes out from here on binds this node for so long after its end: another one may hold groups by it. The
    /// shell MUST keep it, before it carries out what follows, for the next daemon of this node (`Cluster.init`).
    case confirms(for: Duration)
    /// The configured escalation of a failed stop: this node MUST go down at once.
    case reboot(reason: String)
    /// Answer a request. Exactly one for each.
    case reply(RequestID, OperatorResponse)
    /// Tell the operator.
    case log(LogRecord)
    /// Keep what happened for `hb explain`.
    case step(FailoverStep)
    /// Count a message that was dropped, by its cause.
    case dropped(DropReason)
    /// This node's own status changed.
    case statusChanged(NodeStatus)
    /// Everything is released and said; the shell MUST send what is queued and end.
    case finished
}

/// Why an authenticated message was not used.
package enum DropReason: String, Sendable, CaseIterable {
    case malformed
    case unknownNode
    case ownMessage
    /// From a machine that has the name of this node, or of another one that is alive.
    case namesake
    case replay
    case duplicate
    case stale
    case notForUs
    case pingMismatch
    /// From a node that takes no part.
    case refused
}
