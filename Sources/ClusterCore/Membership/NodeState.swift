// What this node knows of another member.
import ClusterModel
import Messaging

/// One member as seen from here.
struct NodeState: Sendable {
    let name: String
    let kind: Member.Kind
    var status = NodeStatus.initial
    var uuid: [UInt8]?
    /// When another machine was last heard under its name.
    var namesakeAt: Instant?
    var generation: UInt64 = 0
    var window: ReceiveWindow
    /// Number of the newest status that was used; an older one is stale.
    var statusSequence: UInt64 = 0
    /// Arrival of the newest status, or of the newest answer of a ping node.
    var heardAt: Instant?
    /// How long it may be silent: its own `dt`, deadping for ping nodes.
    var deadInterval: Duration
    /// Its interval has passed, and no vote has confirmed its death yet.
    var isSuspect = false
    /// Others still hear it: it is shown as unreachable from here.
    var isVetoed = false
    /// It said goodbye: its silence is no failure.
    var hasLeft = false
    /// What it could not stop when it was shut down: it may still run there.
    var leftBehind: [GroupReport] = []
    var cached: CachedStatus?
    /// Arrival of `cached`.
    var reportedAt = Instant.distantPast
    /// Until when it leaves this node its groups: what the newest message promised that it said it has heard. An
    /// earlier daemon's word binds its successor, which knows nobody better (`Cluster.knowsWhoHolds`).
    var promisedUntil: Instant?
    /// Its present daemon has heard the present one of this node.
    var hasHeardUs = false
    /// The medium on which it was heard last.
    var lastMedium: MediumID?
    var warnedOfConfiguration = false
    /// It speaks heartbeat 3.0.6 in a cluster that has no room for that: it is heard, and takes no part.
    var isRefused = false

    init(_ member: Member, deadInterval: Duration, acknowledgeTrigger: UInt64) {
        name = member.name
        kind = member.kind
        self.deadInterval = deadInterval
        window = ReceiveWindow(acknowledgeTrigger: acknowledgeTrigger)
    }

    /// Running, as far as anyone knows.
    var isAlive: Bool {
        switch status {
        case .up, .active, .ping: true
        case .initial: heardAt != nil || isVetoed
        case .dead: false
        }
    }

    /// Alive and heard here in time.
    var isReachable: Bool { isAlive && !isSuspect }

    var said: StatusExtension? { cached?.report.statusExtension }

    /// Its newest status is one of heartbeat 3.0.6.
    var isClassic: Bool { cached?.isClassic ?? false }
}
