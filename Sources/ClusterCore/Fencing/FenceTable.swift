// What is known of each member's fencing: a register that every node carries in its status, and what is under way here.
import ClusterModel

/// Whether a node was powered off, as a register: the greater generation wins, then the greater stamp, and of equal
/// ones the one that says that it was not.
package struct FenceMark: Equatable, Sendable {
    package var node: NodeID
    /// The run of the node's daemon that is meant. A node that was never heard has 0.
    package var generation: UInt64
    package var stamp: UInt64
    package var isFenced: Bool

    /// Whether this register goes before another one of the same node.
    func outranks(_ other: FenceMark) -> Bool {
        if generation != other.generation { return generation > other.generation }
        if stamp != other.stamp { return stamp > other.stamp }
        return !isFenced && other.isFenced
    }
}

/// What a node says of its part in fencing another one.
package enum FenceEffort: String, Sendable, CaseIterable {
    /// It has done nothing.
    case none = "n"
    /// Its device is at work.
    case working = "w"
    /// Its devices have failed.
    case failed = "x"
}

/// One node's line about the fencing of another.
package struct FenceReport: Equatable, Sendable {
    package var mark: FenceMark
    package var effort: FenceEffort
}

/// The fencing of one member, as this node knows it.
struct FenceState: Sendable {
    var mark: FenceMark
    /// When this node learned that the member was fenced.
    var learnedAt = Instant.distantPast
    /// When this node declared it dead.
    var diedAt = Instant.distantPast
    /// This node's order to its resource manager.
    var operation: OperationID?
    /// Whether the order is recalled when the member is heard: it was given because of its silence.
    var isForSilence = false
    /// The run of the member's daemon that the order was about.
    var orderedGeneration: UInt64 = 0
    /// The run of the member's daemon that was powered off because it asked for it: once, whatever came of it.
    var pleaObeyed: UInt64 = 0
    /// Who asked for it.
    var requests: [RequestID] = []
    /// The devices of this node have failed; they are left alone until then.
    var failedUntil: Instant?
    var failure = ""
    /// Since when this node waits for another one to fence it.
    var waitsSince: Instant?

    init(_ node: NodeID) { mark = FenceMark(node: node, generation: 0, stamp: 0, isFenced: false) }

    var effort: FenceEffort { operation != nil ? .working : failedUntil != nil ? .failed : .none }
}
