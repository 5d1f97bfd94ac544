// Who is in the cluster: the nodes of ha.cf and the ping nodes of its media.

/// A member of the cluster, as its position in `Configuration.members`. Valid for one configuration only.
package struct NodeID: Comparable, Hashable, Sendable {
    package let index: Int

    package init(_ index: Int) { self.index = index }

    package static func < (a: NodeID, b: NodeID) -> Bool { a.index < b.index }
}

/// A name in the cluster and what stands behind it.
package struct Member: Equatable, Sendable {
    /// What a member is.
    package enum Kind: Equatable, Sendable {
        /// Runs heartbeat.
        case normal
        /// Only answers pings (`ping`, `ping_group`).
        case ping
    }

    /// Lower case, as in every message (specs/heartbeat.md 11.9).
    package var name: String
    package var kind: Kind

    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// The states of a node in words that are also the wire's (`st`, specs/heartbeat.md 4.1).
package enum NodeStatus: String, Sendable, CaseIterable {
    /// Never heard since this node started, or just started itself. Can transition to: up, active, ping (a status
    /// arrives), dead (initdead passes).
    case initial = "init"
    /// Running, its links not all known. Can transition to: active, dead.
    case up
    /// Fully joined. Can transition to: up (it restarted), dead.
    case active
    /// A ping node that answers. Can transition to: dead.
    case ping
    /// Judged dead. Can transition to: initial, up, active, ping (heard again).
    case dead
}
