// Who may claim and who may hold when the cluster is divided (design, sections 4 and 5).
import ClusterModel

/// The facts that quorum looks at, for the normal nodes but this one.
struct QuorumInput {
    var policy: QuorumPolicy
    /// Number of configured normal nodes, this one included.
    var nodeCount: Int
    /// Normal nodes that are heard, this one included.
    var reachableCount: Int
    /// For each other normal node, when this node sent the newest message that it is known to have heard.
    var confirmations: [Instant]
    var pingNodesReachable: Int
    /// How long after its last confirmed message this node may still hold groups. Shorter than its deadtime.
    var lease: Duration

    /// Whether this node may claim groups.
    var mayClaim: Bool {
        switch policy {
        case .majority: reachableCount * 2 > nodeCount
        case .ping: pingNodesReachable > 0
        case .ignore: true
        }
    }

    /// Until when this node may hold groups.
    ///
    /// A node cannot declare this one dead before deadtime has passed since it heard it, and it heard it no earlier
    /// than the message was sent that it confirms. A majority without this node has `needed` of the others in it, so
    /// none can have formed before the `needed`-th oldest confirmation is a deadtime old; the lease ends before that.
    var heldUntil: Instant {
        switch policy {
        case .ignore: return .distantFuture
        case .ping: return pingNodesReachable > 0 ? .distantFuture : .distantPast
        case .majority:
            let needed = nodeCount / 2 + 1
            guard confirmations.count >= needed else { return .distantFuture }
            return confirmations.sorted()[needed - 1] + lease
        }
    }
}
