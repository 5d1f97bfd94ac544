// One thing that happened in a failover, as the node that records it saw it: what, when by that node's clock, and what
// decided it.
import ClusterModel

/// One step of a failover.
package struct FailoverStep: Equatable, Sendable {
    /// What happened. The words are those of `hb explain --json`.
    package enum Kind: String, Sendable, CaseIterable {
        /// The last packet of `subject` on `medium`; one for each medium on which it was heard.
        case heard
        /// `subject` was silent for `duration`, its deadtime.
        case suspected
        /// `by` says that it heard `subject` `duration` ago: its death is not agreed.
        case vetoed
        /// `by` does not hear `subject` either; `duration`: how long by its last word, nil where it counts it as dead.
        case agreed
        /// `subject` counts as dead from here on; `text`: why.
        case dead
        /// `subject` said that it is shut down.
        case goodbye
        /// `subject` is heard again.
        case returned
        /// An operator asked for something here; `text`: for what.
        case requested
        /// A resource of the group failed, and was not brought up again; `text`: how.
        case lost
        /// This node has no right to hold the group any more; `text`: why.
        case rightLost = "right-lost"
        /// This node asks all live nodes for the group; `text`: which.
        case claimed
        /// `by` has granted this node's claim, in its message `sequence`.
        case granted
        /// This node has granted the claim of `by`, made in its message `sequence`.
        case granting
        /// The group may not start before `subject` is fenced.
        case fenceAwaited = "fence-awaited"
        /// `subject` is being powered off.
        case fencing
        /// `subject` is known to be off; `by`: the node that said so, nil for this one.
        case fenced
        case fenceFailed = "fence-failed"
        /// The resource manager was told to start the group.
        case ordered
        /// The resource manager was told to stop the group; `text`: why.
        case stopping
        /// An operation of one resource, or of several addresses, ended here; it took `duration`, and `text` says how
        /// it failed.
        case worked
        /// The kernel has confirmed the addresses of the group.
        case addressUp = "address-up"
        /// The neighbours were told of the addresses for the first time.
        case announced
        /// All of the group runs here.
        case up
        /// The group could not be started here; `text`: why.
        case failed
        /// Nothing of the group runs here any more.
        case stopped
        /// The group could not be stopped.
        case blocked
        /// This node told the cluster of what is above, in its message `sequence`.
        case told
        /// `by` says in its message `sequence` that the group is up there.
        case seen
    }

    package var kind: Kind
    /// By the clock of the node that records it. For what came in a message, the kernel's time of its arrival.
    package var at: Instant
    /// The node that the step is about.
    package var subject: String?
    /// The node by whose word it happened.
    package var by: String?
    package var group: String?
    /// Further groups of which the same is true at the same moment.
    package var more = 0
    /// The resource, and the operation of it: `start IPaddr::10.0.0.1`.
    package var resource: String?
    /// `bcast eth0`.
    package var medium: String?
    /// Of the message that decided the step, or told it; its number in its sender's generation.
    package var sequence: UInt64?
    package var generation: UInt64?
    package var duration: Duration?
    package var text: String?

    /// A step with what is known of every kind; the rest is set on it.
    package init(_ kind: Kind, at: Instant, subject: String? = nil, by: String? = nil, group: String? = nil) {
        self.kind = kind
        self.at = at
        self.subject = subject
        self.by = by
        self.group = group
    }

    /// Whether another step says the same of another group.
    func tellsTheSame(as other: FailoverStep) -> Bool {
        guard kind.isShared, let group, let another = other.group, group != another else { return false }
        var same = other
        same.group = group
        same.more = more
        return same == self
    }
}

extension FailoverStep.Kind {
    /// Whether many groups take this step at the same moment.
    fileprivate var isShared: Bool {
        switch self {
        case .rightLost, .claimed, .granted, .granting, .fenceAwaited, .ordered, .stopping, .seen: true
        case .heard, .suspected, .vetoed, .agreed, .dead, .goodbye, .returned, .requested, .lost, .fencing, .fenced,
            .fenceFailed, .worked, .addressUp, .announced, .up, .failed, .stopped, .blocked, .told:
            false
        }
    }

    /// Whether a failover can begin with it while another is over.
    var begins: Bool {
        switch self {
        case .heard, .suspected, .goodbye, .requested, .lost, .rightLost: true
        case .vetoed, .agreed, .dead, .returned, .claimed, .granted, .granting, .fenceAwaited, .fencing, .fenced,
            .fenceFailed, .ordered, .stopping, .worked, .addressUp, .announced, .up, .failed, .stopped, .blocked, .told,
            .seen:
            false
        }
    }
}
