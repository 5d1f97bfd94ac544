// Who may claim and who may hold when the cluster is divided (design, sections 4 and 5).
import ClusterModel

/// The facts that quorum looks at, for the normal nodes but this one.
struct QuorumInput {
    var policy: QuorumPolicy
    /// Number of configured normal nodes, this one included.
    var nodeCount: Int
    /// Normal nodes that are heard, this one included.
    var reachableCount: Int
    /// For each other normal node, until when it leaves this one its groups: a lease, which is shorter than the
    /// deadtime,
    /// after this node sent the newest message that the other one has heard.
    var promises: [Instant]
    /// When a ping node has answered last; nil where none has yet.
    var pingedAt: Instant?
    /// What an earlier daemon of this node left, until a ping node has answered this one.
    var inheritedUntil: Instant
    /// How long after the last answer this node may hold groups. Shorter than the others wait before they judge it.
    var lease: Duration
    /// An answer older than this is no proof that this node is on the right side of a cut.
    var freshness: Duration
    var now: Instant

    /// Whether this node may claim groups.
    var mayClaim: Bool {
        switch policy {
        case .majority: reachableCount * 2 > nodeCount
        case .ping: pingedAt.map { now - $0 <= freshness } ?? false
        case .ignore: true
        }
    }

    /// Until when this node may hold groups.
    ///
    /// A node cannot declare this one dead before deadtime has passed since it heard it, and it heard it no earlier
    /// than the message was sent that it confirms. A majority without this node has `needed` of the others in it, so
    /// none can have formed before the `needed`-th of the promises has ended.
    var heldUntil: Instant {
        switch policy {
        case .ignore: return .distantFuture
        case .ping: return pingedAt.map { $0 + lease } ?? inheritedUntil
        case .majority:
            let needed = nodeCount / 2 + 1
            guard promises.count >= needed else { return .distantFuture }
            return promises.sorted()[needed - 1]
        }
    }
}
