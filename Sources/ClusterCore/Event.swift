// Every input of the core, documented by who may send it. None but `received` can come from the network, and what is
// received was authenticated before.
import ClusterModel
import Messaging

/// Names an operator's request until it is answered.
package typealias RequestID = UInt32

/// Names an order to the resource manager. Grows; never used twice by one core.
package typealias OperationID = UInt64

/// What the resource manager found of one group.
package struct Finding: Equatable, Sendable {
    /// How much of the group runs.
    package enum State: Equatable, Sendable {
        /// Nothing of the group runs here.
        case stopped
        /// All of it runs here.
        case held
        /// Some of it runs here, or it cannot be told.
        case partial
    }

    package var group: String
    package var state: State
    /// Epoch of the last start; 0 where unknown.
    package var epoch: UInt64

    package init(group: String, state: State, epoch: UInt64) {
        self.group = group
        self.state = state
        self.epoch = epoch
    }
}

/// What an operator asks of this node.
package enum OperatorRequest: Equatable, Sendable {
    /// Give the selected groups to other nodes.
    case standby(GroupSelection)
    /// Take the selected groups.
    case takeover(GroupSelection)
    /// Forget start failures and try failed stops again, in the whole cluster; nil: of every group.
    case cleanup(group: String?)
    /// Treat a resource of a group that is held here as failed; a word of haresources.
    case fail(resource: String, reason: String)
    /// Hold a group or all of them still, or end that.
    case maintain(MaintenanceOrder)
    /// Power a node off with this node's devices; `isConfirmed`: an operator says that it is off.
    case fence(node: String, isConfirmed: Bool)

    /// What is asked, for a log: `standby web`.
    package var word: String {
        switch self {
        case .standby(let selection): "standby \(selection.word)"
        case .takeover(let selection): "takeover \(selection.word)"
        case .cleanup(let group): "cleanup \(group ?? "all")"
        case .fail(let resource, _): "fail \(resource)"
        case .maintain: "maintain"
        case .fence(let node, _): "fence \(node)"
        }
    }
}

/// One input of `Cluster.handle`.
package enum Event: Sendable {
    /// A read worker's message, authenticated by the shell. `arrival` is not later than `now`.
    case received(HAMessage, medium: MediumID, arrival: Instant)
    /// The resource manager's answer at its start, and after every restart of it. `entitledUntil`: what the last
    /// `Effect.entitled` said, of whichever daemon since the machine booted; nil where there was none.
    case inventory([Finding], entitledUntil: Instant?)
    /// The resource manager died: nothing is known of what runs here until the next inventory.
    case resourceManagerLost
    /// An order is done. `remains`: something of the group may still run.
    case finished(OperationID, failure: String?, remains: Bool)
    /// A resource of a held group was lost and could not be put back.
    case lost(group: String, reason: String)
    /// The resource manager stops a held group unasked, for the right to hold it has ended and this process said
    /// nothing. Nothing of the group has failed.
    case forfeited(group: String, reason: String)
    /// All that went wrong with the resources of a group here since the last cleanup, as the resource manager counts.
    case failures(group: String, [ResourceFailure])
    /// An order to fence is done; `failure` is nil where the node is known to be off, or to have been.
    case fenced(OperationID, failure: String?)
    /// A client of the admin socket.
    case requested(OperatorRequest, RequestID)
    /// The client has gone; its request goes on, its answer is dropped.
    case requesterGone(RequestID)
    /// A local client's message to the cluster, without control fields. The shell MUST have refused types that nodes
    /// speak by (`ClientMessageRules`), and messages that no medium can carry.
    case clientMessage(HAMessage)
    /// Release everything, then finish.
    case shutdown
    /// The daemon is restarted while the resources stay: ask the others for patience.
    case handOver
    /// ha.cf was read again: intervals that may change without a restart.
    case retimed(Timing)
    /// The deadline has passed. The shell MUST have delivered everything that the media held before.
    case wake
}
